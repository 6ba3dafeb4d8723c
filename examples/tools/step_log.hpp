// SPDX-License-Identifier: BSL-1.0
// Steps as lines: one each, whatever their details contain.
#pragma once

#include "line_writer.hpp"
#include "settings.hpp"

#include <ajar/telling/log_line.hpp>
#include <ajar/telling/step.hpp>

#include <string>
#include <string_view>

namespace tools {

enum class step_format {
  logfmt,  // time=... level=... event=... key=value ...
  json,    // the same as a JSON object
  text,    // for people who watch
  trace    // --json: JSON with the microseconds of the machine's monotonic clock, to put steps of several processes in
           // order
};

step_format step_format_of(std::string_view name);

// Text as it is, but for what could end the line or reach the terminal.
std::string on_one_line(std::string_view text);

// One step, without the line's end. `now` is what the wall clock says.
std::string step_line(std::string_view who, step_format format, const ajar::telling::step& one,
                      ajar::telling::log_line::instant now);

// Now, as a line: with its end.
std::string step_line_now(std::string_view who, step_format format, const ajar::telling::step& one);

// Never waits for whoever reads.
ajar::telling::step_sink step_log(const std::string& who, step_format format, line_writer& to);

// Where the steps of `run` go. A line that was lost is told of in their own format.
line_writer& log_of_steps(const std::string& who, step_format format, int descriptor);

// Where the steps of 'run' go: --json, --log and --quiet. Nothing where nobody wants them.
ajar::telling::step_sink steps_as_told(const std::string& who, const settings& given);

// Of a clock that cannot be right: nobody gets in by it, until it is set.
void tell_of_clock(const ajar::telling::step_sink& steps);

}  // namespace tools
