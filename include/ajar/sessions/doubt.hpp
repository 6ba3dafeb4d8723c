// SPDX-License-Identifier: BSL-1.0
// ajar/sessions/doubt.hpp - is a session dead whose peer is there anew?
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/identity/peer_id.hpp>
#include <ajar/net/life_signs.hpp>
#include <ajar/sessions/session.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ajar::sessions {

/// Judges one session from the instant at which somebody began to doubt it. Pure: it is told the signs and the time.
///
/// Only what the other end's kernel does not answer at all counts against a session: a slow or a congested way answers
/// late, and is alive from then on.
class doubt {
 public:
  enum class verdict {
    open,    ///< too early to say
    alive,   ///< it was heard since
    silent,  ///< asked again and again, it has said nothing: a new session of the peer takes its place
    dead     ///< the same for so long that it ends without one
  };
  static constexpr std::chrono::milliseconds silent_after{750};
  static constexpr std::chrono::seconds dead_after{10};
  static constexpr std::chrono::minutes longest{3};  ///< of a doubt; then TCP alone looks after it, as before

  doubt(const net::life_signs& first, time_point now) : first_(first), begun_(now) {}

  verdict judge(const net::life_signs& now, time_point when) const {
    if (now.heard != first_.heard) return verdict::alive;
    const auto since = when - begun_;
    const auto asked = now.said - first_.said;
    if (since >= dead_after && asked >= asked_when_dead) return verdict::dead;
    if (since >= silent_after && asked >= asked_when_silent) return verdict::silent;
    return verdict::open;
  }

  /// Nothing was heard, though TCP has not yet asked since: octets are on their way, and it waits longer and longer. Of
  /// what it has sent again before, nothing was answered.
  bool was_silent_before(const net::life_signs& now, time_point when) const {
    return now.heard == first_.heard && when - begun_ >= silent_after && now.unanswered >= asked_before;
  }

 private:
  static constexpr std::uint64_t asked_when_silent = 2;
  static constexpr std::uint64_t asked_when_dead = 4;
  static constexpr std::uint32_t asked_before = 3;

  net::life_signs first_;
  time_point begun_;
};

/// The sessions that a role doubts, by their peers. It is told when a peer is there anew, and asked what follows.
///
/// However often others give cause, a peer's sessions are doubted once at a time, and then not again for a while.
/// Threads: the sessions' executor only.
class doubts {
 public:
  static constexpr std::chrono::milliseconds step{250};  ///< from one look() to the next
  static constexpr std::chrono::seconds rest{2};         ///< from the end of a case to the next one of that peer

  /// A peer is there anew. @return whether a case begins: whoever asks carries it out, by look_after()
  bool give_cause(const identity::peer_id& peer) {
    const auto made = cases_.try_emplace(peer);
    if (!made.second) made.first->second.cause_again = true;
    return made.second;
  }

  /// Doubt these sessions of the peer, and ask each for a sign.
  void begin(const identity::peer_id& peer, const std::vector<session::sight>& all, time_point now) {
    auto& one = cases_[peer];
    one.begun = now;
    one.replaced = false;
    one.suspects.clear();
    for (const auto& each : all) {
      const auto signs = each.signs();
      if (!signs) continue;
      one.suspects.push_back({each, doubt(*signs, now)});
      each.ask();
    }
  }

  /// Ask again; let go of those that are alive, and end those that are dead. @return whether any is left
  bool look(const identity::peer_id& peer, time_point now) {
    const auto found = cases_.find(peer);
    if (found == cases_.end()) return false;
    auto& one = found->second;
    const bool over = now - one.begun >= doubt::longest;
    std::erase_if(one.suspects, [&](const suspect& each) {
      if (one.replaced && is_silent(each, now)) each.sight.cut(errc::session_replaced);
      return is_settled(each, now, over);
    });
    return !one.suspects.empty();
  }

  /// After the last look() and a rest. @return whether there was cause again meanwhile: then begin() anew
  bool reopen(const identity::peer_id& peer) {
    const auto found = cases_.find(peer);
    if (found == cases_.end()) return false;
    if (std::exchange(found->second.cause_again, false)) return true;
    cases_.erase(found);
    return false;
  }

