// SPDX-License-Identifier: BSL-1.0
// What the commands 'join' have in common: an invite as it was pasted, and what comes back for it.
#pragma once

#include "advice.hpp"
#include "console.hpp"
#include "event_loop.hpp"

#include <ajar/client/join.hpp>
#include <ajar/core/deadline.hpp>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tools {

// What may be otherwise in a moment, without anybody's mistake being mended.
inline bool is_worth_waiting(const std::error_code& why) {
  for (const auto cause : {ajar::errc::invite_pending, ajar::errc::server_offline, ajar::errc::exchange_timeout,
                           ajar::errc::name_not_found, ajar::errc::name_unanswered, ajar::errc::dial_refused,
                           ajar::errc::dial_unreachable, ajar::errc::dial_timeout, ajar::errc::handshake_timeout,
                           ajar::errc::link_lost, ajar::errc::eof, ajar::errc::truncated, ajar::errc::central_busy}) {
    if (why == cause) return true;
  }
  return false;
}

// Again and again, where it is worth waiting and wanted; the reasons are told once each.
inline ajar::awaitable<ajar::result<ajar::trust::redeemed>> redeem_until_told(std::string_view tool,
                                                                              const ajar::identity::key& self,
                                                                              const ajar::trust::invite& with,
                                                                              std::shared_ptr<ajar::net::network> over,
                                                                              bool wait) {
  constexpr std::chrono::seconds one_try{15};
  constexpr std::chrono::seconds pause{2};
  std::error_code told;
  for (;;) {
    ajar::trust::invite again{with.central, with.server, ajar::secret<16>(with.token.reveal()), with.not_after};
    auto joining = ajar::join(self, std::move(again), ajar::clock::now() + one_try, over);
    auto got = co_await std::move(joining);
    const auto why = got ? got->refused : got.error();
    if (!wait || !is_worth_waiting(why)) co_return got;
    const auto host = about_or_host(std::string(tool), with.central.at, why);
    if (why != told) tell("{}: {}: waiting\n", host, explain(why));
    told = why;
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return ajar::fail(slept.error());
  }
}

// What comes of an invite. Nothing: it has complained, and this is the exit code.
inline tl::expected<ajar::trust::redeemed, int> redeem(std::string_view tool, const settings& given, const node& self,
                                                       const ajar::trust::invite& with, const std::string& command) {
  std::optional<ajar::net::address> source;
  if (given.count("from")) source = asio::ip::make_address(text_option(given, "from"));
  event_loop loop;
  auto got = loop.finish(redeem_until_told(tool, self.key, with, ajar::net::sockets(source), given.count("wait") != 0));
  if (!got) {
    const auto about = about_or_host(command, with.central.at, got.error());
    return tl::unexpected<int>(complain(tool, about, got.error()));
  }
  if (!got->refused) return std::move(*got);
  const auto about =
      got->refused == ajar::errc::invite_used ? command + ": used by " + short_name(got->claimant) : command;
  return tl::unexpected<int>(complain(tool, about, got->refused));
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

// An invite that makes a client, or one that makes a server. Complains by itself, also where it is of the other kind.
inline std::optional<ajar::trust::invite> invite_of_kind(std::string_view tool, std::string_view command,
                                                         std::string_view text, bool of_a_server) {
  auto with = ajar::trust::parse_invite(text);
  if (!with) {
    complain(tool, command, with.error());
  } else if (invites_server(*with) == of_a_server) {
    return std::move(*with);
  } else if (of_a_server) {
    complain_in_words(tool, usage,
                      std::string(command) + ": that invites a client of a server: 'ajar-client join' redeems it");
  } else {
    complain_in_words(
        tool, usage,
        std::string(command) + ": that invites a server: 'ajar-server join' redeems it, on the machine that shares");
  }
  return std::nullopt;
}

}  // namespace tools
