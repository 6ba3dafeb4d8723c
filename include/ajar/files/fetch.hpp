// SPDX-License-Identifier: BSL-1.0
// ajar/files/fetch.hpp - files and folders of a share, read over a session.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/files/file_client.hpp>
#include <ajar/streams/multiplexer.hpp>

#include <memory>
#include <optional>

namespace ajar::files {

/// A server that sends nothing for so long is given up.
inline constexpr std::chrono::seconds patience{60};

/// A file on its way: its head, then its octets. It is whole only when read_some() has given 0.
///
/// Moves, does not copy. Its destructor ends a read_some() that is under way, as does the assignment of another one.
/// One that was moved from answers moved_from.
class incoming_file {
 public:
  incoming_file(streams::stream from, file_head head);
  incoming_file(incoming_file&& other) noexcept = default;
  incoming_file& operator=(incoming_file&& other) noexcept;
  ~incoming_file();

  const file_head& head() const noexcept { return head_; }

  /// Some octets; 0 when all came and the server has confirmed that the file did not change meanwhile.
  /// Errors: share_cut_short, file_changed, body_length_wrong, stream_timeout, canceled, why the session ended.
  [[nodiscard]] awaitable<result<std::size_t>> read_some(std::span<std::uint8_t> into);

 private:
  struct state;
  void leave() noexcept;

  std::shared_ptr<state> state_;
  file_head head_;
};

/// A folder on its way, an entry at a time. It goes and moves as an incoming_file does.
class incoming_folder {
 public:
  explicit incoming_folder(streams::stream from, std::optional<file_time> modified = std::nullopt);
  incoming_folder(incoming_folder&& other) noexcept = default;
  incoming_folder& operator=(incoming_folder&& other) noexcept;
  ~incoming_folder();

  /// When the folder itself was changed; nothing where its server does not tell.
  const std::optional<file_time>& modified() const noexcept { return modified_; }

  /// The next entry; nothing when the listing is whole.
  /// Errors: listing_malformed, name_escapes, share_cut_short, stream_timeout, canceled, why the session ended.
  [[nodiscard]] awaitable<result<std::optional<folder_entry>>> next();

 private:
  struct state;
  void leave() noexcept;

  std::shared_ptr<state> state_;
  std::optional<file_time> modified_;
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