  /// Has any session that is doubted given no sign, though there was time for one? Then another one may be made beside.
  bool wants_another(const identity::peer_id& peer, path over, time_point now) const {
    const auto* const one = find(peer);
    return one && now - one->begun >= doubt::silent_after &&
           std::ranges::any_of(one->suspects, [&](const suspect& each) { return each.sight.info().path == over; });
  }

  /// Is it too early to say which of the peer's sessions are silent?
  bool is_open(const identity::peer_id& peer, time_point now) const {
    const auto* const one = find(peer);
    return one && !one->suspects.empty() && now - one->begun < 2 * doubt::silent_after && silent(peer, now) == 0;
  }
  bool is_doubted(const session& which) const {
    const auto* const one = find(which.peer());
    return one && std::ranges::any_of(one->suspects, [&](const suspect& each) { return each.sight.is_of(which); });
  }

  /// How many of the peer's sessions a new one may take the place of, where there is no other place.
  std::size_t silent(const identity::peer_id& peer, time_point now) const {
    const auto* const one = find(peer);
    if (!one) return 0;
    const auto count = std::ranges::count_if(one->suspects, [&](const suspect& each) { return gives_way(each, now); });
    return static_cast<std::size_t>(count);
  }

  /// The peer has proved itself in a new session: those that are silent end, now or when they turn out to be.
  /// @param short_of_room  also those that were so before, and have not been asked since
  void replace(const identity::peer_id& peer, bool short_of_room, time_point now) {
    const auto found = cases_.find(peer);
    if (found == cases_.end()) return;
    found->second.replaced = true;
    for (const auto& one : found->second.suspects) {
      if (short_of_room ? gives_way(one, now) : is_silent(one, now)) one.sight.cut(errc::session_replaced);
    }
    std::erase_if(found->second.suspects, [](const suspect& one) { return !one.sight.alive(); });
  }

 private:
  struct suspect {
    session::sight sight;
    doubt why;
  };
  struct case_of_peer {
    std::vector<suspect> suspects;
    time_point begun{};
    bool replaced = false;
    bool cause_again = false;
  };

  const case_of_peer* find(const identity::peer_id& peer) const {
    const auto found = cases_.find(peer);
    return found == cases_.end() ? nullptr : &found->second;
  }

  static bool is_settled(const suspect& one, time_point now, bool over) {
    const auto signs = one.sight.signs();
    if (!signs) return true;  // it has ended
    const auto said = one.why.judge(*signs, now);
    if (signs->ended) {
      one.sight.cut(errc::truncated);
    } else if (said == doubt::verdict::dead) {
      one.sight.cut(errc::read_timeout);
    } else if (said == doubt::verdict::alive || over) {
      one.sight.keep_alive({});
    } else {
      one.sight.ask();
      return false;
    }
    return true;
  }
  static bool is_silent(const suspect& one, time_point now) {
    const auto signs = one.sight.signs();
    return signs && one.why.judge(*signs, now) >= doubt::verdict::silent;
  }
  static bool gives_way(const suspect& one, time_point now) {
    const auto signs = one.sight.signs();
    return signs && (is_silent(one, now) || one.why.was_silent_before(*signs, now));
  }

  std::map<identity::peer_id, case_of_peer> cases_;
};

/// The role that doubts.
class doubt_policy {
 public:
  virtual ~doubt_policy() = default;
  virtual doubts& doubted() = 0;
  /// All that it has with this peer.
  virtual std::vector<session::sight> sessions_with(const identity::peer_id& peer) = 0;
  /// A look was taken at them: what was doubted may have ended, or need another one beside.
  virtual void looked_at(const identity::peer_id& peer) = 0;
};

/// Carry out a case that doubts::give_cause() has begun, and what there is cause for meanwhile.
/// Cancellation: terminal; the sessions stay as they are.
[[nodiscard]] awaitable<void> look_after(std::shared_ptr<doubt_policy> role, identity::peer_id peer);

}  // namespace ajar::sessions

#ifdef AJAR_HEADER_ONLY
#include <ajar/sessions/impl/doubt.ipp>
#endif
