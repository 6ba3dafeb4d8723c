// SPDX-License-Identifier: BSL-1.0
// What is shared: names, and where they are.
#pragma once

#include "../tools/advice.hpp"
#include "../tools/console.hpp"
#include "../tools/landlock.hpp"

#include <ajar/files/shared_folder.hpp>
#include <ajar/telling/log_line.hpp>
#include <ajar/telling/step.hpp>

#include <map>
#include <set>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace tools {

// Shares by their names, and where they are.
struct named_share {
  std::string path;
  ajar::files::shared_folder what;
};
using named_shares = std::map<std::string, named_share>;

// What is wrong with them: "--share: what", or "FILE:LINE:COLUMN: share: what".
using planned_shares = tl::expected<named_shares, std::string>;

// A file or a folder to share, or what is wrong with it.
inline tl::expected<ajar::files::shared_folder, std::string> open_share(const std::string& path) {
  if (landlock::keeps_from(path)) {
    return tl::unexpected<std::string>("lies outside of what this process may read since it started: needs a restart");
  }
  auto opened = ajar::files::shared_folder::open(path);
  if (opened) return std::move(*opened);
  if (opened.error() == ajar::errc::openat2_missing) return tl::unexpected(explain(opened.error()));
  if (opened.error() == ajar::errc::file_not_permitted) {
    return tl::unexpected<std::string>(
        "lies in a state folder of ajar: whoever may read the key there could be this node: share another folder");
  }
  return tl::unexpected<std::string>("no folder, and no file that can be read");
}

inline planned_shares plan_shares(const settings& given) {
  named_shares made;
  const auto all = given.as<std::vector<std::string>>("share");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto equals = all[i].find('=');
    const auto path = all[i].substr(equals + 1);
    const auto where = given.where("share", i) + ": " + ajar::escaped(path, 4096);
    auto opened = open_share(path);
    if (!opened) return tl::unexpected(where + ": " + opened.error());
    made.emplace(all[i].substr(0, equals), named_share{path, std::move(*opened)});
  }
  if (made.empty()) return tl::unexpected<std::string>("share something: --share NAME=FOLDER");
  return made;
}

// Shares that hold state folders go without them: their owner may have meant otherwise, so he is told. Those of the
// three tools are looked for where they are, and where they are by default.
inline void tell_of_state_folders(const named_shares& shared, const std::string& own,
                                  const ajar::telling::step_sink& steps) {
  std::set<std::string> all{own};
  for (const auto* kind : {"central", "server", "client"}) {
    if (auto place = ajar::state::folder::place({}, kind)) all.insert(std::move(*place));
  }
  for (const auto& state : all) {
    const ajar::descriptor folder(::open(state.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) continue;
    for (const auto& [name, one] : shared) {
      const auto top = one.what.top();
      if (one.what.is_file() || !ajar::files::lies_in(folder.get(), top)) continue;
      ajar::telling::report_trouble(steps, "a share holds a state folder, which is not served",
                                    name + ": " + ajar::escaped(state, 4096));
    }
  }
}

}  // namespace tools
