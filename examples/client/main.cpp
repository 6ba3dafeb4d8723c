// SPDX-License-Identifier: BSL-1.0
// ajar-client: reaches servers that have no open port.
#include "../tools/bare.hpp"
#include "../tools/begin.hpp"
#include "../tools/console.hpp"
#include "options.hpp"

#include <ajar/client.hpp>
#include <ajar/trust/held_grants.hpp>

#include <unistd.h>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <fstream>
#include <iostream>
#include <iterator>

namespace {

constexpr const char* tool = "ajar-client";

constexpr const char* examples =
    "Examples:\n"
    "  ajar-client id                                   this client's peer id alone: give it to a server's owner\n"
    "  ajar-client add laptop.grant                     keep a grant; --name calls the server something else\n"
    "  ajar-client servers                              a line for each: name, id\n"
    "  ajar-client ping home                            reach it, and say how\n"
    "  ajar-client cat home:notes > notes.txt           a shared file to stdout\n"
    "  ajar-client cat home:notes --by outbound --door 0.0.0.0:4000   let the server dial here\n";

int wrong(std::string_view what) {
  fmt::print(stderr, "{}: {}\n", tool, what);
  return tools::usage;
}

// ---- add, servers

int add(const tools::settings& given, const tools::node& self) {
  const auto words = tools::list_option(given, "words");
  if (words.size() != 1) return wrong("add needs one grant file");
  std::ifstream file(words[0], std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) {
    fmt::print(stderr, "{}: {}: cannot be read: name the grant file you got\n", tool, words[0]);
    return tools::local_trouble;
  }
  const auto parsed = ajar::trust::parse_grant_file(text);
  if (!parsed) {
    tools::complain(tool, words[0], parsed.error());
    return tools::local_trouble;
  }
  const ajar::trust::held_grants held(self.state, self.key.id());
  const auto name = tools::text_option(given, "name");
  if (!name.empty() && !ajar::trust::is_name(name)) {
    return wrong("--name is 1 to 64 letters, digits, dots, dashes and underscores");
  }
  const auto kept = held.add(*parsed, name);
  if (!kept) return tools::complain(tool, words[0], kept.error());
  fmt::print("{}  {}\n", *kept, to_string(parsed->grant.signer()));
  return tools::success;
}

int servers(const tools::settings& given, const tools::node& self) {
  const ajar::trust::held_grants held(self.state, self.key.id());
  const auto all = held.list();
  if (!all) return tools::complain(tool, self.state.path(), all.error());
  for (const auto& one : *all) {
    const auto id = to_string(one.file.grant.signer());
    if (given.count("json")) {
      const nlohmann::ordered_json line = {{"name", one.petname}, {"id", id}, {"central", to_string(one.file.central)}};
      fmt::print("{}\n", line.dump());
    } else {
      fmt::print("{}  {}\n", one.petname, id);
    }
  }
  return tools::success;
}

// ---- ping, cat

struct errand {
  ajar::identity::peer_id server;
  std::string name;   // what the user calls the server
  std::string share;  // cat
  bool cat = false;
  bool json = false;
  unsigned count = 3;
  ajar::connect_options how;
  ajar::time_point until;
};

void report_path(const errand& what, const ajar::sessions::session& session, const tools::bare::cost& theirs,
                 std::chrono::nanoseconds took, std::optional<std::chrono::nanoseconds> round_trip) {
  const auto& window = session.info().window;
  const auto way = std::string(to_string(session.way()));
  const auto exposure = window ? static_cast<std::uint64_t>(window->exposure.count()) : theirs.exposure_ns;
  const auto listeners = window ? window->listeners : theirs.listeners;
  const auto strangers = window ? window->strangers : theirs.strangers;
  if (what.json) {
    nlohmann::ordered_json line = {{"server", what.name}, {"path", way}, {"connect_us", took.count() / 1000}};
    if (round_trip) line["round_trip_us"] = round_trip->count() / 1000;
    if (session.way() != ajar::sessions::path::outbound) {
      line["window"] = {{"opened_by", window ? "client" : "server"},
                        {"exposure_ns", exposure},
                        {"listeners", listeners},
                        {"strangers", strangers}};
    }
    fmt::print(what.cat ? stderr : stdout, "{}\n", line.dump());
    return;
  }
  if (what.cat) return;
  fmt::print("{}: by {} in {:.1f} ms, round trip {:.3f} ms{}\n", what.name, way,
             static_cast<double>(took.count()) / 1e6, round_trip ? static_cast<double>(round_trip->count()) / 1e6 : 0.0,
             session.way() == ajar::sessions::path::outbound
                 ? std::string(", no port opened for it")
                 : fmt::format(", a port was open for {} us", exposure / 1000));
}

ajar::awaitable<ajar::result<>> ping(ajar::sessions::session& session, const errand& what,
                                     std::chrono::nanoseconds took) {
  tools::bare::cost cost;
  std::optional<std::chrono::nanoseconds> best;
  for (unsigned i = 0; i < what.count; ++i) {
    const auto token = ajar::crypto::random_octets<8>();
    const ajar::bytes payload(token.begin(), token.end());
    const auto octets = tools::bare::frame_of(tools::bare::ping, payload);
    const auto begun = ajar::clock::now();
    auto sent = co_await session.write(octets, what.until);
    if (!sent) co_return sent;
    auto frame = co_await tools::bare::read_frame(session, what.until);
    if (!frame) co_return ajar::fail(frame.error());
    const auto round_trip = ajar::clock::now() - begun;
    ajar::wire::reader in(frame->payload);
    const auto back = in.fixed<8>();
    cost = tools::bare::decode_cost(in);
    if (frame->kind != tools::bare::pong || !in.finish() || back != token) {
      co_return ajar::fail(ajar::errc::message_malformed);
    }
    best = best ? std::min(*best, round_trip) : round_trip;
  }
  report_path(what, session, cost, took, best);
  co_return ajar::result<>{};
}

// Errors: the system's.
ajar::result<> write_out(ajar::bytes_view octets) {
  while (!octets.empty()) {
    const auto count = ::write(STDOUT_FILENO, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ajar::fail(std::error_code(errno, std::system_category()));
    octets = octets.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

ajar::awaitable<ajar::result<>> cat(ajar::sessions::session& session, const errand& what,
                                    std::chrono::nanoseconds took) {
  constexpr std::chrono::seconds patience{60};  // with a server that sends nothing
  const auto name = ajar::as_bytes(what.share);
  ajar::bytes payload;
  ajar::wire::writer(payload).sized(name);
  const auto octets = tools::bare::frame_of(tools::bare::get, payload);
  auto sent = co_await session.write(octets, what.until);
  if (!sent) co_return sent;
  auto frame = co_await tools::bare::read_frame(session, ajar::clock::now() + patience);
  if (!frame) co_return ajar::fail(frame.error());
  ajar::wire::reader in(frame->payload);
  if (frame->kind == tools::bare::failed) {
    const auto why = ajar::errc_from_wire(in.number<std::uint16_t>());
    co_return ajar::fail(in.finish() ? why : ajar::errc::message_malformed);
  }
  auto left = in.number<std::uint64_t>();
  const auto cost = tools::bare::decode_cost(in);
  if (frame->kind != tools::bare::found || !in.finish()) co_return ajar::fail(ajar::errc::message_malformed);
  report_path(what, session, cost, took, std::nullopt);
  ajar::bytes piece(64 * 1024);
  while (left > 0) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), left));
    const auto into = std::span(piece).first(most);
    auto count = co_await session.read_some(into, ajar::clock::now() + patience);
    if (!count) {
      const bool early = count.error() == ajar::errc::eof || count.error() == ajar::errc::truncated;
      co_return ajar::fail(early ? make_error_code(ajar::errc::share_cut_short) : count.error());
    }
    const auto got = ajar::bytes_view(piece).first(*count);
    auto written = write_out(got);
    if (!written) co_return written;
    left -= *count;
  }
  co_return ajar::result<>{};
}

