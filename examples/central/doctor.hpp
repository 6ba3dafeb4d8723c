// SPDX-License-Identifier: BSL-1.0
// doctor: what is in central's way on this machine.
#pragma once

#include "../tools/doctor.hpp"
#include "../tools/status.hpp"
#include "admission.hpp"

#include <sys/resource.h>
#include <string>

namespace tools {

namespace detail {

inline finding look_at_list(const settings& given) {
  if (given.count("open")) return note("list", "--open serves every server", "name a list by --admit, but for trials");
  const auto folder = ajar::state::folder::place(text_option(given, "state"), "central");
  if (!folder) return bad("list", folder.error());
  const auto list = read_admission(given, *folder);
  if (!list) return bad("list", list.error(), "mend it; 'ajar-server id' prints a server's");
  if (list->size() == 0)
    return note("list", "no server is on it", "ajar-central invite NAME, or admit ID, as 'ajar-server id' prints it");
  return good("list", list_path(given, *folder));
}

// Each link is a descriptor.
inline finding look_at_descriptors(std::size_t links) {
  constexpr std::size_t others = 256;
  rlimit most{};
  ::getrlimit(RLIMIT_NOFILE, &most);
  const auto text = fmt::format("{} open files at most, for {} links", most.rlim_max, links);
  if (most.rlim_max >= links + others) return good("descriptors", text);
  return note("descriptors", text, "raise the limit (LimitNOFILE= of a unit), or say --most-links");
}

}  // namespace detail

inline int examine_central(const settings& given) {
  const auto state = text_option(given, "state");
  findings all{look_at_state("central", state),
               look_at_clock(),
               look_at_versions(),
               look_at_sandbox(),
               detail::look_at_list(given),
               detail::look_at_descriptors(given.as<std::size_t>("most-links"))};
  const auto folder = ajar::state::folder::place(state, "central");
  const auto running = folder ? detail::ask_status(*folder, "control") : ajar::fail(folder.error());
  if (running) {
    all.push_back(good("central", "runs"));
  } else if (given.count("listen")) {
    all.push_back(look_at_port("port", text_option(given, "listen")));
  } else {
    all.push_back(note("port", "none was named", "name it: doctor --listen ADDR:PORT"));
  }
  return tell_findings(all, given.count("json") != 0);
}

}  // namespace tools
