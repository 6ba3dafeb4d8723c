// SPDX-License-Identifier: BSL-1.0
// ajar/outbound/impl/dialer.ipp - what ajar/outbound/dialer.hpp declares.
#pragma once

#include <ajar/outbound/dialer.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/sessions/handshake.hpp>
#include <ajar/tls/stream.hpp>

#include <string>

namespace ajar::outbound {

AJAR_DECL void dialer::start(const std::shared_ptr<const void>& owner) {
  owner_ = owner;
  tasks_.spawn(owner, run());
}

AJAR_DECL void dialer::update(const signalling::roster& list, const signalling::roster::changes& changed) {
  for (const auto& client : changed) {
    if (const auto* entry = list.find(client)) {
      plan_.put(client, *entry, clock::now());
      if (plan_.is_connected(client)) policy_.doubt(client);
    } else {
      plan_.remove(client);
    }
  }
  changed_.notify();
}

// Tells the plan what became of an attempt, also of one that was ended.
class dialer::under_way {
 public:
  under_way(dialer& of, identity::peer_id client) : of_(of), client_(std::move(client)) {}
  under_way(const under_way&) = delete;
  under_way& operator=(const under_way&) = delete;
  ~under_way() {
    if (connected_ || of_.tasks_.context_ended()) return;
    of_.plan_.failed(client_, clock::now());
    of_.changed_.notify();  // another one may have waited for its turn
  }
  void connected() {
    connected_ = true;
    of_.plan_.connected(client_);
    of_.changed_.notify();
  }

 private:
  dialer& of_;
  identity::peer_id client_;
  bool connected_ = false;
};

AJAR_DECL awaitable<void> dialer::run() {
  for (;;) {
    for (const auto& to : plan_.due(clock::now())) tasks_.spawn(owner_.lock(), attempt(to), to.grant);
    const auto next = plan_.next();
    auto changed = co_await changed_.wait_until(next, errc::would_block);
    if (!changed && is_canceled(changed.error())) co_return;
  }
}

AJAR_DECL awaitable<void> dialer::attempt(dial_plan::attempt to) {
  const auto steps = telling::caused_by(short_name(to.client), steps_);
  telling::report_step(steps, "C", "dial the client", short_name(to.client) + " at " + net::to_string(to.to));
  under_way here(*this, to.client);
  auto connecting = connect(to);
  auto guest = co_await std::move(connecting);
  if (!guest) {
    telling::report_trouble(steps, "the client was not reached",
                            short_name(to.client) + ": " + guest.error().message());
    policy_.not_reached(to.client, guest.error());
    co_return;
  }
  here.connected();
  guest->when_closed([this, owner = owner_, client = to.client](const tls::traffic&) {
    const auto still = owner.lock();
    if (!still) return;
    plan_.lost(client, clock::now());
    changed_.notify();
  });
  policy_.entered(std::move(*guest));
}

AJAR_DECL awaitable<result<sessions::session>> dialer::connect(dial_plan::attempt to) {
  constexpr std::chrono::seconds dial_time{5};
  const auto until = clock::now() + dial_time;
  auto may = policy_.may_dial(to);
  if (!may) co_return fail(may.error());
  const net::dial_times once{clock::now(), until};  // and what the kernel repeats: three SYNs at most in this time
  auto dialling = network_->dial_at(to.to, once);
  auto expected = identity::expect(to.client, tls::alpn::session);
  auto securing = tls::secure(std::move(dialling), key_.tls(), std::move(expected), until);
  auto secured = co_await std::move(securing);
  if (!secured) co_return fail(secured.error());
  sessions::entry_check check = [this](const sessions::claim& claimed, const identity::peer_id& client) {
    return policy_.may_enter(claimed, client);
  };
  auto entering = sessions::let_in(std::move(*secured), key_, sessions::path::outbound, std::move(check), until);
  auto guest = co_await std::move(entering);
  co_return guest;
}

}  // namespace ajar::outbound
