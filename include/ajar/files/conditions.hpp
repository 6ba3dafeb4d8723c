// SPDX-License-Identifier: BSL-1.0
// ajar/files/conditions.hpp - what a request's conditions and range mean for a file as it is now; pure.
#pragma once

#include <ajar/files/file_facts.hpp>
#include <ajar/files/http_date.hpp>
#include <ajar/streams/head.hpp>

#include <limits>

namespace ajar::files {

/// What to answer: a status, and which octets of the file with 200 and 206.
struct file_part {
  unsigned status = 200;
  std::uint64_t first = 0;
  std::uint64_t count = 0;

  bool operator==(const file_part&) const = default;
};

namespace detail {

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// If-Match and If-None-Match: "*" or a list of tags. Ours have no comma in them; a weak one equals none of ours by the
// strong comparison (RFC 9110 section 8.8.3.2), and is compared without its W/ by the weak one.
inline bool names_etag(std::string_view list, std::string_view etag, bool weakly) {
  if (trimmed(list) == "*") return true;
  while (!list.empty()) {
    const auto comma = list.find(',');
    auto one = trimmed(list.substr(0, comma));
    if (weakly && one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

inline std::optional<std::uint64_t> parse_place(std::string_view digits) {
  std::uint64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value);
  if (digits.empty() || parsed.ptr != end) return std::nullopt;
  if (parsed.ec == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
  return parsed.ec == std::errc{} ? std::optional(value) : std::nullopt;
}

// RFC 9110 section 14.1.2. What is no single range of octets counts as if it were not there (section 14.2).
inline file_part part_of(std::string_view range, std::uint64_t size) {
  const file_part whole{200, 0, size};
  constexpr std::string_view unit = "bytes=";
  if (!range.starts_with(unit)) return whole;
  range = trimmed(range.substr(unit.size()));
  const auto dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) return whole;
  const auto before = range.substr(0, dash);
  const auto after = range.substr(dash + 1);
  const auto last = parse_place(after);
  if (before.empty()) {
    if (!last) return whole;
    if (*last == 0 || size == 0) return {416, 0, 0};
    const auto count = std::min(*last, size);
    return {206, size - count, count};
  }
  const auto first = parse_place(before);
  if (!first || (!after.empty() && (!last || *last < *first))) return whole;
  if (*first >= size) return {416, 0, 0};
  const auto end = last ? std::min(*last, size - 1) : size - 1;
  return {206, *first, end - *first + 1};
}

}  // namespace detail

/// Decide on a GET or HEAD of a file: RFC 9110 section 13.2.2, in its order, then section 14.2.
///
/// @return 200 and 206 with the octets, or 304, 412, 416
inline file_part decide(const streams::request& asked, const file_facts& now) {
  const auto& fields = asked.fields();
  const auto second = std::chrono::floor<std::chrono::seconds>(now.modified);
  const auto date_in = [&](std::string_view name) {
    const auto text = fields.find(name);
    return text ? parse_http_date(*text) : std::nullopt;
  };
  if (const auto list = fields.find("if-match")) {
    if (!detail::names_etag(*list, now.etag, false)) return {412, 0, 0};
  } else if (const auto until = date_in("if-unmodified-since"); until && second > *until) {
    return {412, 0, 0};
  }
  if (const auto list = fields.find("if-none-match")) {
    if (detail::names_etag(*list, now.etag, true)) return {304, 0, 0};
  } else if (const auto since = date_in("if-modified-since"); since && second <= *since) {
    return {304, 0, 0};
  }
  const auto range = fields.find("range");
  // a date of whole seconds is no strong validator (section 13.1.5), so only our tag makes a range of what is known
  const auto only_if = fields.find("if-range");
  if (!range || asked.method() != "GET" || (only_if && *only_if != now.etag)) return {200, 0, now.size};
  return detail::part_of(*range, now.size);
}

}  // namespace ajar::files
