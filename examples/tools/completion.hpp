// SPDX-License-Identifier: BSL-1.0
// Completion in bash, made from a tool's table: TOOL completion bash.
#pragma once

#include "option_table.hpp"

#include <string>

namespace tools {

std::string bash_completion(const option_table& table);

}  // namespace tools
