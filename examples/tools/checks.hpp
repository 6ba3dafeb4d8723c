// SPDX-License-Identifier: BSL-1.0
// What is wrong with the values of options: what follows the option's name, or nothing.
#pragma once

#include "option.hpp"

#include <string>

namespace tools::check {

value_check duration(const std::string& example);

// a duration, or "0s"
std::string patience(const std::string& text);

std::string url(const std::string& text);

std::string endpoint(const std::string& text);

std::string address(const std::string& text);

// the same, of a router
std::string outside_address(const std::string& text);

// "40000-40099"
std::string port_range(const std::string& text);

// a name or an address, with a port or without
std::string host(const std::string& text);

std::string name(const std::string& text);

std::string named_path(const std::string& text);

// "every=30s"
std::string roster(const std::string& text);

}  // namespace tools::check
