// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/fetch.ipp - what ajar/files/fetch.hpp declares.
#pragma once

#include <ajar/files/fetch.hpp>

#include <ajar/core/moved_from.hpp>
#include <ajar/core/task_group.hpp>

#include <utility>

namespace ajar::files {

// Whoever reads keeps it (kept()): the file may go meanwhile, and takes the stream along.
struct incoming_file::state {
  state(streams::stream of, std::uint64_t announced) : from(std::move(of)), length(announced) {}

  awaitable<result<std::size_t>> read_some(std::span<std::uint8_t> into) {
    if (!from) co_return fail(errc::canceled);
    auto reading = from->read_some(into, clock::now() + patience);
    auto count = co_await std::move(reading);
    if (!from) co_return fail(errc::canceled);  // its end by the destructor looks like a reset
    if (count) {
      const auto fits = length.took(*count);
      if (!fits) co_return fail(fits.error());
      co_return *count;
    }
    const auto whole = length.ended(count.error());
    if (!whole) co_return fail(whole.error());
    co_return std::size_t{0};
  }

  std::optional<streams::stream> from;  // as long as the file is there
  body_length length;
};

AJAR_DECL incoming_file::incoming_file(streams::stream from, file_head head)
    : state_(std::make_shared<state>(std::move(from), head.count)), head_(std::move(head)) {}

AJAR_DECL incoming_file& incoming_file::operator=(incoming_file&& other) noexcept {
  if (this == &other) return *this;
  leave();
  state_ = std::move(other.state_);
  head_ = std::move(other.head_);
  return *this;
}

AJAR_DECL incoming_file::~incoming_file() { leave(); }

AJAR_DECL void incoming_file::leave() noexcept {
  if (state_) state_->from.reset();
}

AJAR_DECL awaitable<result<std::size_t>> incoming_file::read_some(std::span<std::uint8_t> into) {
  if (!state_) return answer_moved_from<std::size_t>();
  return kept(state_, state_->read_some(into));
}

// Whoever asks for an entry keeps it (kept()): the folder may go meanwhile, and takes the stream along.
struct incoming_folder::state {
  explicit state(streams::stream of) : from(std::move(of)) {}

  awaitable<result<std::optional<folder_entry>>> next() {
    for (;;) {
      if (!from) co_return fail(errc::canceled);
      if (auto entry = reader.next()) co_return entry;
      auto reading = from->read_some(piece, clock::now() + patience);
      auto count = co_await std::move(reading);
      if (!from) co_return fail(errc::canceled);  // its end by the destructor looks like a reset
      result<> taken;
      if (count) {
        taken = reader.add(bytes_view(piece).first(*count));
        if (!taken) co_return fail(taken.error());
        continue;
      }
      taken = body_length(0).ended(count.error());
      // a folder is not read again at its end: a reset there is a listing that was cut short
      if (!taken) co_return fail(taken.error() == errc::file_changed ? errc::share_cut_short : taken.error());
      taken = reader.finish();
      if (!taken) co_return fail(taken.error());
      co_return std::optional<folder_entry>();
    }
  }

  std::optional<streams::stream> from;  // as long as the folder is there
  listing_reader reader;
  bytes piece = bytes(16 * 1024);
};

AJAR_DECL incoming_folder::incoming_folder(streams::stream from, std::optional<file_time> modified)
    : state_(std::make_shared<state>(std::move(from))), modified_(modified) {}

AJAR_DECL incoming_folder& incoming_folder::operator=(incoming_folder&& other) noexcept {
  if (this == &other) return *this;
  leave();
  state_ = std::move(other.state_);
  modified_ = other.modified_;
  return *this;
}

AJAR_DECL incoming_folder::~incoming_folder() { leave(); }

AJAR_DECL void incoming_folder::leave() noexcept {
  if (state_) state_->from.reset();
}

AJAR_DECL awaitable<result<std::optional<folder_entry>>> incoming_folder::next() {
  if (!state_) return answer_moved_from<std::optional<folder_entry>>();
  return kept(state_, state_->next());
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
  const auto modified = time_in(*answered);
  if (!modified) co_return fail(modified.error());
  co_return incoming_folder(std::move(*stream), *modified);
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
