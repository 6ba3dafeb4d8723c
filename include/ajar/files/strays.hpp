// SPDX-License-Identifier: BSL-1.0
// ajar/files/strays.hpp - what a folder here has, and the one that it was fetched from has no longer.
#pragma once

#include <ajar/files/destination.hpp>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

namespace ajar::files {

/// Which strays go.
struct stray_rules {
  replaces which = replaces::fetched;  ///< also what its owner has changed, or put there
  bool dry = false;                    ///< nothing is removed
  /// What stays all the same; the path is below the destination.
  std::function<bool(const std::string& path, bool folder)> keeps{};
};

/// One that went. The path is below the destination.
struct removed_stray {
  std::string path;
  bool folder = false;
  bool foreseen = false;  ///< it has not: it would, as the rules are dry
};

/// What came of some strays.
struct strays_outcome {
  struct failure {
    std::string path;
    bool folder = false;
    std::error_code why;
  };

  std::vector<removed_stray> removed;  ///< what is in a folder stands before it
  std::uint64_t kept = 0;              ///< files and folders that are their owner's
  std::vector<failure> failed;
};

/// The names here that are not among those there. Where the file system knows something by other spellings of its name
/// too, these are no strays; nor are half files.
std::vector<std::string> strays_in(const destination_folder& in, const std::set<std::string>& there);

/// Remove files, and folders with what is in them, as far as they were fetched and are unchanged since (see
/// destination_folder::admits). A folder goes when it has become empty, or was empty and was fetched. A link, which is
/// never fetched, is its owner's; it is not followed. Devices, FIFOs, sockets, state folders of nodes, and disks that
/// are mounted there stay whatever the rules say. Blocks; may run on any thread.
strays_outcome remove_strays(const destination_folder& in, const std::vector<std::string>& names,
                             const stray_rules& how);

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/strays.ipp>
#endif
