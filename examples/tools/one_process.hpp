// SPDX-License-Identifier: BSL-1.0
// A central, a server, and a client with a grant for it, all in one process: where the small examples begin.
#pragma once

#include <ajar.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <utility>

namespace tools {

class one_process {
 public:
  one_process()
      : central_({context_.get_executor()}, ajar::identity::key::generate(),
                 ajar::central_options({asio::ip::address_v4::loopback(), 0},
                                       ajar::switchboard::admission::of({home_.id()}))) {}

  // Serve and visit until the visit has ended. False where no port of loopback is free.
  template <class Serve, class Visit>
  bool run(Serve serve, Visit visit) {
    if (!central_.open()) return false;
    central_.start();
    ajar::grant terms;
    terms.client = guest_.id();
    terms.not_after = ajar::wall_now() + std::chrono::hours(1);
    terms.methods = ajar::trust::method::window;
    terms.sessions = 1;
    terms.windows_a_minute = 60;
    terms.windows_a_day = 100'000;
    terms.services = {{"greeting"}};
    const auto grant = ajar::signed_grant::sign(terms, home_);
    const auto executor = context_.get_executor();
    ajar::server server(executor, home_, ajar::server_options(central_.url()).logins(logins()).grants([&](const auto&) {
      return grant;
    }));
    server.start();
    asio::co_spawn(executor, serve(server), asio::detached);
    ajar::client client(executor, guest_,
                        ajar::client_options().logins(logins()).grants({{central_.url(), "home", grant}}));
    client.start();
    asio::co_spawn(executor, then_stop(visit(client, home_.id()), central_, server, client), asio::detached);
    context_.run();
    return true;
  }

 private:
  static std::function<ajar::result<std::uint64_t>()> logins() {
    return [count = std::uint64_t{0}]() mutable { return ajar::result<std::uint64_t>(++count); };
  }

  static ajar::awaitable<void> then_stop(ajar::awaitable<void> visiting, ajar::central& central, ajar::server& server,
                                         ajar::client& client) {
    co_await std::move(visiting);
    co_await client.stop();
    co_await server.stop();
    co_await central.stop();
  }

  asio::io_context context_;
  ajar::identity::key home_ = ajar::identity::key::generate();
  ajar::identity::key guest_ = ajar::identity::key::generate();
  ajar::central central_;
};

}  // namespace tools
