// SPDX-License-Identifier: BSL-1.0
// What can be said to ajar-client.
#pragma once

#include "../tools/checks.hpp"
#include "../tools/option_table.hpp"

namespace tools {

inline option_table make_client_table() {
  option_table all("ajar-client", "Fetches what a server shares, through a port that is open for one connection.\n");
  all.command_named("id", "this client's peer id");
  all.command_named("add", "keep a grant", completes::file);
  all.command_named("join", "redeem an invite: one word that a server's owner sent");
  all.command_named("servers", "a line for each: name, id");
  all.command_named("rotate", "go over to a new key: the grants come along");
  all.command_named("ping", "reach a server, and say how", completes::server);
  all.command_named("network", "NAT and firewall before this client, as a server's central sees them",
                    completes::server);
  all.command_named("ls", "what is shared, or in a shared folder", completes::remote_path);
  all.command_named("get", "files and folders, to a folder here; what an invite is for, at once",
                    completes::remote_path_or_folder);
  all.command_named("cat", "a shared file to stdout", completes::remote_path);
  all.command_named("status", "what running clients of this state folder do");
  all.command_named("doctor", "what on this machine is in the way, and what to do");
  all.add("by", "auto, outbound, crossing, window, or window-reverse")
      .takes("WAY")
      .one_of({"auto", "outbound", "crossing", "window", "window-reverse"})
      .by_default("auto")
      .of({"rotate", "ping", "ls", "get", "cat"});
  all.add("door", "ADDR:PORT where servers may dial us (outbound)")
      .takes("ADDR:PORT")
      .checked(check::endpoint)
      .of({"rotate", "ping", "ls", "get", "cat", "doctor"});
  all.add("advertise", "ADDR:PORT that servers are told, if it differs")
      .takes("ADDR:PORT")
      .checked(check::endpoint)
      .of({"rotate", "ping", "ls", "get", "cat"});
  all.add("window-address", "the local address of our windows")
      .takes("ADDR")
      .checked(check::address)
      .of({"rotate", "ping", "ls", "get", "cat"});
  all.add_cloak({"rotate", "ping", "ls", "get", "cat", "doctor"});
  all.add("roam", "our address is another than central sees (for grants with --roam)")
      .of({"rotate", "ping", "ls", "get", "cat"});
  all.add("within", "give up after so long; by default 10s")
      .takes("TIME")
      .checked(check::duration("10s"))
      .of({"rotate", "ping", "ls", "get", "cat"});
  all.add("count", "ping: how often").takes_number(1, 1000).by_default("3").of({"ping"});
  all.add("name", "add, join, get INVITE: what to call the server")
      .takes("NAME")
      .checked(check::name)
      .of({"add", "join", "get"})
      .command_line_only();
  all.add("wait", "join, get INVITE: until the server is there, and its owner has approved it")
      .of({"join", "get"})
      .command_line_only();
  all.add("from", "the local address of all connections, if not the routes' choice")
      .takes("ADDR")
      .checked(check::address)
      .of({"join", "rotate", "ping", "network", "ls", "get", "cat"});
  all.add_sandbox({"join", "rotate", "ping", "network", "ls", "get", "cat"});
  all.add_state();
  all.add("explain", "the steps, and what central and the server did, on stderr")
      .of({"rotate", "ping", "ls", "get", "cat"});
  all.add("long", "ls: size, time and kind too").letter('l').of({"ls"}).command_line_only();
  all.add("human", "ls: as with --long, and sizes such as 1.5 MB").of({"ls"}).command_line_only();
  all.add("recursive", "ls: the folders in it too").letter('R').of({"ls"}).command_line_only();
  all.add("verify", "get: compare SHA-256 with the server's").of({"get"});
  // said each time: no file of settings takes what is the user's own
  all.add("force",
          "get: replace files here that were changed since they were fetched, or never were; rotate: without grants "
          "that ended")
      .of({"get", "rotate"})
      .command_line_only();
  all.add("dry-run", "get: say what would be fetched, and fetch nothing").of({"get"}).command_line_only();
  all.add("delete", "get: in the end remove what was fetched and is not there any more; with --force your own too")
      .of({"get"})
      .command_line_only();
  all.add("snapshot", "get: each file as long as it was when it was listed, also where it grows meanwhile").of({"get"});
  all.add("exclude", "get: without what matches, as '*.tmp', '/raw/*' or 'cache/'; once for each")
      .takes_list("PATTERN")
      .of({"get"});
  all.add("limit-rate", "get: so many kB a second at the most").takes_number(1, 100'000'000).of({"get"});
  all.add("parallel", "get: so many files at a time").takes_number(1, 64).by_default("8").of({"get"});
  all.add("retry", "get: over other sessions, until nothing has come for so long; 0s: over one only")
      .takes("TIME")
      .checked(check::patience)
      .by_default("60s")
      .of({"get"});
  all.add("quiet", "get: nothing but complaints").of({"get"});
  all.add_log("text", {"rotate", "ping", "ls", "get", "cat"});
  all.add("json", "JSON lines on stdout; cat: path and window on stderr")
      .of({"join", "servers", "rotate", "ping", "network", "ls", "get", "cat", "status", "doctor", "config"});
  all.add_usual();
  return all;
}

inline const option_table& client_table() {
  static const auto all = make_client_table();
  return all;
}

}  // namespace tools
