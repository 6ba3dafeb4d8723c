// SPDX-License-Identifier: BSL-1.0
// ajar/trust/may_open.hpp - may a window be opened for this request? The server's side of freshness and budgets.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/trust/may_enter.hpp>
#include <ajar/trust/window_request.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <vector>

namespace ajar::trust {

/// Remembers what makes a request fresh: the nonces of the link, the requests seen under them, the windows of the last
/// minute and of the day. Bounded: what a nonce has seen goes with the nonce.
///
/// It draws the nonces itself, so that nobody can have it take one that it has had before.
class window_gate {
 public:
  /// How often a link that stands has a new nonce.
  static constexpr std::chrono::hours renewed_after{1};

  /// @param most_a_nonce  requests that are remembered under one nonce, which lives for an hour: 16 octets each
  explicit window_gate(std::size_t most_a_nonce = 100'000) : most_a_nonce_(most_a_nonce) {}

  /// The nonce of a new link, or a link's next. The one before stays good for requests on their way, and what it has
  /// seen stays seen.
  ///
  /// @param at  which link, where there are several: a number for each central
  link_nonce draw(std::size_t at = 0) {
    auto& one = links_[at];
    one.earlier = std::move(one.current);
    one.current = link{crypto::random_octets<32>(), {}};
    return one.current->nonce;
  }
  /// A link went: its nonces are worth nothing.
  void forget_nonces(std::size_t at = 0) { links_.erase(at); }

  /// Decide, and count the window where the answer is yes.
  ///
  /// @param request  as it was signed; its signer is the client
  /// @param given    the grant that the request names, from the server's own store
  /// Errors: request_of_another, request_stale, request_replayed, too_many_requests, too_many_windows,
  /// too_many_windows_today, and may_enter's.
  result<> may_open(const signed_request& request, const signed_grant& given, const revocations& revoked,
                    const entry& at, time_point now) {
    const auto& body = request.body();
    if (body.server != at.server || request.signer() != at.client) return fail(errc::request_of_another);
    auto* link = find(body.nonce);
    if (!link) return fail(errc::request_stale);
    const auto place = std::ranges::lower_bound(link->seen, body.id);
    if (place != link->seen.end() && *place == body.id) return fail(errc::request_replayed);
    if (link->seen.size() >= most_a_nonce_) return fail(errc::too_many_requests);
    auto enters = may_enter(given, revoked, at);
    if (!enters) return enters;
    if (body.roam && !given.body().roam) return fail(errc::address_not_permitted);
    const auto day = std::chrono::floor<std::chrono::days>(at.now);
    forget_before(day, now);
    auto& spent = spent_[given.body().id];
    auto& windows = spent.last_minute;
    while (!windows.empty() && now - windows.front() >= std::chrono::minutes(1)) windows.pop_front();
    if (windows.size() >= given.body().windows_a_minute) return fail(errc::too_many_windows);
    if (day > spent.day) spent = {std::move(spent.last_minute), day, 0};  // a clock set back begins no new day
    if (spent.today >= given.body().windows_a_day) return fail(errc::too_many_windows_today);
    link->seen.insert(place, body.id);
    windows.push_back(now);
    ++spent.today;
    return {};
  }

  /// Grants whose windows are counted.
  std::size_t counted() const noexcept { return spent_.size(); }

 private:
  struct budget {
    std::deque<time_point> last_minute;
    std::chrono::sys_days day{};
    std::uint32_t today = 0;
  };
  struct link {
    link_nonce nonce{};
    std::vector<request_id> seen;  // sorted
  };
  struct links_of_one {
    std::optional<link> current;
    std::optional<link> earlier;
  };

  link* find(const link_nonce& nonce) {
    for (auto& [at, all] : links_) {
      for (auto* one : {&all.current, &all.earlier}) {
        if (*one && (*one)->nonce == nonce) return &**one;
      }
    }
    return nullptr;
  }

  // Once a day those that have opened nothing since the last one.
  void forget_before(std::chrono::sys_days day, time_point now) {
    if (day <= swept_) return;
    swept_ = day;
    std::erase_if(spent_, [&](const auto& one) {
      const auto& windows = one.second.last_minute;
      return one.second.day < day && (windows.empty() || now - windows.back() >= std::chrono::minutes(1));
    });
  }

  std::size_t most_a_nonce_;
  std::chrono::sys_days swept_{};
  std::map<std::size_t, links_of_one> links_;  // by central
  std::map<grant_id, budget> spent_;
};

}  // namespace ajar::trust
