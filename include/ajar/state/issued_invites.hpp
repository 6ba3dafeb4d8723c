// SPDX-License-Identifier: BSL-1.0
// ajar/state/issued_invites.hpp - the invites that a server gave out, and what becomes of them.
#pragma once

#include <ajar/state/issued_grants.hpp>
#include <ajar/trust/redemption.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::state {

/// An invite as its server keeps it: without the secret, with the terms of the grant that comes of it.
struct issued_invite {
  std::string petname;           ///< what the server's owner calls the client to be: is_name()
  std::string server_name;       ///< what the server calls itself: is_name()
  trust::grant terms;            ///< with its id, without client and times
  std::chrono::seconds life{0};  ///< of the grant, from when it is given
  bool renews = true;            ///< issued_grant::renews
  bool confirm = false;          ///< the owner approves each key first
  wall_time not_after{};         ///< nobody new redeems it from then on
  trust::invite_keys keys;
  std::optional<identity::peer_id> claimant{};  ///< whose key it is for, from the first redemption on
  bool approved = false;

  bool pending() const { return claimant && confirm && !approved; }
  bool used() const { return claimant && !pending(); }
};

/// A file for each invite, in the server's state directory. What becomes of an invite is on disk before anybody is
/// told.
///
/// A running server finds what another process has added meanwhile; everything else is done by the process that holds
/// the directory's lock. Outlived by its directory. Threads: one.
class issued_invites {
 public:
  /// So many at most; central is told of all of them.
  static constexpr std::size_t most = 256;
  /// An invite that nobody waits with is remembered for so long after its end, so that the end can be told.
  static constexpr std::chrono::hours remembered{24};

  issued_invites(const state::folder& in, const identity::key& self) : in_(in), self_(self) {}

  /// A new invite for somebody whom the owner calls `what.petname`; what it lacks is drawn here.
  ///
  /// @param grants  of the same server: names there are taken
  /// @return what to send to that somebody
  /// Errors: petname_taken (by a client, or another invite), grant_malformed (the name is none), limit_reached,
  /// server_busy (another process is at it), the system's.
  result<trust::invite> add(issued_invite what, const identity::url& central, const issued_grants& grants) const {
    if (!trust::is_name(what.petname) || !trust::is_name(what.server_name)) return fail(errc::grant_malformed);
    const auto alone = in_.alone();
    if (!alone) return fail(alone.error());
    const auto all = list();
    if (!all) return fail(all.error());
    if (all->size() >= most) return fail(errc::limit_reached);
    const auto taken = grants.named(what.petname);
    if (!taken && taken.error() != errc::no_such_client) return fail(taken.error());
    const bool twice = std::ranges::any_of(
        *all, [&](const issued_invite& other) { return other.petname == what.petname && !other.used(); });
    if (taken || twice) return fail(errc::petname_taken);
    trust::invite made{central, self_.id(), {}, what.not_after};
    crypto::fill_random(made.token.reveal());
    what.keys = trust::invite_keys::of(made.token, made.server);
    what.terms.id = crypto::random_octets<16>();
    auto kept = keep(what);
    if (!kept) return fail(kept.error());
    return made;
  }

  /// All that are remembered, by name; those that have long ended are forgotten. Errors: state_damaged, the system's.
  result<std::vector<issued_invite>> list() const {
    const auto names = in_.list(ending);
    if (!names) return fail(names.error());
    std::vector<issued_invite> all;
    for (const auto& name : *names) {
      auto one = load(name);
      if (!one) return fail(one.error());
      if (!*one) continue;
      if (!(*one)->pending() && wall_now() >= (*one)->not_after + remembered) {
        auto gone = in_.remove(name);
        if (!gone) return fail(gone.error());
        continue;
      }
      all.push_back(std::move(**one));
    }
    std::ranges::sort(all, {}, &issued_invite::petname);
    return all;
  }

  /// What central is to know of: whoever comes with one of these is passed on.
  result<std::vector<trust::invite_id>> ids() const {
    const auto all = list();
    if (!all) return fail(all.error());
    std::vector<trust::invite_id> made;
    for (const auto& one : *all) made.push_back(one.keys.id);
    if (made.size() > most) made.resize(most);
    return made;
  }

