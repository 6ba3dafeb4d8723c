// SPDX-License-Identifier: BSL-1.0
// How each tool begins: it reads what it was told, and answers what every tool answers.
#pragma once

#include "option_table.hpp"
#include "settings.hpp"

#include <variant>

namespace tools {

// The settings, or the exit code of a tool that is done already: it was asked for --help, config or completion, or what
// it was told is wrong.
std::variant<settings, int> begin(const option_table& table, const char* examples, int count, const char* const* words);

}  // namespace tools
