// SPDX-License-Identifier: BSL-1.0
// What the three reference tools have in common towards a person and a shell.
#pragma once

#include "complaint.hpp"
#include "line_writer.hpp"
#include "settings.hpp"

#include <ajar/core/clock.hpp>
#include <ajar/core/error.hpp>
#include <ajar/net/endpoint.hpp>
#include <ajar/state/folder.hpp>

#include <signal.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tools {

// Options that may be absent.
std::string text_option(const settings& given, const char* name);
std::vector<std::string> list_option(const settings& given, const char* name);

// What a complaint is about, with central's host where its name is what failed.
inline std::string about_or_host(const std::string& about, const ajar::net::endpoint& central,
                                 const std::error_code& why) {
  return ajar::net::is_of_name(why) ? about + ": " + central.host() : about;
}

// The state folder and the key in it. Complains by itself.
struct node {
  ajar::state::folder state;
  ajar::identity::key key;
  std::optional<ajar::identity::key> successor{};  // which it goes over to
  std::optional<ajar::identity::key> former{};     // which it has gone over from

  // The one of that id.
  const ajar::identity::key& key_of(const ajar::identity::peer_id& id) const {
    return successor && successor->id() == id ? *successor : key;
  }
};
std::optional<node> open_node(std::string_view tool, std::string_view kind, const std::string& option);

// Whoever runs with a state folder holds its lock for life. Nothing: it has complained.
std::optional<ajar::state::folder::hold> hold_state(std::string_view tool, const ajar::state::folder& state);

// A whole number of s, m, h or d: 90s, 30d. Nothing where it is none, or beyond a hundred years.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);
// The same, or 0s.
std::optional<std::chrono::seconds> parse_patience(std::string_view text);

// 2004-04-22T12:00:00Z
inline std::string date_of(ajar::wall_time at) {
  const auto seconds = static_cast<std::time_t>(at.time_since_epoch().count());
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

// Grants and invites begin and end by this machine's clock: before ajar was written it cannot have been right.
inline bool is_possible(ajar::wall_time now) {
  constexpr ajar::wall_time written{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};
  constexpr ajar::wall_time worn{std::chrono::sys_days(std::chrono::year(2126) / 1 / 1)};
  return written <= now && now < worn;
}
// For commands that sign. False: it has complained.
bool clock_is_set(std::string_view tool);

// No file of ours gets the number of an input or output that this process was started without: 2>&- would write into
// it.
void keep_standard_numbers();

// Runs a tool's main: what the system throws becomes a line and an exit code, and so does output that could not be
// written. Whoever stops reading what it says does not end it.
template <class Main>
int guarded(const char* tool, Main&& body) {
  keep_standard_numbers();
  ::signal(SIGPIPE, SIG_IGN);
  (void)standard_error();  // opened now: a fence may come
  ::tzset();               // the same of the time zone's file
  const auto spoiled = [tool](const char* why) { return complain_in_words(tool, local_trouble, why); };
  try {
    const int code = body();
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
    return code == success ? spoiled(std::strerror(errno)) : code;
  } catch (const std::exception& error) {
    return spoiled(error.what());
  }
}

}  // namespace tools
