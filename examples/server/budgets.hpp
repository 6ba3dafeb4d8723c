// SPDX-License-Identifier: BSL-1.0
// What a server permits, by how many descriptors it has.
#pragma once

#include "../tools/process_facts.hpp"

#include <ajar/files/open_files.hpp>
#include <ajar/telling/step.hpp>

#include <fmt/format.h>
#include <algorithm>

namespace tools {

struct server_budgets {
  std::size_t sessions;  // of all clients together
  ajar::files::open_limits files;
  bool less = false;  // than it would permit with enough descriptors
};

// Half of them for files, a quarter for sessions; the rest is for the link, windows, handshakes, grants and control.
inline server_budgets budgets_within(std::size_t descriptors) {
  constexpr std::size_t most_sessions = 1000;
  constexpr std::size_t most_files = 2048;
  server_budgets made;
  made.sessions = std::clamp<std::size_t>(descriptors / 4, 4, most_sessions);
  made.files.all = std::clamp<std::size_t>(descriptors / 2, 8, most_files);
  made.files.each = std::clamp<std::size_t>(made.files.all / 8, 4, 128);
  made.less = made.sessions < most_sessions || made.files.all < most_files;
  return made;
}

inline void tell_of_budgets(const server_budgets& of, const ajar::telling::step_sink& steps) {
  if (!of.less) return;
  ajar::telling::report_step(steps, "", "few descriptors",
                             fmt::format("{} sessions, {} files open, {} of a client, as this process may have {} "
                                         "files open: raise LimitNOFILE= of its "
                                         "unit, or ulimit -n",
                                         of.sessions, of.files.all, of.files.each, descriptor_limit()));
}

}  // namespace tools
