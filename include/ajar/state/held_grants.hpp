// SPDX-License-Identifier: BSL-1.0
// ajar/state/held_grants.hpp - what a client keeps of the grants that it was given.
#pragma once

#include <ajar/state/folder.hpp>
#include <ajar/trust/grant_file.hpp>

#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace ajar::state {

/// A file for each server, under the name that the client's owner uses for it. Threads: one.
class held_grants {
 public:
  struct entry {
    std::string petname;
    trust::grant_file file;
  };
  /// A file that is no grant any more, or cannot be read; it costs itself alone.
  struct damaged {
    std::string petname;
    std::error_code why;  ///< state_damaged, or the system's
  };
  struct listing {
    std::vector<entry> good;
    std::vector<damaged> bad;
  };

  held_grants(const state::folder& in, identity::peer_id client) : in_(in), client_(std::move(client)) {}

  /// Keep a grant under a name; a later one of the same server takes the place of an earlier one.
  ///
  /// @param petname  is_name(); by default what the server calls itself
  /// @return the name
  /// Errors: grant_of_another (made for another key), grant_expired, petname_taken (by another server), grant_malformed
  /// (the name is none), state_damaged (what has that name), the system's. Nothing is changed then.
  result<std::string> add(const trust::grant_file& file, std::string petname = {}) const;

  /// A later one of a grant that is kept under this name: renewed, or with another central. Where another has its place
  /// meanwhile, that one stays. Errors: no_grant, grant_unknown (another has its place), state_damaged, the system's.
  result<> update(const trust::grant_file& file, const std::string& petname) const;

  /// What `before` came to when one of the two went over to another key: it takes that one's place. Errors: as
  /// update().
  result<> succeed(const trust::signed_grant& before, const trust::grant_file& file, const std::string& petname) const;

  /// All of them, by name. Errors: the system's, of the folder.
  result<listing> list() const;

  /// Where the grant of that name is kept.
  std::string path_of(const std::string& petname) const { return in_.path() + "/" + petname + std::string(ending); }

 private:
  static constexpr std::string_view ending = ".grant";

  result<trust::grant_file> load(const std::string& name) const;

  result<> replace(const trust::grant_file& file, const std::string& petname, const trust::signed_grant& kept) const;

  const state::folder& in_;
  identity::peer_id client_;
};

}  // namespace ajar::state

#ifdef AJAR_HEADER_ONLY
#include <ajar/state/impl/held_grants.ipp>
#endif
