// SPDX-License-Identifier: BSL-1.0
// What is shared: names, and where they are.
#pragma once

#include "../tools/console.hpp"
#include "../tools/landlock.hpp"

#include <ajar/core/log_line.hpp>
#include <ajar/services/shared_folder.hpp>

#include <map>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace tools {

// Shares by their names, and where they are.
struct named_share {
  std::string path;
  ajar::services::shared_folder what;
};
using named_shares = std::map<std::string, named_share>;

// What is wrong with them: "--share: what", or "FILE:LINE:COLUMN: share: what".
using planned_shares = tl::expected<named_shares, std::string>;

inline planned_shares plan_shares(const settings& given) {
  named_shares made;
  const auto all = given.as<std::vector<std::string>>("share");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto equals = all[i].find('=');
    const auto path = all[i].substr(equals + 1);
    const auto where = given.where("share", i) + ": " + ajar::escaped(path, 4096);
    if (landlock::keeps_from(path)) {
      return tl::unexpected(where + ": lies outside of what this process may read since it started: needs a restart");
    }
    auto opened = ajar::services::shared_folder::open(path);
    if (!opened && opened.error() == ajar::errc::openat2_missing) {
      return tl::unexpected(where + ": " + ajar::explain(opened.error()));
    }
    if (!opened) return tl::unexpected(where + ": no folder, and no file that can be read");
    made.emplace(all[i].substr(0, equals), named_share{path, std::move(*opened)});
  }
  if (made.empty()) return tl::unexpected<std::string>("share something: --share NAME=FOLDER");
  return made;
}

}  // namespace tools
