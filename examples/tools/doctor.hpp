// SPDX-License-Identifier: BSL-1.0
// "doctor": what on this machine is in the way, and what to do about it.
#pragma once

#include "advice.hpp"
#include "console.hpp"

#include <ajar/core/clock.hpp>
#include <ajar/core/error.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/windows/cloak.hpp>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace tools {

enum class grade {
  good,
  note,  // it works, but less well
  bad
};

struct finding {
  grade how = grade::good;
  std::string what;   // was looked at
  std::string found;  // there
  std::string to_do;  // empty where nothing has to be done
};
using findings = std::vector<finding>;

inline finding good(std::string what, std::string found) {
  return {grade::good, std::move(what), std::move(found), {}};
}
inline finding note(std::string what, std::string found, std::string to_do) {
  return {grade::note, std::move(what), std::move(found), std::move(to_do)};
}
inline finding bad(std::string what, std::string found, std::string to_do) {
  return {grade::bad, std::move(what), std::move(found), std::move(to_do)};
}
inline finding bad(std::string what, const std::error_code& why) {
  return bad(std::move(what), why.message(), std::string(advice(why)));
}

// ---- what every tool looks at

// The folder and the key in it; what is not there yet is not made for this.
finding look_at_state(std::string_view kind, const std::string& option);

// Grants, invites and proofs begin and end by it.
finding judge_clock(ajar::wall_time now, bool synchronised);
finding look_at_clock();

finding look_at_versions();
// --version: the tool's and the project's, and below it the libraries'.
std::string versions_of(std::string_view tool);

finding look_at_sandbox();

// A port of loopback, open for some microseconds.
finding look_at_cloak(ajar::windows::cloak wish);

// May it be bound? What is bound here listens at no time.
finding look_at_port(const std::string& what, const std::string& text);

// Is it there, and is it the right one?
finding look_at_central(const ajar::identity::url& central);

// ---- how it is told

// One line each; @return the exit code
int tell_findings(const findings& all, bool as_json);

}  // namespace tools
