// SPDX-License-Identifier: BSL-1.0
// What can be said to ajar-server.
#pragma once

#include "../tools/checks.hpp"
#include "../tools/option_table.hpp"

namespace tools {

inline option_table make_server_table() {
  option_table all("ajar-server",
                   "Shares folders and files; clients are dialled, or a port opens for one of them at a time.\n");
  all.command_named("id", "this server's peer id");
  all.command_named("join", "be served by a central from now on, by one word that its operator sent");
  all.command_named("central", "where this server is found; with a URL: it moves there, and its clients follow");
  all.command_named("share", "files and folders, for whoever has the line that it prints, once", completes::file);
  all.command_named("run", "share, and serve");
  all.command_named("grant", "sign what a client may do");
  all.command_named("invite", "somebody becomes a client by one word that is sent to him");
  all.command_named("pending", "invites that nobody has used yet, and who waits to be approved");
  all.command_named("approve", "the key that redeemed an invite with --confirm is let in");
  all.command_named("grants", "who may enter, until when, and who is there now");
  all.command_named("renew", "a client's grant begins anew, for as long or for --for, also with other terms");
  all.command_named("rotate", "go over to a new key: clients and central follow; again, it tells who has");
  all.command_named("revoke", "take back what clients were granted, and invites; who is there is cut off");
  all.command_named("network", "NAT and firewall before the running server, as central sees them");
  all.command_named("status", "what the running server does: link, sessions, exposure");
  all.command_named("doctor", "what on this machine is in the way, and what to do");
  all.add("central",
          "central's URL, as ajar-central printed it; else $AJAR_CENTRAL, else the one that was joined; invite: the "
          "running server's before that one")
      .takes("URL")
      .checked(check::url)
      .of({"run", "share", "grant", "invite", "doctor"});
  all.add("share", "NAME=FOLDER or NAME=FILE, once for each")
      .takes_pairs("NAME=PATH")
      .path_of(completes::file)
      .checked(check::named_path)
      .of({"run", "doctor"})
      .live();
  all.add("mode", "outbound, window, or both")
      .takes("WAYS")
      .some_of({"outbound", "window"})
      .by_default("outbound,window")
      .of({"run", "share"});
  all.add("roster", "live, or every=TIME without a standing link (mode outbound)")
      .takes("WHEN")
      .by_default("live")
      .checked(check::roster)
      .of({"run"});
  all.add("on-stranger", "close, or close-and-reopen")
      .takes("WHAT")
      .one_of({"close", "close-and-reopen"})
      .by_default("close-and-reopen")
      .of({"run", "share"})
      .live();
  all.add("listening", "for how many milliseconds in a minute ports may be open, of all windows together")
      .takes_number(0, 600'000)
      .by_default("30000")
      .of({"run", "share"});
  all.add_cloak({"run", "share", "doctor"});
  all.add("window-address", "the local address of windows, if not that of the link to central")
      .takes("ADDR")
      .checked(check::address)
      .of({"run", "share"})
      .live();
  all.add("window-ports", "the ports that windows take, for a firewall; by default random ones")
      .takes("FIRST-LAST")
      .checked(check::port_range)
      .of({"run", "share"});
  all.add("advertise", "the address that clients are told, where a router forwards --window-ports from there to here")
      .takes("ADDR")
      .checked(check::outside_address)
      .of({"run", "share"});
  all.add_sandbox({"run", "share", "join"});
  all.add("service", "grant, invite, renew: NAME:r, once for each")
      .takes_list("NAME:r")
      .of({"grant", "invite", "renew"})
      .command_line_only();
  all.add("as", "grant: what this client is called here; by default its short id")
      .takes("NAME")
      .checked(check::name)
      .of({"grant"})
      .command_line_only();
  all.add("no-renewal", "grant, invite: the grant ends when it ends, also where the client still comes")
      .of({"grant", "invite"})
      .command_line_only();
  all.add("for", "grant, invite, renew: how long, such as 30d")
      .takes("TIME")
      .by_default("30d")
      .checked(check::duration("30d"))
      .of({"grant", "invite", "renew"})
      .command_line_only();
  all.add("expires", "invite: how long it can be redeemed; share: and used")
      .takes("TIME")
      .by_default("24h")
      .checked(check::duration("24h"))
      .of({"share", "invite"})
      .command_line_only();
  all.add("confirm", "invite: whoever redeems it waits until you approve the key").of({"invite"}).command_line_only();
  all.add("qr", "invite, share: as a QR code, too").of({"invite", "share"}).command_line_only();
  all.add("lan", "grant, invite, renew, share: private and loopback addresses may be dialled")
      .of({"grant", "invite", "renew", "share"})
      .command_line_only();
  all.add("roam", "grant, invite, renew: windows may be open to any address, for this key")
      .of({"grant", "invite", "renew"})
      .command_line_only();
  all.add("no-lan", "renew: private and loopback addresses are not dialled any more").of({"renew"}).command_line_only();
  all.add("no-roam", "renew: windows are for the client's own address again").of({"renew"}).command_line_only();
  all.add("methods", "grant, invite, renew: outbound, window, or both")
      .takes("WAYS")
      .some_of({"outbound", "window"})
      .by_default("outbound,window")
      .of({"grant", "invite", "renew"})
      .command_line_only();
  all.add("sessions", "grant, invite, renew: at a time")
      .takes_number(0, 65535)
      .by_default("16")
      .of({"grant", "invite", "renew"})
      .command_line_only();
  all.add("windows", "grant, invite, renew: a minute")
      .takes_number(0, 65535)
      .by_default("120")
      .of({"grant", "invite", "renew"})
      .command_line_only();
  all.add("windows-a-day", "grant, invite, renew: a day, which begins at midnight UTC")
      .takes_number(0, 4'000'000'000)
      .by_default("10000")
      .of({"grant", "invite", "renew"})
      .command_line_only();
  all.add("windows-at-a-time", "grant, invite, renew: so many at a time; further requests wait a little")
      .takes_number(0, 65535)
      .by_default("2")
      .of({"grant", "invite", "renew"})
      .command_line_only();
  all.add("windows-open", "grant, invite, renew: for how many milliseconds in a minute their ports may be open")
      .takes_number(0, 600'000)
      .by_default("6000")
      .of({"grant", "invite", "renew"})
      .command_line_only();
  all.add("name", "grant, invite, share: what this server is called")
      .takes("NAME")
      .by_default("server")
      .checked(check::name)
      .of({"grant", "invite", "share"})
      .command_line_only();
  all.add("times", "share: so many lines, each for one machine")
      .takes_number(1, 100)
      .by_default("1")
      .of({"share"})
      .command_line_only();
  all.add("keep", "share: also when all of it was fetched, until a signal").of({"share"}).command_line_only();
  all.add("forget", "central: those that it has moved away from are left; rotate: the key of before is given up")
      .of({"central", "rotate"})
      .command_line_only();
  all.add("wait", "join: until central is there").of({"join"}).command_line_only();
  all.add("force",
          "join: also where another central was joined before; grant, invite, renew: also what is not shared yet")
      .of({"join", "grant", "invite", "renew"})
      .command_line_only();
  all.add("out", "grant: the file to write; - for stdout")
      .takes("FILE")
      .path_of(completes::file)
      .of({"grant"})
      .command_line_only();
  all.add("from", "the local address of all connections, if not the routes' choice")
      .takes("ADDR")
      .checked(check::address)
      .of({"run", "share", "join"});
  all.add_state();
  all.add("json", "steps, the list, the status, or findings, as JSON lines on stdout");
  all.add("quiet", "no steps on stderr").of({"run"});
  all.add_log("logfmt", {"run", "share"});
  all.add_usual();
  return all;
}

inline const option_table& server_table() {
  static const auto all = make_server_table();
  return all;
}

}  // namespace tools
