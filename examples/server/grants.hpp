// SPDX-License-Identifier: BSL-1.0
// grant, grants, renew, revoke: who may enter, as the server's owner says it, and sees it.
#pragma once

#include "../tools/ask.hpp"
#include "../tools/json_line.hpp"
#include "../tools/status.hpp"
#include "household.hpp"
#include "renewal.hpp"
#include "terms.hpp"

#include <ajar/server.hpp>
#include <ajar/trust/grant_file.hpp>

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tools {

// ---- what is shared

// The names of shares: of the server that runs with this state folder, and of the file of settings. None where neither
// tells any.
inline std::vector<std::string> known_shares(const settings& given, const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& one : given.as<std::vector<std::string>>("share")) names.push_back(one.substr(0, one.find('=')));
  const auto told = ask_running(folder, "control", {"shares", {}});
  std::string_view text = told ? std::string_view(*told) : std::string_view();
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    names.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return names;
}

// A service that nobody shares is most likely a typing error: true, and it has complained. Not where --force was said,
// nor where no share is known at all.
inline bool lacks_share(const settings& given, const std::string& folder,
                        const std::vector<ajar::trust::service_right>& services) {
  if (given.count("force") || services.empty()) return false;
  const auto names = known_shares(given, folder);
  if (names.empty()) return false;
  for (const auto& one : services) {
    if (std::ranges::find(names, one.name) != names.end()) continue;
    const auto* meant = nearest_name(names, one.name);
    wrong("--service " + one.name + ":r: no share has that name" + (meant ? ": did you mean " + *meant + "? " : ": ") +
          "--force grants it all the same");
    return true;
  }
  return false;
}

// ---- grant

// What was granted, to whom, until when, and what comes next; on stderr: stdout may be the grant.
inline void tell_of_grant(const ajar::trust::grant& body, const std::string& petname, const std::string& out) {
  tell("{}: {} may have {} until {}\n", server_tool, petname.empty() ? short_name(body.client) : petname,
       services_of(body), date_of(body.not_after));
  const auto file = out == "-" ? std::string("what stands on stdout") : ajar::escaped(out, 4096);
  tell("{}: next: send {} to that client, and there: ajar-client add FILE\n", server_tool, file);
}

// What the client is to keep. Complains by itself.
inline int write_grant_file(const ajar::trust::grant_file& what, const std::string& out) {
  const auto text = to_text(what);
  if (out == "-") {
    fmt::print("{}", text);
    return success;
  }
  std::ofstream file(out, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return success;
  return complain_in_words(server_tool, local_trouble, out + ": cannot be written: name another file by --out");
}

inline int grant(const settings& given) {
  const auto words = list_option(given, "words");
  if (words.size() != 1 || !given.count("out")) return wrong("grant needs a client's peer id and --out FILE");
  const auto client = ajar::identity::parse_peer_id(words[0]);
  if (!client) {
    complain(server_tool, ajar::escaped(words[0]), client.error());
    return usage;
  }
  auto central = central_of(given);
  if (!central) return usage;
  auto body = terms_said(given);
  if (!body) return usage;
  body->id = ajar::crypto::random_octets<16>();
  body->client = *client;
  body->begin(ajar::wall_now(), duration_said(given, "for"));

  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self) return local_trouble;
  if (lacks_share(given, self->state.path(), body->services)) return usage;
  const auto signed_one = ajar::trust::signed_grant::sign(std::move(*body), self->key);
  ajar::state::issued_grants issued(self->state, self->key.id());
  auto kept = issued.keep({text_option(given, "as"), given.count("no-renewal") == 0, signed_one});
  if (!kept) return complain(server_tool, self->state.path(), kept.error());
  const auto name = given["name"].as<std::string>();  // the table has checked it
  const auto out = text_option(given, "out");
  const auto code = write_grant_file({std::move(*central), name, signed_one}, out);
  if (code == success) tell_of_grant(signed_one.body(), text_option(given, "as"), out);
  return code;
}

// ---- grants

// How many sessions each grant has now, by its id in hexadecimal. Nothing where the server does not run.
inline std::optional<std::map<std::string, int>> sessions_now(const std::string& folder) {
  const auto status = detail::ask_status(folder, "control");
  return status ? status->sessions() : std::nullopt;
}

inline int grants(const settings& given) {
  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self) return local_trouble;
  const ajar::state::issued_grants issued(self->state, self->key.id());
  const auto all = issued.list();
  if (!all) return complain(server_tool, self->state.path(), all.error());
  const auto running = sessions_now(self->state.path());
  for (const auto& one : *all) {
    const auto& body = one.grant.body();
    const auto id = ajar::to_hex(body.id);
    const bool ended = ajar::wall_now() >= body.not_after;
    const auto seen = one.last_seen ? date_of(*one.last_seen) : std::string();
    const auto at = running ? running->find(id) : std::map<std::string, int>::const_iterator();
    const int sessions = running && at != running->end() ? at->second : 0;
    if (given.count("json")) {
      json_line line;
      line.with("name", one.petname)
          .with("grant", id)
          .with("client", to_string(body.client))
          .with("until", date_of(body.not_after))
          .with("ended", ended)
          .with("renews", one.renews)
          .with("services", services_of(body))
          .with("methods", methods_of(body))
          .with("lan", body.lan)
          .with("roam", body.roam)
          .with("most_sessions", body.sessions)
          .with("windows_a_minute", body.windows_a_minute)
          .with("windows_a_day", body.windows_a_day)
          .with("windows_at_a_time", body.windows_at_a_time)
          .with("windows_open_ms", static_cast<std::uint64_t>(body.listening.count()))
          .with("last_seen", one.last_seen ? std::optional(seen) : std::nullopt)
          .with("sessions", running ? std::optional(sessions) : std::nullopt);
      fmt::print("{}\n", line.text());
    } else {
      fmt::print("{}  {}  {}  {} {}  {}{}  {}\n", one.petname, to_string(body.client), services_of(body),
                 ended ? "ended" : "until", date_of(body.not_after),
                 one.last_seen ? "last seen " + seen : "not seen yet",
                 sessions > 0 ? fmt::format(", {} now", sessions) : std::string(), limits_of(body));
    }
  }
  return success;
}

