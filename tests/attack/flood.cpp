// SPDX-License-Identifier: BSL-1.0
// flood - peers that mean harm to central, and to a server through it. For tests only: tests/e2e/faults.py.
//
// flood linked KIND STATE FROM   as the client of STATE's only grant, from the address FROM: links up, sends KIND
// without
//                                a pause until it is sent away, and comes again. KIND: ping, grant, request, exposure;
//                                or claim: through a window with a claim that cannot be, and octets after it
// flood refused COUNT URL FROM   so many strangers at a time, each from a /24 of its own from FROM on, who go on
// sending
//                                after they were refused
// flood idle COUNT URL FROM      so many clients that are linked and say nothing more; central serves every server
//
// What it did so far is printed as a line of JSON ten times a second; it goes on until it is killed.
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/crypto/random.hpp>
#include <ajar/signalling/link.hpp>
#include <ajar/state/folder.hpp>
#include <ajar/state/held_grants.hpp>
#include <ajar/telling/cause_counts.hpp>
#include <ajar/trust/window_request.hpp>

#include <fmt/format.h>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
namespace signalling = ajar::signalling;

struct totals {
  std::uint64_t links = 0;     // that were made
  std::uint64_t now = 0;       // links and sessions that stand
  std::uint64_t messages = 0;  // that were sent
  ajar::telling::cause_counts ended;
};

ajar::time_point soon() { return ajar::clock::now() + 20s; }

ajar::awaitable<void> tell(totals& all) {
  for (;;) {
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + 100ms);
    if (!slept) co_return;
    std::string ended;
    for (const auto& [cause, times] : all.ended.by_name()) {
      ended += fmt::format("{}\"{}\": {}", ended.empty() ? "" : ", ", cause, times);
    }
    fmt::print("{{\"links\": {}, \"now\": {}, \"messages\": {}, \"ended\": {{{}}}}}\n", all.links, all.now,
               all.messages, ended);
    std::fflush(stdout);
  }
}

// The next message of this kind; the others are passed over.
template <class Kind>
ajar::awaitable<ajar::result<Kind>> await_message(signalling::link& from) {
  for (;;) {
    auto got = co_await from.receive(soon());
    if (!got) co_return ajar::fail(got.error());
    if (const auto* wanted = std::get_if<Kind>(&*got)) co_return *wanted;
    if (const auto* last = std::get_if<signalling::goodbye>(&*got)) co_return ajar::fail(last->why);
  }
}

// One more while it stands.
struct standing {
  explicit standing(totals& of) : all(of) { ++all.now; }
  standing(const standing&) = delete;
  standing& operator=(const standing&) = delete;
  ~standing() { --all.now; }
  totals& all;
};

// ---- linked

struct intruder {
  intruder(const std::string& folder, ajar::net::address source, std::string_view what)
      : state(must(ajar::state::folder::open(folder))),
        key(must(state.load_key())),
        held(must(ajar::state::held_grants(state, key.id()).list()).good.at(0).file),
        from(std::move(source)),
        kind(what) {}

  template <class T>
  static T must(ajar::result<T> value) {
    if (!value) throw std::system_error(value.error());
    return std::move(*value);
  }

  ajar::trust::window_request request(const signalling::presence& server) const {
    ajar::trust::window_request made;
    made.id = ajar::crypto::random_octets<16>();
    made.server = server.server;
    made.nonce = server.nonce;
    made.grant = held.grant.body().id;
    made.rungs = ajar::trust::bit_of(ajar::trust::rung_kind::listener);
    made.budget_ms = 1000;
    return made;
  }
  signalling::request signed_by_us(const ajar::trust::window_request& what) const {
    return {ajar::trust::signed_request::sign(what, key).octets()};
  }

  ajar::state::folder state;
  ajar::identity::key key;
  ajar::trust::grant_file held;
  ajar::net::address from;
  std::string_view kind;
  totals all;
};

struct arrival {
  signalling::link up;
  signalling::presence server;
};

ajar::awaitable<ajar::result<arrival>> arrive(intruder& who) {
  auto dialling = signalling::dial_link(ajar::net::sockets(who.from), who.key, who.held.central, soon());
  auto up = co_await std::move(dialling);
  if (!up) co_return ajar::fail(up.error());
  const auto login = who.state.next_login();
  if (!login) co_return ajar::fail(login.error());
  (void)up->send(signalling::hello{signalling::protocol_version, signalling::role::client, {}, *login});
  (void)up->send(signalling::present_grant{who.held.grant.octets()});
  signalling::presence server;
  while (server.state != signalling::presence_state::online) {
    auto told = co_await await_message<signalling::presence>(*up);
    if (!told) co_return ajar::fail(told.error());
    server = *told;
  }
  co_return arrival{std::move(*up), std::move(server)};
}

