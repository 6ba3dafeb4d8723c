// SPDX-License-Identifier: BSL-1.0
// The server that runs: whom it serves, and what its owner changes meanwhile.
#pragma once

#include "../tools/reload.hpp"
#include "grants.hpp"
#include "household.hpp"
#include "shares.hpp"

#include <ajar/core/deadline.hpp>
#include <ajar/net/backoff.hpp>
#include <ajar/server.hpp>
#include <ajar/signalling/redeem.hpp>
#include <ajar/state/folder_watch.hpp>

#include <functional>

namespace tools {

inline ajar::windows::on_stranger policy_of(const settings& given) {
  return given.as<std::string>("on-stranger") == "close" ? ajar::windows::on_stranger::close
                                                         : ajar::windows::on_stranger::close_and_reopen;
}

// The table has checked it.
inline std::optional<ajar::net::address> address_of(const settings& given, const char* name) {
  if (!given.count(name)) return std::nullopt;
  return asio::ip::make_address(text_option(given, name));
}

struct running {
  ajar::server server;
  household& house;
  ajar::files::file_service files;
  ajar::identity::url central;
  bool central_said = false;  // and not the one that is kept
  std::string settings_file;
  std::string state;  // the folder
  ajar::telling::step_sink steps;
  std::optional<ajar::net::address> from;
  std::optional<ajar::server> former{};  // by the key that it has gone over from
  ajar::files::share_set shared{};       // beside what is offered
  bool over = false;
  int exit = success;

  // By its key, and by the one of before.
  void each(const std::function<void(ajar::server&)>& what) {
    what(server);
    if (former) what(*former);
  }

  // Of both.
  ajar::server_status status() const {
    auto made = server.status();
    if (!former) return made;
    const auto before = former->status();
    made.other_links.push_back(before.link);
    made.other_links.insert(made.other_links.end(), before.other_links.begin(), before.other_links.end());
    made.clients_with_door += before.clients_with_door;
    made.windows_open += before.windows_open;
    made.listened_last_minute += before.listened_last_minute;
    made.listened_limit += before.listened_limit;
    made.listened_by.insert(made.listened_by.end(), before.listened_by.begin(), before.listened_by.end());
    made.sessions.insert(made.sessions.end(), before.sessions.begin(), before.sessions.end());
    made.sessions_begun += before.sessions_begun;
    made.carried += before.carried;
    made.exposed_today += before.exposed_today;
    made.exposed += before.exposed;
    made.refusals.add(before.refusals);
    made.dial_failures.add(before.dial_failures);
    made.exceptions += before.exceptions;
    return made;
  }

