// SPDX-License-Identifier: BSL-1.0
// ajar-server: shares files with those its owner signed for, from behind a firewall, with no port that stands open.
#include "../tools/begin.hpp"
#include "../tools/console.hpp"
#include "options.hpp"
#include "sandbox.hpp"
#include "share.hpp"

#include <ajar/server.hpp>
#include <ajar/trust/grant_file.hpp>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <fstream>

namespace {

constexpr const char* tool = "ajar-server";

constexpr const char* examples =
    "Examples:\n"
    "  ajar-server id                                      this server's peer id alone, for central's --admit list\n"
    "  ajar-server run --central ajar://HOST:PORT/ID --share notes=/home/me/notes.txt\n"
    "  ajar-server run --central ajar://HOST:PORT/ID --share notes=notes.txt --mode outbound --roster every=30s\n"
    "  ajar-server grant CLIENT_ID --central ajar://HOST:PORT/ID --service notes:r --for 30d --out laptop.grant\n"
    "  ajar-server grants                                  what was granted, to whom, until when\n";

int wrong(std::string_view what) {
  fmt::print(stderr, "{}: {}\n", tool, what);
  return tools::usage;
}

// "outbound,window" -> bits. Nothing for other words.
std::optional<std::uint8_t> parse_methods(std::string_view text) {
  std::uint8_t bits = 0;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto word = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    const auto bit = word == "outbound" ? ajar::trust::method::outbound : ajar::trust::method::window;
    if (word != "outbound" && word != "window") return std::nullopt;
    bits = static_cast<std::uint8_t>(bits | static_cast<std::uint8_t>(bit));
  }
  return bits == 0 ? std::nullopt : std::optional(bits);
}

std::optional<ajar::identity::url> central_of(const tools::settings& given) {
  const auto text = tools::text_option(given, "central");
  auto url = ajar::identity::parse_url(text);
  if (url) return std::move(*url);
  tools::complain(tool, "--central '" + ajar::escaped(text) + "'", url.error());
  return std::nullopt;
}

// ---- grant, grants

std::optional<ajar::trust::service_right> parse_service(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto rights = text.substr(colon + 1);
  ajar::trust::service_right made{text.substr(0, colon), true, rights == "rw"};
  if (!ajar::trust::is_name(made.name) || (rights != "r" && rights != "rw")) return std::nullopt;
  return made;
}

int grant(const tools::settings& given) {
  const auto words = tools::list_option(given, "words");
  if (words.size() != 1 || !given.count("out")) return wrong("grant needs a client's peer id and --out FILE");
  const auto client = ajar::identity::parse_peer_id(words[0]);
  if (!client) {
    tools::complain(tool, ajar::escaped(words[0]), client.error());
    return tools::usage;
  }
  auto central = central_of(given);
  if (!central) return tools::usage;
  const auto life = tools::parse_duration(given["for"].as<std::string>());
  const auto methods = parse_methods(given["methods"].as<std::string>());
  const auto name = given["name"].as<std::string>();
  if (!life) return wrong("--for is a duration such as 30d");
  if (!methods) return wrong("--methods is outbound, window, or outbound,window");
  if (!ajar::trust::is_name(name)) return wrong("--name is 1 to 64 letters, digits, dots, dashes and underscores");

  ajar::trust::grant body;
  body.id = ajar::crypto::random_octets<16>();
  body.client = *client;
  body.not_before = ajar::wall_now() - std::chrono::minutes(5);  // clocks differ
  body.not_after = ajar::wall_now() + *life;
  body.methods = *methods;
  body.lan = given.count("lan") != 0;
  body.roam = given.count("roam") != 0;
  body.sessions = given["sessions"].as<std::uint16_t>();
  body.windows_a_minute = given["windows"].as<std::uint16_t>();
  for (const auto& text : tools::list_option(given, "service")) {
    const auto one = parse_service(text);
    if (!one || body.find(one->name)) return wrong("--service is NAME:r or NAME:rw, each name once: " + text);
    body.services.push_back(*one);
  }
  if (body.services.empty()) return wrong("grant at least one service: --service NAME:r");
  if (body.services.size() > ajar::trust::grant::most_services) return wrong("a grant has at most 64 services");

  auto self = tools::open_node(tool, "server", tools::text_option(given, "state"));
  if (!self) return tools::local_trouble;
  const auto signed_one = ajar::trust::signed_grant::sign(std::move(body), self->key);
  ajar::trust::issued_grants issued(self->state, self->key.id());
  auto kept = issued.keep(signed_one);
  if (!kept) return tools::complain(tool, self->state.path(), kept.error());
  const auto text = to_text(ajar::trust::grant_file{std::move(*central), name, signed_one});
  const auto out = tools::text_option(given, "out");
  if (out == "-") {
    fmt::print("{}", text);
    return tools::success;
  }
  std::ofstream file(out, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) {
    fmt::print(stderr, "{}: {}: cannot be written: name another file by --out\n", tool, out);
    return tools::local_trouble;
  }
  return tools::success;
}

