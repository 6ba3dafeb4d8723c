// SPDX-License-Identifier: BSL-1.0
// get INVITE: an invite is redeemed, and all that it is for is fetched.
#pragma once

#include "../tools/offer.hpp"
#include "get.hpp"
#include "join.hpp"

#include <ajar/files/session_page.hpp>
#include <ajar/files/walk.hpp>

namespace tools {

// An invite, where a place or a file's name could stand.
inline bool looks_like_invite(std::string_view word) {
  constexpr std::string_view begins = "ajar1";
  if (word.size() < 2 * begins.size() || word.find(':') != std::string_view::npos) return false;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const char c = word[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != begins[i]) return false;
  }
  return word.find('/') == std::string_view::npos && word.find('.') == std::string_view::npos;
}

namespace detail {

// What was offered, or all that was granted.
struct collection {
  std::vector<remote_place> sources;
  bool offered = false;
};

inline ajar::awaitable<ajar::result<collection>> ask_what(visit_ptr at) {
  collection made;
  ajar::streams::request asked("GET", offer_path);
  auto asking = ajar::files::ask_page(at->over, std::move(asked));
  auto text = co_await std::move(asking);
  if (text) {
    const auto all = parse_offered(*text);
    if (!all) co_return ajar::fail(ajar::errc::answer_unexpected);
    made.offered = true;
    for (const auto& one : *all) made.sources.push_back({at->server, {one.service, {}, false}, one.name});
    co_return made;
  }
  if (text.error() != ajar::errc::file_not_found) co_return ajar::fail(text.error());
  ajar::files::share_path top;
  top.folder = true;
  ajar::files::walk shares(streams_of(at), std::move(top), false);
  for (;;) {
    auto next = co_await shares.next();
    if (!next) co_return ajar::fail(next.error());
    if (!*next) co_return made;
    made.sources.push_back({at->server, {(*next)->entry.name, {}, false}});
  }
}

// @param stays  whether the invite is for somebody who stays, as soon as that is known
inline ajar::awaitable<ajar::result<exit_code>> collect(visit_ptr at, std::string to, get_options how,
                                                        std::shared_ptr<bool> stays) {
  auto asking = ask_what(at);
  auto what = co_await std::move(asking);
  if (!what) co_return ajar::fail(what.error());
  *stays = !what->offered;
  if (what->sources.empty()) {
    co_return complain_in_words(client_tool, cut_short, shown(at->server) + ": nothing is shared there now");
  }
  how.offered = what->offered;
  auto getting = get(at, std::move(what->sources), std::move(to), how);
  auto done = co_await std::move(getting);
  co_return done;
}

}  // namespace detail

// The grant is kept where the invite is for somebody who stays, as 'join' would.
//
// @param into  the folder that it goes to, or what a single file is to be called
inline int get_by_invite(const settings& given, const node& self, const std::string& word, const std::string& into,
                         const get_options& how) {
  const auto with = invite_of_kind(client_tool, "get", word, false);
  if (!with) return usage;
  if (!stay_in_sandbox(given, self, into)) return local_trouble;
  auto file = grant_by(given, self, *with, "get");
  if (!file) return file.error();
  const auto server = file->server_name;
  const auto stays = std::make_shared<bool>(false);
  const auto code = visit_by_grants(
      given, self, server, {*file}, server,
      [=](visit_ptr at) { return detail::collect(std::move(at), into, how, stays); }, true);
  const auto kept = *stays ? keep_grant(given, self, *file, "get") : success;
  return code == success ? kept : code;
}

}  // namespace tools
