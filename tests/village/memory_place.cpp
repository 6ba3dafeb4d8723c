// SPDX-License-Identifier: BSL-1.0
#include "memory_place.hpp"

namespace village {

void memory_place::start_central() {
  ajar::central_options options({at_central, 443}, ajar::switchboard::admission::open());
  options.network(world.host(at_central)).on_step(steps.sink("central"));
  central.emplace(std::vector<asio::any_io_executor>{context.get_executor()}, central_key, options);
  REQUIRE(central->open());
  central->start();
}

void memory_place::start_server(std::function<void(ajar::server_options&)> adjust) {
  ajar::server_options options(central->url());
  options.logins(logins()).grants([this](const ajar::trust::grant_id& id) { return home.find(id); });
  options.network(world.host(at_server)).on_step(steps.sink("server "));
  if (adjust) adjust(options);
  server.emplace(context.get_executor(), home.key, options);
  server->start();
}

ajar::client memory_place::client(const ajar::identity::key& key, ajar::trust::signed_grant grant) {
  ajar::client_options options;
  options.grants({{central->url(), "home", std::move(grant)}}).logins(logins()).door({at_client, 7000});
  options.network(world.host(at_client)).on_step(steps.sink("client "));
  return ajar::client(context.get_executor(), key, options);
}

}  // namespace village
