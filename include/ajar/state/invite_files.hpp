// SPDX-License-Identifier: BSL-1.0
// ajar/state/invite_files.hpp - the invites that a node gave out, a file for each: whoever is first has it.
#pragma once

#include <ajar/state/folder.hpp>
#include <ajar/trust/redemption.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::state {

/// What every node keeps of an invite that it gave out: all but the secret.
struct given_invite {
  std::string petname;    ///< what its owner calls who is invited: is_name()
  wall_time not_after{};  ///< nobody new redeems it from then on
  trust::invite_keys keys;
  std::optional<identity::peer_id> claimant{};  ///< whose key it is for, from the first redemption on

  bool pending() const { return false; }
  bool used() const { return claimant.has_value(); }
};

namespace detail {

inline std::string invite_keys_text(const trust::invite_keys& keys) {
  bytes octets;
  wire::writer out(octets);
  out.fixed(keys.id).fixed(keys.to_server.reveal()).fixed(keys.to_client.reveal());
  auto text = to_base32(octets);
  wipe(octets);
  return text;
}

inline std::optional<trust::invite_keys> parse_invite_keys(std::string_view text) {
  auto octets = from_base32(text);
  if (!octets) return std::nullopt;
  wire::reader in(*octets);
  trust::invite_keys made;
  made.id = in.fixed<16>();
  made.to_server = secret<32>(in.fixed<32>());
  made.to_client = secret<32>(in.fixed<32>());
  const bool whole = in.finish().has_value();
  wipe(*octets);
  return whole ? std::optional(std::move(made)) : std::nullopt;
}

inline std::string claimant_text(const given_invite& one) {
  return one.claimant ? to_string(*one.claimant) : std::string("nobody");
}
inline bool parse_claimant(std::string_view text, given_invite& into) {
  if (text == "nobody") return true;
  const auto id = identity::parse_peer_id(text);
  if (id) into.claimant = *id;
  return id.has_value();
}

inline const char* flag_text(bool value) { return value ? "yes" : "no"; }
inline std::optional<bool> parse_flag(std::string_view text) {
  if (text != "yes" && text != "no") return std::nullopt;
  return text == "yes";
}

inline std::string seconds_text(std::chrono::seconds value) { return std::to_string(value.count()); }
inline std::optional<std::chrono::seconds> parse_seconds(std::string_view text) {
  constexpr std::int64_t year_9999 = 253'402'300'799;
  std::int64_t count = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, count);
  if (parsed.ec != std::errc{} || parsed.ptr != end || count < 0 || count > year_9999) return std::nullopt;
  return std::chrono::seconds(count);
}

}  // namespace detail

/// A file for each invite, in the folder of the node that gave it out. Whose it is, is on disk before anybody is told.
///
/// @tparam Kept  a given_invite with what else that node keeps of it, to_text(), and parse(text): a result<Kept>
/// Outlived by its folder and the key. Threads: one, or as folder::alone() keeps them apart.
template <class Kept>
class invite_files {
 public:
  /// So many at most.
  static constexpr std::size_t most = 256;
  /// An invite that nobody waits with is told of for so long after its end, so that the end can be told.
  static constexpr std::chrono::hours remembered{24};

  invite_files(const state::folder& in, const identity::key& self) : in_(in), self_(self) {}

  /// A new invite: its secret is drawn here.
  ///
  /// @param taken  result<bool>(): whether somebody else has the name already
  /// @return what to send
  /// Errors: grant_malformed (the name is none), petname_taken, limit_reached, server_busy (another process is at it),
  /// the system's.
  template <class Taken>
  result<trust::invite> add(Kept what, const identity::url& central, const Taken& taken) const {
    if (!trust::is_name(what.petname)) return fail(errc::grant_malformed);
    const auto alone = in_.alone();
    if (!alone) return fail(alone.error());
    const auto all = load_all();
    if (!all) return fail(all.error());
    const auto counts = [](const Kept& other) { return !has_long_ended(other); };
    if (std::ranges::count_if(*all, counts) >= static_cast<std::ptrdiff_t>(most)) return fail(errc::limit_reached);
    const auto room = make_room(*all);
    if (!room) return fail(room.error());
    const result<bool> elsewhere = taken();
    if (!elsewhere) return fail(elsewhere.error());
    const bool twice = std::ranges::any_of(
        *all, [&](const Kept& other) { return other.petname == what.petname && !other.used() && counts(other); });
    if (*elsewhere || twice) return fail(errc::petname_taken);
    trust::invite made{central, self_.id(), {}, what.not_after};
    crypto::fill_random(made.token.reveal());
    what.keys = trust::invite_keys::of(made.token, made.server);
    const auto kept = keep(what);
    if (!kept) return fail(kept.error());
    return made;
  }

  /// All that are remembered, by name. Errors: state_damaged, the system's.
  result<std::vector<Kept>> list() const {
    auto all = load_all();
    if (!all) return all;
    std::erase_if(*all, has_long_ended);
    return all;
  }

