// SPDX-License-Identifier: BSL-1.0
// ajar/state/issued_grants.hpp - what a server keeps of the grants that it signed, and which of them it took back.
#pragma once

#include <ajar/core/rate_limit.hpp>
#include <ajar/state/folder.hpp>
#include <ajar/state/issued_grant.hpp>
#include <ajar/state/revocation_list.hpp>
#include <ajar/trust/new_terms.hpp>
#include <ajar/trust/revocations.hpp>
#include <ajar/trust/succession.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ajar::state {

/// A file for each grant, in the server's state directory. A grant that is not there was never issued, whoever signed.
///
/// To take a grant back its file is renamed, which is durable and whole at once; the signed list of what was taken back
/// is made from these files, so no damage to that list gives anybody a grant back. What it has read once it keeps in
/// memory: take_back_removed() looks again. A running server finds what another process has issued meanwhile. Outlived
/// by its directory. Threads: one; processes that revoke hold the directory's lock.
class issued_grants {
 public:
  /// What the names of these files end with.
  static constexpr const char* issued = ".issued";

  /// Where the server has gone over from another key (folder::former), what that one has signed counts as well, and is
  /// signed by it, until forget_former().
  issued_grants(const state::folder& in, identity::peer_id server);

  /// Keep a new grant, or one with the same id and other terms, durably. Without a petname the client gets its short
  /// id.
  ///
  /// Errors: petname_taken (by another client), grant_malformed (the name is none), state_damaged, server_busy (another
  /// process is at it), the system's.
  result<> keep(issued_grant one);

  /// Sign a grant anew, under its id and for a life that begins now, and keep it: for the server it is what counts from
  /// then on, whatever the client shows.
  ///
  /// Errors: keep()'s.
  result<trust::signed_grant> renew(issued_grant one, const identity::key& self,
                                    const trust::new_terms& otherwise = {});

  /// What its client gets who asks for it: in the second half of its life it is renewed first, unless its owner did not
  /// want that. Errors: grant_unknown, keep()'s.
  result<trust::signed_grant> renewed_in_time(const trust::grant_id& id, const identity::key& self);

  /// A client goes over to another key: that gets a grant of its own, with the terms and the end of the one before,
  /// which goes on until this one is used (settle()). Asked again, also after a crash, it gives the same one.
  ///
  /// Errors: grant_unknown, grant_revoked (the successor's), trust::successor_of()'s, server_busy (often, one after the
  /// other), limit_reached (to many keys, and none of them was used), keep()'s.
  result<trust::signed_grant> succeed(const trust::grant_id& before, const trust::signed_succession& said,
                                      const identity::key& self);

  /// The same where this server has gone over to another key, its own: to a client that comes by the one before.
  ///
  /// Errors: grant_unknown (the key before has not signed it, too), grant_revoked, server_busy, limit_reached,
  /// keep()'s.
  result<trust::signed_grant> carry_over(const trust::grant_id& before, const identity::key& self);

  /// What the key before has signed is gone, durably, whoever has followed and who has not; and then that key. Nobody
  /// enters by either. Errors: the system's; again goes on.
  result<> forget_former();

  /// The client of a grant is there. Where it has come with another key than before, what that one was granted ends.
  ///
  /// @return the list of all that is taken back, as revoke() gives it; nothing where nothing is
  /// Errors: as revoke().
  result<std::optional<trust::signed_revocations>> settle(const trust::grant_id& used, const identity::key& self);

  /// The client of a grant is there: that is remembered, but not so that it outlasts a power cut.
  void saw(const trust::grant_id& id) const { (void)in_.set_time(name_of(id, issued), wall_now()); }

  /// The grant with this id, if this server issued it and has not taken it back.
  /// Errors: grant_unknown where it is none; state_damaged, server_busy (somebody asks for grants that there are not,
  /// one after the other), the system's: nobody knows.
  result<trust::signed_grant> find(const trust::grant_id& id);

  /// True for a grant that was taken back.
  bool was_taken_back(const trust::grant_id& id) const { return in_.time_of(name_of(id, revoked)).has_value(); }

  /// All that are not taken back. Errors: state_damaged where a file is none of this server's grants, the system's.
  result<std::vector<issued_grant>> list() const { return load_all(issued); }

