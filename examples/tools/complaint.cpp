// SPDX-License-Identifier: BSL-1.0
#include "complaint.hpp"

#include "advice.hpp"
#include "line_writer.hpp"
#include "shown_name.hpp"

#include <ajar/core/bytes.hpp>
#include <ajar/telling/cause_name.hpp>

#include <fmt/format.h>

namespace tools {

namespace {

bool as_json = false;

}  // namespace

void complain_as_json(bool wished) { as_json = wished; }

std::string complaint(std::string_view tool, std::string_view about, const std::error_code& why,
                      std::string_view known) {
  auto line = fmt::format("{}: {}: {}", tool, shown(about), why.message());
  if (!known.empty()) line += fmt::format(" ({})", ajar::escaped(known));
  const auto what_to_do = advice(why);
  if (!what_to_do.empty()) line += fmt::format(": {}", what_to_do);
  return line;
}

json_line complaint_report(std::string_view tool, std::string_view about, const std::error_code& why,
                           std::string_view known) {
  json_line line;
  line.with("tool", tool).with("exit_code", static_cast<int>(exit_code_of(why)));
  line.with_octets("about", about).with("cause", ajar::telling::cause_name(why)).with("message", why.message());
  if (!known.empty()) line.with("known", known);
  if (const auto what_to_do = advice(why); !what_to_do.empty()) line.with("advice", what_to_do);
  return line;
}

exit_code complain(std::string_view tool, std::string_view about, const std::error_code& why, std::string_view known,
                   const json_line& more) {
  if (as_json) {
    tell("{}\n", complaint_report(tool, about, why, known).with_all(more).text());
  } else {
    tell("{}\n", complaint(tool, about, why, known));
  }
  return exit_code_of(why);
}

exit_code complain_in_words(std::string_view tool, exit_code kind, std::string_view what) {
  if (as_json) {
    json_line line;
    line.with("tool", tool).with("exit_code", static_cast<int>(kind)).with("message", what);
    tell("{}\n", line.text());
  } else {
    tell("{}: {}\n", tool, what);
  }
  return kind;
}

}  // namespace tools
