// SPDX-License-Identifier: BSL-1.0
// What can be said to ajar-central.
#pragma once

#include "../tools/checks.hpp"
#include "../tools/option_table.hpp"

namespace tools {

inline option_table make_central_table() {
  option_table all("ajar-central", "The node of ajar that listens; it can let nobody in anywhere.\n");
  all.command_named("run", "bring servers and clients together");
  all.command_named("invite", "a server is served from now on by one word that is sent to its owner");
  all.command_named("invites", "invites that no server has used yet");
  all.command_named("withdraw", "take back an invite that no server has used yet");
  all.command_named("admit", "serve these servers from now on");
  all.command_named("dismiss", "serve these servers no more");
  all.command_named("admitted", "the servers that it serves");
  all.command_named("id", "this node's peer id");
  all.command_named("status", "what the running central does: links, requests, refusals");
  all.command_named("doctor", "what on this machine is in the way, and what to do");
  all.add("listen", "ADDR:PORT to listen at; port 0 takes a random one")
      .takes("ADDR:PORT")
      .checked(check::endpoint)
      .of({"run", "invite", "doctor"});
  all.add("admit", "file with the peer ids of the servers to serve; by default servers.txt in the state folder")
      .takes("FILE")
      .path_of(completes::file)
      .of({"run", "invite", "admit", "dismiss", "admitted", "doctor"})
      .instead_of("open")
      .live();
  all.add("open", "serve every server: for trials").of({"run", "invite", "doctor"}).instead_of("admit").live();
  all.add("quick", "for a trial on one network: every server, at port 7000, under this machine's address")
      .of({"run"})
      .command_line_only();
  all.add("name", "host that the printed URL names, if not the address of --listen; with a port, if not its port")
      .takes("HOST[:PORT]")
      .checked(check::host)
      .of({"run", "invite"});
  all.add("expires", "invite: how long it can be redeemed")
      .takes("TIME")
      .by_default("24h")
      .checked(check::duration("24h"))
      .of({"invite"})
      .command_line_only();
  all.add("qr", "invite: as a QR code, too").of({"invite"}).command_line_only();
  all.add("threads", "threads to spread links over").takes_number(1, 64).by_default("1").of({"run"});
  all.add("reflect-port", "second port, by which peers learn their NAT; 0 takes a random one")
      .takes_number(0, 65535)
      .by_default("0")
      .of({"run"});
  all.add("heartbeat", "how often links are probed, such as 15s")
      .takes("TIME")
      .by_default("15s")
      .checked(check::duration("15s"))
      .of({"run"});
  all.add("most-links", "links in total, a thread")
      .takes_number(1, 10'000'000)
      .by_default("200000")
      .of({"run", "doctor"})
      .live();
  all.add("most-half-open", "connections that are not linked yet, a thread")
      .takes_number(1, 1'000'000)
      .by_default("2048")
      .of({"run"})
      .live();
  all.add("most-half-open-per-address", "the same, of one IPv4 address or IPv6 /64")
      .takes_number(1, 1'000'000)
      .by_default("64")
      .of({"run"})
      .live();
  all.add("most-refusals-per-address", "a minute; after them its connections are closed unseen")
      .takes_number(1, 1'000'000)
      .by_default("120")
      .of({"run"})
      .live();
  all.add_sandbox({"run"});
  all.add_state();
  all.add("json", "steps, the status, or findings, as JSON lines on stdout");
  all.add("quiet", "print the URL alone").of({"run"});
  all.add_log("logfmt", {"run"});
  all.add_usual();
  return all;
}

inline const option_table& central_table() {
  static const auto all = make_central_table();
  return all;
}

}  // namespace tools
