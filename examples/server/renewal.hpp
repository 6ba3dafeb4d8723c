// SPDX-License-Identifier: BSL-1.0
// renew: the new terms of a grant, as words on their way to the running server.
#pragma once

#include "terms.hpp"

#include <ajar/core/error.hpp>
#include <ajar/trust/new_terms.hpp>

#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tools {

// "NAME=VALUE", one for each that was said. Complains by itself.
inline std::optional<std::vector<std::string>> new_terms_said(const settings& given) {
  const auto services = services_said(given);
  if (!services) return std::nullopt;
  std::vector<std::string> words;
  for (const auto& one : *services) words.push_back("service=" + one.name + (one.write ? ":rw" : ":r"));
  for (const std::string name :
       {"for", "methods", "sessions", "windows", "windows-a-day", "windows-at-a-time", "windows-open"}) {
    if (given.count(name)) words.push_back(name + "=" + given.as<std::string>(name));
  }
  for (const std::string name : {"lan", "roam"}) {
    const bool yes = given.count(name) != 0;
    const bool no = given.count("no-" + name) != 0;
    if (yes && no) return wrong("one of --" + name + " and --no-" + name), std::nullopt;
    if (yes || no) words.push_back(name + (yes ? "=yes" : "=no"));
  }
  return words;
}

namespace detail {

inline std::optional<bool> yes_or_no(std::string_view text) {
  if (text != "yes" && text != "no") return std::nullopt;
  return text == "yes";
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number made{};
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, made);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return made;
}

// Sets the one that the word names. False where it is none, or its value is none.
inline bool take_term(ajar::trust::new_terms& into, std::string_view name, const std::string& value) {
  if (name == "service") {
    auto one = parse_service(value);
    if (one) into.services.push_back(std::move(*one));
    return one.has_value();
  }
  if (name == "for") return (into.life = parse_duration(value)).has_value();
  if (name == "methods") return (into.methods = parse_methods(value)).has_value();
  if (name == "lan") return (into.lan = yes_or_no(value)).has_value();
  if (name == "roam") return (into.roam = yes_or_no(value)).has_value();
  if (name == "sessions") return (into.sessions = number_in<std::uint16_t>(value)).has_value();
  if (name == "windows") return (into.windows_a_minute = number_in<std::uint16_t>(value)).has_value();
  if (name == "windows-at-a-time") return (into.windows_at_a_time = number_in<std::uint16_t>(value)).has_value();
  if (name == "windows-open") {
    const auto count = number_in<std::uint32_t>(value);
    if (count) into.listening = std::chrono::milliseconds(*count);
    return count.has_value();
  }
  if (name == "windows-a-day") return (into.windows_a_day = number_in<std::uint32_t>(value)).has_value();
  return false;
}

}  // namespace detail

// What new_terms_said() made. Errors: message_malformed.
inline ajar::result<ajar::trust::new_terms> parse_new_terms(std::span<const std::string> words) {
  ajar::trust::new_terms made;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || !detail::take_term(made, word.substr(0, equals), word.substr(equals + 1))) {
      return ajar::fail(ajar::errc::message_malformed);
    }
  }
  if (made.services.size() > ajar::trust::grant::most_services) return ajar::fail(ajar::errc::message_malformed);
  return made;
}

}  // namespace tools
