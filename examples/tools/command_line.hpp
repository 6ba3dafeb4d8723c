// SPDX-License-Identifier: BSL-1.0
// What a tool was told on its command line, held against its table.
#pragma once

#include "settings.hpp"

#include <string>
#include <tl/expected.hpp>

namespace tools {

// What was said there alone. A command takes its own options (option::is_for), without a command all go.
tl::expected<settings, mistakes> read_command_line(const option_table& table, int count, const char* const* words);

// How it is called, and a line or more for each option: of the tool, or of one command.
//
// @param about  what stands above
// @param words  what follows the name, beside options
std::string options_help(const option_table& table, const option_table::command* of, const std::string& about,
                         const std::string& words);

}  // namespace tools
