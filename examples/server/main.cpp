// SPDX-License-Identifier: BSL-1.0
// ajar-server: shares folders and files with those its owner signed for, from behind a firewall, with no port that
// stands open.
#include "../tools/begin.hpp"
#include "../tools/console.hpp"
#include "../tools/reload.hpp"
#include "../tools/status.hpp"
#include "../tools/step_log.hpp"
#include "guest.hpp"
#include "options.hpp"
#include "sandbox.hpp"

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
    "  ajar-server run --central ajar://HOST:PORT/ID --share photos=/home/me/photos\n"
    "  ajar-server run --central ajar://HOST:PORT/ID --share notes=notes.txt --mode outbound --roster every=30s\n"
    "  ajar-server grant CLIENT_ID --central ajar://HOST:PORT/ID --service photos:r --for 30d --out laptop.grant\n"
    "  ajar-server grants                                  what was granted, to whom, until when\n"
    "  ajar-server status                                  link, sessions, how long ports were open; --json, "
    "--metrics\n";

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

// Shares by their names, and where they are.
struct named_share {
  std::string path;
  ajar::services::shared_folder what;
};
using named_shares = std::map<std::string, named_share>;

struct run_plan {
  ajar::identity::url central;
  std::uint8_t methods = 0;
  std::chrono::milliseconds roster_every{0};
  ajar::windows::on_stranger policy = ajar::windows::on_stranger::close_and_reopen;
  std::optional<ajar::net::address> window_address;
  std::optional<ajar::net::address> from;
  named_shares shared;
};

// What is wrong with them: "--share: what", or "FILE:LINE:COLUMN: share: what".
using planned_shares = tl::expected<named_shares, std::string>;

planned_shares plan_shares(const tools::settings& given) {
  named_shares made;
  const auto all = given.as<std::vector<std::string>>("share");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto equals = all[i].find('=');
    const auto path = all[i].substr(equals + 1);
    const auto where = given.where("share", i) + ": " + ajar::escaped(path, 4096);
    if (tools::landlock::keeps_from(path)) {
      return tl::unexpected(where + ": lies outside of what this process may read since it started: needs a restart");
    }
    auto opened = ajar::services::shared_folder::open(path);
    if (!opened && opened.error() == ajar::errc::openat2_missing) {
      return tl::unexpected(where + ": " + ajar::explain(opened.error()));
    }
    if (!opened) return tl::unexpected(where + ": no folder, and no file that can be read");
    made.emplace(all[i].substr(0, equals), named_share{path, std::move(*opened)});
  }
  if (made.empty()) return tl::unexpected<std::string>("share something: --share NAME=FOLDER");
  return made;
}

ajar::windows::on_stranger policy_of(const tools::settings& given) {
  return given.as<std::string>("on-stranger") == "close" ? ajar::windows::on_stranger::close
                                                         : ajar::windows::on_stranger::close_and_reopen;
}

// The table has checked it.
std::optional<ajar::net::address> address_of(const tools::settings& given, const char* name) {
  if (!given.count(name)) return std::nullopt;
  return asio::ip::make_address(tools::text_option(given, name));
}

std::optional<run_plan> plan_run(const tools::settings& given) {
  run_plan made;
  auto central = central_of(given);
  if (!central) return std::nullopt;
  made.central = std::move(*central);
  made.methods = *parse_methods(given["mode"].as<std::string>());
  const auto roster = given["roster"].as<std::string>();
  if (roster.starts_with("every=")) {
    if (made.methods != static_cast<std::uint8_t>(ajar::trust::method::outbound)) {
      return wrong(given.where("roster") + " every=TIME goes with --mode outbound: a window needs a standing link"),
             std::nullopt;
    }
    made.roster_every = *tools::parse_duration(roster.substr(6));
  }
  made.policy = policy_of(given);
  made.window_address = address_of(given, "window-address");
  made.from = address_of(given, "from");
  auto shared = plan_shares(given);
  if (!shared) return wrong(shared.error()), std::nullopt;
  made.shared = std::move(*shared);
  return made;
}

struct running {
  ajar::server server;
  ajar::trust::issued_grants& issued;
  ajar::services::file_service files;
  std::string settings_file;
  int exit = tools::success;
};

