// SPDX-License-Identifier: BSL-1.0
// join: an invite becomes a grant of this client's.
#pragma once

#include "visit.hpp"

#include <ajar/client/join.hpp>
#include <ajar/core/deadline.hpp>

#include <iostream>
#include <iterator>

namespace tools {

// What may be otherwise in a moment, without anybody's mistake being mended.
inline bool is_worth_waiting(const std::error_code& why) {
  for (const auto cause : {ajar::errc::invite_pending, ajar::errc::server_offline, ajar::errc::exchange_timeout,
                           ajar::errc::name_not_found, ajar::errc::dial_refused, ajar::errc::dial_unreachable,
                           ajar::errc::dial_timeout, ajar::errc::handshake_timeout, ajar::errc::link_lost,
                           ajar::errc::eof, ajar::errc::truncated, ajar::errc::central_busy}) {
    if (why == cause) return true;
  }
  return false;
}

// Again and again, where it is worth waiting and wanted; the reasons are told once each.
inline ajar::awaitable<void> join_until_told(const ajar::identity::key& self, const ajar::trust::invite& with,
                                             std::shared_ptr<ajar::net::network> over, bool wait,
                                             ajar::result<ajar::trust::redeemed>& into) {
  constexpr std::chrono::seconds one_try{15};
  constexpr std::chrono::seconds pause{2};
  std::error_code told;
  for (;;) {
    ajar::trust::invite again{with.central, with.server, ajar::secret<16>(with.token.reveal()), with.not_after};
    auto joining = ajar::join(self, std::move(again), ajar::clock::now() + one_try, over);
    into = co_await std::move(joining);
    const auto why = into ? into->refused : into.error();
    if (!wait || !is_worth_waiting(why)) co_return;
    if (why != told) tell("{}: {}: waiting\n", client_tool, ajar::explain(why));
    told = why;
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return;
  }
}

inline ajar::result<ajar::trust::redeemed> join_now(const settings& given, const node& self,
                                                    const ajar::trust::invite& with) {
  std::optional<ajar::net::address> source;
  if (given.count("from")) source = asio::ip::make_address(text_option(given, "from"));
  asio::io_context context(1);
  ajar::result<ajar::trust::redeemed> made = ajar::fail(ajar::errc::canceled);
  asio::co_spawn(context, join_until_told(self.key, with, ajar::net::sockets(source), given.count("wait") != 0, made),
                 asio::detached);
  context.run();
  return made;
}

// The words of the command line, or stdin, where nobody who lists processes sees it.
inline std::string invite_said(const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == "-") {
    constexpr std::size_t longest = 4096;
    std::string text(longest, '\0');
    std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::cin.gcount()));
    return text;
  }
  std::string text;
  for (const auto& word : words) text += word;  // it was broken over lines, perhaps
  return text;
}

// The grant that an invite gives. Nothing: it has complained, and this is the exit code.
inline tl::expected<ajar::trust::grant_file, int> redeem(const settings& given, const node& self,
                                                         const ajar::trust::invite& with, const char* command) {
  const auto got = join_now(given, self, with);
  if (!got) return tl::unexpected<int>(complain(client_tool, command, got.error()));
  if (got->given) return *got->given;
  const auto about = got->refused == ajar::errc::invite_used
                         ? std::string(command) + ": used by " + short_name(got->claimant)
                         : std::string(command);
  return tl::unexpected<int>(complain(client_tool, about, got->refused));
}

// Kept for later, and told. @return the exit code
inline int keep_grant(const settings& given, const node& self, const ajar::trust::grant_file& file,
                      const char* command) {
  const ajar::state::held_grants held(self.state, self.key.id());
  const auto kept = held.add(file, text_option(given, "name"));
  if (!kept) return complain(client_tool, command, kept.error());
  const auto server = to_string(file.grant.signer());
  if (given.count("json")) {
    json_line line;
    line.with("name", *kept).with("id", server);
    fmt::print("{}\n", line.text());
  } else {
    fmt::print("{}  {}\n", *kept, server);
  }
  return success;
}

inline int join(const settings& given, const node& self) {
  const auto words = list_option(given, "words");
  if (words.empty()) return wrong("join needs an invite, as 'ajar-server invite' printed it; - reads it from stdin");
  const auto with = ajar::trust::parse_invite(invite_said(words));
  if (!with) {
    complain(client_tool, "join", with.error());
    return usage;
  }
  if (!stay_in_sandbox(given, self)) return local_trouble;
  const auto got = redeem(given, self, *with, "join");
  return got ? keep_grant(given, self, *got, "join") : got.error();
}

}  // namespace tools
