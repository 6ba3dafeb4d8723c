// SPDX-License-Identifier: BSL-1.0
// ajar/files/listing.hpp - a folder as lines of JSON, written and read one at a time.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/config.hpp>
#include <ajar/files/shared_folder.hpp>

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace ajar::files {

/// What a listing is called among media types: one JSON text a line.
inline constexpr std::string_view listing_type = "application/x-ndjson";
/// No honest line is longer: a name is 255 octets, each at most six characters of JSON.
inline constexpr std::size_t longest_line = 4096;

/// True for an entity tag that may be sent back as it is: strong, quoted, at most 128 characters.
inline bool is_etag(std::string_view text) {
  constexpr std::size_t longest = 128;
  return text.size() > 2 && text.size() <= longest && text.front() == '"' && text.back() == '"' &&
         std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) { return c > 0x20 && c < 0x7f && c != '"'; });
}

/// An entry as its line:
/// {"name", or "name_base64" where it is no UTF-8, "type", and of a file "size", "mtime", "mtime_ns", "etag"}; of a
/// link "to" (file, folder or other) what it leads to, if that is inside the share, and the facts of a file there.
///
/// @param key  what the name is called: another word where it is more than a name
std::string to_line(const folder_entry& one, const std::string& key = "name");

/// The last line: without it a listing is not whole.
std::string end_line(std::uint64_t entries);

/// Reads the lines of a listing that a stranger wrote, in pieces of any size, and holds no more than what it was given.
class listing_reader {
 public:
  /// Take some octets. Errors: listing_malformed, name_escapes for a name that is no entry's; for good.
  result<> add(bytes_view octets);
  /// The next entry that is whole; nothing where more octets are needed, or the listing has ended.
  std::optional<folder_entry> next() {
    if (entries_.empty()) return std::nullopt;
    auto one = std::move(entries_.front());
    entries_.pop_front();
    return one;
  }
  /// Called at the end of the body. Errors: share_cut_short where the last line is missing.
  result<> finish() const {
    if (!ended_ || !line_.empty()) return fail(errc::share_cut_short);
    return {};
  }

 private:
  result<> take_line();

  std::string line_;
  std::deque<folder_entry> entries_;
  std::int64_t count_ = 0;
  bool ended_ = false;
};

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/listing.ipp>
#endif
