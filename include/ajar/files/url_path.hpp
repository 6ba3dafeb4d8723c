// SPDX-License-Identifier: BSL-1.0
// ajar/files/url_path.hpp - paths of requests: percent-encoded outside, octets of names inside.
#pragma once

#include <ajar/core/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace ajar::files {

/// What a kernel takes as a path (PATH_MAX) and as a name in it (NAME_MAX).
inline constexpr std::size_t longest_path = 4095;
inline constexpr std::size_t longest_name = 255;

/// True for what can be the name of something in a folder: no '/', no NUL, not empty, '.' or '..', at most 255 octets.
inline bool is_entry_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_name && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

namespace detail {

// RFC 3986 section 2.3; what need not be encoded anywhere.
inline bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}
// RFC 3986 section 3.3, pchar without the escapes.
inline bool is_path_character(char c) {
  return is_unreserved(c) || (c != '\0' && std::string_view("!$&'()*+,;=:@").find(c) != std::string_view::npos);
}
inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace detail

/// Octets as a part of a path: everything but RFC 3986's unreserved characters is escaped.
inline std::string percent_encoded(std::string_view octets) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  text.reserve(octets.size());
  for (const char c : octets) {
    if (detail::is_unreserved(c)) {
      text += c;
    } else {
      const auto octet = static_cast<std::uint8_t>(c);
      text += '%';
      text += digits[octet >> 4];
      text += digits[octet & 15];
    }
  }
  return text;
}

/// The octets of a part of a path. Errors: path_malformed for a bad escape or a character that must be escaped.
inline result<std::string> percent_decoded(std::string_view text) {
  std::string octets;
  octets.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      if (!detail::is_path_character(text[at])) return fail(errc::path_malformed);
      octets += text[at];
      continue;
    }
    if (text.size() - at < 3) return fail(errc::path_malformed);
    const int high = detail::hex_digit(text[at + 1]);
    const int low = detail::hex_digit(text[at + 2]);
    if (high < 0 || low < 0) return fail(errc::path_malformed);
    octets += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return octets;
}

/// A place in a share, as octets of names: a share, what is inside it ("" is the share itself), and whether it was
/// asked for as a folder, by a '/' at its end. The root of all shares has no share and is a folder.
struct share_path {
  std::string share;
  std::string inside;
  bool folder = false;

  bool operator==(const share_path&) const = default;
};

/// Read the path of a request.
///
/// @param path  as it came: "/", "/SHARE", "/SHARE/FOLDER/", "/SHARE/FOLDER/FILE"
/// Errors: path_malformed: it does not begin with '/', an empty part, '.' or '..' (escaped or not), an escaped '/' or
/// NUL, a bad escape, a query, a name or a path that no kernel takes.
inline result<share_path> parse_url_path(std::string_view path) {
  if (!path.starts_with('/')) return fail(errc::path_malformed);
  path.remove_prefix(1);
  share_path made;
  if (path.empty()) {
    made.folder = true;
    return made;
  }
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = percent_decoded(path.substr(0, slash));
    if (!part || !is_entry_name(*part)) return fail(errc::path_malformed);
    if (made.share.empty()) {
      made.share = *part;
    } else {
      if (!made.inside.empty()) made.inside += '/';
      made.inside += *part;
    }
    made.folder = slash != std::string_view::npos;
    path.remove_prefix(made.folder ? slash + 1 : path.size());
    if (made.inside.size() > longest_path) return fail(errc::path_malformed);
  }
  return made;
}

/// The same the other way round. Precondition: the names are such that parse_url_path gives them back.
inline std::string to_url_path(const share_path& place) {
  std::string text = "/" + percent_encoded(place.share);
  for (std::string_view rest = place.inside; !rest.empty();) {
    const auto slash = rest.find('/');
    text += '/';
    text += percent_encoded(rest.substr(0, slash));
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  if (place.folder && !place.share.empty()) text += '/';
  return text;
}

}  // namespace ajar::files