  // These, and what is offered.
  void share(ajar::files::share_set all) {
    shared = std::move(all);
    share_all();
  }
  void share_all() {
    auto all = shared;
    for (const auto& [name, one] : house.offered.shares()) all.insert_or_assign(name, one);
    files.share_only(std::move(all));
  }
};

// @param steps  is told of a share that is gone, and when it is there again
inline ajar::files::share_set share_set_of(named_shares from, const ajar::telling::step_sink& steps) {
  ajar::files::share_set made;
  for (auto& [name, one] : from) {
    const auto about = name + ": " + ajar::escaped(one.path, 4096);
    one.what.on_loss([steps, about](const std::error_code& why) {
      if (!why) return ajar::telling::report_step(steps, "", "a share is there again", about);
      ajar::telling::report_trouble(steps, "a share is gone: its path is no folder, another disk's, or unreadable",
                                    about);
    });
    made.emplace(name, std::make_shared<const ajar::files::shared_folder>(std::move(one.what)));
  }
  return made;
}

// ---- what the owner changes

// What was taken back is cut off when this returns.
inline ajar::awaitable<ajar::result<>> cut_off(running& all, ajar::trust::signed_revocations list) {
  if (all.former) {
    auto same = ajar::trust::signed_revocations::sign(list.body(), *all.house.former);
    auto revoking_there = all.former->revoke(std::move(same));
    auto there = co_await std::move(revoking_there);
    if (!there) co_return ajar::fail(there.error());
  }
  auto revoking = all.server.revoke(std::move(list));
  auto revoked = co_await std::move(revoking);
  co_return revoked;
}

// A client has come with its new key: what the one before had is over.
inline ajar::awaitable<void> end_former(running& all, ajar::trust::signed_revocations list) {
  ajar::telling::report_step(all.steps, "", "a client goes by its new key: the grant of the one before is taken back");
  auto cutting = cut_off(all, std::move(list));
  auto cut = co_await std::move(cutting);
  if (cut || all.over) co_return;
  ajar::telling::report_trouble(all.steps, "the grant of a key of before is still served", cut.error().message());
}

// revoke, renew, approve, announce.
inline ajar::awaitable<ajar::result<std::string>> change_now(running& all, ajar::control::request what) {
  auto changed = change_grants(all.house, what);
  if (!changed) co_return ajar::fail(changed.error());
  all.server.announce_invites();
  if (changed->list) {
    auto cutting = cut_off(all, std::move(*changed->list));
    auto cut = co_await std::move(cutting);
    if (!cut) co_return ajar::fail(cut.error());
  }
  co_return std::move(changed->told);
}

// Whose file the owner has removed is revoked, and cut off like that.
inline ajar::awaitable<void> revoke_removed(running& all) {
  auto list = all.house.issued.take_back_removed(all.house.self);
  if (!list) {
    ajar::telling::report_trouble(all.steps, "the files of grants cannot be looked at", list.error().message());
    co_return;
  }
  if (!*list) co_return;
  ajar::telling::report_step(all.steps, "", "files of grants were removed: these grants are revoked");
  auto cutting = cut_off(all, std::move(**list));
  auto cut = co_await std::move(cutting);
  if (cut) co_return;
  ajar::telling::report_trouble(all.steps, "removed grants are still served", cut.error().message());
}

// From before anybody is served on.
inline ajar::awaitable<void> watch_grants(running& all, ajar::state::folder_watch folder) {
  for (;;) {
    auto looking = revoke_removed(all);
    co_await std::move(looking);
    auto changing = folder.changed();
    auto changed = co_await std::move(changing);
    if (!changed) co_return;
  }
}

// At SIGHUP: the shares and what is live besides, if all of it is good. Sessions go on, and so does what they fetch.
inline void take_over(const reload& again, running& all) {
  const auto now = again.read();
  if (!now) {
    if (const auto why = outside_of_fence(all.settings_file)) again.keep(*why);
    return;
  }
  auto shared = plan_shares(*now);
  if (!shared) return again.keep(shared.error());
  tell_of_state_folders(*shared, all.state, all.steps);
  all.share(share_set_of(std::move(*shared), all.steps));
  all.each([&](ajar::server& one) {
    one.set_on_stranger(policy_of(*now));
    one.set_window_address(address_of(*now, "window-address"));
  });
  again.taken(*now);
}

// The names of what is shared, a line for each: whoever grants is told of typing errors.
inline std::string names_of(const ajar::files::share_set& all) {
  std::string text;
  for (const auto& [name, one] : all) text += name + "\n";
  return text;
}

// ---- what is offered

// Grants and invites of an offer are taken back, and its clients cut off.
inline ajar::awaitable<void> end_offer(running& all, std::string id) {
  const auto whom = all.house.offered.end(id);
  all.share_all();
  std::optional<ajar::trust::signed_revocations> list;
  for (const auto& name : whom) {
    auto taken = take_back(all.house, {name});
    if (taken && taken->list) list = std::move(taken->list);  // the later one has all of the earlier
    if (!taken && taken.error() != ajar::errc::no_such_client) {
      ajar::telling::report_trouble(all.steps, "what was offered is still granted", taken.error().message());
    }
  }
  if (whom.empty()) co_return;
  all.server.announce_invites();
  if (!list) co_return;
  auto cutting = cut_off(all, std::move(*list));
  auto cut = co_await std::move(cutting);
  if (!cut && !all.over) {
    ajar::telling::report_trouble(all.steps, "what was offered is still served", cut.error().message());
  }
}

// Those whose process went without a word.
inline ajar::awaitable<void> end_forgotten_offers(running& all) {
  constexpr std::chrono::seconds pause{5};
  for (;;) {
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return;
    const auto ids = all.house.offered.forgotten(ajar::clock::now());
    for (const auto& id : ids) {
      auto ending = end_offer(all, id);
      co_await std::move(ending);
    }
  }
}

inline ajar::awaitable<ajar::result<std::string>> end_offer_now(running& all, ajar::control::request what) {
  if (what.arguments.size() != 1) co_return ajar::fail(ajar::errc::message_malformed);
  auto ending = end_offer(all, what.arguments[0]);
  co_await std::move(ending);
  co_return std::string();
}

inline ajar::result<std::string> tell_of_offer(running& all, const ajar::control::request& what) {
  if (what.arguments.size() != 1) return ajar::fail(ajar::errc::message_malformed);
  const auto status = all.server.status();
  const auto state = all.house.offered.state(what.arguments[0], status.sessions, ajar::clock::now());
  if (!state) return ajar::fail(ajar::errc::invite_unknown);
  return to_text(*state);
}

// ---- its central

// It has moved, or leaves those of before, as the state folder says. "said": by --central another one counts.
// Errors: state_damaged, state::folder's.
inline ajar::result<std::string> move_now(running& all, const ajar::control::request&) {
  if (all.central_said) return std::string("said");
  const auto kept = centrals_kept(all.house.in);
  if (!kept) return ajar::fail(kept.error());
  if (kept->empty()) return ajar::fail(ajar::errc::state_damaged);
  all.each([&](ajar::server& by) {
    for (const auto& one : *kept) by.also_at(one);
  });
  const auto status = all.server.status();
  std::vector<ajar::identity::url> linked{status.link.central};
  for (const auto& one : status.other_links) linked.push_back(one.central);
  for (const auto& one : linked) {
    if (std::ranges::find(*kept, one) != kept->end()) continue;
    all.each([&](ajar::server& by) { (void)by.leave(one); });  // it may be left already
  }
  all.central = kept->front();
  all.house.moved_to = kept->size() > 1 ? std::optional(kept->front()) : std::nullopt;
  all.server.announce_invites();
  return std::string("moved");
}

// ---- its life

// Whatever central says of this server, those who are there are served to their end, or until a signal.
inline ajar::awaitable<void> until_no_session(const ajar::server& of) {
  while (of.sessions() > 0) {
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + std::chrono::milliseconds(200));
    if (!slept) co_return;
  }
}

