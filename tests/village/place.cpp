// SPDX-License-Identifier: BSL-1.0
#include "place.hpp"

#include <fmt/format.h>
#include <cstdlib>

namespace village {

ajar::trust::signed_grant owner::issue(const ajar::peer_id& client, terms with) {
  ajar::trust::grant body;
  body.id = ajar::crypto::random_octets<16>();
  body.client = client;
  body.not_before = ajar::wall_now() - 60s;
  body.not_after = ajar::wall_now() + with.life;
  body.methods = with.methods;
  body.lan = with.lan;
  body.roam = with.roam;
  body.sessions = with.sessions;
  body.windows_a_minute = with.windows_a_minute;
  body.windows_a_day = with.windows_a_day;
  body.windows_at_a_time = with.windows_at_a_time;
  body.listening = with.listening;
  body.services.push_back({"notes", true, false});
  auto made = ajar::trust::signed_grant::sign(body, key);
  issued.emplace(body.id, made);
  return made;
}

ajar::result<ajar::trust::signed_grant> owner::find(const ajar::trust::grant_id& id) const {
  const auto at = issued.find(id);
  if (at == issued.end()) return ajar::fail(ajar::errc::grant_unknown);
  return at->second;
}

std::function<ajar::result<std::uint64_t>()> logins() {
  return [count = std::make_shared<std::uint64_t>(0)] { return ajar::result<std::uint64_t>(++*count); };
}

ajar::telling::step_sink steps(std::string who) {
  if (!std::getenv("AJAR_TEST_STEPS")) return {};
  return [who](const ajar::telling::step& one) {
    fmt::print("{:>8} {} {:1} {} {}\n", one.at.time_since_epoch().count() / 1000 % 100'000'000, who, one.letter,
               one.what, one.detail);
  };
}

place::place(ajar::switchboard::admission served)
    : central({context.get_executor()}, ajar::identity::key::generate(),
              ajar::central_options(loopback(), std::move(served)).on_step(steps("central"))) {
  REQUIRE(central.open());
  central.start();
}

ajar::server_options place::server_options() {
  ajar::server_options made(central.url());
  made.logins(logins()).grants([this](const ajar::trust::grant_id& id) { return home.find(id); });
  made.on_step(steps("server "));
  return made;
}

ajar::client_options place::client_options(const ajar::identity::key& key, terms with) {
  ajar::client_options made;
  made.grants({file(home.issue(key.id(), with))}).logins(logins()).on_step(steps("client "));
  return made;
}

ajar::awaitable<void> echo(ajar::session guest) {
  std::array<std::uint8_t, 4096> octets{};
  for (;;) {
    auto count = co_await guest.read_some(octets);
    if (!count) break;
    auto written = co_await guest.write(ajar::bytes_view(octets).first(*count));
    if (!written) break;
  }
  auto parted = co_await guest.shutdown(ajar::clock::now() + 20s);
  (void)parted;
}

ajar::awaitable<void> serve_echo(ajar::server& server) {
  for (;;) {
    auto guest = co_await server.accept();
    if (!guest) co_return;
    server.spawn(echo(std::move(*guest)));
  }
}

ajar::awaitable<ajar::result<>> greet(ajar::session& session) {
  const std::string text = "hello";
  auto written = co_await session.write(ajar::as_bytes(text), ajar::clock::now() + 20s);
  if (!written) co_return written;
  std::array<std::uint8_t, 5> back{};
  auto read = co_await session.read(back, ajar::clock::now() + 20s);
  if (!read) co_return read;
  if (ajar::as_text(back) != text) co_return ajar::fail(ajar::errc::message_malformed);
  auto parted = co_await session.shutdown(ajar::clock::now() + 20s);
  co_return parted;
}

}  // namespace village
