// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/standing.hpp - whether a server is there, and who is still to be told of it.
#pragma once

#include <ajar/switchboard/clientele.hpp>

#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace ajar::switchboard {

/// One server's presence: linked, expected back, or neither. Its clients are told some at a time. Pure.
class standing {
 public:
  bool is_linked() const noexcept { return up_.has_value(); }
  bool is_linked_by(const link_ref& link) const noexcept { return up_ && up_->link == link; }
  bool is_expected() const noexcept { return polling_.has_value(); }
  /// Of its link, where there is one.
  const link_ref& link() const { return up_->link; }

  void attach(const event::attached& what, desk& on) {
    up_ = online{what.link, what.nonce};
    methods_ = what.methods;
    seen_ = what.seen;
    if (polling_) end_polling(on);
    interval_ = std::chrono::milliseconds(0);
  }
  void detach(const identity::peer_id& id, time_point now, desk& on) {
    up_.reset();
    if (interval_.count() > 0) polling_ = on.waiting.emplace(now + interval_ * 3 / 2, timer{id, timer::polling()});
  }
  void end_polling(desk& on) {
    on.waiting.erase(*polling_);
    polling_.reset();
  }
  /// @return whether that is another than before
  bool comes_back_in(std::chrono::milliseconds interval) { return std::exchange(interval_, interval) != interval; }
  void renew(const trust::link_nonce& nonce) { up_->nonce = nonce; }

  /// Whoever comes with one of them is passed on.
  void announce(const std::vector<trust::invite_id>& ids) { up_->invites = {ids.begin(), ids.end()}; }
  bool has_announced(const trust::invite_id& id) const { return up_ && up_->invites.contains(id); }

  signalling::presence presence_of(const identity::peer_id& id) const {
    signalling::presence made;
    made.server = id;
    made.methods = methods_;
    made.interval = interval_;
    made.seen = seen_;
    if (up_) {
      made.state = signalling::presence_state::online;
      made.nonce = up_->nonce;
    } else if (polling_) {
      made.state = signalling::presence_state::polling;
    }
    return made;
  }

  /// It is another now: from the first client on.
  void publish(const identity::peer_id& id, const clientele& clients, time_point now, wall_time today, desk& on) {
    withdraw(on);
    rest_ = publishing{on.waiting.emplace(now, timer{id, timer::presence_rest()})};
    publish_rest(id, clients, now, today, on);
  }
  void publish_rest(const identity::peer_id& id, const clientele& clients, time_point now, wall_time today, desk& on) {
    const auto what = presence_of(id);
    auto& told = rest_->told;
    const auto& all = clients.all();
    auto at = told ? all.upper_bound(*told) : all.begin();
    for (std::size_t some = 0; some < desk::most_at_once && at != all.end(); ++some, ++at) {
      if (clients.counts(at->second, today)) on.tell(at->second.link, what);
      told = at->first;
    }
    on.waiting.erase(rest_->at);
    if (at == all.end()) {
      rest_.reset();
    } else {
      rest_->at = on.waiting.emplace(now, timer{id, timer::presence_rest()});
    }
  }
  /// Nobody else is told.
  void withdraw(desk& on) {
    if (rest_) on.waiting.erase(rest_->at);
    rest_.reset();
  }

 private:
  struct online {
    link_ref link;
    trust::link_nonce nonce{};
    std::set<trust::invite_id> invites{};
  };
  struct publishing {
    timers::iterator at;
    std::optional<identity::peer_id> told{};  // up to there
  };

  std::optional<online> up_;
  std::optional<timers::iterator> polling_;  // until then: without a link, but expected back
  std::chrono::milliseconds interval_{0};
  trust::method_set methods_;
  net::tcp::endpoint seen_;
  std::optional<publishing> rest_;  // of its clients, which are not told yet
};

}  // namespace ajar::switchboard
