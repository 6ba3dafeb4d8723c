// SPDX-License-Identifier: BSL-1.0
// ajar/control/message.hpp - what is asked of a running tool and what it answers, as datagrams.
#pragma once

#include <ajar/core/result.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ajar::control {

/// What is asked: a verb of lower-case letters and dashes, and its arguments, any text without NUL.
struct request {
  static constexpr std::size_t longest = 4096;  ///< as a datagram
  static constexpr std::size_t longest_verb = 32;
  static constexpr std::size_t most_arguments = 64;

  std::string verb;
  std::vector<std::string> arguments;
};

/// What comes back in a datagram: the text itself, or that it is in a file that was passed along, or why there is none.
struct reply {
  static constexpr std::size_t longest_text = 32 * 1024;   ///< in the datagram; longer ones are passed
  static constexpr std::size_t longest_passed = 64 << 20;  ///< in a file

  std::error_code why;                  ///< no error: there is a text
  std::string text;                     ///< where it is not passed
  std::optional<std::uint64_t> passed;  ///< its length, where it is
};

namespace detail {

inline constexpr std::string_view control_version = "ajar-control/1";

// Every field ends with a NUL, so one message has one encoding.
inline void append_field(std::string& to, std::string_view field) {
  to += field;
  to += '\0';
}
inline std::optional<std::string_view> take_field(std::string_view& from) {
  const auto end = from.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  const auto field = from.substr(0, end);
  from.remove_prefix(end + 1);
  return field;
}
template <class Number>
std::optional<Number> take_number(std::string_view& from) {
  const auto field = take_field(from);
  if (!field) return std::nullopt;
  Number value{};
  const auto parsed = std::from_chars(field->data(), field->data() + field->size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != field->data() + field->size()) return std::nullopt;
  return value;
}

inline result<> take_control_version(std::string_view& from) {
  const auto version = take_field(from);
  if (!version || !version->starts_with("ajar-control/")) return fail(errc::message_malformed);
  if (*version != control_version) return fail(errc::unknown_version);
  return {};
}

inline bool is_verb(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; };
  return !text.empty() && text.size() <= request::longest_verb && std::ranges::all_of(text, fits);
}

}  // namespace detail

/// Errors: message_malformed (no verb, or a NUL in it), limit_reached, message_too_long.
inline result<std::string> to_datagram(const request& what) {
  if (!detail::is_verb(what.verb)) return fail(errc::message_malformed);
  if (what.arguments.size() > request::most_arguments) return fail(errc::limit_reached);
  std::string octets;
  detail::append_field(octets, detail::control_version);
  detail::append_field(octets, what.verb);
  for (const auto& one : what.arguments) {
    if (one.find('\0') != std::string::npos) return fail(errc::message_malformed);
    detail::append_field(octets, one);
  }
  if (octets.size() > request::longest) return fail(errc::message_too_long);
  return octets;
}

/// Errors: message_malformed, unknown_version, limit_reached, message_too_long.
inline result<request> parse_request(std::string_view octets) {
  if (octets.size() > request::longest) return fail(errc::message_too_long);
  auto version = detail::take_control_version(octets);
  if (!version) return fail(version.error());
  const auto verb = detail::take_field(octets);
  if (!verb || !detail::is_verb(*verb)) return fail(errc::message_malformed);
  request made{std::string(*verb), {}};
  while (!octets.empty()) {
    const auto argument = detail::take_field(octets);
    if (!argument) return fail(errc::message_malformed);
    if (made.arguments.size() == request::most_arguments) return fail(errc::limit_reached);
    made.arguments.emplace_back(*argument);
  }
  return made;
}

/// Causes of ajar and of the system travel as themselves, others as message_malformed.
inline std::string to_datagram(const reply& what) {
  std::string octets;
  detail::append_field(octets, detail::control_version);
  if (what.why) {
    const bool foreign =
        what.why.category() == std::system_category() || what.why.category() == std::generic_category();
    const bool known = foreign || what.why.category() == category();
    detail::append_field(octets, foreign ? "system" : "ajar");
    detail::append_field(octets, std::to_string(known ? what.why.value() : static_cast<int>(errc::message_malformed)));
  } else if (what.passed) {
    detail::append_field(octets, "passed");
    detail::append_field(octets, std::to_string(*what.passed));
  } else {
    detail::append_field(octets, "text");
    octets += what.text;
  }
  return octets;
}

/// Errors: message_malformed, unknown_version.
inline result<reply> parse_reply(std::string_view octets) {
  auto version = detail::take_control_version(octets);
  if (!version) return fail(version.error());
  const auto kind = detail::take_field(octets);
  if (!kind) return fail(errc::message_malformed);
  reply made;
  if (*kind == "text") {
    made.text = octets;
    return made;
  }
  if (*kind == "passed") {
    made.passed = detail::take_number<std::uint64_t>(octets);
    if (!made.passed || *made.passed > reply::longest_passed || !octets.empty()) {
      return fail(errc::message_malformed);
    }
    return made;
  }
  const auto value = detail::take_number<std::uint16_t>(octets);
  if (!value || *value == 0 || !octets.empty()) return fail(errc::message_malformed);
  if (*kind == "ajar") {
    made.why = errc_from_wire(*value);
  } else if (*kind == "system") {
    made.why = std::error_code(*value, std::system_category());
  } else {
    return fail(errc::message_malformed);
  }
  return made;
}

}  // namespace ajar::control
