// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/exchanges.hpp - the window requests that are open at one server: budgets, answers, ends.
#pragma once

#include <ajar/switchboard/clientele.hpp>
#include <ajar/switchboard/exchange.hpp>
#include <ajar/switchboard/explanation.hpp>

#include <map>
#include <utility>

namespace ajar::switchboard {

/// WO 2004/034190, just-in-time listening, steps C, E and F. Pure.
class exchanges {
 public:
  static constexpr std::size_t most_open_requests = 8;  // of one client's link, not answered yet
  static constexpr std::size_t most_answered = 256;     // the same, answered, but another listener may follow
  static constexpr std::size_t most_open_a_server = 4096;

  bool empty() const noexcept { return open_.empty(); }

  bool has_room(const link_ref& client, const trust::request_id& id) const {
    if (open_.size() >= most_open_a_server || open_.contains(id)) return false;
    const auto used = used_.find(client);
    return used == used_.end() || (used->second.open < most_open_requests && used->second.answered < most_answered);
  }

  /// Command the server. @param by  the client's grant
  void begin(const event::requested& what, const clientele::grant_facts& by, explanation steps, const link_ref& server,
             time_point now, desk& on) {
    const exchange life(now, what.budget);
    const auto until = on.waiting.emplace(life.deadline(), timer{what.server, what.id});
    steps.note(now, "C", "command the server");
    open_.emplace(what.id, one{life, until, what.link, by, std::move(steps)});
    ++used_[what.link].open;
    ++on.account.begun;
    on.tell(server, signalling::command{what.seen, what.signed_request});
  }

  /// The grant of an open request.
  const clientele::grant_facts* by(const trust::request_id& id) const {
    const auto at = open_.find(id);
    return at == open_.end() ? nullptr : &at->second.by;
  }

  /// The server answered: the client is told.
  void answered(const signalling::answer& what, time_point now, desk& on) {
    auto& request = open_.at(what.id);
    const bool first = !request.life.is_answered();
    if (!request.life.answered(now, what.last)) return;
    if (first) {
      ++on.account.answered;
      request.steps.answered(now);
      auto& used = used_.at(request.client);
      --used.open;
      ++used.answered;
    }
    request.steps.note(now, "E", "the server answered");
    request.steps.note(now, "F", "tell the client to connect");
    on.tell(request.client, what);
    if (request.life.is_over() && !request.steps.is_owed()) end(what.id, now, on);
  }

  /// The server has no more to say to a request that it has answered.
  void finished(const trust::request_id& id, time_point now, desk& on) {
    if (open_.at(id).life.is_answered()) end(id, now, on);
  }

  void traced(const event::traced& what, time_point now, desk& on) {
    auto& request = open_.at(what.id);
    if (!request.life.is_answered()) return;
    request.steps.note(now, "", "the server is done");
    request.steps.tell(request.client, what.id, what.signed_trace, on);
  }

  /// @param why_at_all  what the client is told who has got no answer
  void end(const trust::request_id& id, time_point now, desk& on, errc why_at_all = errc::exchange_timeout) {
    const auto at = open_.find(id);
    if (at == open_.end()) return;
    auto& request = at->second;
    if (const auto why = request.life.failure(why_at_all)) {
      request.steps.note(now, "", "no answer came", make_error_code(*why).message());
      request.steps.tell(request.client, id, {}, on);
      on.tell(request.client, signalling::failure{id, *why});
      on.account.refused.add(*why);
    }
    ++on.account.ended;
    const auto used = used_.find(request.client);
    --(request.life.is_answered() ? used->second.answered : used->second.open);
    if (used->second.open == 0 && used->second.answered == 0) used_.erase(used);
    on.waiting.erase(request.until);
    open_.erase(at);
  }

 private:
  struct one {
    exchange life;
    timers::iterator until;
    link_ref client;
    clientele::grant_facts by;
    explanation steps;  // until it is told
  };
  struct used_up {
    std::size_t open = 0;
    std::size_t answered = 0;
  };

  std::map<trust::request_id, one> open_;
  std::map<link_ref, used_up> used_;  // of those that have an open request
};

}  // namespace ajar::switchboard
