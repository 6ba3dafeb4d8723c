// SPDX-License-Identifier: BSL-1.0
// ajar/services/fetch.hpp - files and folders of a share, read over a session.
#pragma once

#include <ajar/services/file_client.hpp>

namespace ajar::services {

namespace detail {
template <class Operation>
struct opened_by;
template <class Stream, class Executor>
struct opened_by<asio::awaitable<result<Stream>, Executor>> {
  using type = Stream;
};
}  // namespace detail

/// The streams that a multiplexer opens.
template <class Multiplexer>
using stream_of = typename detail::opened_by<decltype(std::declval<Multiplexer&>().open(std::declval<request>(), false,
                                                                                        time_point()))>::type;

/// A server that sends nothing for so long is given up.
inline constexpr std::chrono::seconds patience{60};

/// A file on its way: its head, then its octets. It is whole only when read_some() has given 0.
template <class Stream>
class incoming_file {
 public:
  incoming_file(Stream stream, file_head head)
      : stream_(std::move(stream)), head_(std::move(head)), length_(head_.count) {}

  const file_head& head() const noexcept { return head_; }

  /// Some octets; 0 when all came and the server has confirmed that the file did not change meanwhile.
  /// Errors: share_cut_short, file_changed, body_length_wrong, stream_timeout, canceled, why the session ended.
  [[nodiscard]] awaitable<result<std::size_t>> read_some(std::span<std::uint8_t> into) {
    auto count = co_await stream_.read_some(into, clock::now() + patience);
    if (count) {
      const auto fits = length_.took(*count);
      if (!fits) co_return fail(fits.error());
      co_return *count;
    }
    const auto whole = length_.ended(count.error());
    if (!whole) co_return fail(whole.error());
    co_return std::size_t{0};
  }

 private:
  Stream stream_;
  file_head head_;
  body_length length_;
};

/// A folder on its way, an entry at a time.
template <class Stream>
class incoming_folder {
 public:
  explicit incoming_folder(Stream stream) : stream_(std::move(stream)) {}

  /// The next entry; nothing when the listing is whole.
  /// Errors: listing_malformed, name_escapes, share_cut_short, stream_timeout, canceled, why the session ended.
  [[nodiscard]] awaitable<result<std::optional<folder_entry>>> next() {
    for (;;) {
      if (auto entry = reader_.next()) co_return entry;
      auto count = co_await stream_.read_some(piece_, clock::now() + patience);
      result<> taken;
      if (count) {
        taken = reader_.add(bytes_view(piece_).first(*count));
        if (!taken) co_return fail(taken.error());
        continue;
      }
      taken = body_length(0).ended(count.error());
      // a folder is not read again at its end: a reset there is a listing that was cut short
      if (!taken) co_return fail(taken.error() == errc::file_changed ? errc::share_cut_short : taken.error());
      taken = reader_.finish();
      if (!taken) co_return fail(taken.error());
      co_return std::optional<folder_entry>();
    }
  }

 private:
  Stream stream_;
  listing_reader reader_;
  bytes piece_ = bytes(16 * 1024);
};

namespace detail {

// The few octets of a refusal: a stream that is left before its end has to be reset, and a server bears few resets.
template <class Stream>
awaitable<void> read_to_end(Stream& stream) {
  constexpr int most_pieces = 16;
  bytes piece(1024);
  for (int i = 0; i < most_pieces; ++i) {
    auto count = co_await stream.read_some(piece, clock::now() + patience);
    if (!count) co_return;
  }
}

}  // namespace detail

/// Ask for a file. Errors: as parse_file_head, the stream's.
template <class Multiplexer>
[[nodiscard]] awaitable<result<incoming_file<stream_of<Multiplexer>>>> open_file(Multiplexer& over,
                                                                                 file_request asked) {
  auto stream = co_await over.open(asked.made(), false, clock::now() + patience);
  if (!stream) co_return fail(stream.error());
  auto answered = co_await stream->answer(clock::now() + patience);
  if (!answered) co_return fail(answered.error());
  auto head = parse_file_head(asked, *answered);
  if (!head) {
    co_await detail::read_to_end(*stream);
    co_return fail(head.error());
  }
  co_return incoming_file<stream_of<Multiplexer>>(std::move(*stream), std::move(*head));
}

/// Ask for the entries of a folder. Errors: the server's, such as not_a_folder; answer_unexpected; the stream's.
template <class Multiplexer>
[[nodiscard]] awaitable<result<incoming_folder<stream_of<Multiplexer>>>> open_folder(Multiplexer& over,
                                                                                     share_path place) {
  place.folder = true;
  request asked("GET", to_url_path(place));
  auto stream = co_await over.open(std::move(asked), false, clock::now() + patience);
  if (!stream) co_return fail(stream.error());
  auto answered = co_await stream->answer(clock::now() + patience);
  if (!answered) co_return fail(answered.error());
  const auto type = answered->fields().find("content-type");
  if (answered->status() != 200) {
    co_await detail::read_to_end(*stream);
    co_return fail(cause_of(*answered));
  }
  if (!type || *type != listing_type) co_return fail(errc::answer_unexpected);
  co_return incoming_folder<stream_of<Multiplexer>>(std::move(*stream));
}

/// What is at a place: a file with its facts, or a folder. The digest comes with `asked.digest()`, which takes the
/// server its time: `longest` is how long. Errors: as parse_file_head, the stream's.
template <class Multiplexer>
[[nodiscard]] awaitable<result<file_head>> look_at(Multiplexer& over, file_request asked,
                                                   clock::duration longest = patience) {
  asked.head();
  auto stream = co_await over.open(asked.made(), false, clock::now() + patience);
  if (!stream) co_return fail(stream.error());
  auto answered = co_await stream->answer(clock::now() + longest);
  if (!answered) co_return fail(answered.error());
  if (answered->status() == 308) {
    file_head folder;
    folder.facts.kind = entry_kind::folder;
    co_return folder;
  }
  auto head = parse_file_head(asked, *answered);
  co_return std::move(head);
}

}  // namespace ajar::services