  /// Those that somebody means: by a petname, a client's peer id, or a grant's id in hexadecimal.
  /// Errors: no_such_client where there are none, list()'s.
  result<std::vector<issued_grant>> named(std::string_view whom) const;

  /// Take grants back, durably: nobody finds them from then on, nor what their clients' other keys were given instead.
  ///
  /// @return the list of all that were, signed by this server, with a serial higher than any before
  /// Errors: the system's; some of the grants may be taken back then. Again is harmless.
  result<trust::signed_revocations> revoke(const std::vector<trust::grant_id>& which, const identity::key& self);

  /// Somebody may have removed files of grants, or added some: whose file is gone is taken back as by revoke(). Call it
  /// at the start, and whenever that may be (folder_watch). Who puts a file back gives nobody his grant back.
  ///
  /// @return the list, as revoke() gives it; nothing where no file is gone
  /// Errors: state_unusable (the whole directory is gone, and that takes nothing back), the system's; nobody finds
  /// these grants even so, and the next call tries again.
  result<std::optional<trust::signed_revocations>> take_back_removed(const identity::key& self);

  /// What was taken back, to begin with: nothing where nothing ever was. It is signed anew where the list is lost,
  /// damaged, or lacks a grant that was. Errors: state_damaged (a grant's file), the system's.
  result<std::optional<trust::signed_revocations>> revocations_in_force(const identity::key& self);

  /// Somebody shows a later list of this server's own: this directory is older than what it has signed. The grants in
  /// that list are taken back here too.
  ///
  /// @return the list of both, with a serial higher than either's
  /// Errors: signature_invalid (it is none of this server's), the system's.
  result<trust::signed_revocations> learn(const trust::signed_revocations& later, const identity::key& self);

 private:
  static constexpr std::string_view revoked = ".revoked";
  static constexpr wall_time never_seen{};              // as the file's time
  static constexpr std::int64_t most_lookups = 200;     // at once, of grants that are not in memory; then 20 a second
  static constexpr std::int64_t most_successions = 64;  // at once, of all clients; then one a second
  static constexpr std::ptrdiff_t most_successors = 4;  // of one grant

  const identity::key& signer_of(const trust::signed_grant& one, const identity::key& self) const {
    return former_ && one.signer() == former_->id() ? *former_ : self;
  }

  result<issued_grant> parse(std::string_view text) const;

  // @param one   the grant before, and what is kept of its client
  // @param body  the one that takes its place
  result<trust::signed_grant> keep_instead(issued_grant one, trust::grant body, const identity::key& by);

  // The same for the same two, so that nobody has two by asking twice.
  static trust::grant_id id_for(const trust::grant_id& before, const identity::peer_id& successor);

  static std::string name_of(const trust::grant_id& id, std::string_view ending);

  result<> write(const issued_grant& one, std::string_view ending) const;

  // One that stands under its own name, and was not put back there.
  result<issued_grant> load_own(const std::string& name) const;

  // All that have one of these roots, and the roots. A file that cannot be read stops nobody from taking others back.
  result<std::set<trust::grant_id>> families_of(std::set<trust::grant_id> roots) const;

  result<trust::signed_revocations> take_back_exactly(const std::set<trust::grant_id>& which,
                                                      const identity::key& self);

  result<> take_back(const trust::grant_id& id);

  result<issued_grant> load(const std::string& name) const;

  result<std::vector<issued_grant>> load_all(std::string_view ending) const;

  // The list of the files, of the list so far and of another one.
  result<trust::signed_revocations> sign_anew(const identity::key& self, const trust::revocations& other);

  const state::folder& in_;
  identity::peer_id server_;
  revocation_list list_;
  std::optional<identity::key> former_;
  std::map<trust::grant_id, issued_grant> known_;    // whose files there were
  std::map<trust::grant_id, issued_grant> removed_;  // whose files are gone, and that are not taken back yet
  rate_limit lookups_{std::chrono::milliseconds(50), most_lookups};
  rate_limit successions_{std::chrono::seconds(1), most_successions};
};

}  // namespace ajar::state

#ifdef AJAR_HEADER_ONLY
#include <ajar/state/impl/issued_grants.ipp>
#endif
