// SPDX-License-Identifier: BSL-1.0
// ajar/state/issued_grants.hpp - what a server keeps of the grants that it signed, and which of them it took back.
#pragma once

#include <ajar/core/rate_limit.hpp>
#include <ajar/crypto/hash.hpp>
#include <ajar/state/folder.hpp>
#include <ajar/state/issued_grant.hpp>
#include <ajar/state/revocation_list.hpp>
#include <ajar/trust/new_terms.hpp>
#include <ajar/trust/revocations.hpp>
#include <ajar/trust/succession.hpp>

#include <algorithm>
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
  issued_grants(const state::folder& in, identity::peer_id server)
      : in_(in), server_(std::move(server)), list_(in, server_) {
    auto before = in_.former();
    if (before) former_ = std::move(*before);  // else its files are none of this server's, and told as such
  }

  /// Keep a new grant, or one with the same id and other terms, durably. Without a petname the client gets its short
  /// id.
  ///
  /// Errors: petname_taken (by another client), grant_malformed (the name is none), state_damaged, server_busy (another
  /// process is at it), the system's.
  result<> keep(issued_grant one) {
    const auto& body = one.grant.body();
    if (one.petname.empty()) one.petname = short_name(body.client);
    if (!trust::is_name(one.petname)) return fail(errc::grant_malformed);
    const auto alone = in_.alone();  // from the look at the names to the file that takes one
    if (!alone) return fail(alone.error());
    const auto all = list();
    if (!all) return fail(all.error());
    for (const auto& other : *all) {
      if (other.petname != one.petname || other.root() == one.root()) continue;
      if (other.grant.body().client != body.client) return fail(errc::petname_taken);
    }
    auto written = write(one, issued);
    if (!written) return written;
    known_.insert_or_assign(body.id, std::move(one));
    return {};
  }

  /// Sign a grant anew, under its id and for a life that begins now, and keep it: for the server it is what counts from
  /// then on, whatever the client shows.
  ///
  /// Errors: keep()'s.
  result<trust::signed_grant> renew(issued_grant one, const identity::key& self,
                                    const trust::new_terms& otherwise = {}) {
    one.grant = trust::signed_grant::sign(otherwise.change(one.grant.body(), wall_now()), signer_of(one.grant, self));
    auto renewed = one.grant;
    auto kept = keep(std::move(one));
    if (!kept) return fail(kept.error());
    return renewed;
  }

  /// What its client gets who asks for it: in the second half of its life it is renewed first, unless its owner did not
  /// want that. Errors: grant_unknown, keep()'s.
  result<trust::signed_grant> renewed_in_time(const trust::grant_id& id, const identity::key& self) {
    auto one = load(name_of(id, issued));
    if (!one) return fail(one.error());
    const bool in_time = one->renews && one->grant.body().in_second_half(wall_now());
    if (!in_time || one->grant.signer() != self.id()) return std::move(one->grant);
    return renew(std::move(*one), self);
  }

  /// A client goes over to another key: that gets a grant of its own, with the terms and the end of the one before,
  /// which goes on until this one is used (settle()). Asked again, also after a crash, it gives the same one.
  ///
  /// Errors: grant_unknown, grant_revoked (the successor's), trust::successor_of()'s, server_busy (often, one after the
  /// other), limit_reached (to many keys, and none of them was used), keep()'s.
  result<trust::signed_grant> succeed(const trust::grant_id& before, const trust::signed_succession& said,
                                      const identity::key& self) {
    auto one = load_own(name_of(before, issued));
    if (!one) return fail(one.error());
    if (one->instead_of) return fail(errc::server_busy);  // settle() comes first
    auto body = one->grant.body();
    const auto successor = trust::successor_of(said, body.client, wall_now());
    if (!successor) return fail(successor.error());
    if (one->petname == short_name(body.client)) one->petname = short_name(*successor);  // nobody named it
    body.id = id_for(before, *successor);
    body.client = *successor;
    const auto& by = signer_of(one->grant, self);
    return keep_instead(std::move(*one), std::move(body), by);
  }

  /// The same where this server has gone over to another key, its own: to a client that comes by the one before.
  ///
  /// Errors: grant_unknown (the key before has not signed it, too), grant_revoked, server_busy, limit_reached,
  /// keep()'s.
  result<trust::signed_grant> carry_over(const trust::grant_id& before, const identity::key& self) {
    auto one = load_own(name_of(before, issued));
    if (!one) return fail(one.error());
    if (one->grant.signer() == self.id()) return fail(errc::grant_unknown);
    if (one->instead_of) return fail(errc::server_busy);  // settle() comes first
    auto body = one->grant.body();
    body.id = id_for(before, self.id());
    return keep_instead(std::move(*one), std::move(body), self);
  }

  /// What the key before has signed is gone, durably, whoever has followed and who has not; and then that key. Nobody
  /// enters by either. Errors: the system's; again goes on.
  result<> forget_former() {
    if (!former_) return {};
    for (const std::string_view ending : {std::string_view(issued), revoked}) {
      const auto names = in_.list(ending);
      if (!names) return fail(names.error());
      for (const auto& name : *names) {
        const auto one = load(name);
        if (!one || one->grant.signer() != former_->id()) continue;
        known_.erase(one->grant.body().id);
        auto gone = in_.remove(name);
        if (!gone) return gone;
      }
    }
    former_.reset();
    return in_.forget_former();
  }

  /// The client of a grant is there. Where it has come with another key than before, what that one was granted ends.
  ///
  /// @return the list of all that is taken back, as revoke() gives it; nothing where nothing is
  /// Errors: as revoke().
  result<std::optional<trust::signed_revocations>> settle(const trust::grant_id& used, const identity::key& self) {
    const auto known = known_.find(used);
    if (known == known_.end() || !known->second.instead_of) return std::optional<trust::signed_revocations>();
    auto one = known->second;
    auto others = families_of({one.root()});
    if (!others) return fail(others.error());
    others->erase(used);
    auto list = take_back_exactly(*others, self);
    if (!list) return fail(list.error());
    one.instead_of.reset();
    const auto seen = in_.time_of(name_of(used, issued));
    if (seen && *seen != never_seen) one.last_seen = *seen;
    auto written = write(one, issued);
    if (!written) return fail(written.error());
    known_.insert_or_assign(used, std::move(one));
    return std::optional(std::move(*list));
  }

  /// The client of a grant is there: that is remembered, but not so that it outlasts a power cut.
  void saw(const trust::grant_id& id) const { (void)in_.set_time(name_of(id, issued), wall_now()); }

  /// The grant with this id, if this server issued it and has not taken it back.
  /// Errors: grant_unknown where it is none; state_damaged, server_busy (somebody asks for grants that there are not,
  /// one after the other), the system's: nobody knows.
  result<trust::signed_grant> find(const trust::grant_id& id) {
    const auto known = known_.find(id);
    if (known != known_.end()) return known->second.grant;
    if (!lookups_.take(clock::now())) return fail(errc::server_busy);
    auto one = load_own(name_of(id, issued));
    if (!one) return fail(one.error());
    return known_.emplace(id, std::move(*one)).first->second.grant;
  }

  /// True for a grant that was taken back.
  bool was_taken_back(const trust::grant_id& id) const { return in_.time_of(name_of(id, revoked)).has_value(); }

  /// All that are not taken back. Errors: state_damaged where a file is none of this server's grants, the system's.
  result<std::vector<issued_grant>> list() const { return load_all(issued); }

  /// Those that somebody means: by a petname, a client's peer id, or a grant's id in hexadecimal.
  /// Errors: no_such_client where there are none, list()'s.
  result<std::vector<issued_grant>> named(std::string_view whom) const {
    auto all = list();
    if (!all) return fail(all.error());
    const auto client = identity::parse_peer_id(whom);
    std::erase_if(*all, [&](const issued_grant& one) {
      const auto& body = one.grant.body();
      return one.petname != whom && !(client && body.client == *client) && to_hex(body.id) != whom;
    });
    if (all->empty()) return fail(errc::no_such_client);
    return all;
  }

  /// Take grants back, durably: nobody finds them from then on, nor what their clients' other keys were given instead.
  ///
  /// @return the list of all that were, signed by this server, with a serial higher than any before
  /// Errors: the system's; some of the grants may be taken back then. Again is harmless.
  result<trust::signed_revocations> revoke(const std::vector<trust::grant_id>& which, const identity::key& self) {
    std::set<trust::grant_id> roots(which.begin(), which.end());
    for (const auto& id : which) {
      const auto gone = removed_.find(id);
      const auto one = gone != removed_.end() ? result<issued_grant>(gone->second) : load(name_of(id, issued));
      if (one) roots.insert(one->root());
    }
    auto all = families_of(std::move(roots));
    if (!all) return fail(all.error());
    return take_back_exactly(*all, self);
  }

  /// Somebody may have removed files of grants, or added some: whose file is gone is taken back as by revoke(). Call it
  /// at the start, and whenever that may be (folder_watch). Who puts a file back gives nobody his grant back.
  ///
  /// @return the list, as revoke() gives it; nothing where no file is gone
  /// Errors: state_unusable (the whole directory is gone, and that takes nothing back), the system's; nobody finds
  /// these grants even so, and the next call tries again.
  result<std::optional<trust::signed_revocations>> take_back_removed(const identity::key& self) {
    const auto names = in_.list(issued);
    if (!names) return fail(names.error());
    if (!in_.is_there()) return fail(errc::state_unusable);
    std::set<std::string> before;
    for (auto at = known_.begin(); at != known_.end();) {
      const auto one = at++;
      const auto name = name_of(one->first, issued);
      before.insert(name);
      if (std::ranges::binary_search(*names, name)) continue;
      const auto still = in_.time_of(name);  // one that is just being replaced may be missing in a listing
      if (!still && still.error() != std::errc::no_such_file_or_directory) return fail(still.error());
      if (!still) removed_.insert(known_.extract(one));
    }
    for (const auto& name : *names) {
      if (before.contains(name)) continue;
      auto one = load_own(name);
      if (one) known_.emplace(one->grant.body().id, std::move(*one));
    }
    // who tidies up takes nothing back
    std::erase_if(removed_, [](const auto& one) { return one.second.grant.body().not_after <= wall_now(); });
    std::vector<trust::grant_id> gone;
    for (const auto& [id, one] : removed_) {
      auto marked = was_taken_back(id) ? result<>() : write(one, revoked);
      if (!marked) return fail(marked.error());
      gone.push_back(id);
    }
    if (gone.empty()) return std::optional<trust::signed_revocations>();
    auto made = revoke(gone, self);
    if (!made) return fail(made.error());
    removed_.clear();
    return std::optional(std::move(*made));
  }

  /// What was taken back, to begin with: nothing where nothing ever was. It is signed anew where the list is lost,
  /// damaged, or lacks a grant that was. Errors: state_damaged (a grant's file), the system's.
  result<std::optional<trust::signed_revocations>> revocations_in_force(const identity::key& self) {
    auto kept = list_.kept();
    if (!kept) return fail(kept.error());
    const auto taken_back = load_all(revoked);
    if (!taken_back) return fail(taken_back.error());
    const auto now = wall_now();
    const bool whole = std::ranges::all_of(*taken_back, [&](const issued_grant& one) {
      const auto& body = one.grant.body();
      return body.not_after <= now || (*kept && (*kept)->body().contains(body.id));
    });
    if (whole) return std::move(*kept);
    auto made = sign_anew(self, {});
    if (!made) return fail(made.error());
    return std::optional(std::move(*made));
  }

  /// Somebody shows a later list of this server's own: this directory is older than what it has signed. The grants in
  /// that list are taken back here too.
  ///
  /// @return the list of both, with a serial higher than either's
  /// Errors: signature_invalid (it is none of this server's), the system's.
  result<trust::signed_revocations> learn(const trust::signed_revocations& later, const identity::key& self) {
    const bool ours = later.signer() == server_ || (former_ && later.signer() == former_->id());
    if (!ours) return fail(errc::signature_invalid);
    for (const auto& one : later.body().entries) {
      auto taken = take_back(one.grant);
      if (!taken) return fail(taken.error());
    }
    return sign_anew(self, later.body());
  }

 private:
  static constexpr std::string_view revoked = ".revoked";
  static constexpr wall_time never_seen{};              // as the file's time
  static constexpr std::int64_t most_lookups = 200;     // at once, of grants that are not in memory; then 20 a second
  static constexpr std::int64_t most_successions = 64;  // at once, of all clients; then one a second
  static constexpr std::ptrdiff_t most_successors = 4;  // of one grant

  const identity::key& signer_of(const trust::signed_grant& one, const identity::key& self) const {
    return former_ && one.signer() == former_->id() ? *former_ : self;
  }

  result<issued_grant> parse(std::string_view text) const {
    auto made = issued_grant::parse(text, server_);
    if (made || !former_) return made;
    auto other = issued_grant::parse(text, former_->id());
    return other ? std::move(other) : std::move(made);
  }

  // @param one   the grant before, and what is kept of its client
  // @param body  the one that takes its place
  result<trust::signed_grant> keep_instead(issued_grant one, trust::grant body, const identity::key& by) {
    const auto before = one.grant.body().id;
    if (was_taken_back(body.id)) return fail(errc::grant_revoked);
    auto there = load_own(name_of(body.id, issued));
    if (there) return std::move(there->grant);
    if (there.error() != errc::grant_unknown) return fail(there.error());
    if (!successions_.take(clock::now())) return fail(errc::server_busy);
    const auto all = list();
    if (!all) return fail(all.error());
    if (std::ranges::count(*all, std::optional(before), &issued_grant::instead_of) >= most_successors) {
      return fail(errc::limit_reached);
    }
    one.grant = trust::signed_grant::sign(std::move(body), by);
    one.instead_of = before;
    one.last_seen.reset();
    auto made = one.grant;
    auto kept = keep(std::move(one));
    if (!kept) return fail(kept.error());
    return made;
  }

  // The same for the same two, so that nobody has two by asking twice.
  static trust::grant_id id_for(const trust::grant_id& before, const identity::peer_id& successor) {
    bytes of(before.begin(), before.end());
    of.insert(of.end(), successor.octets().begin(), successor.octets().end());
    const auto digest = crypto::hash(of);
    trust::grant_id made{};
    std::copy_n(digest.begin(), made.size(), made.begin());
    return made;
  }

  static std::string name_of(const trust::grant_id& id, std::string_view ending) {
    return to_hex(id) + std::string(ending);
  }

  result<> write(const issued_grant& one, std::string_view ending) const {
    const auto name = name_of(one.grant.body().id, ending);
    auto written = in_.write(name, as_bytes(one.to_text()));
    if (!written) return written;
    return in_.set_time(name, one.last_seen.value_or(never_seen));
  }

  // One that stands under its own name, and was not put back there.
  result<issued_grant> load_own(const std::string& name) const {
    auto one = load(name);
    if (one && name_of(one->grant.body().id, issued) != name) return fail(errc::state_damaged);
    if (one && was_taken_back(one->grant.body().id)) return fail(errc::grant_unknown);
    return one;
  }

  // All that have one of these roots, and the roots. A file that cannot be read stops nobody from taking others back.
  result<std::set<trust::grant_id>> families_of(std::set<trust::grant_id> roots) const {
    const auto names = in_.list(issued);
    if (!names) return fail(names.error());
    auto made = roots;
    for (const auto& name : *names) {
      const auto file = in_.read(name);
      if (!file || !*file || !as_text(**file).starts_with(issued_grant::successor_kind)) continue;
      const auto one = parse(as_text(**file));
      if (one && roots.contains(one->root())) made.insert(one->grant.body().id);
    }
    return made;
  }

  result<trust::signed_revocations> take_back_exactly(const std::set<trust::grant_id>& which,
                                                      const identity::key& self) {
    for (const auto& id : which) {
      auto taken = take_back(id);
      if (!taken) return fail(taken.error());
    }
    return sign_anew(self, {});
  }

  result<> take_back(const trust::grant_id& id) {
    auto moved = in_.rename(name_of(id, issued), name_of(id, revoked));
    if (!moved && moved.error() != std::errc::no_such_file_or_directory) return moved;
    known_.erase(id);
    return {};
  }

  result<issued_grant> load(const std::string& name) const {
    auto file = in_.read(name);
    if (!file) return fail(file.error());
    if (!*file) return fail(errc::grant_unknown);
    auto made = parse(as_text(**file));
    if (!made) return made;
    const auto seen = in_.time_of(name);
    if (seen && *seen != never_seen) made->last_seen = *seen;
    return made;
  }

  result<std::vector<issued_grant>> load_all(std::string_view ending) const {
    auto names = in_.list(ending);
    if (!names) return fail(names.error());
    std::vector<issued_grant> all;
    for (const auto& name : *names) {
      auto one = load(name);
      if (!one) return fail(one.error());
      all.push_back(std::move(*one));
    }
    return all;
  }

  // The list of the files, of the list so far and of another one.
  result<trust::signed_revocations> sign_anew(const identity::key& self, const trust::revocations& other) {
    const auto taken_back = load_all(revoked);
    if (!taken_back) return fail(taken_back.error());
    std::map<trust::grant_id, wall_time> all;
    for (const auto& one : *taken_back) all.emplace(one.grant.body().id, one.grant.body().not_after);
    return list_.sign(std::move(all), other, self);
  }

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
