// SPDX-License-Identifier: BSL-1.0
#include "house.hpp"

namespace switching {

house::house(std::size_t shards) : homes(shards, directory(15s)) {}

house::~house() = default;

void house::send(const any_event& what) {
  auto& home = homes[std::hash<peer_id>()(home_of(what)) % homes.size()];
  carry(home.handle(what, now, today));
}

void house::carry(std::vector<delivery> all) {
  for (auto& one : all) {
    const bool roster = std::holds_alternative<signalling::roster_update>(one.what);
    told[one.to].push_back(std::move(one.what));
    if (roster && links_drain) drain(one.to);
  }
}

void house::drain(const link_ref& link) {
  if (const auto whose = owners.find(link); whose != owners.end()) send(event::drained{link, whose->second});
}

time_point house::next() const {
  auto first = never;
  for (const auto& one : homes) first = std::min(first, one.next());
  return first;
}

void house::pass(clock::duration time) {
  const auto target = now + time;
  while (next() <= target) {
    move_to(std::max(now, next()));
    for (auto& one : homes) carry(one.expire(now, today));
  }
  move_to(target);
}

void house::move_to(time_point at) {
  const auto seconds = [](time_point one) { return std::chrono::floor<std::chrono::seconds>(one.time_since_epoch()); };
  today += seconds(at) - seconds(now);
  now = at;
}

bool house::quiet() const { return told.empty(); }

link_ref house::new_link() {
  ++links;
  return {static_cast<std::uint32_t>(links % homes.size()), links};
}

link_ref house::attach(const peer_id& who, role as, std::uint64_t login) {
  event::attached made;
  made.link = new_link();
  made.peer = who;
  made.who = as;
  made.login = login;
  made.methods = outbound | window;
  made.nonce = nonce(static_cast<std::uint8_t>(made.link.number));
  made.seen = {asio::ip::make_address("192.0.2.1"), static_cast<std::uint16_t>(made.link.number)};
  owners[made.link] = who;
  send(made);
  return made.link;
}

link_ref house::up(const peer_id& who, role as, std::uint64_t login) {
  const auto link = attach(who, as, login);
  take<signalling::welcome>(link);
  return link;
}

void house::detach(const link_ref& link, const peer_id& who, role as) { send(event::detached{link, who, as}); }

void house::present(const link_ref& link, const peer_id& server, const peer_id& client, std::uint32_t grant,
                    trust::method_set methods, std::chrono::seconds life) {
  presented[{link, server}] = grant;
  send(event::granted{link, server, client, id(grant), methods, today + life});
}

signalling::presence house::granted(const link_ref& link, const peer_id& server, const peer_id& client,
                                    std::uint32_t grant, trust::method_set methods, std::chrono::seconds life) {
  present(link, server, client, grant, methods, life);
  const auto result = take<signalling::grant_result>(link);
  CHECK(result.grant == id(grant));
  CHECK(result.code == accepted);
  auto told_now = take<signalling::presence>(link);
  CHECK(told_now.server == server);
  return told_now;
}

void house::leave(const link_ref& link, const peer_id& server, const peer_id& client) {
  send(event::client_left{link, server, client});
  detach(link, client, role::client);
}

void house::prove(const link_ref& link, const peer_id& server, const peer_id& client, std::uint8_t record) {
  send(event::door_proved{link, server, client, bytes(3, record)});
}

void house::ask_roster(const link_ref& link, const peer_id& server, const signalling::roster_version& since,
                       std::chrono::milliseconds interval) {
  send(event::roster_asked{link, server, since, interval});
}

void house::revoke(const link_ref& link, const peer_id& server, std::uint64_t serial,
                   std::vector<trust::revocations::entry> entries) {
  trust::revocations list;
  list.serial = serial;
  list.entries = std::move(entries);
  auto octets = list_of(serial);
  send(event::revoked{link, server, std::move(list), std::move(octets)});
}

bytes house::list_of(std::uint64_t serial) { return bytes(5, static_cast<std::uint8_t>(serial)); }

trust::revocations::entry house::entry(std::uint32_t grant) const { return {id(grant), today + 24h}; }

void house::request(const link_ref& link, const peer_id& server, const peer_id& client, std::uint32_t number,
                    std::chrono::milliseconds budget, bool explain) {
  request_by(presented[{link, server}], link, server, client, number, budget, explain);
}

void house::request_by(std::uint32_t grant, const link_ref& link, const peer_id& server, const peer_id& client,
                       std::uint32_t number, std::chrono::milliseconds budget, bool explain) {
  const net::tcp::endpoint seen(asio::ip::make_address("198.51.100.7"), 7);
  send(event::requested{link, server, client, {seen}, id(number), id(grant), budget, octets_of(number), explain});
}

bytes house::octets_of(std::uint32_t number) {
  const auto octets = id(number);
  return bytes(octets.begin(), octets.end());
}

void house::answer(const link_ref& link, const peer_id& server, std::uint32_t number, bool last) {
  send(event::answered{link, server, signalling::answer{id(number), last, octets_of(number + 1)}});
}

void house::finish(const link_ref& link, const peer_id& server, std::uint32_t number) {
  send(event::answered{link, server, signalling::answer{id(number), true, {}}});
}

std::size_t house::servers() const {
  std::size_t sum = 0;
  for (const auto& one : homes) sum += one.servers();
  return sum;
}

rendezvous_account house::account() const {
  rendezvous_account sum;
  for (const auto& one : homes) sum.add(one.account());
  return sum;
}

std::size_t house::logins() const {
  std::size_t sum = 0;
  for (const auto& one : homes) sum += one.logins();
  return sum;
}

std::size_t house::kept() const {
  std::size_t sum = 0;
  for (const auto& one : homes) sum += one.kept();
  return sum;
}

std::size_t house::resting() const {
  std::size_t sum = 0;
  for (const auto& one : homes) sum += one.resting();
  return sum;
}

std::size_t house::evicting() const {
  std::size_t sum = 0;
  for (const auto& one : homes) sum += one.evicting();
  return sum;
}

std::size_t house::timers() const {
  std::size_t sum = 0;
  for (const auto& one : homes) sum += one.timers();
  return sum;
}

scene::scene(std::size_t shards) : house(shards) {
  at_server = up(server, role::server);
  at_client = up(client, role::client);
  granted(at_client, server, client, 1);
}

}  // namespace switching
