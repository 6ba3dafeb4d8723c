// SPDX-License-Identifier: BSL-1.0
// What a tool says of itself, made from its table: --help, and help COMMAND.
//
// `examples` is "Examples:", and lines "  TOOL COMMAND ...".
#pragma once

#include "option_table.hpp"

#include <string>
#include <string_view>

namespace tools {

// What stands behind a command: "FILE". Where nothing is said its example shows it.
std::string spoken_words(completes what);

// All commands, all options, the examples, and the exit codes.
std::string help_of(const option_table& table, std::string_view examples);

// What one command takes, and those lines of the examples that show it.
std::string help_of(const option_table& table, std::string_view examples, const option_table::command& one);

}  // namespace tools