struct outcome {
  ajar::result<> done;
  bool interrupted = false;  // by a signal
};

// Commands that run side by side take turns at central: one key is one login.
ajar::awaitable<ajar::result<ajar::identity::state_directory::hold>> take_turn(
    const ajar::identity::state_directory& state, ajar::time_point until) {
  constexpr std::chrono::milliseconds pause{10};
  for (;;) {
    auto hold = state.try_lock();
    if (hold || hold.error() != ajar::errc::would_block) co_return std::move(hold);
    if (ajar::clock::now() >= until) co_return ajar::fail(ajar::errc::limit_reached);
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return ajar::fail(slept.error());
  }
}

ajar::awaitable<void> go(const ajar::identity::state_directory& state, ajar::client& client, const errand& what,
                         outcome& into) {
  const auto begun = ajar::clock::now();
  auto turn = co_await take_turn(state, what.until);
  if (!turn) {
    into.done = ajar::fail(turn.error());
    co_return;
  }
  auto session = co_await client.connect(what.server, what.how);
  co_await client.stop();  // what follows needs central no more
  turn = ajar::fail(ajar::errc::canceled);
  if (!session) {
    into.done = ajar::fail(session.error());
    co_return;
  }
  const auto took = ajar::clock::now() - begun;
  auto work = what.cat ? cat(*session, what, took) : ping(*session, what, took);
  auto done = co_await std::move(work);
  into.done = done;
  auto parted = co_await session->shutdown(ajar::clock::now() + std::chrono::seconds(2));
  (void)parted;
}

ajar::awaitable<void> stop_at_signal(asio::signal_set& signals, ajar::task_group& work, outcome& into) {
  auto [error, number] = co_await signals.async_wait(ajar::use_values);
  (void)number;
  if (error) co_return;
  into.interrupted = true;
  work.cancel();
}

