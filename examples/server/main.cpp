// SPDX-License-Identifier: BSL-1.0
// ajar-server: shares folders and files with those its owner signed for, from behind a firewall, with no port that
// stands open.
#include <ajar/server.hpp>

#include "../tools/begin.hpp"
#include "../tools/network.hpp"
#include "../tools/status.hpp"
#include "central.hpp"
#include "doctor.hpp"
#include "invites.hpp"
#include "join.hpp"
#include "rotate.hpp"
#include "run.hpp"

namespace {

using tools::server_tool;

constexpr const char* examples =
    "Examples:\n"
    "  ajar-server join ajar1...                           be served by a central whose operator sent that line\n"
    "  ajar-server share photos notes.txt                  prints the line that fetches them, once; waits for it\n"
    "  ajar-server id                                      this server's peer id alone: 'ajar-central admit' takes it\n"
    "  ajar-server run --central ajar://HOST:PORT/ID --share photos=/home/me/photos\n"
    "  ajar-server run --central ajar://HOST:PORT/ID --share notes=notes.txt --mode outbound --roster every=30s\n"
    "  ajar-server grant CLIENT_ID --central ajar://HOST:PORT/ID --service photos:r --for 30d --out laptop.grant\n"
    "  ajar-server invite laptop --service photos:r        one word for one person: 'ajar-client join' redeems it\n"
    "  ajar-server pending                                 who has redeemed an invite with --confirm, or none yet\n"
    "  ajar-server approve laptop                          let in the key that redeemed it\n"
    "  ajar-server grants                                  who may enter, until when, who is there now\n"
    "  ajar-server renew laptop --for 90d                  at once, also with other services: --service photos:r\n"
    "  ajar-server revoke laptop                           at once: it is cut off when this returns\n"
    "  ajar-server rotate                                  go over to a new key; clients and central follow\n"
    "  ajar-server status                                  link, sessions, how long ports were open; --json, "
    "--metrics\n"
    "  ajar-server network                                 the NAT and the firewall before it, as central sees them\n"
    "  ajar-server doctor --central ajar://HOST:PORT/ID    what is in the way on this machine, and what to do\n";

}  // namespace

int main(int count, char** words) {
  return tools::guarded(server_tool, [&]() -> int {
    const auto begun = tools::begin(tools::server_table(), examples, count, words);
    if (const auto* code = std::get_if<int>(&begun)) return *code;
    const auto& given = std::get<tools::settings>(begun);
    const auto command = tools::text_option(given, "command");
    for (const auto* signs : {"grant", "invite", "approve", "renew", "share"}) {
      if (command == signs && !tools::clock_is_set(server_tool)) return tools::local_trouble;
    }
    if (command == "join") return tools::join(given);
    if (command == "central") return tools::move_central(given);
    if (command == "run") return tools::run(given, count, words);
    if (command == "share") return tools::share(given, count, words);
    if (command == "grant") return tools::grant(given);
    if (command == "invite") return tools::invite(given);
    if (command == "pending") return tools::pending(given);
    if (command == "approve") return tools::approve(given);
    if (command == "grants") return tools::grants(given);
    if (command == "renew") return tools::renew(given);
    if (command == "revoke") return tools::revoke(given);
    if (command == "rotate") return tools::rotate(given);
    if (command == "network") return tools::server_network(server_tool, given);
    if (command == "status") return tools::status(server_tool, "server", given);
    if (command == "doctor") return tools::examine_server(given);
    if (command == "id") {
      auto self = tools::open_node(server_tool, "server", tools::text_option(given, "state"));
      if (!self) return tools::local_trouble;
      fmt::print("{}\n", to_string(self->key.id()));
      return tools::success;
    }
    return tools::complain_in_words(server_tool, tools::usage, std::string("say what to do\n") + examples);
  });
}
