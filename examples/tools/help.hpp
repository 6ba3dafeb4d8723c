// SPDX-License-Identifier: BSL-1.0
// What a tool says of itself, made from its table: --help, and help COMMAND.
//
// `examples` is "Examples:", and lines "  TOOL COMMAND ...".
#pragma once

#include "option_table.hpp"

#include <string>
#include <string_view>

namespace tools {

// All commands, all options, the examples, and the exit codes.
std::string help_of(const option_table& table, std::string_view examples);

// What one command takes, and those lines of the examples that show it.
std::string help_of(const option_table& table, std::string_view examples, const option_table::command& one);

}  // namespace tools
