// SPDX-License-Identifier: BSL-1.0
// ajar/files/http_date.hpp - the dates of HTTP's fields (RFC 9110 section 5.6.7).
#pragma once

#include <ajar/core/clock.hpp>

#include <fmt/format.h>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace ajar::files {

namespace detail {
inline constexpr std::array<std::string_view, 7> week_days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
inline constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
}  // namespace detail

/// An instant in the preferred format, such as "Sun, 06 Nov 1994 08:49:37 GMT".
inline std::string to_http_date(wall_time at) {
  const auto days = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(days);
  const std::chrono::hh_mm_ss time(at - days);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     detail::week_days[std::chrono::weekday(days).c_encoding()], static_cast<unsigned>(date.day()),
                     detail::months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

/// The instant of a date in the preferred format, which alone is made today; nothing for all else.
inline std::optional<wall_time> parse_http_date(std::string_view text) {
  constexpr std::string_view shape = "Sun, 06 Nov 1994 08:49:37 GMT";
  if (text.size() != shape.size()) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t digits) {
    int value = -1;
    const auto* end = text.data() + at + digits;
    const auto parsed = std::from_chars(text.data() + at, end, value);
    return parsed.ptr == end && parsed.ec == std::errc{} ? value : -1;
  };
  unsigned month = 0;
  for (unsigned i = 0; i < detail::months.size(); ++i) {
    if (text.substr(8, 3) == detail::months[i]) month = i + 1;
  }
  const int day = number(5, 2);
  const int year = number(12, 4);
  const int hours = number(17, 2);
  const int minutes = number(20, 2);
  const int seconds = number(23, 2);
  if (month == 0 || day < 1 || year < 0 || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 ||
      seconds > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  const wall_time made = std::chrono::sys_days(date) + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
                         std::chrono::seconds(seconds);
  // the day of the week, the commas, blanks and colons have to be there too
  return seconds == 60 || to_http_date(made) == text ? std::optional(made) : std::nullopt;
}

}  // namespace ajar::files