std::string date_of(ajar::wall_time at) {
  const auto seconds = static_cast<std::time_t>(at.time_since_epoch().count());
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

std::string services_of(const ajar::trust::grant& body) {
  std::string text;
  for (const auto& one : body.services) {
    text += (text.empty() ? "" : ",") + one.name + (one.write ? ":rw" : ":r");
  }
  return text;
}

int grants(const tools::settings& given) {
  auto self = tools::open_node(tool, "server", tools::text_option(given, "state"));
  if (!self) return tools::local_trouble;
  const ajar::trust::issued_grants issued(self->state, self->key.id());
  const auto all = issued.list();
  if (!all) return tools::complain(tool, self->state.path(), all.error());
  for (const auto& one : *all) {
    const auto& body = one.body();
    const bool ended = ajar::wall_now() >= body.not_after;
    if (given.count("json")) {
      const nlohmann::ordered_json line = {{"grant", ajar::to_hex(body.id)},
                                           {"client", to_string(body.client)},
                                           {"until", date_of(body.not_after)},
                                           {"ended", ended},
                                           {"services", services_of(body)},
                                           {"lan", body.lan},
                                           {"roam", body.roam}};
      fmt::print("{}\n", line.dump());
    } else {
      fmt::print("{}  {}  {} {}\n", to_string(body.client), services_of(body), ended ? "ended" : "until",
                 date_of(body.not_after));
    }
  }
  return tools::success;
}

// ---- run

struct run_plan {
  ajar::identity::url central;
  std::uint8_t methods = 0;
  std::chrono::milliseconds roster_every{0};
  ajar::windows::on_stranger policy = ajar::windows::on_stranger::close_and_reopen;
  std::optional<ajar::net::address> window_address;
  std::optional<ajar::net::address> from;
  tools::shares shared;
};

std::optional<run_plan> plan_run(const tools::settings& given) {
  run_plan made;
  auto central = central_of(given);
  if (!central) return std::nullopt;
  made.central = std::move(*central);
  const auto methods = parse_methods(given["mode"].as<std::string>());
  if (!methods) return wrong("--mode is outbound, window, or outbound,window"), std::nullopt;
  made.methods = *methods;
  const auto roster = given["roster"].as<std::string>();
  if (roster.starts_with("every=")) {
    const auto every = tools::parse_duration(roster.substr(6));
    if (!every) return wrong("--roster is live or every=TIME, such as every=30s"), std::nullopt;
    if (made.methods != static_cast<std::uint8_t>(ajar::trust::method::outbound)) {
      return wrong("--roster every=TIME goes with --mode outbound: a window needs a standing link"), std::nullopt;
    }
    made.roster_every = *every;
  } else if (roster != "live") {
    return wrong("--roster is live or every=TIME, such as every=30s"), std::nullopt;
  }
  const auto policy = given["on-stranger"].as<std::string>();
  if (policy == "close") {
    made.policy = ajar::windows::on_stranger::close;
  } else if (policy != "close-and-reopen") {
    return wrong("--on-stranger is close or close-and-reopen"), std::nullopt;
  }
  if (given.count("window-address")) {
    std::error_code error;
    made.window_address = asio::ip::make_address(tools::text_option(given, "window-address"), error);
    if (error) return wrong("--window-address is an address of this machine"), std::nullopt;
  }
  if (given.count("from")) {
    std::error_code error;
    made.from = asio::ip::make_address(tools::text_option(given, "from"), error);
    if (error) return wrong("--from is an address of this machine"), std::nullopt;
  }
  for (const auto& text : tools::list_option(given, "share")) {
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    if (equals == std::string::npos || !ajar::trust::is_name(name) || made.shared.contains(name)) {
      return wrong("--share is NAME=FILE, each name once: " + text), std::nullopt;
    }
    const auto path = text.substr(equals + 1);
    if (!tools::open_file::open(path)) return wrong(path + ": no file that can be read"), std::nullopt;
    made.shared.emplace(name, path);
  }
  if (made.shared.empty()) return wrong("share something: --share NAME=FILE"), std::nullopt;
  return made;
}

struct running {
  ajar::server server;
  ajar::trust::issued_grants& issued;
  tools::shares shared;
  int exit = tools::success;
};

ajar::awaitable<void> serve(running& all) {
  for (;;) {
    auto session = co_await all.server.accept();
    if (!session) {
      if (!ajar::is_canceled(session.error())) all.exit = tools::complain(tool, "central", session.error());
      co_return;
    }
    auto one = std::make_shared<tools::guest>(std::move(*session), all.shared, all.issued);
    all.server.spawn(tools::guest::serve(std::move(one)));
  }
}

ajar::awaitable<void> serve_until_signal(running& all, asio::signal_set& signals) {
  auto serving = serve(all);
  co_await std::move(serving);
  co_await all.server.stop();
  std::error_code ignored;
  signals.cancel(ignored);
}

ajar::awaitable<void> stop_at_signal(running& all, asio::signal_set& signals) {
  auto [error, number] = co_await signals.async_wait(ajar::use_values);
  (void)number;
  if (error) co_return;
  co_await all.server.stop();
}

int run(const tools::settings& given) {
  auto planned = plan_run(given);
  if (!planned) return tools::usage;
  auto self = tools::open_node(tool, "server", tools::text_option(given, "state"));
  if (!self) return tools::local_trouble;
  const auto hold = self->state.try_lock();
  if (!hold) {
    fmt::print(stderr, "{}: {}: another ajar-server runs with this state folder: stop it, or name another by --state\n",
               tool, self->state.path());
    return tools::local_trouble;
  }
  const bool windows = (planned->methods & static_cast<std::uint8_t>(ajar::trust::method::window)) != 0;
  if (!windows) {
    if (const int error = tools::forbid_listening(); error != 0) {
      return tools::complain(tool, "seccomp", {error, std::system_category()});
    }
  }
  ajar::trust::issued_grants issued(self->state, self->key.id());
  ajar::server_options how(planned->central);
  const bool json = given.count("json") != 0;
  how.methods(planned->methods != static_cast<std::uint8_t>(ajar::trust::method::window), windows)
      .roster_every(planned->roster_every)
      .on_stranger(planned->policy)
      .logins([&] { return self->state.next_login(); })
      .grants([&](const ajar::trust::grant_id& id) { return issued.find(id); });
  if (planned->from) how.from(*planned->from);
  if (planned->window_address) how.window_address(*planned->window_address);
  if (json || !given.count("quiet")) how.on_step(tools::step_printer("server", json, json ? stdout : stderr));

  asio::io_context context(1);
  running all{ajar::server(context.get_executor(), self->key, how), issued, planned->shared};
  asio::signal_set signals(context, SIGINT, SIGTERM);
  all.server.start();
  asio::co_spawn(context, serve_until_signal(all, signals), asio::detached);
  asio::co_spawn(context, stop_at_signal(all, signals), asio::detached);
  context.run();
  return all.exit;
}

}  // namespace

int main(int count, char** words) {
  return tools::guarded(tool, [&]() -> int {
    const auto begun = tools::begin(tools::server_table(), examples, count, words);
    if (const auto* code = std::get_if<int>(&begun)) return *code;
    const auto& given = std::get<tools::settings>(begun);
    const auto command = tools::text_option(given, "command");
    if (command == "run") return run(given);
    if (command == "grant") return grant(given);
    if (command == "grants") return grants(given);
    if (command == "id") {
      auto self = tools::open_node(tool, "server", tools::text_option(given, "state"));
      if (!self) return tools::local_trouble;
      fmt::print("{}\n", to_string(self->key.id()));
      return tools::success;
    }
    fmt::print(stderr, "{}: say what to do\n{}", tool, examples);
    return tools::usage;
  });
}
