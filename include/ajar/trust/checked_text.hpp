// SPDX-License-Identifier: BSL-1.0
// ajar/trust/checked_text.hpp - small texts of named lines, as grants and what is kept of them stand in files.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/result.hpp>
#include <ajar/crypto/hash.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ajar::trust {

namespace detail {

// The first 80 bits of SHA-256: it finds damage, a signature finds forgery.
inline std::string sum_line(std::string_view text) {
  const auto digest = crypto::hash(as_bytes(text));
  return "sum " + to_base32(bytes_view(digest).first(10)) + "\n";
}

// What stands behind `name ` on the next line; the text goes on behind it.
inline std::optional<std::string_view> take_line(std::string_view& text, std::string_view name) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') return std::nullopt;
  return line.substr(name.size() + 1);
}

}  // namespace detail

/// A line of such a text. The value is not empty, and of one line.
struct named_value {
  std::string_view name;
  std::string_view value;
};

/// The lines KIND, NAME VALUE of each, and sum BASE32.
/// @param kind  ends with "/" and a version
inline std::string checked_text(std::string_view kind, std::initializer_list<named_value> values) {
  std::string text(kind);
  text += '\n';
  for (const auto& one : values) {
    text += one.name;
    text += ' ';
    text += one.value;
    text += '\n';
  }
  return text + detail::sum_line(text);
}

/// Read such a text; any octet that was changed, lost or added is found.
///
/// @return the values of these names, which come in this order
/// Errors: unknown_version (another version of the kind), or `malformed`.
inline result<std::vector<std::string>> parse_checked_text(std::string_view text, std::string_view kind,
                                                           std::initializer_list<std::string_view> names,
                                                           errc malformed) {
  constexpr std::size_t longest = 64 * 1024;
  if (text.size() > longest) return fail(malformed);
  const auto first = text.substr(0, text.find('\n'));
  if (first != kind)
    return fail(first.starts_with(kind.substr(0, kind.find('/') + 1)) ? errc::unknown_version : malformed);
  const auto sum_at = text.rfind("sum ");
  if (sum_at == std::string_view::npos || text.substr(sum_at) != detail::sum_line(text.substr(0, sum_at))) {
    return fail(malformed);
  }
  auto rest = text.substr(0, sum_at);
  rest.remove_prefix(first.size() + 1);
  std::vector<std::string> values;
  for (const auto& name : names) {
    const auto value = detail::take_line(rest, name);
    if (!value) return fail(malformed);
    values.emplace_back(*value);
  }
  if (!rest.empty()) return fail(malformed);
  return values;
}

}  // namespace ajar::trust
