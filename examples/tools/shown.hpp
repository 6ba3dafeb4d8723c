// SPDX-License-Identifier: BSL-1.0
// Names, sizes and times as a person reads them. Pure, but for the time zone.
#pragma once

#include "shown_name.hpp"

#include <ajar/core/clock.hpp>
#include <ajar/files/fetch_plan.hpp>
#include <ajar/files/file_facts.hpp>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <ctime>

namespace tools {

// 999 B, 1.5 kB, 23 MB: powers of ten, as disks are sold.
inline std::string shown_size(double octets) {
  constexpr std::array<const char*, 7> units = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  std::size_t unit = 0;
  while (octets >= 999.5 && unit + 1 < units.size()) {
    octets /= 1000;
    ++unit;
  }
  return octets < 9.95 && unit > 0 ? fmt::format("{:.1f} {}", octets, units[unit])
                                   : fmt::format("{:.0f} {}", octets, units[unit]);
}

// 0:07, 12:34, 3:04:05
inline std::string shown_duration(std::chrono::seconds length) {
  const auto hours = length.count() / 3600;
  const auto minutes = length.count() / 60 % 60;
  const auto seconds = length.count() % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, seconds) : fmt::format("{}:{:02}", minutes, seconds);
}

// 2004-04-22 10:00, in the time zone of $TZ or this machine, as ls has it. Whoever is behind a fence has called tzset()
// before.
inline std::string shown_time(ajar::files::file_time at) {
  const auto seconds =
      static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
  std::tm here{};
  if (!::localtime_r(&seconds, &here)) return "?";
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", here.tm_year + 1900, here.tm_mon + 1, here.tm_mday, here.tm_hour,
                     here.tm_min);
}

// 45 %  1.2 GB of 2.6 GB  112 MB/s  0:12 left  12 of 340 files
inline std::string shown_progress(const ajar::files::fetch_counts& now, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(now.octets - std::min(now.before, now.octets)) / seconds : 0;
  std::string line;
  if (now.complete && now.total > 0) {
    line += fmt::format("{:3} %  ",
                        static_cast<int>(100.0 * static_cast<double>(now.octets) / static_cast<double>(now.total)));
  }
  line += fmt::format("{} of {}{}  {}/s", shown_size(static_cast<double>(now.octets)),
                      shown_size(static_cast<double>(now.total)), now.complete ? "" : "+", shown_size(rate));
  if (now.complete && rate > 0 && now.total > now.octets) {
    constexpr double longest = 360'000;
    const auto left = std::min(longest, static_cast<double>(now.total - now.octets) / rate);
    line += "  " + shown_duration(std::chrono::seconds(static_cast<std::int64_t>(left + 0.5))) + " left";
  }
  line += fmt::format("  {} of {}{} files", now.files, now.known, now.complete ? "" : "+");
  return line;
}

}  // namespace tools
