// SPDX-License-Identifier: BSL-1.0
// ajar/telling/log_line.hpp - one event as one line, whatever its texts contain.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ajar::telling {

enum class log_level { info, warning, error };

constexpr std::string_view to_string(log_level level) {
  return level == log_level::info ? "info" : level == log_level::warning ? "warning" : "error";
}

/// One event: when, how grave, what, and fields.
///
/// A line is printable ASCII: no text can begin a line of its own or reach the terminal with a control sequence, and a
/// text that is longer than `longest_value` ends in "...". Keys are constants of the program.
class log_line {
 public:
  using instant = std::chrono::sys_time<std::chrono::milliseconds>;
  static constexpr std::size_t longest_value = 1024;

  log_line(instant at, log_level level, std::string_view event) : at_(at), level_(level), event_(event) {}

  log_line& with(std::string_view key, std::string_view value) {
    fields_.emplace_back(key, value);
    return *this;
  }

  /// time=... level=... event=... key=value ...: values are quoted where they have to be, without a line's end.
  std::string logfmt() const {
    std::string line = "time=" + rfc3339(at_);
    line.append(" level=").append(to_string(level_)).append(" event=");
    append_logfmt(line, event_);
    for (const auto& [key, value] : fields_) {
      line.append(" ").append(key).append("=");
      append_logfmt(line, value);
    }
    return line;
  }

  /// The same as a JSON object (RFC 8259), all values strings; what is no UTF-8 becomes U+FFFD.
  std::string json() const {
    std::string line = "{\"time\":\"" + rfc3339(at_) + "\"";
    line.append(",\"level\":\"").append(to_string(level_)).append("\",\"event\":");
    append_json(line, event_);
    for (const auto& [key, value] : fields_) {
      line.append(",\"").append(key).append("\":");
      append_json(line, value);
    }
    return line + "}";
  }

  /// RFC 3339 in UTC with milliseconds.
  static std::string rfc3339(instant at) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(at);
    const auto seconds = static_cast<std::time_t>(whole.time_since_epoch().count());
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char text[32];
    const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &utc);
    const auto thousandths = std::to_string(1000 + (at - whole).count());
    return std::string(text, size) + thousandths.substr(1) + "Z";
  }

 private:
  static constexpr std::string_view hex = "0123456789abcdef";

  static std::string_view head(std::string_view value) { return value.substr(0, longest_value); }

  static void append_logfmt(std::string& to, std::string_view value) {
    const auto plain = [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\'; };
    bool bare = !value.empty() && value.size() <= longest_value;
    for (const char c : head(value)) bare = bare && plain(c);
    if (bare) {
      to += value;
      return;
    }
    to += '"';
    for (const char c : head(value)) {
      const auto octet = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        to += '\\';
        to += c;
      } else if (c == '\n' || c == '\r' || c == '\t') {
        to.append("\\").append(1, c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
      } else if (octet >= 0x20 && octet < 0x7f) {
        to += c;
      } else {
        to.append("\\x").append(1, hex[octet >> 4]).append(1, hex[octet & 15]);
      }
    }
    if (value.size() > longest_value) to += "...";
    to += '"';
  }

  static void append_unit(std::string& to, std::uint32_t unit) {
    to += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) to += hex[(unit >> shift) & 15];
  }

  // The code point that a text begins with, and how many octets it has (RFC 3629 section 4); {U+FFFD, 1} for none.
  static std::pair<std::uint32_t, std::size_t> first_point(std::string_view from) {
    const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(from[at]); };
    const auto lead = octet(0);
    const std::size_t size = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
    constexpr std::pair<std::uint32_t, std::size_t> none{0xfffd, 1};
    if (size == 0 || size > from.size()) return none;
    if (size == 1) return {lead, 1};
    std::uint32_t point = lead & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) {
      if ((octet(i) & 0xc0) != 0x80) return none;
      point = (point << 6) | (octet(i) & 0x3fU);
    }
    const bool overlong = (size == 3 && point < 0x800) || (size == 4 && point < 0x10000);
    if (overlong || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return none;
    return {point, size};
  }

  static void append_json(std::string& to, std::string_view value) {
    auto left = head(value);
    to += '"';
    while (!left.empty()) {
      const auto [point, size] = first_point(left);
      left.remove_prefix(size);
      if (point == '"' || point == '\\') {
        to += '\\';
        to += static_cast<char>(point);
      } else if (point >= 0x20 && point < 0x7f) {
        to += static_cast<char>(point);
      } else if (point < 0x10000) {
        append_unit(to, point);
      } else {  // a surrogate pair (RFC 8259 section 7)
        append_unit(to, 0xd800 + ((point - 0x10000) >> 10));
        append_unit(to, 0xdc00 + ((point - 0x10000) & 0x3ff));
      }
    }
    if (value.size() > longest_value) to += "...";
    to += '"';
  }

  instant at_;
  log_level level_;
  std::string event_;
  std::vector<std::pair<std::string_view, std::string>> fields_;
};

}  // namespace ajar::telling