// Some 16 KiB of one kind, and how many messages that is.
std::pair<ajar::bytes, std::size_t> piece_of(const intruder& who, const signalling::presence& server) {
  constexpr std::size_t size = 16 * 1024;
  const auto append = [](ajar::bytes& to, const signalling::message& what) {
    const auto frame = signalling::to_frame(what);
    to.insert(to.end(), frame.begin(), frame.end());
  };
  std::pair<ajar::bytes, std::size_t> made;
  while (made.first.size() < size) {
    if (who.kind == "ping") append(made.first, signalling::ping{made.second});
    if (who.kind == "grant") append(made.first, signalling::present_grant{who.held.grant.octets()});
    if (who.kind == "request") append(made.first, who.signed_by_us(who.request(server)));
    if (who.kind == "exposure") append(made.first, signalling::exposure_report{1ns, 1, 0});
    ++made.second;
  }
  return made;
}

ajar::awaitable<void> read_to_end(signalling::link& from, std::error_code& why) {
  for (;;) {
    auto got = co_await from.receive();
    if (!got) {
      if (!why) why = got.error();
      co_return;
    }
    if (const auto* last = std::get_if<signalling::goodbye>(&*got)) why = last->why;
  }
}

// It has read what there is to read meanwhile, as who does not is soon cut off for that.
ajar::awaitable<std::error_code> send_on(intruder& who, arrival& at) {
  std::error_code why;
  ajar::task_group reading(at.up.stream().get_executor());
  reading.spawn(read_to_end(at.up, why));
  for (;;) {
    const auto piece = piece_of(who, at.server);
    auto put = at.up.stream().put(piece.first);
    auto left = co_await at.up.stream().drain();
    if (!put || !left) {
      if (!why) why = put ? left.error() : put.error();
      break;
    }
    who.all.messages += piece.second;
    auto passed = co_await ajar::yield(ajar::patience::keeps_core);
    if (!passed) break;
  }
  reading.cancel();
  co_await reading.join();
  co_return why;
}

// A window's port opens a moment after the answer.
ajar::awaitable<ajar::result<ajar::tls::stream>> go_through(intruder& who, arrival& at) {
  const auto asked = who.request(at.server);
  (void)at.up.send(who.signed_by_us(asked));
  auto got = co_await await_message<signalling::answer>(at.up);
  if (!got) co_return ajar::fail(got.error());
  const auto said = ajar::trust::signed_answer::open(got->signed_answer);
  if (!said) co_return ajar::fail(said.error());
  if (said->body().code != 0) co_return ajar::fail(ajar::errc_from_wire(said->body().code));
  const auto to = said->body().rungs.at(0).server.at(0);
  const auto until = ajar::clock::now() + 1s;
  auto network = ajar::net::sockets(who.from);
  for (;;) {
    const ajar::net::dial_times now{ajar::clock::now(), until};
    auto dialling = network->dial_at(to, now);
    auto expected = ajar::identity::expect(at.server.server, ajar::tls::alpn::session);
    auto securing = ajar::tls::secure(std::move(dialling), who.key.tls(), std::move(expected), soon());
    auto secured = co_await std::move(securing);
    if (secured || ajar::clock::now() >= until) co_return secured;
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + 1ms);
    if (!slept) co_return ajar::fail(slept.error());
  }
}

ajar::awaitable<std::error_code> claim_in_vain(intruder& who, arrival& at) {
  auto through = co_await go_through(who, at);
  if (!through) co_return through.error();
  const standing session(who.all);
  const ajar::bytes octets(16 * 1024, 0);  // an empty frame of no known kind, and again
  for (;;) {
    auto put = through->put(octets);
    auto left = co_await through->drain();
    if (!put || !left) co_return put ? left.error() : put.error();
    who.all.messages += octets.size() / 4;
  }
}

// Not so soon that central hears its address no more.
ajar::awaitable<void> come_again_and_again(intruder& who) {
  constexpr std::chrono::milliseconds pause{250};
  for (;;) {
    auto at = co_await arrive(who);
    std::error_code why = at ? std::error_code() : at.error();
    if (at) {
      ++who.all.links;
      const standing link(who.all);
      auto attack = who.kind == "claim" ? claim_in_vain(who, *at) : send_on(who, *at);
      why = co_await std::move(attack);
    }
    who.all.ended.add(why);
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return;
  }
}

// ---- refused

constexpr int records = 64;

// Of an octet each: they cost the other side most.
ajar::result<> put_records(ajar::tls::stream& into) {
  constexpr std::array<std::uint8_t, 1> octet{};
  for (int i = 0; i < records; ++i) {
    auto put = into.put(octet);
    if (!put) return put;
  }
  return {};
}

ajar::awaitable<void> be_refused(ajar::identity::url central, ajar::net::address from, totals& all) {
  const auto over = ajar::net::sockets(std::move(from));
  for (;;) {
    auto dialling = signalling::dial_link(over, ajar::identity::key::generate(), central, soon());
    auto up = co_await std::move(dialling);
    std::error_code why = up ? std::error_code() : up.error();
    if (up) {
      ++all.links;
      const standing link(all);
      (void)up->send(signalling::hello{signalling::protocol_version, signalling::role::server,
                                       ajar::trust::method::outbound | ajar::trust::method::window, 1});
      while (!why) {
        const auto put = put_records(up->stream());
        auto left = co_await up->stream().drain();
        if (!put || !left) why = put ? left.error() : put.error();
        all.messages += records;
      }
    }
    all.ended.add(why);
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + 10ms);
    if (!slept) co_return;
  }
}

