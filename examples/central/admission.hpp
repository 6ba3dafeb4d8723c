// SPDX-License-Identifier: BSL-1.0
// Which servers central serves, as its operator says it.
#pragma once

#include "../tools/console.hpp"
#include "../tools/trusted_file.hpp"

#include <ajar/switchboard/admission.hpp>

#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace tools {

inline constexpr const char* central_tool = "ajar-central";
inline constexpr const char* one_list = "one of --admit FILE and --open";

// What is wrong with it: "FILE:LINE: what".
using served = tl::expected<ajar::switchboard::admission, std::string>;

inline served read_admission(const settings& given) {
  if (given.count("open") + given.count("admit") != 1) return tl::unexpected<std::string>(one_list);
  if (given.count("open")) {
    tell("{}: --open serves every server that comes: for trials only\n", central_tool);
    return ajar::switchboard::admission::open();
  }
  const auto path = text_option(given, "admit");
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();
  struct stat status{};
  if (!file || ::stat(path.c_str(), &status) != 0) {
    return tl::unexpected(path + ": cannot be read: name a file with a peer id a line");
  }
  if (auto why = open_to_others(path, status); !why.empty()) return tl::unexpected(std::move(why));
  auto list = ajar::switchboard::admission::parse(content.str());
  if (list) return std::move(*list);
  return tl::unexpected(fmt::format("{}:{}: {}", path, list.error().line, ajar::explain(list.error().why)));
}

}  // namespace tools
