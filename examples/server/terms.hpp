// SPDX-License-Identifier: BSL-1.0
// What a grant permits, as it is said and as it is shown.
#pragma once

#include "said.hpp"

#include <ajar/trust/grant.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tools {

// NAME:r. There is no NAME:rw yet: nothing that is served can be written.
inline std::optional<ajar::trust::service_right> parse_service(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || text.substr(colon + 1) != "r") return std::nullopt;
  ajar::trust::service_right made{text.substr(0, colon), true, false};
  if (!ajar::trust::is_name(made.name)) return std::nullopt;
  return made;
}

inline std::string services_of(const ajar::trust::grant& body) {
  std::string text;
  for (const auto& one : body.services) {
    text += (text.empty() ? "" : ",") + one.name + (one.write ? ":rw" : ":r");
  }
  return text;
}

inline std::string methods_of(const ajar::trust::grant& body) {
  std::string text;
  if (body.permits(ajar::trust::method::outbound)) text = "outbound";
  if (body.permits(ajar::trust::method::window)) text += text.empty() ? "window" : ",window";
  return text;
}

// How much of it, and by which ways.
inline std::string limits_of(const ajar::trust::grant& body) {
  return fmt::format("by {}; {} sessions, {} windows at a time, {} a minute, {} a day, open for {} ms a minute{}{}",
                     methods_of(body), body.sessions, body.windows_at_a_time, body.windows_a_minute, body.windows_a_day,
                     body.listening.count(), body.lan ? "; lan" : "", body.roam ? "; roam" : "");
}

// The services that were said, each name once. Complains by itself.
inline std::optional<std::vector<ajar::trust::service_right>> services_said(const settings& given) {
  ajar::trust::grant made;
  for (const auto& text : list_option(given, "service")) {
    if (text.ends_with(":rw")) {
      return wrong("--service " + ajar::escaped(text) + ": shares are for reading alone: grant NAME:r"), std::nullopt;
    }
    const auto one = parse_service(text);
    if (!one || made.find(one->name)) {
      return wrong("--service is NAME:r, each name once: " + ajar::escaped(text)), std::nullopt;
    }
    made.services.push_back(*one);
  }
  if (made.services.size() > ajar::trust::grant::most_services) {
    return wrong("a grant has at most 64 services"), std::nullopt;
  }
  return std::move(made.services);
}

// What a grant will permit, without its id, its client and its times. Complains by itself.
inline std::optional<ajar::trust::grant> terms_said(const settings& given) {
  const auto methods = parse_methods(given["methods"].as<std::string>());
  if (!methods) return wrong("--methods is outbound, window, or outbound,window"), std::nullopt;
  auto services = services_said(given);
  if (!services) return std::nullopt;
  if (services->empty()) return wrong("grant at least one service: --service NAME:r"), std::nullopt;
  ajar::trust::grant made;
  made.methods = *methods;
  made.lan = given.count("lan") != 0;
  made.roam = given.count("roam") != 0;
  made.sessions = given["sessions"].as<std::uint16_t>();
  made.windows_a_minute = given["windows"].as<std::uint16_t>();
  made.windows_a_day = given["windows-a-day"].as<std::uint32_t>();
  made.windows_at_a_time = given["windows-at-a-time"].as<std::uint16_t>();
  made.listening = std::chrono::milliseconds(given["windows-open"].as<std::uint32_t>());
  made.services = std::move(*services);
  return made;
}

// The table has checked them.
inline std::chrono::seconds duration_said(const settings& given, const char* name) {
  return *parse_duration(given[name].as<std::string>());
}

}  // namespace tools
