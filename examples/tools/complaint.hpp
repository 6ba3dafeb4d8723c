// SPDX-License-Identifier: BSL-1.0
// What went wrong, for a person or for a program, and the exit code that says what kind it is.
#pragma once

#include "json_line.hpp"

#include <ajar/core/error.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace tools {

// Exit codes, also in each --help and in docs/errors.md.
enum exit_code : int {
  success = 0,
  usage = 2,          // the command line
  local_trouble = 3,  // state folder, key, grant file, this machine's network
  no_central = 4,     // central is not there, is another, or does not serve us
  refused = 5,        // a grant, or what it permits
  not_reached = 6,    // the other side is offline, or no path worked
  cut_short = 7,      // a transfer that ended early, or a share that is not there
};

inline constexpr const char* exit_codes_help =
    "Exit codes: 0 done, 2 command line, 3 state folder or grant file, 4 central, 5 refused, 6 not reached, "
    "7 transfer\n";

inline exit_code exit_code_of(const std::error_code& why) {
  using ajar::cause_kind;
  if (why.category() != ajar::category()) return local_trouble;
  switch (ajar::kind_of(static_cast<ajar::errc>(why.value()))) {
    case cause_kind::here:
      return local_trouble;
    case cause_kind::central:
      return no_central;
    case cause_kind::permission:
      return refused;
    case cause_kind::way:
      return not_reached;
    case cause_kind::transfer:
      return cut_short;
  }
  return cut_short;
}

// From now on complaints are JSON, an object a line: docs/json.md. By default they are lines of text.
void complain_as_json(bool wished);

// A line: what was tried, what happened, what to do. What is known beside the cause stands in brackets, where there is
// something.
std::string complaint(std::string_view tool, std::string_view about, const std::error_code& why,
                      std::string_view known);
// The same for programs.
json_line complaint_report(std::string_view tool, std::string_view about, const std::error_code& why,
                           std::string_view known);

// On stderr.
// @param more  what a program learns besides
exit_code complain(std::string_view tool, std::string_view about, const std::error_code& why,
                   std::string_view known = {}, const json_line& more = json_line());
// What has no cause by name: what was wrong on the command line, or of this machine.
exit_code complain_in_words(std::string_view tool, exit_code kind, std::string_view what);

}  // namespace tools
