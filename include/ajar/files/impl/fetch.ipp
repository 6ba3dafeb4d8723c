// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/fetch.ipp - what ajar/files/fetch.hpp declares.
#pragma once

#include <ajar/files/fetch.hpp>

#include <utility>

namespace ajar::files {

AJAR_DECL awaitable<result<std::size_t>> incoming_file::read_some(std::span<std::uint8_t> into) {
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

AJAR_DECL awaitable<result<std::optional<folder_entry>>> incoming_folder::next() {
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

namespace detail {

// The few octets of a refusal: a stream that is left before its end has to be reset, and a server bears few resets.
inline awaitable<void> read_to_end(streams::stream& from) {
  constexpr int most_pieces = 16;
  bytes piece(1024);
  for (int i = 0; i < most_pieces; ++i) {
    auto count = co_await from.read_some(piece, clock::now() + patience);
    if (!count) co_return;
  }
}

}  // namespace detail

AJAR_DECL awaitable<result<incoming_file>> open_file(streams::multiplexer& over, file_request asked) {
  auto stream = co_await over.open(asked.made(), false, clock::now() + patience);
  if (!stream) co_return fail(stream.error());
  auto answered = co_await stream->answer(clock::now() + patience);
  if (!answered) co_return fail(answered.error());
  auto head = parse_file_head(asked, *answered);
  if (!head) {
    co_await detail::read_to_end(*stream);
    co_return fail(head.error());
  }
  co_return incoming_file(std::move(*stream), std::move(*head));
}

AJAR_DECL awaitable<result<incoming_folder>> open_folder(streams::multiplexer& over, share_path place) {
  place.folder = true;
  streams::request asked("GET", to_url_path(place));
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
  co_return incoming_folder(std::move(*stream));
}

AJAR_DECL awaitable<result<file_head>> look_at(streams::multiplexer& over, file_request asked,
                                               clock::duration longest) {
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

}  // namespace ajar::files