ajar::awaitable<void> finish(ajar::task_group& work, ajar::client& client, asio::signal_set& signals) {
  co_await work.join();
  co_await client.stop();
  std::error_code ignored;
  signals.cancel(ignored);
}

std::optional<ajar::by> parse_by(const std::string& text) {
  if (text == "auto") return ajar::by::automatic;
  if (text == "outbound") return ajar::by::outbound;
  if (text == "window") return ajar::by::window;
  if (text == "window-reverse") return ajar::by::window_reverse;
  return std::nullopt;
}

int visit(const tools::settings& given, const tools::node& self, bool cat) {
  const auto words = tools::list_option(given, "words");
  if (words.size() != 1) return wrong(cat ? "cat needs SERVER:NAME" : "ping needs SERVER");
  const auto colon = words[0].find(':');
  errand what;
  what.name = words[0].substr(0, colon);
  what.cat = cat;
  what.json = given.count("json") != 0;
  what.count = given["count"].as<unsigned>();
  if (cat && colon == std::string::npos) return wrong("cat needs SERVER:NAME");
  if (cat) what.share = words[0].substr(colon + 1);
  if (cat && !ajar::trust::is_name(what.share)) return wrong("a share's name is 1 to 64 letters, digits, . - _");
  if (what.count < 1 || what.count > 1000) return wrong("--count is 1 to 1000");
  const auto way = parse_by(given["by"].as<std::string>());
  if (!way) return wrong("--by is auto, outbound, window, or window-reverse");
  const auto within = given.count("within") ? tools::parse_duration(tools::text_option(given, "within"))
                                            : std::optional(std::chrono::seconds(10));
  if (!within) return wrong("--within is a duration such as 10s");

  const ajar::trust::held_grants held(self.state, self.key.id());
  const auto all = held.list();
  if (!all) return tools::complain(tool, self.state.path(), all.error());
  std::vector<ajar::trust::grant_file> files;
  const ajar::trust::grant_file* meant = nullptr;
  for (const auto& one : *all) {
    if (one.petname == what.name) meant = &one.file;
  }
  if (!meant) return tools::complain(tool, ajar::escaped(what.name), ajar::errc::no_grant);
  what.server = meant->grant.signer();
  files.push_back(*meant);  // one errand needs one central, and one grant

  ajar::client_options how;
  how.grants(files).logins([&] { return self.state.next_login(); });
  for (const auto* option : {"door", "advertise"}) {
    if (!given.count(option)) continue;
    const auto at = ajar::net::parse_numeric_endpoint(tools::text_option(given, option));
    if (!at) {
      tools::complain(tool, std::string("--") + option, at.error());
      return tools::usage;
    }
    (option == std::string_view("door") ? how.door(*at) : how.advertise(*at));
  }
  if (given.count("window-address")) {
    std::error_code error;
    how.window_address(asio::ip::make_address(tools::text_option(given, "window-address"), error));
    if (error) return wrong("--window-address is an address of this machine");
  }
  if (given.count("from")) {
    std::error_code error;
    how.from(asio::ip::make_address(tools::text_option(given, "from"), error));
    if (error) return wrong("--from is an address of this machine");
  }
  if (given.count("explain")) how.on_step(tools::step_printer("client", what.json, stderr));

  asio::io_context context(1);
  ajar::client client(context.get_executor(), self.key, how);
  what.until = ajar::clock::now() + *within;
  what.how.over(*way).roam(given.count("roam") != 0);
  if (given.count("within")) what.how.until(what.until);
  outcome came{ajar::fail(ajar::errc::canceled)};
  ajar::task_group work(context.get_executor());
  asio::signal_set signals(context, SIGINT, SIGTERM);
  work.spawn(go(self.state, client, what, came));
  asio::co_spawn(context, stop_at_signal(signals, work, came), asio::detached);
  asio::co_spawn(context, finish(work, client, signals), asio::detached);
  context.run();
  if (came.done) return tools::success;
  if (came.interrupted) return tools::success;  // it was asked to stop
  return tools::complain(tool, ajar::escaped(words[0]), came.done.error());
}

}  // namespace

int main(int count, char** words) {
  return tools::guarded(tool, [&]() -> int {
    const auto begun = tools::begin(tools::client_table(), examples, count, words);
    if (const auto* code = std::get_if<int>(&begun)) return *code;
    const auto& given = std::get<tools::settings>(begun);
    const auto command = tools::text_option(given, "command");
    const bool known =
        command == "id" || command == "add" || command == "servers" || command == "ping" || command == "cat";
    if (!known) {
      fmt::print(stderr, "{}: say what to do\n{}", tool, examples);
      return tools::usage;
    }
    auto self = tools::open_node(tool, "client", tools::text_option(given, "state"));
    if (!self) return tools::local_trouble;
    if (command == "add") return add(given, *self);
    if (command == "servers") return servers(given, *self);
    if (command == "ping" || command == "cat") return visit(given, *self, command == "cat");
    fmt::print("{}\n", to_string(self->key.id()));
    return tools::success;
  });
}
