// SPDX-License-Identifier: BSL-1.0
// A central, a server and clients on loopback, all in one thread: what the tests of the roles share.
#pragma once

#include <ajar.hpp>
#include <ajar/testing/run.hpp>

#include <doctest/doctest.h>
#include <asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace village {

using namespace std::chrono_literals;

inline constexpr auto every_method =
    ajar::trust::method::outbound | ajar::trust::method::window | ajar::trust::method::relay;

// What a grant may be made with; by default all that there is.
struct terms {
  ajar::trust::method_set methods = every_method;
  bool lan = true;
  bool roam = false;
  std::chrono::seconds life = 3600s;
  std::uint16_t sessions = 16;
  std::uint16_t windows_a_minute = 6000;
  std::uint32_t windows_a_day = 1'000'000;
  std::uint16_t windows_at_a_time = 2;
  std::chrono::milliseconds listening = 6s;
};

// The owner's side: a key, and the grants issued under it.
class owner {
 public:
  ajar::trust::signed_grant issue(const ajar::peer_id& client, terms with = {});
  ajar::result<ajar::trust::signed_grant> find(const ajar::trust::grant_id& id) const;

  ajar::identity::key key = ajar::identity::key::generate();
  std::map<ajar::trust::grant_id, ajar::trust::signed_grant> issued;
};

std::function<ajar::result<std::uint64_t>()> logins();

inline ajar::net::tcp::endpoint loopback(std::uint16_t port = 0) { return {asio::ip::address_v4::loopback(), port}; }

// Prints the steps of a role where AJAR_TEST_STEPS is set.
ajar::telling::step_sink steps(std::string who);

struct place {
  explicit place(ajar::switchboard::admission served = ajar::switchboard::admission::open());

  ajar::server_options server_options();
  ajar::trust::grant_file file(const ajar::trust::signed_grant& grant) { return {central.url(), "home", grant}; }
  ajar::client_options client_options(const ajar::identity::key& key, terms with = {});

  asio::io_context context;
  owner home;
  ajar::central central;
};

// Echoes on every session that comes, until the server stops.
ajar::awaitable<void> echo(ajar::session guest);

ajar::awaitable<void> serve_echo(ajar::server& server);

// Says hello over a session, and says goodbye.
ajar::awaitable<ajar::result<>> greet(ajar::session& session);

}  // namespace village
