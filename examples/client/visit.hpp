// SPDX-License-Identifier: BSL-1.0
// One session with one server: found by its name, connected, worked with, ended.
#pragma once

#include "../tools/console.hpp"
#include "../tools/event_loop.hpp"
#include "../tools/json_line.hpp"
#include "../tools/sandbox.hpp"
#include "../tools/settings.hpp"
#include "../tools/shown.hpp"
#include "../tools/status.hpp"
#include "../tools/step_log.hpp"
#include "options.hpp"
#include "place.hpp"
#include "timeline.hpp"

#include <ajar/client.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/files/session_page.hpp>
#include <ajar/state/held_grants.hpp>
#include <ajar/streams/multiplexer.hpp>
#include <ajar/telling/cause_name.hpp>

#include <signal.h>
#include <functional>
#include <memory>

namespace tools {

inline constexpr const char* client_tool = "ajar-client";

inline int wrong(std::string_view what) { return complain_in_words(client_tool, usage, what); }

// A session, as the commands get it.
struct visit {
  visit(ajar::streams::multiplexer from, std::string name, std::chrono::nanoseconds took)
      : over(std::move(from)), server(std::move(name)), connected_in(took) {}

  ajar::streams::multiplexer over;
  std::string server;  // what the user calls it
  std::chrono::nanoseconds connected_in;
  std::string reason;  // why the server planned this way; nothing where it planned none
  // Another session with the same server, where this one went. Errors: client::connect's.
  std::function<ajar::awaitable<ajar::result<std::shared_ptr<visit>>>()> again;
};
using visit_ptr = std::shared_ptr<visit>;

// What a command does with a session. What it gives is the exit's cause; it complains itself about parts that failed,
// and gives the exit code of the first.
using errand = std::function<ajar::awaitable<ajar::result<exit_code>>(visit_ptr)>;

// {"server", "path", "connect_us", "reason", "window": {"opened_by", "exposure_ns", "listeners", "strangers"}}; reason
// only where the server planned the way
inline json_line path_report(const visit& at, const ajar::files::window_cost& cost) {
  const auto& info = at.over.info();
  json_line line;
  line.with("server", at.server).with("path", to_string(info.path)).with("connect_us", at.connected_in.count() / 1000);
  if (!at.reason.empty()) line.with("reason", at.reason);
  if (info.path != ajar::sessions::path::outbound) {
    const bool nobody = info.path == ajar::sessions::path::crossing;
    json_line window;
    window.with("opened_by", nobody        ? "nobody"
                             : info.window ? "client"
                                           : "server")
        .with("exposure_ns", cost.exposure_ns)
        .with("listeners", cost.listeners)
        .with("strangers", cost.strangers);
    line.with("window", window);
  }
  return line;
}

namespace detail {

struct outcome {
  ajar::result<exit_code> done = ajar::fail(ajar::errc::canceled);
  bool interrupted = false;  // by a signal
};

// What one visit needs, kept by its coroutines.
struct trip {
  trip(event_loop& on, const node& who, ajar::identity::key own, const ajar::client_options& how, errand what)
      : executor(on.executor()),
        self(who),
        key(std::move(own)),
        options(how),
        client(std::in_place, executor, key, how),
        work(executor),
        stops(on, {SIGINT, SIGTERM}),
        control(client_tool, executor, who.state.path(), own_control_name()),
        todo(std::move(what)) {
    client->start();
    control.answer_with("status", [this, fence = spoken_fence()](const ajar::control::request&) {
      return ajar::result<std::string>(status_text(client->status(), fence));
    });
    control.start();
  }

