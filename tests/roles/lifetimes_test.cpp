// SPDX-License-Identifier: BSL-1.0
// Each of the three roles goes at each suspension of what it does, without stop().
#include <ajar/central.hpp>
#include <ajar/client.hpp>
#include <ajar/server.hpp>

#include "lifetimes.hpp"
#include "village/memory_place.hpp"

namespace lifetimes_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

enum class role_that_goes { client, server, central };

// A client is dialled by its server, says hello, and both stop; in the midst of it one of the three goes.
struct role_going : village::memory_place {
  explicit role_going(role_that_goes who) : one(time, context, begin(who), goes(who)) {}
  role_going(const role_going&) = delete;
  role_going& operator=(const role_going&) = delete;
  ~role_going() {
    visitor.reset();
    server.reset();
    central.reset();
    time.settle(context);
  }

  awaitable<void> begin(role_that_goes who) {
    start_server();
    const auto key = identity::key::generate();
    visitor.reset(new ajar::client(memory_place::client(key, home.issue(key.id()))));
    visitor->start();
    if (who == role_that_goes::client) {
      server->spawn(village::serve_echo(*server));
      return visit(this);
    }
    asio::co_spawn(context, visit(this), asio::detached);
    return who == role_that_goes::server ? serve(this) : oversee(this);
  }

  std::function<void()> goes(role_that_goes who) {
    if (who == role_that_goes::client) return [this] { visitor.reset(); };
    if (who == role_that_goes::server) return [this] { server.reset(); };
    return [this] { central.reset(); };
  }

  // Each asks whether its role is there before it touches it.
  static awaitable<void> visit(role_going* all) {
    connect_options how;
    how.over(by::outbound).until(clock::now() + 20s);
    if (!all->visitor) co_return;
    const auto id = all->home.key.id();
    auto session = co_await all->visitor->connect(id, how);
    if (!session) co_return;
    auto greeted = co_await village::greet(*session);
    (void)greeted;
    if (!all->visitor) co_return;
    auto looked = co_await all->visitor->network(id, clock::now() + 1s);
    (void)looked;
    if (!all->visitor) co_return;
    co_await all->visitor->stop();
  }
  static awaitable<void> serve(role_going* all) {
    if (!all->server) co_return;
    auto guest = co_await all->server->accept();
    if (!guest || !all->server) co_return;
    co_await village::echo(std::move(*guest));
    if (!all->server) co_return;
    const trust::revocations none;
    auto revoked = co_await all->server->revoke(trust::signed_revocations::sign(none, all->home.key));
    (void)revoked;
    if (!all->server) co_return;
    co_await all->server->stop();
  }
  static awaitable<void> oversee(role_going* all) {
    while (all->central) {
      auto now = co_await all->central->status();
      if (now.clients != 0 && now.servers != 0) break;
      auto slept = co_await sleep_until(clock::now() + 1ms);
      (void)slept;
    }
    if (!all->central) co_return;
    co_await all->central->stop();
  }

  std::unique_ptr<ajar::client> visitor;
  lifetimes::trial one;
};

}  // namespace

TEST_CASE("a client, a server and a central may go at every suspension, without being stopped") {
  for (const auto who : {role_that_goes::client, role_that_goes::server, role_that_goes::central}) {
    CAPTURE(static_cast<int>(who));
    CHECK(lifetimes::drop_at_each([who] { return std::make_unique<role_going>(who); }, 60) > 60);
  }
}

}  // namespace lifetimes_test
