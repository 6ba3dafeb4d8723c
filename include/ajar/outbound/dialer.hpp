// SPDX-License-Identifier: BSL-1.0
// ajar/outbound/dialer.hpp - a server's connections to its clients: it makes them all itself.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/places.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/net/network.hpp>
#include <ajar/outbound/dial_plan.hpp>
#include <ajar/sessions/handshake.hpp>
#include <ajar/telling/step.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace ajar::outbound {

/// What the dialer asks the server.
class dial_policy {
 public:
  virtual ~dial_policy() = default;
  /// May this client be dialled there now, under this grant?
  virtual result<> may_dial(const dial_plan::attempt& to) = 0;
  /// The last word before a session, when the client has proved itself. @return the session's place
  virtual result<place> may_enter(const sessions::claim& claimed, const identity::peer_id& client) = 0;
  /// A session is there.
  virtual void entered(sessions::session guest) = 0;
  /// A client that has a session is there anew: that session may be dead, and nobody has noticed.
  virtual void doubt(const identity::peer_id&) {}
  /// A client was not reached, or did not prove itself.
  virtual void not_reached(const identity::peer_id&, const std::error_code&) {}
};

/// Carries out a dial_plan: one session with each client of the roster, dialled again after a loss.
///
/// It opens no port, ever. Threads: one executor. What is under way keeps the dialer's owner alive. Source: WO
/// 2004/034190, non-listening server, step C.
class dialer {
 public:
  dialer(const asio::any_io_executor& executor, identity::key own, dial_policy& policy,
         std::shared_ptr<net::network> over, telling::step_sink steps)
      : key_(std::move(own)),
        policy_(policy),
        network_(std::move(over)),
        steps_(std::move(steps)),
        changed_(executor),
        tasks_(executor) {}

  dialer(const dialer&) = delete;
  dialer& operator=(const dialer&) = delete;

  /// Begin.
  /// @param owner  of this dialer and of its policy
  void start(const std::shared_ptr<const void>& owner) {
    owner_ = owner;
    tasks_.spawn(owner, run());
  }

  /// The roster changed for these clients.
  void update(const signalling::roster& list, const signalling::roster::changes& changed) {
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

  /// End the attempts under one grant, and wait for that; sessions go on. Cancellation: terminal.
  [[nodiscard]] awaitable<void> end(const trust::grant_id& grant) { return tasks_.end({grant.begin(), grant.end()}); }

  /// End all attempts; sessions go on.
  void cancel() { tasks_.cancel(); }
  [[nodiscard]] awaitable<void> join() { return tasks_.join(); }

 private:
  static constexpr std::chrono::seconds dial_time{5};

  // Tells the plan what became of an attempt, also of one that was ended.
  class under_way {
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

  awaitable<void> run() {
    for (;;) {
      for (const auto& to : plan_.due(clock::now())) tasks_.spawn(owner_.lock(), attempt(to), to.grant);
      const auto next = plan_.next();
      auto change = changed_.wait();
      auto changed = co_await before(next, errc::would_block, std::move(change));
      if (!changed && is_canceled(changed.error())) co_return;
    }
  }

  awaitable<void> attempt(dial_plan::attempt to) {
    telling::report_step(steps_, "C", "dial the client", short_name(to.client) + " at " + net::to_string(to.to));
    under_way here(*this, to.client);
    auto connecting = connect(to);
    auto guest = co_await std::move(connecting);
    if (!guest) {
      telling::report_trouble(steps_, "the client was not reached",
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

  awaitable<result<sessions::session>> connect(dial_plan::attempt to) {
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

  identity::key key_;
  dial_policy& policy_;
  std::shared_ptr<net::network> network_;
  telling::step_sink steps_;
  std::weak_ptr<const void> owner_;
  dial_plan plan_;
  notifier changed_;
  task_group tasks_;
};

}  // namespace ajar::outbound
