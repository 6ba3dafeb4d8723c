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
  all.command_named("run", "share, and serve");
  all.command_named("grant", "sign what a client may do");
  all.command_named("grants", "what was granted, to whom, until when");
  all.command_named("status", "what the running server does: link, sessions, exposure");
  all.add("central", "central's URL, as ajar-central printed it").takes("URL").checked(check::url).of({"run", "grant"});
  all.add("share", "NAME=FOLDER or NAME=FILE, once for each")
      .takes_pairs("NAME=PATH")
      .path_of(completes::file)
      .checked(check::named_path)
      .of({"run"})
      .live();
  all.add("mode", "outbound, window, or both")
      .takes("WAYS")
      .some_of({"outbound", "window"})
      .by_default("outbound,window")
      .of({"run"});
  all.add("roster", "live, or every=TIME without a standing link (mode outbound)")
      .takes("WHEN")
      .by_default("live")
      .checked(check::roster)
      .of({"run"});
  all.add("on-stranger", "close, or close-and-reopen")
      .takes("WHAT")
      .one_of({"close", "close-and-reopen"})
      .by_default("close-and-reopen")
      .of({"run"})
      .live();
  all.add("window-address", "the local address of windows, if not that of the link to central")
      .takes("ADDR")
      .checked(check::address)
      .of({"run"})
      .live();
  all.add("sandbox", "auto; required: not without Landlock; off: the server may read all that its user may")
      .takes("HOW")
      .one_of({"auto", "required", "off"})
      .by_default("auto")
      .of({"run"});
  all.add("service", "grant: NAME:r or NAME:rw, once for each").takes_list("NAME:r").of({"grant"}).command_line_only();
  all.add("for", "grant: how long, such as 30d")
      .takes("TIME")
      .by_default("30d")
      .checked(check::duration("30d"))
      .of({"grant"})
      .command_line_only();
  all.add("lan", "grant: private and loopback addresses may be dialled").of({"grant"}).command_line_only();
  all.add("roam", "grant: windows may be open to any address, for this key").of({"grant"}).command_line_only();
  all.add("methods", "grant: outbound, window, or both")
      .takes("WAYS")
      .some_of({"outbound", "window"})
      .by_default("outbound,window")
      .of({"grant"})
      .command_line_only();
  all.add("sessions", "grant: at a time").takes_number(0, 65535).by_default("16").of({"grant"}).command_line_only();
  all.add("windows", "grant: a minute").takes_number(0, 65535).by_default("120").of({"grant"}).command_line_only();
  all.add("name", "grant: what this server is called")
      .takes("NAME")
      .by_default("server")
      .checked(check::name)
      .of({"grant"})
      .command_line_only();
  all.add("out", "grant: the file to write; - for stdout")
      .takes("FILE")
      .path_of(completes::file)
      .of({"grant"})
      .command_line_only();
  all.add("from", "the local address of all connections, if not the routes' choice")
      .takes("ADDR")
      .checked(check::address)
      .of({"run"});
  all.add("state", "state folder; else $AJAR_STATE, else the XDG state folder")
      .takes("FOLDER")
      .path_of(completes::folder);
  all.add("json", "steps, the list, or the status, as JSON lines on stdout");
  all.add("quiet", "no steps on stderr").of({"run"});
  all.add("log", "how steps are written on stderr: logfmt, json, or text")
      .takes("FORMAT")
      .one_of({"logfmt", "json", "text"})
      .by_default("logfmt")
      .of({"run"});
  all.add("metrics", "status: as Prometheus metrics").of({"status"}).command_line_only();
  all.add_usual();
  return all;
}

inline const option_table& server_table() {
  static const auto all = make_server_table();
  return all;
}

}  // namespace tools
