// SPDX-License-Identifier: BSL-1.0
// What is offered by one word, as the process that serves it tells others: its client, and whoever waits. Pure.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/files/url_path.hpp>
#include <ajar/trust/grant.hpp>

#include <fmt/format.h>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tools {

// What a client asks for, and what it calls it.
struct offered {
  std::string service;
  std::string name;

  bool operator==(const offered&) const = default;
};

// Where a client asks what is offered to it, and where it says that it has all of it.
inline constexpr const char* offer_path = "/.offer";
inline constexpr const char* fetched_path = "/.fetched";

// A line for each: the service, and the name in base32.
inline std::string to_text(const std::vector<offered>& all) {
  std::string text;
  for (const auto& one : all) text += one.service + " " + ajar::to_base32(ajar::as_bytes(one.name)) + "\n";
  return text;
}

// Of a stranger's octets. Nothing where a name is none of a file's, or comes twice.
inline std::optional<std::vector<offered>> parse_offered(std::string_view text) {
  std::vector<offered> all;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    const auto space = line.find(' ');
    if (end == std::string_view::npos || space == std::string_view::npos) return std::nullopt;
    const auto octets = ajar::from_base32(line.substr(space + 1));
    offered one{std::string(line.substr(0, space)), octets ? std::string(ajar::as_text(*octets)) : std::string()};
    if (!ajar::trust::is_name(one.service) || !ajar::files::is_entry_name(one.name)) return std::nullopt;
    for (const auto& other : all) {
      if (other.service == one.service || other.name == one.name) return std::nullopt;
    }
    if (all.size() == ajar::trust::grant::most_services) return std::nullopt;
    all.push_back(std::move(one));
    text.remove_prefix(end + 1);
  }
  if (all.empty()) return std::nullopt;
  return all;
}

// How it goes.
struct offer_state {
  std::uint64_t words = 0;    // that were given out
  std::uint64_t fetched = 0;  // of them, whose clients have all
  std::uint64_t here = 0;     // sessions now
  std::uint64_t octets = 0;   // that these have had
  std::string last{};         // who came last, and how

  bool operator==(const offer_state&) const = default;
};

inline std::string to_text(const offer_state& one) {
  return fmt::format("{} {} {} {} {}", one.words, one.fetched, one.here, one.octets, one.last);
}

inline std::optional<offer_state> parse_offer_state(std::string_view text) {
  offer_state made;
  for (auto* number : {&made.words, &made.fetched, &made.here, &made.octets}) {
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, *number);
    if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != ' ') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(parsed.ptr - text.data()) + 1);
  }
  made.last = text;
  return made;
}

}  // namespace tools
