// SPDX-License-Identifier: BSL-1.0
// ajar/outbound/dialer.hpp - a server's connections to its clients: it makes them all itself.
#pragma once

#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/task_group.hpp>
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
  /// The last word before a session, when the client has proved itself.
  virtual result<> may_enter(const sessions::claim& claimed, const identity::peer_id& client) = 0;
  /// A session is there.
  virtual void entered(sessions::session guest) = 0;
  /// A client was not reached, or did not prove itself.
  virtual void not_reached(const identity::peer_id&, const std::error_code&) {}
};

/// Carries out a dial_plan: one session with each client of the roster, dialled again after a loss.
///
/// It opens no port, ever. Threads: one executor. The policy outlives stop(). Source: WO 2004/034190, non-listening
/// server, step C.
class dialer : public std::enable_shared_from_this<dialer> {
 public:
  dialer(const asio::any_io_executor& executor, identity::key self, dial_policy& policy, net::dial_options how,
         telling::step_sink steps)
      : self_(std::move(self)),
        policy_(policy),
        how_(std::move(how)),
        steps_(std::move(steps)),
        changed_(executor),
        tasks_(executor) {}

  /// Begin. Precondition: made by make_shared.
  void start() { tasks_.spawn(run(shared_from_this())); }

  /// The roster changed for these clients.
  void update(const signalling::roster& list, const signalling::roster::changes& changed) {
    for (const auto& client : changed) {
      if (const auto* entry = list.find(client)) {
        plan_.put(client, *entry, clock::now());
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

  static awaitable<void> run(std::shared_ptr<dialer> self) {
    for (;;) {
      for (const auto& to : self->plan_.due(clock::now())) self->tasks_.spawn(attempt(self, to), to.grant);
      const auto next = self->plan_.next();
      auto change = self->changed_.wait();
      auto changed = co_await before(next, errc::would_block, std::move(change));
      if (!changed && is_canceled(changed.error())) co_return;
    }
  }

  static awaitable<void> attempt(std::shared_ptr<dialer> self, dial_plan::attempt to) {
    telling::report_step(self->steps_, "C", "dial the client", short_name(to.client) + " at " + net::to_string(to.to));
    under_way here(*self, to.client);
    auto connecting = connect(self, to);
    auto guest = co_await std::move(connecting);
    if (!guest) {
      telling::report_trouble(self->steps_, "the client was not reached",
                              short_name(to.client) + ": " + guest.error().message());
      self->policy_.not_reached(to.client, guest.error());
      co_return;
    }
    here.connected();
    guest->when_closed([weak = self->weak_from_this(), client = to.client](const tls::traffic&) {
      if (const auto still = weak.lock()) {
        still->plan_.lost(client, clock::now());
        still->changed_.notify();
      }
    });
    self->policy_.entered(std::move(*guest));
  }

  static awaitable<result<sessions::session>> connect(std::shared_ptr<dialer> self, dial_plan::attempt to) {
    const auto until = clock::now() + dial_time;
    auto may = self->policy_.may_dial(to);
    if (!may) co_return fail(may.error());
    const net::dial_times once{clock::now(), until};  // and what the kernel repeats: three SYNs at most in this time
    auto dialling = net::dial_at(to.to, once, self->how_);
    auto stream = co_await std::move(dialling);
    if (!stream) co_return fail(stream.error());
    auto expected = identity::expect(to.client, tls::alpn::session);
    auto securing = sessions::secure(std::move(*stream), tls::side::client, self->self_, std::move(expected), until);
    auto secured = co_await std::move(securing);
    if (!secured) co_return fail(secured.error());
    sessions::entry_check check = [self](const sessions::claim& claimed, const identity::peer_id& client) {
      return self->policy_.may_enter(claimed, client);
    };
    auto entering =
        sessions::let_in(std::move(*secured), self->self_, sessions::path::outbound, std::move(check), until);
    auto guest = co_await std::move(entering);
    co_return guest;
  }

  identity::key self_;
  dial_policy& policy_;
  net::dial_options how_;
  telling::step_sink steps_;
  dial_plan plan_;
  notifier changed_;
  task_group tasks_;
};

}  // namespace ajar::outbound