  asio::any_io_executor executor;
  const node& self;
  ajar::identity::key key;  // which its grants are for
  ajar::client_options options;
  std::optional<ajar::client> client;  // one for each session: central is needed until there is one
  ajar::task_group work;
  signals stops;
  control_port control;
  errand todo;
  bool follows = true;  // a server that goes over to another key
  std::string name;
  std::vector<ajar::trust::grant_file> held;  // of that server
  ajar::identity::peer_id server;
  ajar::connect_options how;
  std::chrono::seconds within{};  // for each attempt to connect
  std::string reason;             // the server's, of the attempt that was the last
  visit_ptr at;                   // the session that there is
  outcome came;
};

// Commands that run side by side take turns at central: one key is one login.
inline ajar::awaitable<ajar::result<ajar::state::folder::hold>> take_turn(const ajar::state::folder& state,
                                                                          ajar::time_point until) {
  constexpr std::chrono::milliseconds pause{10};
  for (;;) {
    auto hold = state.try_lock();
    if (hold || hold.error() != ajar::errc::would_block) co_return std::move(hold);
    if (ajar::clock::now() >= until) co_return ajar::fail(ajar::errc::already_running);
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return ajar::fail(slept.error());
  }
}

// The one that a session came by; nullptr where another has taken its place.
inline ajar::trust::grant_file* grant_in_use(trip& on, const visit& at) {
  const auto mine = std::ranges::find_if(
      on.held, [&](const ajar::trust::grant_file& one) { return one.grant.body().id == at.over.info().grant; });
  return mine == on.held.end() ? nullptr : &*mine;
}

// What a session brought goes to where its grant is kept. One for once is kept nowhere, and where another grant has its
// place meanwhile, that one stays.
inline void tell_of_loss(const ajar::result<>& kept, std::string_view what) {
  if (kept || kept.error() == ajar::errc::no_grant || kept.error() == ajar::errc::grant_unknown) return;
  complain(client_tool, what, kept.error());
}
inline void keep_grant(const trip& on, const ajar::trust::grant_file& one, std::string_view what) {
  tell_of_loss(ajar::state::held_grants(on.self.state, on.key.id()).update(one, on.name), what);
}

// A grant in its second half is fetched anew: its server may have made it longer. Where that fails, the next visit
// tries again.
inline ajar::awaitable<void> renew_grant(trip& on, visit_ptr at) {
  auto* mine = grant_in_use(on, *at);
  if (!mine || !mine->grant.body().in_second_half(ajar::wall_now())) co_return;
  auto asking = ajar::files::ask_grant(at->over);
  auto fresh = co_await std::move(asking);
  const bool mine_too = fresh && fresh->signer() == on.server && fresh->body().id == mine->grant.body().id;
  if (!mine_too || fresh->octets() == mine->grant.octets()) co_return;
  mine->grant = std::move(*fresh);
  keep_grant(on, *mine, "the renewed grant");
}

// A server that has moved says where it is from now on: the grant is kept with that. Whoever cannot say it has not
// moved.
inline ajar::awaitable<void> follow_server(trip& on, visit_ptr at) {
  auto* mine = grant_in_use(on, *at);
  if (!mine) co_return;
  auto asking = ajar::files::ask_central(at->over, on.key.id());
  auto where = co_await std::move(asking);
  if (!where || !*where || **where == mine->central) co_return;
  mine->central = **where;
  keep_grant(on, *mine, "where the server is now");
}

// One that has gone over to another key gives the grant by that: the next visit is to that one.
inline ajar::awaitable<void> follow_key(trip& on, visit_ptr at) {
  auto* mine = grant_in_use(on, *at);
  if (!mine) co_return;
  auto asking = ajar::files::ask_succession(at->over, on.key.id());
  auto given = co_await std::move(asking);
  if (!given || !*given) co_return;
  const auto before = std::exchange(mine->grant, std::move(**given));
  tell_of_loss(ajar::state::held_grants(on.self.state, on.key.id()).succeed(before, *mine, on.name),
               "the grant by the server's new key");
}

inline ajar::awaitable<ajar::result<visit_ptr>> reach_again(trip& on);

// A session with the server. Errors: client::connect's, limit_reached where another command is at central all the
// while.
inline ajar::awaitable<ajar::result<visit_ptr>> reach(trip& on) {
  const auto begun = ajar::clock::now();
  auto taking = take_turn(on.self.state, begun + on.within);
  auto turn = co_await std::move(taking);
  if (!turn) co_return ajar::fail(turn.error());
  auto session = co_await on.client->connect(on.server, on.how);
  co_await on.client->stop();  // what follows needs central no more
  turn = ajar::fail(ajar::errc::canceled);
  if (!session) co_return ajar::fail(session.error());
  on.at = std::make_shared<visit>(ajar::streams::multiplexer(std::move(*session), ajar::streams::http_role::client),
                                  on.name, ajar::clock::now() - begun);
  on.at->reason = std::exchange(on.reason, {});
  on.at->again = [&on] { return reach_again(on); };
  co_return on.at;
}

inline ajar::awaitable<ajar::result<visit_ptr>> reach_again(trip& on) {
  on.client.emplace(on.executor, on.key, on.options);
  on.client->start();
  on.how.until(ajar::clock::now() + on.within);
  return reach(on);
}

inline ajar::awaitable<void> go(trip& on) {
  auto reaching = reach(on);
  auto reached = co_await std::move(reaching);
  if (!reached) {
    on.came.done = ajar::fail(reached.error());
    co_return;
  }
  // while it works; both ask before that can be done, as a session that ends takes no further request
  on.work.spawn(follow_server(on, *reached));
  if (on.follows) on.work.spawn(follow_key(on, *reached));
  auto working = on.todo(std::move(*reached));
  auto done = co_await std::move(working);
  on.came.done = done;
  if (done) {
    auto renewing = renew_grant(on, on.at);
    co_await std::move(renewing);
  }
  auto parted = co_await on.at->over.shutdown(ajar::clock::now() + std::chrono::seconds(2));
  (void)parted;
}

inline ajar::awaitable<void> stop_at_signal(trip& on) {
  const bool came = co_await on.stops.next();
  if (!came) co_return;
  on.came.interrupted = true;
  on.work.cancel();
}

inline ajar::awaitable<void> finish(trip& on) {
  co_await on.work.join();
  on.at.reset();  // where it was interrupted: nobody says goodbye
  co_await on.client->stop();
  on.control.close();
  on.stops.cancel();
}

inline std::optional<ajar::by> parse_by(const std::string& text) {
  if (text == "auto") return ajar::by::automatic;
  if (text == "outbound") return ajar::by::outbound;
  if (text == "crossing") return ajar::by::crossing;
  if (text == "window") return ajar::by::window;
  if (text == "window-reverse") return ajar::by::window_reverse;
  return std::nullopt;
}

// Those of one server: one errand needs one central. Errors: no_grant, state_damaged, the state folder's.
inline ajar::result<std::vector<ajar::trust::grant_file>> grants_for(const node& self, const std::string& server) {
  const ajar::state::held_grants held(self.state, self.key.id());
  const auto all = held.list();
  if (!all) return ajar::fail(all.error());
  std::vector<ajar::trust::grant_file> files;
  for (const auto& one : all->good) {
    if (one.petname == server) files.push_back(one.file);
  }
  for (const auto& one : all->bad) {
    if (one.petname == server) return ajar::fail(one.why);
  }
  if (files.empty()) return ajar::fail(ajar::errc::no_grant);
  return files;
}

// What a complaint about them is about: the server, or the file that is damaged.
inline std::string about_grants(const node& self, const std::string& server) {
  const ajar::state::held_grants held(self.state, self.key.id());
  const auto all = held.list();
  const bool damaged =
      all && std::ranges::find(all->bad, server, &ajar::state::held_grants::damaged::petname) != all->bad.end();
  return damaged ? held.path_of(server) : server;
}

inline ajar::awaitable<ajar::result<ajar::net::reflection>> look_outside(const node& self, ajar::client& client,
                                                                         ajar::identity::peer_id server,
                                                                         ajar::time_point until) {
  ajar::result<ajar::net::reflection> known = ajar::fail(ajar::errc::canceled);
  auto turn = co_await take_turn(self.state, until);
  if (!turn) {
    known = ajar::fail(turn.error());
  } else {
    auto looking = client.network(server, until);
    known = co_await std::move(looking);
  }
  co_await client.stop();
  co_return known;
}

// Nothing: all is well. Else it has complained, and this is the exit code.
inline std::optional<int> read_addresses(const settings& given, ajar::client_options& how) {
  for (const auto* option : {"door", "advertise"}) {
    if (!given.count(option)) continue;
    const auto at = ajar::net::parse_numeric_endpoint(text_option(given, option));
    if (!at) {
      complain(client_tool, std::string("--") + option, at.error());
      return usage;
    }
    (option == std::string_view("door") ? how.door(*at) : how.advertise(*at));
  }
  std::error_code error;
  if (given.count("window-address")) {
    how.window_address(asio::ip::make_address(text_option(given, "window-address"), error));
    if (error) return wrong("--window-address is an address of this machine");
  }
  if (given.count("from")) {
    how.from(asio::ip::make_address(text_option(given, "from"), error));
    if (error) return wrong("--from is an address of this machine");
  }
  return std::nullopt;
}

}  // namespace detail

// An existing folder, or the one that a new folder or a file is made in.
inline std::string folder_of(const std::string& into) {
  struct stat status{};
  if (::stat(into.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return into;
  const auto end = into.find_last_not_of('/');
  const auto slash = end == std::string::npos ? 0 : into.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : into.substr(0, slash);
}

// From here on no file but the state folder, and what is fetched. False: it has complained.
inline bool stay_in_sandbox(const settings& given, const node& self, const std::string& into = std::string()) {
  landlock fence;
  fence.may_write(self.state.path());
  if (!into.empty()) fence.may_write(folder_of(into));
  let_names_be_found(fence);
  return enter_sandbox(client_tool, given, std::move(fence), "what was named", {});
}

// Connect to a server as the options say, by grants for it, and run an errand there. This process has stayed in its
// sandbox already.
//
// @param server  what the user calls it
// @param about   what the errand is about, for a complaint
// @param goes_on  an interrupted errand has not done what was asked, and goes on when it is asked again
// @param follows  a server that goes over to another key, with the grant that the errand has come by
inline int visit_by_grants(const settings& given, const node& self, const std::string& server,
                           std::vector<ajar::trust::grant_file> files, const std::string& about, errand what,
                           bool goes_on, bool follows = true) {
  const auto way = detail::parse_by(given["by"].as<std::string>());
  if (!way) return wrong("--by is auto, outbound, crossing, window, or window-reverse");
  const auto within =
      given.count("within") ? parse_duration(text_option(given, "within")) : std::optional(std::chrono::seconds(10));
  if (!within) return wrong("--within is a duration such as 10s");
  ajar::client_options how;
  how.grants(files).logins([&] { return self.state.next_login(); });
  if (const auto failed = detail::read_addresses(given, how)) return *failed;
  how.cloak(*ajar::windows::parse_cloak(given.as<std::string>("cloak")));  // the table has checked it
  how.listens(*way == ajar::by::automatic || *way == ajar::by::window_reverse);
  const bool json = given.count("json") != 0;
  if (given.count("explain")) {
    const auto format = json ? step_format::trace : step_format_of(given.as<std::string>("log"));
    how.on_step(step_log("client", format, standard_error()));
  }

  event_loop loop;
  detail::trip on(loop, self, self.key_of(files.front().grant.body().client), how, std::move(what));
  on.name = server;
  on.server = files.front().grant.signer();
  on.held = std::move(files);
  on.within = *within;
  on.follows = follows;
  on.how.over(*way).roam(given.count("roam") != 0).reason([&on](const std::string& why) { on.reason = why; });
  if (given.count("within")) on.how.until(ajar::clock::now() + *within);
  if (given.count("explain")) on.how.explain(timeline_log(json));
  on.work.spawn(detail::go(on));
  loop.spawn(detail::stop_at_signal(on));
  loop.spawn(detail::finish(on));
  loop.run();
  if (on.came.done) return *on.came.done;
  if (!on.came.interrupted) {
    const auto& why = on.came.done.error();
    json_line more;
    more.with("server", server);
    if (!on.reason.empty()) more.with("reason", on.reason);
    return complain(client_tool, about_or_host(about, on.held.front().central.at, why), why, on.reason, more);
  }
  if (!goes_on) return success;  // it was asked to stop
  return complain_in_words(client_tool, cut_short, "interrupted: the same command goes on where this one stopped");
}

// The same with the grants that this client holds for a server.
//
// @param into  the folder that the errand writes to, or a file in it
inline int visit_server(const settings& given, const node& self, const std::string& server, const std::string& about,
                        errand what, const std::string& into = std::string()) {
  auto files = detail::grants_for(self, server);
  if (!files) return complain(client_tool, detail::about_grants(self, server), files.error());
  if (!stay_in_sandbox(given, self, into)) return local_trouble;
  return visit_by_grants(given, self, server, std::move(*files), about, std::move(what), !into.empty());
}

// What a complaint about a server is about: central's host, where its name is what failed.
inline std::string about_server(const node& self, const std::string& server, const std::error_code& why) {
  const auto files = detail::grants_for(self, server);
  return files ? about_or_host(server, files->front().central.at, why) : detail::about_grants(self, server);
}

// How this machine looks from outside, by the central of that server.
inline ajar::result<ajar::net::reflection> look_outside(const settings& given, const node& self,
                                                        const std::string& server) {
  const auto files = detail::grants_for(self, server);
  if (!files) return ajar::fail(files.error());
  ajar::client_options how;
  how.grants(*files).logins([&] { return self.state.next_login(); });
  if (given.count("from")) how.from(asio::ip::make_address(text_option(given, "from")));  // the table has checked it
  event_loop loop;
  ajar::client client(loop.executor(), self.key_of(files->front().grant.body().client), how);
  client.start();
  const auto until = ajar::clock::now() + std::chrono::seconds(10);
  return loop.finish(detail::look_outside(self, client, files->front().grant.signer(), until));
}

}  // namespace tools
