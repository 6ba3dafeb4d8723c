// SPDX-License-Identifier: BSL-1.0
// ajar/state/held_grants.hpp - what a client keeps of the grants that it was given.
#pragma once

#include <ajar/state/folder.hpp>
#include <ajar/trust/grant_file.hpp>

#include <string>
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
  result<std::string> add(const trust::grant_file& file, std::string petname = {}) const {
    if (file.grant.body().client != client_) return fail(errc::grant_of_another);
    if (wall_now() >= file.grant.body().not_after) return fail(errc::grant_expired);
    if (petname.empty()) petname = file.server_name;
    if (!trust::is_name(petname)) return fail(errc::grant_malformed);
    const auto name = petname + std::string(ending);
    const auto text = trust::to_text(file);
    const auto made = in_.create(name, as_bytes(text));
    if (!made) return fail(made.error());
    if (*made) return petname;
    const auto before = load(name);  // whose it is stays so: nobody gives a name to another server
    if (!before) return fail(before.error());
    if (before->grant.signer() != file.grant.signer()) return fail(errc::petname_taken);
    auto written = in_.write(name, as_bytes(text));
    if (!written) return fail(written.error());
    return petname;
  }

  /// A later one of a grant that is kept under this name: renewed, or with another central. Where another has its place
  /// meanwhile, that one stays. Errors: no_grant, grant_unknown (another has its place), state_damaged, the system's.
  result<> update(const trust::grant_file& file, const std::string& petname) const {
    return replace(file, petname, file.grant);
  }

  /// What `before` came to when one of the two went over to another key: it takes that one's place. Errors: as
  /// update().
  result<> succeed(const trust::signed_grant& before, const trust::grant_file& file, const std::string& petname) const {
    return replace(file, petname, before);
  }

  /// All of them, by name. Errors: the system's, of the folder.
  result<listing> list() const {
    auto names = in_.list(ending);
    if (!names) return fail(names.error());
    listing all;
    for (const auto& name : *names) {
      auto petname = name.substr(0, name.size() - ending.size());
      auto one = load(name);
      if (one) {
        all.good.push_back({std::move(petname), std::move(*one)});
      } else if (one.error() != errc::no_grant) {  // removed meanwhile
        all.bad.push_back({std::move(petname), one.error()});
      }
    }
    return all;
  }

  /// Where the grant of that name is kept.
  std::string path_of(const std::string& petname) const { return in_.path() + "/" + petname + std::string(ending); }

 private:
  static constexpr std::string_view ending = ".grant";

  result<trust::grant_file> load(const std::string& name) const {
    auto content = in_.read(name);
    if (!content) return fail(content.error());
    if (!*content) return fail(errc::no_grant);
    auto file = trust::parse_grant_file(as_text(**content));
    if (!file) return fail(errc::state_damaged);
    return file;
  }

  result<> replace(const trust::grant_file& file, const std::string& petname, const trust::signed_grant& kept) const {
    const auto alone = in_.alone();  // from the look at it to the write
    if (!alone) return fail(alone.error());
    const auto name = petname + std::string(ending);
    const auto before = load(name);
    if (!before) return fail(before.error());
    const auto& there = before->grant;
    if (there.body().id != kept.body().id || there.signer() != kept.signer()) return fail(errc::grant_unknown);
    return in_.write(name, as_bytes(trust::to_text(file)));
  }

  const state::folder& in_;
  identity::peer_id client_;
};

}  // namespace ajar::state
