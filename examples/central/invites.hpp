// SPDX-License-Identifier: BSL-1.0
// invite, invites, withdraw: a server comes to be served by a string that central's operator sends to its owner.
#pragma once

#include "../tools/invite_line.hpp"
#include "../tools/json_line.hpp"
#include "../tools/qr_code.hpp"
#include "newcomers.hpp"
#include "reachable.hpp"

#include <optional>
#include <string>
#include <utility>

namespace tools {

inline int wrong_invite(std::string_view what) { return complain_in_words(central_tool, usage, what); }

// ---- where servers reach central

struct central_place {
  ajar::identity::url url;
  std::string list;  // that is served; empty where every server is
  bool runs = false;
};

// "URL\nLIST", for another process of this tool.
inline std::string to_text(const central_place& at) { return to_string(at.url) + "\n" + at.list; }

inline std::optional<central_place> parse_central_place(std::string_view text) {
  const auto end = text.find('\n');
  auto url = ajar::identity::parse_url(text.substr(0, end));
  if (!url || end == std::string_view::npos) return std::nullopt;
  return central_place{std::move(*url), std::string(text.substr(end + 1)), true};
}

namespace detail {

// Nothing: it has complained, and this is the exit code.
using named_place = tl::expected<central_place, int>;

// As --listen and --name say, where no central runs.
inline named_place place_said(const settings& given, const node& self) {
  if (!given.count("listen")) {
    return tl::unexpected(wrong_invite("invite: no central runs with " + self.state.path() +
                                       ": start it, or say --listen ADDR:PORT, and --name, as it will have them"));
  }
  const auto at = ajar::net::parse_numeric_endpoint(text_option(given, "listen"));  // the table has checked it
  if (at->port() == 0) {
    return tl::unexpected(wrong_invite("invite: " + given.where("listen") + " has a random port: start central first"));
  }
  central_place made{{endpoint_to_name(given, *at), self.key.id()}, {}};
  if (!given.count("open")) made.list = list_path(given, self.state.path());
  return made;
}

// By the central that runs, else as it was said.
inline named_place place_to_name(const settings& given, const node& self) {
  const auto told = ask_running(self.state.path(), "control", {"place", {}});
  if (!told && told.error() == ajar::errc::not_running) return place_said(given, self);
  auto made = told ? parse_central_place(*told) : std::nullopt;
  if (made) return std::move(*made);
  return tl::unexpected<int>(
      complain(central_tool, self.state.path(), told ? make_error_code(ajar::errc::message_malformed) : told.error()));
}

}  // namespace detail

// ---- invite

inline int invite(const settings& given) {
  const auto words = list_option(given, "words");
  if (words.size() != 1 || !ajar::trust::is_name(words[0])) {
    return wrong_invite("invite which server? choose a name of letters, digits, dots, dashes and underscores");
  }
  if (given.count("qr") && !has_qr_codes) {
    return wrong_invite("--qr: built without libqrencode: show the string another way");
  }
  const auto self = open_node(central_tool, "central", text_option(given, "state"));
  if (!self) return local_trouble;
  const auto at = detail::place_to_name(given, *self);
  if (!at) return at.error();
  if (!at->list.empty() && !lies_in(at->list, self->state.path())) {
    tell(
        "{}: invite: the list {} is outside of the state folder, where a central that runs may write nothing: move it "
        "to "
        "{}/{} and leave --admit out; or admit servers by their ids\n",
        central_tool, at->list, self->state.path(), own_list);
    return local_trouble;
  }
  const ajar::state::server_invites invites(self->state, self->key);
  const auto life = *parse_duration(given["expires"].as<std::string>());  // the table has checked it
  const auto made = invites.add(words[0], at->url.at, ajar::wall_now() + life);
  if (!made) return complain(central_tool, words[0], made.error());
  print_invite(given, words[0], *made, "the owner of " + words[0], "ajar-server join",
               at->runs ? "" : ", while ajar-central runs");
  return success;
}

// ---- invites, withdraw

inline int print_invites(const settings& given) {
  const auto self = open_node(central_tool, "central", text_option(given, "state"));
  if (!self) return local_trouble;
  const ajar::state::server_invites invites(self->state, self->key);
  const auto all = invites.list();
  if (!all) return complain(central_tool, self->state.path(), all.error());
  for (const auto& one : *all) {
    if (one.used()) continue;
    const bool ended = ajar::wall_now() >= one.not_after;
    if (given.count("json")) {
      json_line line;
      line.with("name", one.petname).with("until", date_of(one.not_after)).with("ended", ended);
      fmt::print("{}\n", line.text());
    } else {
      fmt::print("{}  {} {}\n", one.petname, ended ? "ended" : "until", date_of(one.not_after));
    }
  }
  return success;
}

inline int withdraw(const settings& given) {
  const auto words = list_option(given, "words");
  if (words.size() != 1) return wrong_invite("withdraw which one? name an invite as 'ajar-central invites' does");
  const auto self = open_node(central_tool, "central", text_option(given, "state"));
  if (!self) return local_trouble;
  const ajar::state::server_invites invites(self->state, self->key);
  const auto gone = invites.withdraw(words[0]);
  if (!gone && gone.error() == ajar::errc::no_such_client) {
    return complain_in_words(
        central_tool, refused,
        ajar::escaped(words[0]) +
            ": no open invite has that name: 'ajar-central invites' lists them, 'dismiss' is for who is served");
  }
  if (!gone) return complain(central_tool, self->state.path(), gone.error());
  return success;
}

}  // namespace tools
