// SPDX-License-Identifier: BSL-1.0
// What to do about a cause, in the words of the tools: their commands and options.
#pragma once

#include <ajar/core/error.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace tools {

// Empty where nobody knows.
std::string_view advice(const std::error_code& why);

// One line: what happened, then what to do about it.
std::string explain(const std::error_code& why);

}  // namespace tools