ajar::awaitable<void> serve(running& all) {
  for (;;) {
    auto session = co_await all.server.accept();
    if (!session) {
      if (!ajar::is_canceled(session.error())) all.exit = tools::complain(tool, "central", session.error());
      co_return;
    }
    auto one = std::make_shared<tools::guest>(std::move(*session), all.files, all.issued);
    all.server.spawn(tools::guest::serve(std::move(one)));
  }
}

ajar::awaitable<void> serve_until_signal(running& all, asio::signal_set& signals, asio::signal_set& hangups,
                                         tools::control_port& control) {
  auto serving = serve(all);
  co_await std::move(serving);
  co_await all.server.stop();
  control.close();
  std::error_code ignored;
  signals.cancel(ignored);
  hangups.cancel(ignored);
}

ajar::awaitable<void> stop_at_signal(running& all, asio::signal_set& signals) {
  auto [error, number] = co_await signals.async_wait(ajar::use_values);
  (void)number;
  if (error) co_return;
  co_await all.server.stop();
}

ajar::services::share_set share_set_of(named_shares from) {
  ajar::services::share_set made;
  for (auto& [name, one] : from) {
    made.emplace(name, std::make_shared<const ajar::services::shared_folder>(std::move(one.what)));
  }
  return made;
}

// At SIGHUP: the shares and what is live besides, if all of it is good. Sessions go on, and so does what they fetch.
void take_over(const tools::reload& again, running& all) {
  const auto now = again.read();
  if (!now) {
    if (tools::landlock::keeps_from(all.settings_file)) {
      again.keep(all.settings_file +
                 ": was replaced, and the sandbox keeps the new one from being read: restart, and " +
                 "keep it in the state folder or in one named ajar");
    }
    return;
  }
  auto shared = plan_shares(*now);
  if (!shared) return again.keep(shared.error());
  all.files.share_only(share_set_of(std::move(*shared)));
  all.server.on_stranger(policy_of(*now));
  all.server.window_address(address_of(*now, "window-address"));
  again.taken(*now);
}

// The kernel's fence around the shares; how far it must be there is the owner's to say.
bool fence(const tools::settings& given, const run_plan& plan, const std::string& state, const ajar::step_sink& steps) {
  const auto how = given.as<std::string>("sandbox");
  tools::gain_no_privileges();
  if (how == "off") return true;
  std::vector<std::string> paths;
  for (const auto& [name, one] : plan.shared) paths.push_back(one.path);
  const auto fenced = tools::fence_in(paths, state, given.file());
  const auto found = fenced ? tools::spoken_fence() : fenced.error().message();
  ajar::report_step(steps, "", fenced ? "only the shares can be read" : "no fence around the shares", found);
  if (fenced || how != "required") return true;
  fmt::print(stderr, "{}: {}: {}: use a kernel with Landlock, or --sandbox auto\n", tool, given.where("sandbox"),
             found);
  return false;
}

int run(const tools::settings& given, int count, char** words) {
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
  how.methods(planned->methods != static_cast<std::uint8_t>(ajar::trust::method::window), windows)
      .roster_every(planned->roster_every)
      .on_stranger(planned->policy)
      .logins([&] { return self->state.next_login(); })
      .grants([&](const ajar::trust::grant_id& id) { return issued.find(id); });
  if (planned->from) how.from(*planned->from);
  if (planned->window_address) how.window_address(*planned->window_address);
  const auto steps = tools::steps_as_told("server", given);
  how.on_step(steps);
  asio::io_context context(1);
  tools::control_port control(tool, context.get_executor(), self->state.path());  // before the fence
  if (!fence(given, *planned, self->state.path(), steps)) return tools::local_trouble;

  running all{ajar::server(context.get_executor(), self->key, how), issued,
              ajar::services::file_service(context.get_executor()), given.file()};
  all.files.share_only(share_set_of(std::move(planned->shared)));
  asio::signal_set signals(context, SIGINT, SIGTERM);
  asio::signal_set hangups(context, SIGHUP);
  const tools::reload again(tools::server_table(), count, words, given, steps);
  control.tell_status_of(all.server, {{"sandbox", tools::spoken_fence()}});
  control.start();
  all.server.start();
  asio::co_spawn(context, serve_until_signal(all, signals, hangups, control), asio::detached);
  asio::co_spawn(context, tools::reload_at_hangup(hangups, [&] { take_over(again, all); }), asio::detached);
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
    if (command == "run") return run(given, count, words);
    if (command == "grant") return grant(given);
    if (command == "grants") return grants(given);
    if (command == "status") return tools::status(tool, "server", given);
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
