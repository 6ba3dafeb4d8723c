// SPDX-License-Identifier: BSL-1.0
// ajar/telling/impl/cause_name.ipp - what ajar/telling/cause_name.hpp declares.
#pragma once

#include <ajar/telling/cause_name.hpp>

#include <array>
#include <cstring>
#include <utility>

namespace ajar::telling {

namespace detail {

// The enumerator's own name, as the compiler writes it, so that no second list of names has to be kept.
template <errc Value>
constexpr std::string_view enumerator_name() {
  constexpr std::string_view function =
      __PRETTY_FUNCTION__;  // gcc, clang: "... [with ajar::errc Value = ajar::errc::eof; ..."
  constexpr std::string_view mark = "Value = ajar::errc::";
  constexpr auto at = function.find(mark);
  if constexpr (at == std::string_view::npos) {
    return {};
  } else {
    constexpr auto name = function.substr(at + mark.size());
    return name.substr(0, name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"));
  }
}

inline constexpr std::size_t most_causes = 512;

template <std::size_t... Values>
constexpr auto enumerator_names(std::index_sequence<Values...>) {
  return std::array<std::string_view, sizeof...(Values)>{enumerator_name<static_cast<errc>(Values)>()...};
}

}  // namespace detail

AJAR_DECL std::string_view cause_name(errc cause) {
  static constexpr auto names = detail::enumerator_names(std::make_index_sequence<detail::most_causes>());
  const auto value = static_cast<std::size_t>(cause);
  return value < names.size() ? names[value] : std::string_view{};
}

AJAR_DECL std::string cause_name(const std::error_code& code) {
  if (!code) return "none";
  if (code.category() == category()) {
    const auto name = cause_name(static_cast<errc>(code.value()));
    if (!name.empty()) return std::string(name);
  }
  if (code.category() == std::system_category() || code.category() == std::generic_category()) {
    if (const char* name = ::strerrorname_np(code.value())) return name;
  }
  auto text = std::string(code.category().name()) + "_" + std::to_string(code.value());
  for (char& c : text) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fits) c = '_';
  }
  return text;
}

}  // namespace ajar::telling
