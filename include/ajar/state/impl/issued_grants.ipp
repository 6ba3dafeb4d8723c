// SPDX-License-Identifier: BSL-1.0
// ajar/state/impl/issued_grants.ipp - what ajar/state/issued_grants.hpp declares.
#pragma once

#include <ajar/crypto/hash.hpp>
#include <ajar/state/issued_grants.hpp>

#include <algorithm>

namespace ajar::state {

AJAR_DECL issued_grants::issued_grants(const state::folder& in, identity::peer_id server)
    : in_(in), server_(std::move(server)), list_(in, server_) {
  auto before = in_.former();
  if (before) former_ = std::move(*before);  // else its files are none of this server's, and told as such
}

AJAR_DECL result<> issued_grants::keep(issued_grant one) {
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

AJAR_DECL result<trust::signed_grant> issued_grants::renew(issued_grant one, const identity::key& self,
                                                           const trust::new_terms& otherwise) {
  one.grant = trust::signed_grant::sign(otherwise.change(one.grant.body(), wall_now()), signer_of(one.grant, self));
  auto renewed = one.grant;
  auto kept = keep(std::move(one));
  if (!kept) return fail(kept.error());
  return renewed;
}

AJAR_DECL result<trust::signed_grant> issued_grants::renewed_in_time(const trust::grant_id& id,
                                                                     const identity::key& self) {
  auto one = load(name_of(id, issued));
  if (!one) return fail(one.error());
  const bool in_time = one->renews && one->grant.body().in_second_half(wall_now());
  if (!in_time || one->grant.signer() != self.id()) return std::move(one->grant);
  return renew(std::move(*one), self);
}

AJAR_DECL result<trust::signed_grant> issued_grants::succeed(const trust::grant_id& before,
                                                             const trust::signed_succession& said,
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

AJAR_DECL result<trust::signed_grant> issued_grants::carry_over(const trust::grant_id& before,
                                                                const identity::key& self) {
  auto one = load_own(name_of(before, issued));
  if (!one) return fail(one.error());
  if (one->grant.signer() == self.id()) return fail(errc::grant_unknown);
  if (one->instead_of) return fail(errc::server_busy);  // settle() comes first
  auto body = one->grant.body();
  body.id = id_for(before, self.id());
  return keep_instead(std::move(*one), std::move(body), self);
}

AJAR_DECL result<> issued_grants::forget_former() {
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

AJAR_DECL result<std::optional<trust::signed_revocations>> issued_grants::settle(const trust::grant_id& used,
                                                                                 const identity::key& self) {
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

AJAR_DECL result<trust::signed_grant> issued_grants::find(const trust::grant_id& id) {
  const auto known = known_.find(id);
  if (known != known_.end()) return known->second.grant;
  if (!lookups_.take(clock::now())) return fail(errc::server_busy);
  auto one = load_own(name_of(id, issued));
  if (!one) return fail(one.error());
  return known_.emplace(id, std::move(*one)).first->second.grant;
}

AJAR_DECL result<std::vector<issued_grant>> issued_grants::named(std::string_view whom) const {
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

AJAR_DECL result<trust::signed_revocations> issued_grants::revoke(const std::vector<trust::grant_id>& which,
                                                                  const identity::key& self) {
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

AJAR_DECL result<std::optional<trust::signed_revocations>> issued_grants::take_back_removed(const identity::key& self) {
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

AJAR_DECL result<std::optional<trust::signed_revocations>> issued_grants::revocations_in_force(
    const identity::key& self) {
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

AJAR_DECL result<trust::signed_revocations> issued_grants::learn(const trust::signed_revocations& later,
                                                                 const identity::key& self) {
  const bool ours = later.signer() == server_ || (former_ && later.signer() == former_->id());
  if (!ours) return fail(errc::signature_invalid);
  for (const auto& one : later.body().entries) {
    auto taken = take_back(one.grant);
    if (!taken) return fail(taken.error());
  }
  return sign_anew(self, later.body());
}

AJAR_DECL result<issued_grant> issued_grants::parse(std::string_view text) const {
  auto made = issued_grant::parse(text, server_);
  if (made || !former_) return made;
  auto other = issued_grant::parse(text, former_->id());
  return other ? std::move(other) : std::move(made);
}

AJAR_DECL result<trust::signed_grant> issued_grants::keep_instead(issued_grant one, trust::grant body,
                                                                  const identity::key& by) {
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

AJAR_DECL trust::grant_id issued_grants::id_for(const trust::grant_id& before, const identity::peer_id& successor) {
  bytes of(before.begin(), before.end());
  of.insert(of.end(), successor.octets().begin(), successor.octets().end());
  const auto digest = crypto::hash(of);
  trust::grant_id made{};
  std::copy_n(digest.begin(), made.size(), made.begin());
  return made;
}

AJAR_DECL std::string issued_grants::name_of(const trust::grant_id& id, std::string_view ending) {
  return to_hex(id) + std::string(ending);
}

AJAR_DECL result<> issued_grants::write(const issued_grant& one, std::string_view ending) const {
  const auto name = name_of(one.grant.body().id, ending);
  auto written = in_.write(name, as_bytes(one.to_text()));
  if (!written) return written;
  return in_.set_time(name, one.last_seen.value_or(never_seen));
}

AJAR_DECL result<issued_grant> issued_grants::load_own(const std::string& name) const {
  auto one = load(name);
  if (one && name_of(one->grant.body().id, issued) != name) return fail(errc::state_damaged);
  if (one && was_taken_back(one->grant.body().id)) return fail(errc::grant_unknown);
  return one;
}

AJAR_DECL result<std::set<trust::grant_id>> issued_grants::families_of(std::set<trust::grant_id> roots) const {
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

AJAR_DECL result<trust::signed_revocations> issued_grants::take_back_exactly(const std::set<trust::grant_id>& which,
                                                                             const identity::key& self) {
  for (const auto& id : which) {
    auto taken = take_back(id);
    if (!taken) return fail(taken.error());
  }
  return sign_anew(self, {});
}

AJAR_DECL result<> issued_grants::take_back(const trust::grant_id& id) {
  auto moved = in_.rename(name_of(id, issued), name_of(id, revoked));
  if (!moved && moved.error() != std::errc::no_such_file_or_directory) return moved;
  known_.erase(id);
  return {};
}

AJAR_DECL result<issued_grant> issued_grants::load(const std::string& name) const {
  auto file = in_.read(name);
  if (!file) return fail(file.error());
  if (!*file) return fail(errc::grant_unknown);
  auto made = parse(as_text(**file));
  if (!made) return made;
  const auto seen = in_.time_of(name);
  if (seen && *seen != never_seen) made->last_seen = *seen;
  return made;
}

AJAR_DECL result<std::vector<issued_grant>> issued_grants::load_all(std::string_view ending) const {
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

AJAR_DECL result<trust::signed_revocations> issued_grants::sign_anew(const identity::key& self,
                                                                     const trust::revocations& other) {
  const auto taken_back = load_all(revoked);
  if (!taken_back) return fail(taken_back.error());
  std::map<trust::grant_id, wall_time> all;
  for (const auto& one : *taken_back) all.emplace(one.grant.body().id, one.grant.body().not_after);
  return list_.sign(std::move(all), other, self);
}

}  // namespace ajar::state