  /// A client redeems an invite. Of several keys the first has it; the same key again gets the same.
  ///
  /// @param sealed  a signed_redemption, sealed: redeemer::octets
  /// @return the sealed answer, also where the client gets no grant
  /// Errors, where nothing can be answered that the client would believe: invite_unknown, signature_invalid (it does
  /// not know the secret, or its key's signature does not fit), message_malformed, the system's.
  result<bytes> redeem(const trust::invite_id& which, bytes_view sealed, issued_grants& grants) const {
    auto found = load(name_of(which));
    if (!found) return fail(found.error());
    if (!*found) return fail(errc::invite_unknown);
    auto& one = **found;
    if (sealed.size() > trust::longest_redemption) return fail(errc::message_malformed);
    const auto octets = trust::unseal(sealed, one.keys.to_server);
    if (!octets) return fail(octets.error());
    const auto asked = trust::signed_redemption::open(*octets);
    if (!asked) return fail(asked.error());
    if (asked->body().invite != which || asked->body().server != self_.id()) return fail(errc::message_malformed);
    auto decided = decide(one, asked->signer(), grants);
    if (!decided) return fail(decided.error());
    decided->to = crypto::hash(sealed);
    return trust::seal(trust::signed_redemption_answer::sign(std::move(*decided), self_).octets(), one.keys.to_client);
  }

  /// The owner approves those that wait and are meant: by petname, or by the key's peer id.
  ///
  /// @return them, with their grants issued
  /// Errors: no_such_client where none waits, the system's.
  result<std::vector<issued_invite>> approve(std::string_view whom, issued_grants& grants) const {
    return change(whom, [&](issued_invite& one) -> result<bool> {
      if (!one.pending()) return false;
      one.approved = true;
      one.not_after = std::max(one.not_after, wall_now());  // it is remembered until its client comes
      auto kept = keep(one);
      if (!kept) return fail(kept.error());
      auto given = grant_of(one, grants);
      if (!given) return fail(given.error());
      return true;
    });
  }

  /// The owner takes back those that are meant and not used yet.
  ///
  /// @return them; they are forgotten
  /// Errors: no_such_client where there are none, the system's.
  result<std::vector<issued_invite>> withdraw(std::string_view whom) const {
    return change(whom, [&](const issued_invite& one) -> result<bool> {
      if (one.used()) return false;
      auto gone = in_.remove(name_of(one.keys.id));
      if (!gone) return fail(gone.error());
      return true;
    });
  }

 private:
  static constexpr std::string_view kind = "ajar-invite/2";
  static constexpr std::string_view ending = ".invite";

  static std::string name_of(const trust::invite_id& id) { return to_hex(id) + std::string(ending); }

  result<trust::redemption_answer> decide(issued_invite& one, const identity::peer_id& client,
                                          issued_grants& grants) const {
    trust::redemption_answer made;
    const auto refuse = [&made](errc why) {
      made.code = static_cast<std::uint16_t>(why);
      return made;
    };
    if (!one.claimant) {
      if (wall_now() >= one.not_after) return refuse(errc::invite_expired);
      one.claimant = client;
      auto kept = keep(one);
      if (!kept) return fail(kept.error());
    }
    if (*one.claimant != client) {
      made.claimant = *one.claimant;
      return refuse(errc::invite_used);
    }
    if (one.pending()) return refuse(errc::invite_pending);
    const auto given = grant_of(one, grants);
    if (!given && given.error() == errc::grant_revoked) return refuse(errc::grant_revoked);
    if (!given) return fail(given.error());
    made.server_name = one.server_name;
    made.grant = given->octets();
    return made;
  }

  // The grant of a used invite, made where this is the first time, or the one before was cut short.
  result<trust::signed_grant> grant_of(const issued_invite& one, issued_grants& grants) const {
    auto before = grants.find(one.terms.id);
    if (before || before.error() != errc::grant_unknown) return before;
    if (grants.was_taken_back(one.terms.id)) return fail(errc::grant_revoked);
    auto body = one.terms;
    body.client = *one.claimant;
    body.begin(wall_now(), one.life);
    auto made = trust::signed_grant::sign(std::move(body), self_);
    auto kept = grants.keep({one.petname, one.renews, made});
    if (!kept && kept.error() == errc::petname_taken) kept = grants.keep({{}, one.renews, made});
    if (!kept) return fail(kept.error());
    return made;
  }

