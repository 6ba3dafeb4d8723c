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
  all.command_named("servers", "a line for each: name, id");
  all.command_named("ping", "reach a server, and say how", completes::server);
  all.command_named("cat", "a shared file to stdout", completes::remote_path);
  all.add("by", "auto, outbound, window, or window-reverse")
      .takes("WAY")
      .one_of({"auto", "outbound", "window", "window-reverse"})
      .by_default("auto")
      .of({"ping", "cat"});
  all.add("door", "ADDR:PORT where servers may dial us (outbound)")
      .takes("ADDR:PORT")
      .checked(check::endpoint)
      .of({"ping", "cat"});
  all.add("advertise", "ADDR:PORT that servers are told, if it differs")
      .takes("ADDR:PORT")
      .checked(check::endpoint)
      .of({"ping", "cat"});
  all.add("window-address", "the local address of our windows")
      .takes("ADDR")
      .checked(check::address)
      .of({"ping", "cat"});
  all.add("roam", "our address is another than central sees (for grants with --roam)").of({"ping", "cat"});
  all.add("within", "give up after so long; by default 10s")
      .takes("TIME")
      .checked(check::duration("10s"))
      .of({"ping", "cat"});
  all.add("count", "ping: how often").takes_number(1, 1000).by_default("3").of({"ping"});
  all.add("name", "add: what to call the server").takes("NAME").checked(check::name).of({"add"}).command_line_only();
  all.add("from", "the local address of all connections, if not the routes' choice")
      .takes("ADDR")
      .checked(check::address)
      .of({"ping", "cat"});
  all.add("state", "state folder; else $AJAR_STATE, else the XDG state folder")
      .takes("FOLDER")
      .path_of(completes::folder);
  all.add("explain", "the steps, on stderr").of({"ping", "cat"});
  all.add("json", "path and window as JSON: on stdout, for cat on stderr").of({"servers", "ping", "cat", "config"});
  all.add_usual();
  return all;
}

inline const option_table& client_table() {
  static const auto all = make_client_table();
  return all;
}

}  // namespace tools
