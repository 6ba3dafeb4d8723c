// SPDX-License-Identifier: BSL-1.0
// doctor: what is in a server's way on this machine.
#pragma once

#include "../tools/doctor.hpp"
#include "../tools/event_loop.hpp"
#include "../tools/network.hpp"
#include "../tools/status.hpp"
#include "said.hpp"
#include "shares.hpp"

#include <ajar/net/network.hpp>
#include <ajar/state/issued_grants.hpp>
#include <ajar/windows/listener.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace tools {

namespace detail {

inline finding look_at_shares(const settings& given) {
  if (!given.count("share")) return note("shares", "none was named", "name them: doctor --share NAME=FOLDER");
  const auto planned = plan_shares(given);
  if (!planned) return bad("shares", planned.error(), "name another folder, or let this user read it");
  return good("shares", fmt::format("{} can be read", planned->size()));
}

inline finding look_at_port_443() {
  const event_loop loop;
  const ajar::net::tcp::endpoint at(asio::ip::address_v4::any(), ajar::windows::https_port);
  if (ajar::windows::bind_port(loop.executor(), at)) return good("port 443", "may be bound");
  return note("port 443", "may not be bound, or is taken",
              "clients behind firewalls that let out that port alone need it: give the tool CAP_NET_BIND_SERVICE");
}

// The NAT before the server that runs: it has asked central from two ports.
inline finding judge_network(const told_status::family& one) {
  auto what = "NAT, " + one.name;
  auto found = fmt::format("{}: {}; {}", ajar::escaped(one.outside), meaning_of_mapping(one.mapping),
                           meaning_of_filtering(one.filtering));
  if (one.only_443) {
    return note(std::move(what), found + "; only connections to port 443 are let out",
                "a central at port 443, and clients with a door there, are reached");
  }
  if (one.mapping == "random") {
    return note(std::move(what), std::move(found),
                "clients behind a NAT of this kind do not get in: forward a port of the router to this machine");
  }
  return good(std::move(what), std::move(found));
}

// All of them, whole.
inline finding look_at_issued(const std::string& folder) {
  const auto state = ajar::state::folder::open(folder);
  if (!state) return bad("grants", state.error());
  const auto key = state->load_key();
  if (!key) return bad("grants", key.error());
  const auto former = state->former();
  if (!former) return bad("key.former", former.error());
  const ajar::state::issued_grants issued(*state, key->id());
  const auto all = issued.list();
  if (!all) return bad("grants in " + folder, all.error());
  const auto ended =
      std::ranges::count_if(*all, [](const auto& one) { return one.grant.body().not_after <= ajar::wall_now(); });
  const auto found = fmt::format("{}, {} of them ended", all->size(), ended);
  if (!*former) return good("grants", found);
  const auto left = std::ranges::count_if(*all, [&](const auto& one) { return one.grant.signer() != key->id(); });
  return note("grants", fmt::format("{}; {} by the key of before", found, left), "see 'rotate', and 'rotate --forget'");
}

// As it was said, as the running server has it, or the one that was joined.
inline std::optional<ajar::identity::url> central_to_look_at(const settings& given,
                                                             const ajar::result<told_status>& running) {
  auto text = text_option(given, "central");
  if (const auto* variable = std::getenv(central_variable); text.empty() && variable) text = variable;
  if (text.empty() && running && running->has_link()) text = running->central();
  if (text.empty()) {
    auto kept = central_kept(given);
    return kept ? std::move(*kept) : std::nullopt;
  }
  auto url = ajar::identity::parse_url(text);
  return url ? std::optional(std::move(*url)) : std::nullopt;
}

}  // namespace detail

inline int examine_server(const settings& given) {
  const auto state = text_option(given, "state");
  findings all{look_at_state("server", state),
               look_at_clock(),
               look_at_versions(),
               look_at_sandbox(),
               look_at_cloak(*ajar::windows::parse_cloak(given.as<std::string>("cloak"))),
               detail::look_at_port_443(),
               detail::look_at_shares(given)};
  const auto folder = ajar::state::folder::place(state, "server");
  const auto running = folder ? detail::ask_status(*folder, "control") : ajar::fail(folder.error());
  if (all.front().how == grade::good) all.push_back(detail::look_at_issued(*folder));
  if (running && running->has_link()) {
    all.push_back(running->linked() ? good("server", "runs, linked to central")
                                    : bad("server", "runs, and has no link to central", "see 'status'"));
    for (const auto& one : running->network()) all.push_back(detail::judge_network(one));
  }
  const auto kept = central_kept(given);
  if (!kept && all.front().how == grade::good) {
    all.push_back(
        bad("the central that was joined", kept.error().message(), "join it again: ajar-server join INVITE --force"));
  }
  const auto central = detail::central_to_look_at(given, running);
  all.push_back(central ? look_at_central(*central)
                        : note("central", "none was named",
                               "join one: ajar-server join INVITE; or name it: doctor --central URL"));
  return tell_findings(all, given.count("json") != 0);
}

}  // namespace tools
