// SPDX-License-Identifier: BSL-1.0
#include "step_log.hpp"

#include "json_line.hpp"
#include "line_writer.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <chrono>
#include <cstdint>

namespace tools {

step_format step_format_of(std::string_view name) {
  return name == "json" ? step_format::json : name == "text" ? step_format::text : step_format::logfmt;
}

std::string on_one_line(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string safe;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f) {
      safe += c;
    } else {
      safe.append("\\x").append(1, digits[octet >> 4]).append(1, digits[octet & 15]);
    }
  }
  return safe;
}

std::string step_line(std::string_view who, step_format format, const ajar::telling::step& one,
                      ajar::telling::log_line::instant now) {
  if (format == step_format::trace) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(one.at.time_since_epoch()).count();
    json_line line(json_line::texts::ascii);
    line.with("us", us).with("who", who).with("letter", one.letter).with("what", one.what).with("detail", one.detail);
    return line.text();
  }
  if (format == step_format::text) {
    return fmt::format("{}: {:1} {}{}{}", who, one.letter, one.what, one.detail.empty() ? "" : ": ",
                       on_one_line(one.detail));
  }
  ajar::telling::log_line line(now, one.level, one.what);
  line.with("who", who);
  if (!one.letter.empty()) line.with("step", one.letter);
  if (!one.detail.empty()) line.with("detail", one.detail);
  return format == step_format::json ? line.json() : line.logfmt();
}

std::string step_line_now(std::string_view who, step_format format, const ajar::telling::step& one) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return step_line(who, format, one, now) + "\n";
}

ajar::telling::step_sink step_log(const std::string& who, step_format format, line_writer& to) {
  return [who, format, &to](const ajar::telling::step& one) { to.put(step_line_now(who, format, one)); };
}

line_writer& log_of_steps(const std::string& who, step_format format, int descriptor) {
  static line_writer one(descriptor, [who, format](std::uint64_t lines) {
    return step_line_now(who, format,
                         {ajar::clock::now(), "", "lines of this log were lost",
                          std::to_string(lines) + ": its reader was too slow, or could not keep them",
                          ajar::telling::log_level::warning});
  });
  return one;
}

ajar::telling::step_sink steps_as_told(const std::string& who, const settings& given) {
  const bool traced = given.count("json") != 0;
  if (given.count("quiet") && !traced) return {};
  const auto format = traced ? step_format::trace : step_format_of(given.as<std::string>("log"));
  return step_log(who, format, log_of_steps(who, format, traced ? STDOUT_FILENO : STDERR_FILENO));
}

void tell_of_clock(const ajar::telling::step_sink& steps) {
  const auto now = ajar::wall_now();
  if (is_possible(now)) return;
  ajar::telling::report_trouble(steps, "this machine's clock is wrong",
                                date_of(now) + ": grants and invites begin and end by it: set it");
}

}  // namespace tools