// ---- what changes grants: by the process that holds the state folder's lock

// One change: what it was about, and what it did.
struct grant_change {
  std::string told{};                                     // lines for whoever asked
  std::optional<ajar::trust::signed_revocations> list{};  // where grants were taken back
};

// Grants, and invites that nobody has a grant by yet.
inline ajar::result<grant_change> take_back(household& house, const std::vector<std::string>& whom) {
  std::vector<ajar::trust::grant_id> ids;
  grant_change made;
  for (const auto& name : whom) {
    const auto meant = house.issued.named(name);
    const auto invited = house.invites.withdraw(name);
    if (!meant && !(invited && meant.error() == ajar::errc::no_such_client)) return ajar::fail(meant.error());
    if (!invited && invited.error() != ajar::errc::no_such_client) return ajar::fail(invited.error());
    if (meant) {
      for (const auto& one : *meant) {
        ids.push_back(one.grant.body().id);
        made.told += fmt::format("{}  {}\n", one.petname, to_string(one.grant.body().client));
      }
    }
    if (invited) {
      for (const auto& one : *invited) made.told += fmt::format("{}  its invite\n", one.petname);
    }
  }
  if (ids.empty()) return made;
  auto list = house.issued.revoke(ids, house.self);
  if (!list) return ajar::fail(list.error());
  made.list.emplace(std::move(*list));
  return made;
}

inline ajar::result<grant_change> approve(household& house, const std::string& whom) {
  const auto approved = house.invites.approve(whom, house.issued);
  if (!approved) return ajar::fail(approved.error());
  grant_change made;
  for (const auto& one : *approved) {
    made.told += fmt::format("{}  {}  {}\n", one.petname, to_string(*one.claimant), services_of(one.terms));
  }
  return made;
}

inline ajar::result<grant_change> renew(household& house, const std::string& whom,
                                        const ajar::trust::new_terms& terms) {
  auto meant = house.issued.named(whom);
  if (!meant) return ajar::fail(meant.error());
  grant_change made;
  for (auto& one : *meant) {
    const auto name = one.petname;
    const auto signed_one = house.issued.renew(std::move(one), house.self, terms);
    if (!signed_one) return ajar::fail(signed_one.error());
    made.told +=
        fmt::format("{}  {}  until {}\n", name, services_of(signed_one->body()), date_of(signed_one->body().not_after));
  }
  return made;
}

// What comes in over the control socket, or from the command line where no server runs.
inline ajar::result<grant_change> change_grants(household& house, const ajar::control::request& what) {
  if (what.verb == "announce") return grant_change();  // another process has added invites
  if (what.arguments.empty()) return ajar::fail(ajar::errc::message_malformed);
  if (what.verb == "revoke") return take_back(house, what.arguments);
  if (what.verb == "approve") return approve(house, what.arguments[0]);
  const auto terms = parse_new_terms(std::span(what.arguments).subspan(1));
  if (!terms) return ajar::fail(terms.error());
  return renew(house, what.arguments[0], *terms);
}

// revoke, renew, approve: by the running server, so that it acts at once; by this process, where none runs.
inline int change_by_whoever_may(const settings& given, const ajar::control::request& what) {
  auto self = open_node(server_tool, "server", text_option(given, "state"));
  if (!self) return local_trouble;
  auto answer = ask_running(self->state.path(), "control", what);
  if (!answer && answer.error() == ajar::errc::not_running) {
    const auto hold = self->state.try_lock();
    if (!hold && hold.error() == ajar::errc::would_block) {  // it has just begun, or is about to end
      return complain(server_tool, self->state.path(), ajar::errc::control_timeout);
    }
    if (!hold) return complain(server_tool, self->state.path(), hold.error());
    household house(self->state, self->key);
    auto changed = change_grants(house, what);
    answer = changed ? ajar::result<std::string>(changed->told) : ajar::fail(changed.error());
  }
  if (!answer) return complain(server_tool, ajar::escaped(what.arguments[0]), answer.error());
  fmt::print("{}", *answer);
  return success;
}

inline int revoke(const settings& given) {
  const auto words = list_option(given, "words");
  if (words.empty()) return wrong("revoke whom? name clients as 'ajar-server grants' does");
  return change_by_whoever_may(given, {"revoke", words});
}

inline int renew(const settings& given) {
  const auto words = list_option(given, "words");
  if (words.size() != 1) return wrong("renew whose grant? name one client as 'ajar-server grants' does");
  auto arguments = new_terms_said(given);
  if (!arguments) return usage;
  const auto services = services_said(given);
  const auto folder = ajar::state::folder::place(text_option(given, "state"), "server");
  if (services && folder && lacks_share(given, *folder, *services)) return usage;
  arguments->insert(arguments->begin(), words[0]);
  return change_by_whoever_may(given, {"renew", std::move(*arguments)});
}

}  // namespace tools