inline ajar::awaitable<void> serve(running& all) {
  for (;;) {
    auto session = co_await all.server.accept();
    if (!session) {
      if (!ajar::is_canceled(session.error())) all.exit = complain(server_tool, "central", session.error());
      auto draining = until_no_session(all.server);
      co_await std::move(draining);
      co_return;
    }
    all.server.spawn(ajar::files::host(std::move(*session), all.files, all.house.guests));
  }
}

// Who comes by the key of before is served, and told to follow.
inline ajar::awaitable<void> serve_former(running& all) {
  for (;;) {
    auto session = co_await all.former->accept();
    if (!session) {
      if (ajar::is_canceled(session.error())) co_return;
      ajar::telling::report_trouble(all.steps, "nobody comes by the key of before any more", session.error().message());
      co_return;
    }
    all.former->spawn(ajar::files::host(std::move(*session), all.files, *all.house.former_guests));
  }
}

// It is there by its new key once central serves that, which the one of before vouches for.
inline ajar::awaitable<void> go_over(running& all) {
  ajar::net::backoff pause(std::chrono::seconds(1), std::chrono::seconds(60));
  for (;;) {
    constexpr std::chrono::hours good_for{1};
    constexpr std::chrono::seconds patience{10};
    auto said = ajar::trust::go_over(*all.house.former, all.house.self, ajar::wall_now() + good_for);
    auto telling = ajar::signalling::succeed_at(all.house.self, all.central, std::move(said),
                                                ajar::clock::now() + patience, ajar::net::sockets(all.from));
    auto told = co_await std::move(telling);
    if (told || all.over) break;
    ajar::telling::report_trouble(all.steps, "central has not followed this server to its new key",
                                  told.error().message());
    if (told.error() == ajar::errc::not_admitted) break;  // it may serve that one all the same
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause.next());
    if (!slept) co_return;
  }
  if (!all.over) all.server.start();
}

inline ajar::awaitable<void> stop(running& all) {
  if (all.former) {
    auto stopping = all.former->stop();
    co_await std::move(stopping);
  }
  co_await all.server.stop();
}

inline ajar::awaitable<void> serve_until_signal(running& all, signals& stops, signals& hangups, control_port& control) {
  auto serving = serve(all);
  co_await std::move(serving);
  all.over = true;
  const auto ids = all.house.offered.ids();
  for (const auto& id : ids) {
    auto ending = end_offer(all, id);
    co_await std::move(ending);
  }
  auto stopping = stop(all);
  co_await std::move(stopping);
  control.close();
  stops.cancel();
  hangups.cancel();
}

inline ajar::awaitable<void> stop_at_signal(running& all, signals& stops) {
  const bool came = co_await stops.next();
  if (!came) co_return;
  all.over = true;
  auto stopping = stop(all);
  co_await std::move(stopping);
}

}  // namespace tools
