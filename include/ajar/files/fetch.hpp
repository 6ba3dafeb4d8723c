// SPDX-License-Identifier: BSL-1.0
// ajar/files/fetch.hpp - files and folders of a share, read over a session.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/files/file_client.hpp>
#include <ajar/streams/multiplexer.hpp>

#include <optional>

namespace ajar::files {

/// A server that sends nothing for so long is given up.
inline constexpr std::chrono::seconds patience{60};

/// A file on its way: its head, then its octets. It is whole only when read_some() has given 0.
class incoming_file {
 public:
  incoming_file(streams::stream from, file_head head)
      : stream_(std::move(from)), head_(std::move(head)), length_(head_.count) {}

  const file_head& head() const noexcept { return head_; }

  /// Some octets; 0 when all came and the server has confirmed that the file did not change meanwhile.
  /// Errors: share_cut_short, file_changed, body_length_wrong, stream_timeout, canceled, why the session ended.
  [[nodiscard]] awaitable<result<std::size_t>> read_some(std::span<std::uint8_t> into);

 private:
  streams::stream stream_;
  file_head head_;
  body_length length_;
};

/// A folder on its way, an entry at a time.
class incoming_folder {
 public:
  explicit incoming_folder(streams::stream from) : stream_(std::move(from)) {}

  /// The next entry; nothing when the listing is whole.
  /// Errors: listing_malformed, name_escapes, share_cut_short, stream_timeout, canceled, why the session ended.
  [[nodiscard]] awaitable<result<std::optional<folder_entry>>> next();

 private:
  streams::stream stream_;
  listing_reader reader_;
  bytes piece_ = bytes(16 * 1024);
};

/// Ask for a file. Errors: as parse_file_head, the stream's.
[[nodiscard]] awaitable<result<incoming_file>> open_file(streams::multiplexer& over, file_request asked);

/// Ask for the entries of a folder. Errors: the server's, such as not_a_folder; answer_unexpected; the stream's.
[[nodiscard]] awaitable<result<incoming_folder>> open_folder(streams::multiplexer& over, share_path place);

/// What is at a place: a file with its facts, or a folder. The digest comes with `asked.digest()`, which takes the
/// server its time: `longest` is how long. Errors: as parse_file_head, the stream's.
[[nodiscard]] awaitable<result<file_head>> look_at(streams::multiplexer& over, file_request asked,
                                                   clock::duration longest = patience);

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/fetch.ipp>
#endif
