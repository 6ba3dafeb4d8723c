// SPDX-License-Identifier: BSL-1.0
// What a client keeps of all that central may say.
#include <ajar/client/connecting.hpp>

#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/network.hpp>

#include "village/place.hpp"

namespace hearsay_test {

using namespace std::chrono_literals;
using namespace ajar;

namespace {

const auto at_client = asio::ip::make_address("203.0.113.1");

// A client with a door, and a grant; central is what the test says.
struct listener {
  explicit listener(trust::method_set methods = trust::method::outbound) {
    village::terms with;
    with.methods = methods;
    with.life = 96h;
    grant.emplace(home.issue(self.id(), with));
    client_options how;
    how.grants({{central, "home", *grant}}).logins(village::logins()).network(world.host(at_client));
    how.door({at_client, 7000});
    node = std::make_shared<detail::client_node>(context.get_executor(), self, how);
    node->start();
    side = node->side_of(central);
  }

  signalling::presence presence_of(const identity::peer_id& server) const {
    signalling::presence made;
    made.server = server;
    made.state = signalling::presence_state::polling;
    made.methods = trust::method::outbound;
    return made;
  }

  testing::manual_clock time;
  asio::io_context context;
  testing::network world{context.get_executor()};
  identity::url central{net::endpoint("198.51.100.1", 443), identity::key::generate().id()};
  village::owner home;
  identity::key self = identity::key::generate();
  std::optional<trust::signed_grant> grant;
  std::shared_ptr<detail::client_node> node;
  std::shared_ptr<detail::client_node::central_side> side;
};

awaitable<void> await_a_dial(listener& all, clock::duration& took) {
  const auto begun = clock::now();
  auto connecting = detail::connecting::run(all.node, all.home.key.id(), connect_options().over(by::outbound));
  auto came = co_await std::move(connecting);
  CHECK(!came);
  took = clock::now() - begun;
  all.node->abandon();
  co_await all.node->tasks.join();
}

awaitable<void> leave(listener& all) {
  all.node->abandon();
  co_await all.node->tasks.join();
}

}  // namespace

TEST_CASE("a client keeps what central says of its own servers and grants, and nothing else") {
  listener all;
  const auto ours = all.home.key.id();
  for (int i = 0; i < 100; ++i) {
    const auto other = identity::key::generate().id();
    CHECK(all.node->received(*all.side, all.presence_of(other)));
    const signalling::grant_result refused{crypto::random_octets<16>(),
                                           static_cast<std::uint16_t>(errc::grant_revoked)};
    CHECK(all.node->received(*all.side, refused));
  }
  CHECK(all.side->present.empty());
  CHECK(all.side->refused.empty());
  CHECK(all.node->received(*all.side, all.presence_of(ours)));
  const signalling::grant_result refused{all.grant->body().id, static_cast<std::uint16_t>(errc::grant_revoked)};
  CHECK(all.node->received(*all.side, refused));
  CHECK(all.side->present.contains(ours));
  CHECK(all.side->refused.contains(all.grant->body().id));
  all.time.run(all.context, leave(all));
}

TEST_CASE("a client waits a day at most for a server that polls, whatever central says") {
  listener all;
  auto seldom = all.presence_of(all.home.key.id());
  seldom.interval = 49 * 24h;
  CHECK(all.node->received(*all.side, seldom));
  clock::duration took{};
  all.time.run(all.context, await_a_dial(all, took), 60 * 24h);
  CHECK(took == 24h + 10s);
}

}  // namespace hearsay_test