  template <class Change>
  result<std::vector<issued_invite>> change(std::string_view whom, const Change& one_of) const {
    auto all = list();
    if (!all) return fail(all.error());
    const auto key = identity::parse_peer_id(whom);
    std::vector<issued_invite> changed;
    for (auto& one : *all) {
      if (one.petname != whom && !(key && one.claimant == *key)) continue;
      const auto done = one_of(one);
      if (!done) return fail(done.error());
      if (*done) changed.push_back(std::move(one));
    }
    if (changed.empty()) return fail(errc::no_such_client);
    return changed;
  }

  result<> keep(const issued_invite& one) const {
    bytes terms;
    wire::writer out(terms);
    one.terms.encode(out);
    bytes keys;
    wire::writer secrets(keys);
    secrets.fixed(one.keys.id).fixed(one.keys.to_server.reveal()).fixed(one.keys.to_client.reveal());
    const auto yes_or_no = [](bool value) { return value ? "yes" : "no"; };
    const auto until = std::to_string(one.not_after.time_since_epoch().count());
    const auto life = std::to_string(one.life.count());
    const auto claimant = one.claimant ? to_string(*one.claimant) : std::string("nobody");
    auto text = trust::checked_text(kind, {{"client", one.petname},
                                           {"server", one.server_name},
                                           {"until", until},
                                           {"life", life},
                                           {"renews", yes_or_no(one.renews)},
                                           {"confirm", yes_or_no(one.confirm)},
                                           {"claimant", claimant},
                                           {"approved", yes_or_no(one.approved)},
                                           {"keys", to_base32(keys)},
                                           {"terms", to_base32(terms)}});
    wipe(keys);
    return in_.write(name_of(one.keys.id), as_bytes(text));
  }

  static std::optional<bool> flag_of(std::string_view text) {
    if (text != "yes" && text != "no") return std::nullopt;
    return text == "yes";
  }
  static std::optional<std::chrono::seconds> seconds_of(std::string_view text) {
    constexpr std::int64_t year_9999 = 253'402'300'799;
    std::int64_t count = 0;
    const auto* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, count);
    if (parsed.ec != std::errc{} || parsed.ptr != end || count < 0 || count > year_9999) return std::nullopt;
    return std::chrono::seconds(count);
  }

  // Nothing where there is none.
  result<std::optional<issued_invite>> load(const std::string& name) const {
    const auto file = in_.read(name);
    if (!file) return fail(file.error());
    if (!*file) return std::optional<issued_invite>();
    const auto lines = trust::parse_checked_text(
        as_text(**file), kind,
        {"client", "server", "until", "life", "renews", "confirm", "claimant", "approved", "keys", "terms"},
        errc::state_damaged);
    if (!lines) return fail(lines.error());
    auto made = read(*lines);
    if (!made || name != name_of(made->keys.id)) return fail(errc::state_damaged);
    return made;
  }

  static std::optional<issued_invite> read(const std::vector<std::string>& lines) {
    issued_invite made;
    made.petname = lines[0];
    made.server_name = lines[1];
    const auto until = seconds_of(lines[2]);
    const auto life = seconds_of(lines[3]);
    const auto renews = flag_of(lines[4]);
    const auto confirm = flag_of(lines[5]);
    const auto approved = flag_of(lines[7]);
    auto keys = from_base32(lines[8]);
    const auto terms = from_base32(lines[9]);
    const bool whole = trust::is_name(made.petname) && trust::is_name(made.server_name) && until && life && renews &&
                       confirm && approved && keys && terms;
    if (!whole) return std::nullopt;
    if (lines[6] != "nobody") {
      const auto claimant = identity::parse_peer_id(lines[6]);
      if (!claimant) return std::nullopt;
      made.claimant = *claimant;
    }
    made.not_after = wall_time(*until);
    made.life = *life;
    made.renews = *renews;
    made.confirm = *confirm;
    made.approved = *approved;
    wire::reader secrets(*keys);
    made.keys.id = secrets.fixed<16>();
    made.keys.to_server = secret<32>(secrets.fixed<32>());
    made.keys.to_client = secret<32>(secrets.fixed<32>());
    wire::reader in(*terms);
    made.terms = trust::grant::decode(in);
    wipe(*keys);
    if (!secrets.finish() || !in.finish()) return std::nullopt;
    return made;
  }

  const state::folder& in_;
  const identity::key& self_;
};

}  // namespace ajar::state
