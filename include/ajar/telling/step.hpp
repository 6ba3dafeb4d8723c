// SPDX-License-Identifier: BSL-1.0
// ajar/telling/step.hpp - what a role just did, for whoever wants to watch.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/telling/log_line.hpp>

#include <exception>
#include <functional>
#include <string>
#include <string_view>

namespace ajar::telling {

/// One step of a role, with the letter that WO 2004/034190 gives it where it has one. Nothing secret is in it.
struct step {
  time_point at;            ///< the monotonic clock: one clock for all processes of a machine
  std::string_view letter;  ///< "A" to "G", or empty
  std::string_view what;    ///< a constant phrase
  std::string detail;       ///< ids and addresses; escaped where the network chose them
  log_level level = log_level::info;
  std::string peer{};  ///< who can cause such steps as often as it likes; empty: nobody can (telling/line_limit.hpp)
};

/// Gets each step as it happens, on the role's executor. It must not block.
using step_sink = std::function<void(const step&)>;

/// Report a step to a sink that may be empty.
inline void report_step(const step_sink& to, std::string_view letter, std::string_view what, std::string detail = {},
                        time_point at = clock::now()) {
  if (to) to(step{at, letter, what, std::move(detail), log_level::info, {}});
}

/// The same for what went wrong.
inline void report_trouble(const step_sink& to, std::string_view what, std::string detail = {}) {
  if (to) to(step{clock::now(), {}, what, std::move(detail), log_level::warning, {}});
}

/// A sink for what a peer causes.
inline step_sink caused_by(std::string peer, step_sink to) {
  if (!to) return to;
  return [peer = std::move(peer), to = std::move(to)](const step& one) {
    auto theirs = one;
    theirs.peer = peer;
    to(theirs);
  };
}

/// The same for what a coroutine has thrown: a fault of the program, or no memory.
inline void report_thrown(const step_sink& to, const std::exception_ptr& what) {
  try {
    std::rethrow_exception(what);
  } catch (const std::exception& error) {
    report_trouble(to, "a coroutine has thrown", error.what());
  } catch (...) {
    report_trouble(to, "a coroutine has thrown");
  }
}

}  // namespace ajar::telling
