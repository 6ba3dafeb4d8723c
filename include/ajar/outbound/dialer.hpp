// SPDX-License-Identifier: BSL-1.0
// ajar/outbound/dialer.hpp - a server's connections to its clients: it makes them all itself.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/places.hpp>
#include <ajar/core/result.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/identity/key.hpp>
#include <ajar/net/network.hpp>
#include <ajar/outbound/dial_plan.hpp>
#include <ajar/sessions/proof.hpp>
#include <ajar/sessions/session.hpp>
#include <ajar/signalling/roster.hpp>
#include <ajar/telling/step.hpp>

#include <memory>
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
  /// A coroutine of the dialer has thrown.
  virtual void thrown(const std::exception_ptr&) {}
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
        tasks_(executor, [this](const std::exception_ptr& what) { policy_.thrown(what); }) {}

  dialer(const dialer&) = delete;
  dialer& operator=(const dialer&) = delete;

  /// Begin.
  /// @param owner  of this dialer and of its policy
  void start(const std::shared_ptr<const void>& owner);

  /// The roster changed for these clients.
  void update(const signalling::roster& list, const signalling::roster::changes& changed);

  /// The session with this client may be dead: make another one beside it.
  void again(const identity::peer_id& client) {
    plan_.again(client, clock::now());
    changed_.notify();
  }

  /// End the attempts under one grant, and wait for that; sessions go on. Cancellation: terminal.
  [[nodiscard]] awaitable<void> end(const trust::grant_id& grant) { return tasks_.end({grant.begin(), grant.end()}); }

  /// End all attempts; sessions go on.
  void cancel() { tasks_.cancel(); }
  [[nodiscard]] awaitable<void> join() { return tasks_.join(); }

 private:
  class under_way;

  awaitable<void> run();
  awaitable<void> attempt(dial_plan::attempt to);
  awaitable<result<sessions::session>> connect(dial_plan::attempt to);

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

#ifdef AJAR_HEADER_ONLY
#include <ajar/outbound/impl/dialer.ipp>
#endif
