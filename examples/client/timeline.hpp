// SPDX-License-Identifier: BSL-1.0
// One window as its three parties saw it: for --explain.
#pragma once

#include "../tools/json_line.hpp"
#include "../tools/step_log.hpp"

#include <ajar/rendezvous/timeline.hpp>

#include <fmt/format.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace tools {

namespace detail {

inline std::int64_t microseconds_since(const ajar::rendezvous::timeline& all, const ajar::rendezvous::told_step& one) {
  return std::chrono::duration_cast<std::chrono::microseconds>(one.at - all.front().at).count();
}

}  // namespace detail

// A table: when, who, the patent's letter, what.
inline std::string timeline_text(const ajar::rendezvous::timeline& all) {
  std::string made = "the window, in ms since it was asked for:\n";
  for (const auto& one : all) {
    const auto us = detail::microseconds_since(all, one);
    const char letter = one.said.letter == 0 ? ' ' : static_cast<char>(one.said.letter);
    made += fmt::format("{:>10.3f}  {:<7}  {}  {}{}{}\n", static_cast<double>(us) / 1000,
                        ajar::rendezvous::to_string(one.who), letter, one.said.what,
                        one.said.detail.empty() ? "" : ": ", on_one_line(one.said.detail));
  }
  return made;
}

// The same as one JSON object on a line.
inline std::string timeline_json(const ajar::rendezvous::timeline& all) {
  std::vector<json_line> steps;
  for (const auto& one : all) {
    const std::string letter(one.said.letter == 0 ? 0 : 1, static_cast<char>(one.said.letter));
    steps.emplace_back(json_line::texts::ascii)
        .with("us", detail::microseconds_since(all, one))
        .with("who", ajar::rendezvous::to_string(one.who))
        .with("letter", letter)
        .with("what", one.said.what)
        .with("detail", one.said.detail)
        .with("trouble", one.said.trouble);
  }
  return json_line().with("timeline", steps).text() + "\n";
}

inline ajar::rendezvous::timeline_sink timeline_log(bool json) {
  return [json](const ajar::rendezvous::timeline& all) {
    if (all.empty()) return;
    standard_error().put(json ? timeline_json(all) : timeline_text(all));
  };
}

}  // namespace tools