// ---- idle

ajar::awaitable<void> stay(signalling::link up, std::chrono::milliseconds heartbeat, totals& all) {
  const standing link(all);
  const signalling::message_handler nothing = [](const signalling::message&) { return ajar::result<>(); };
  auto why = co_await up.run(heartbeat, nothing);
  all.ended.add(why);
}

ajar::awaitable<ajar::result<>> link_up(ajar::identity::url central, ajar::net::address from,
                                        const ajar::identity::key& owner, ajar::task_group& links, totals& all) {
  const auto self = ajar::identity::key::generate();
  auto dialling = signalling::dial_link(ajar::net::sockets(std::move(from)), self, std::move(central), soon());
  auto up = co_await std::move(dialling);
  if (!up) co_return ajar::fail(up.error());
  (void)up->send(signalling::hello{signalling::protocol_version, signalling::role::client, {}, 1});
  auto greeting = co_await await_message<signalling::welcome>(*up);
  if (!greeting) co_return ajar::fail(greeting.error());
  ajar::trust::grant terms;
  terms.id = ajar::crypto::random_octets<16>();
  terms.client = self.id();
  terms.begin(ajar::wall_now(), 24h);
  terms.methods = ajar::trust::method::outbound | ajar::trust::method::window;
  terms.sessions = 1;
  terms.services = {{"nothing", true, false}};
  (void)up->send(signalling::present_grant{ajar::trust::signed_grant::sign(terms, owner).octets()});
  auto graded = co_await await_message<signalling::grant_result>(*up);
  if (!graded) co_return ajar::fail(graded.error());
  if (graded->code != 0) co_return ajar::fail(ajar::errc_from_wire(graded->code));
  ++all.links;
  links.spawn(stay(std::move(*up), greeting->heartbeat, all));
  co_return ajar::result<>();
}

ajar::awaitable<void> link_up_many(std::size_t count, ajar::identity::url central, ajar::net::address from,
                                   const ajar::identity::key& owner, ajar::task_group& links, totals& all) {
  while (count > 0) {
    auto linked = co_await link_up(central, from, owner, links, all);
    if (linked) {
      --count;
    } else {
      all.ended.add(linked.error());
    }
  }
}

// ---- what was asked for

// Each in a /24 of its own.
ajar::net::address nth_after(const ajar::net::address& first, std::size_t n) {
  return asio::ip::address_v4(first.to_v4().to_uint() + static_cast<std::uint32_t>(n * 256));
}

void run_linked(std::string_view kind, const std::string& folder, const std::string& from) {
  asio::io_context context(1);
  intruder who(folder, asio::ip::make_address(from), kind);
  asio::co_spawn(context, come_again_and_again(who), asio::detached);
  asio::co_spawn(context, tell(who.all), asio::detached);
  context.run();
}

void run_refused(std::size_t count, const ajar::identity::url& central, const ajar::net::address& from) {
  asio::io_context context(1);
  totals all;
  for (std::size_t i = 0; i < count; ++i) {
    asio::co_spawn(context, be_refused(central, nth_after(from, i), all), asio::detached);
  }
  asio::co_spawn(context, tell(all), asio::detached);
  context.run();
}

void run_idle(std::size_t count, const ajar::identity::url& central, const ajar::net::address& from) {
  constexpr std::size_t at_a_time = 20;
  asio::io_context context(1);
  totals all;
  const auto owner = ajar::identity::key::generate();
  ajar::task_group links(context.get_executor());
  for (std::size_t i = 0; i < at_a_time; ++i) {
    const auto share = (count + i) / at_a_time;
    asio::co_spawn(context, link_up_many(share, central, nth_after(from, i), owner, links, all), asio::detached);
  }
  asio::co_spawn(context, tell(all), asio::detached);
  context.run();
}

}  // namespace

int main(int count, char** words) {
  try {
    const std::vector<std::string> all(words + 1, words + count);
    if (all.size() == 4 && all[0] == "linked") return run_linked(all[1], all[2], all[3]), 0;
    if (all.size() == 4 && (all[0] == "refused" || all[0] == "idle")) {
      const auto central = intruder::must(ajar::identity::parse_url(all[2]));
      (all[0] == "idle" ? run_idle : run_refused)(std::stoul(all[1]), central, asio::ip::make_address(all[3]));
      return 0;
    }
    fmt::print(stderr, "flood linked KIND STATE FROM | refused COUNT URL FROM | idle COUNT URL FROM\n");
  } catch (const std::exception& error) {
    fmt::print(stderr, "flood: {}\n", error.what());
  }
  return 1;
}
