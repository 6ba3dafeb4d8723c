// SPDX-License-Identifier: BSL-1.0
// What is wrong with the values of options: what follows the option's name, or nothing.
#pragma once

#include "console.hpp"
#include "option.hpp"

#include <ajar/core/bytes.hpp>
#include <ajar/identity/url.hpp>
#include <ajar/net/endpoint.hpp>
#include <ajar/trust/grant.hpp>

#include <asio/ip/address.hpp>
#include <string>

namespace tools::check {

inline value_check duration(const std::string& example) {
  return [example](const std::string& text) {
    return parse_duration(text) ? std::string() : " is a duration such as " + example;
  };
}

inline std::string url(const std::string& text) {
  const auto parsed = ajar::identity::parse_url(text);
  return parsed ? std::string() : " '" + ajar::escaped(text) + "': " + ajar::explain(parsed.error());
}

inline std::string endpoint(const std::string& text) {
  const auto parsed = ajar::net::parse_numeric_endpoint(text);
  return parsed ? std::string() : ": " + ajar::explain(parsed.error());
}

inline std::string address(const std::string& text) {
  std::error_code error;
  asio::ip::make_address(text, error);
  return error ? " is an address of this machine" : std::string();
}

inline std::string name(const std::string& text) {
  return ajar::trust::is_name(text) ? std::string() : " is 1 to 64 letters, digits, dots, dashes and underscores";
}

inline std::string named_path(const std::string& text) {
  const auto equals = text.find('=');
  const bool good = equals != std::string::npos && ajar::trust::is_name(text.substr(0, equals));
  if (!good) return " is NAME=FILE, each name once: " + ajar::escaped(text);
  return equals + 1 == text.size() ? " names no file: " + ajar::escaped(text) : std::string();
}

// "every=30s"
inline std::string roster(const std::string& text) {
  const bool good = text == "live" || (text.starts_with("every=") && parse_duration(text.substr(6)));
  return good ? std::string() : " is live or every=TIME, such as every=30s";
}

}  // namespace tools::check
