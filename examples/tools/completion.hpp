// SPDX-License-Identifier: BSL-1.0
// Completion in a shell, made from a tool's table: TOOL completion SHELL.
#pragma once

#include "option_table.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tools {

// "bash", "zsh", "fish"
const std::vector<std::string>& completion_shells();

// The script. Nothing for another shell.
std::string completion(const option_table& table, std::string_view shell);

}  // namespace tools
