// SPDX-License-Identifier: BSL-1.0
// rotate: this client goes over to a new key, at one server after the other.
#pragma once

#include "visit.hpp"

#include <ajar/trust/succession.hpp>

namespace tools {

namespace detail {

// A server that has not followed by then does not, with this word of both keys.
inline constexpr std::chrono::hours followed_within{1};

// Over a session by the key of before: the grant for the new one takes the place of that one, here first. There it does
// when it is used.
inline ajar::awaitable<ajar::result<exit_code>> ask_for_successor(const node& self, visit_ptr at,
                                                                  ajar::state::held_grants::entry one) {
  const auto said = ajar::trust::go_over(self.key, *self.successor, ajar::wall_now() + followed_within);
  auto telling = ajar::files::tell_succession(at->over, said);
  auto given = co_await std::move(telling);
  if (!given) co_return ajar::fail(given.error());
  const auto before = std::exchange(one.file.grant, std::move(*given));
  const ajar::state::held_grants held(self.state, self.successor->id());
  const auto kept = held.succeed(before, one.file, one.petname);
  if (!kept) co_return ajar::fail(kept.error());
  co_return success;
}

// @return an exit code; it has complained where that is not 0
inline int go_over_at(const settings& given, const node& self, const ajar::state::held_grants::entry& one) {
  const auto code = visit_by_grants(
      given, self, one.petname, {one.file}, one.petname,
      [&](visit_ptr at) { return ask_for_successor(self, std::move(at), one); }, false, false);
  if (code != success) return code;
  auto files = grants_for(self, one.petname);
  if (!files) return complain(client_tool, one.petname, files.error());
  return visit_by_grants(
      given, self, one.petname, std::move(*files), one.petname,
      [](visit_ptr at) -> ajar::awaitable<ajar::result<exit_code>> {
        auto asking = ajar::files::ask_grant(at->over);  // whose session it is counts from its first request on
        auto told = co_await std::move(asking);
        if (!told) co_return ajar::fail(told.error());
        co_return success;
      },
      false);
}

inline void tell_followed(const settings& given, const std::string& server) {
  json_line line;
  line.with("server", server).with("follows", true);
  fmt::print("{}\n", given.count("json") ? line.text() : server + "  follows");
  std::fflush(stdout);
}

}  // namespace detail

// Servers that are not there are asked the next time; until all have followed both keys are kept.
inline int rotate(const settings& given, node& self) {
  if (!list_option(given, "words").empty()) return wrong("rotate needs no more: it goes to every server that you have");
  auto successor = self.state.load_successor();
  if (!successor) return complain(client_tool, self.state.path() + "/key.successor", successor.error());
  self.successor = std::move(*successor);
  if (!stay_in_sandbox(given, self)) return local_trouble;
  const ajar::state::held_grants held(self.state, self.key.id());
  const auto all = held.list();
  if (!all) return complain(client_tool, self.state.path(), all.error());
  int code = success;
  for (const auto& one : all->bad) code = complain(client_tool, held.path_of(one.petname), one.why);
  std::size_t left = all->bad.size();
  for (const auto& one : all->good) {
    const auto& body = one.file.grant.body();
    const bool ended = ajar::wall_now() >= body.not_after;  // or the clock here is wrong, and that grant would be lost
    if (ended && given.count("force") != 0) continue;
    int went = success;
    if (body.client == self.key.id()) {
      went =
          ended ? complain(client_tool, one.petname, ajar::errc::grant_expired) : detail::go_over_at(given, self, one);
    }
    if (went == success) {
      detail::tell_followed(given, one.petname);
    } else {
      code = went;
      ++left;
    }
  }
  if (left > 0) {
    complain_in_words(
        client_tool, static_cast<exit_code>(code),
        std::to_string(left) + " of " + std::to_string(all->good.size() + all->bad.size()) +
            " servers have not followed: both keys are kept; say 'rotate' again, or 'rotate --force' to " +
            "leave grants behind that have ended");
    return code;
  }
  const auto used = self.state.use_successor();
  if (!used) return complain(client_tool, self.state.path() + "/key", used.error());
  const auto id = to_string(self.successor->id());
  json_line line;
  line.with("id", id);
  fmt::print("{}\n", given.count("json") ? line.text() : "this client is " + id);
  return success;
}

}  // namespace tools