  /// Somebody redeems an invite. Of several keys the first has it; the same key may come again.
  ///
  /// @param sealed  redeemer::octets
  /// @param give    result<trust::redemption_answer>(Kept&): what the one whose it is gets
  /// @return the answer, also where it refuses
  /// Errors, where nothing can be answered that would be believed: invite_unknown, open_redemption()'s, give's, the
  /// system's.
  template <class Give>
  result<trust::sealed_answer> redeem(const trust::invite_id& which, bytes_view sealed, const Give& give) const {
    auto found = find(which);
    if (!found) return fail(found.error());
    const auto who = trust::open_redemption(sealed, found->keys, self_.id());
    if (!who) return fail(who.error());
    auto decided = decide(*found, *who, give);
    if (!decided) return fail(decided.error());
    return trust::answer_redemption(std::move(*decided), sealed, found->keys, self_);
  }

  /// Errors: invite_unknown, state_damaged, the system's.
  result<Kept> find(const trust::invite_id& which) const {
    auto found = load(name_of(which));
    if (!found) return fail(found.error());
    if (!*found) return fail(errc::invite_unknown);
    return std::move(**found);
  }

  result<> keep(const Kept& one) const { return in_.write(name_of(one.keys.id), as_bytes(one.to_text())); }
  result<> remove(const Kept& one) const { return in_.remove(name_of(one.keys.id)); }

  /// Those that are meant, by petname or by the peer id of the key whose they are.
  ///
  /// @param one_of  result<bool>(Kept&): changes one; false where it is not meant after all
  /// @return those that were changed
  /// Errors: no_such_client where there are none, the system's.
  template <class Change>
  result<std::vector<Kept>> change(std::string_view whom, const Change& one_of) const {
    auto all = list();
    if (!all) return fail(all.error());
    const auto key = identity::parse_peer_id(whom);
    std::vector<Kept> changed;
    for (auto& one : *all) {
      if (one.petname != whom && !(key && one.claimant == *key)) continue;
      const result<bool> done = one_of(one);
      if (!done) return fail(done.error());
      if (*done) changed.push_back(std::move(one));
    }
    if (changed.empty()) return fail(errc::no_such_client);
    return changed;
  }

  /// Take back those that are meant and not used yet.
  ///
  /// @return them; they are forgotten
  /// Errors: no_such_client where there are none, the system's.
  result<std::vector<Kept>> withdraw(std::string_view whom) const {
    return change(whom, [this](const Kept& one) -> result<bool> {
      if (one.used()) return false;
      auto gone = remove(one);
      if (!gone) return fail(gone.error());
      return true;
    });
  }

 private:
  static constexpr std::string_view ending = ".invite";

  static std::string name_of(const trust::invite_id& id) { return to_hex(id) + std::string(ending); }

  static bool has_long_ended(const Kept& one) { return !one.pending() && wall_now() >= one.not_after + remembered; }

  // The files of those that have long ended go when others need their room, and not before: by a clock that is right
  // again they may not have ended at all.
  result<> make_room(const std::vector<Kept>& all) const {
    if (all.size() < most) return {};
    for (const auto& one : all) {
      auto gone = has_long_ended(one) ? remove(one) : result<>();
      if (!gone) return gone;
    }
    return {};
  }

  template <class Give>
  result<trust::redemption_answer> decide(Kept& one, const identity::peer_id& who, const Give& give) const {
    trust::redemption_answer made;
    const auto refuse = [&made](errc why) {
      made.code = static_cast<std::uint16_t>(why);
      return made;
    };
    if (!one.claimant) {
      const auto made_at = in_.time_of(name_of(one.keys.id));
      if (!made_at) return fail(made_at.error());
      if (wall_now() < *made_at - trust::grant::clocks_differ) return refuse(errc::clock_set_back);
      if (wall_now() >= one.not_after) return refuse(errc::invite_expired);
      one.claimant = who;
      auto kept = keep(one);
      if (!kept) return fail(kept.error());
    }
    if (*one.claimant != who) {
      made.claimant = *one.claimant;
      return refuse(errc::invite_used);
    }
    return give(one);
  }

  // By name.
  result<std::vector<Kept>> load_all() const {
    const auto names = in_.list(ending);
    if (!names) return fail(names.error());
    std::vector<Kept> all;
    for (const auto& name : *names) {
      auto one = load(name);
      if (!one) return fail(one.error());
      if (!*one) continue;
      const auto place = std::ranges::upper_bound(all, (*one)->petname, {}, &Kept::petname);
      all.insert(place, std::move(**one));
    }
    return all;
  }

  // Nothing where there is none.
  result<std::optional<Kept>> load(const std::string& name) const {
    const auto file = in_.read(name);
    if (!file) return fail(file.error());
    if (!*file) return std::optional<Kept>();
    auto made = Kept::parse(as_text(**file));
    if (!made) return fail(made.error());
    if (name != name_of(made->keys.id)) return fail(errc::state_damaged);
    return std::optional<Kept>(std::move(*made));
  }

  const state::folder& in_;
  const identity::key& self_;
};

}  // namespace ajar::state
