// SPDX-License-Identifier: BSL-1.0
#include "advice.hpp"

namespace tools {

namespace {

using ajar::errc;

struct tools_advice {
  errc code;
  std::string_view advice;
};

// Where a command or an option of the tools helps. For all else the library's own advice holds.
constexpr tools_advice own_advice[] = {
    {errc::not_running, "start it; where it runs with another state folder, name that by --state"},
    {errc::already_running, "stop it, or name another folder by --state"},
    {errc::peer_id_malformed,
     "a peer id is the line that 'ajar-client id' or 'ajar-server id' prints: 52 letters and digits, dashes may stand"},
    {errc::state_unusable, "name a folder that this user may write to, by --state or AJAR_STATE"},
    {errc::url_malformed, "copy the line that ajar-central printed: ajar://HOST:PORT/ID"},
    {errc::refused_by_peer,
     "it does not know this key or expects another: give its owner the output of the command 'id'"},
    {errc::no_grant,
     "ask its owner for an invite and redeem it by 'ajar-client join', or for a grant and import it by 'ajar-client "
     "add'"},
    {errc::grant_of_another,
     "a grant works only with the key it was made for: send your own 'ajar-client id' to the owner"},
    {errc::method_not_granted, "try --by auto, or ask the owner for a grant with this method"},
    {errc::address_not_proved, "open the port of --door in firewall and router, or name the right one by --advertise"},
    {errc::address_not_permitted,
     "private and loopback addresses need a grant with --lan; name a public one otherwise: a client's by --advertise, "
     "a server's by --window-address"},
    {errc::petname_taken, "name this one differently: ajar-client add --name, ajar-server grant --as"},
    {errc::no_such_client, "name a client as 'ajar-server grants' does: by its name, its peer id, or its grant"},
    {errc::invite_malformed,
     "an invite is one long word that begins with ajar1, as 'ajar-server invite' prints it, or 'ajar-central invite'"},
    {errc::invite_pending, "tell the owner your 'ajar-client id', and wait: join --wait, or join again"},
    {errc::not_admitted,
     "a server: have central's operator say 'ajar-central invite', or 'admit' with its id; a client: import a grant, "
     "or redeem an invite, of an admitted server"},
    {errc::window_timeout,
     "the client could not reach the port: a firewall or a NAT is before it; try --by outbound or --by window-reverse"},
    {errc::window_unreachable,
     "a firewall or a NAT is before it; try --by outbound, or --by window-reverse where your own port is reachable"},
    {errc::crossing_failed,
     "try again; if it recurs, compare what 'ajar-client network' and 'ajar-server network' print"},
    {errc::no_direct_path,
     "give the client a reachable port by --door and use --by outbound; or change one of the two NATs; where the two "
     "share no address family, reach central by a name that has both"},
    {errc::way_too_long, "give the client a reachable port by --door, and use --by outbound; or try --by crossing"},
    {errc::client_unreachable, "give the client a reachable port by --door ADDR:PORT, or use --by window"},
    {errc::outbound_timeout,
     "check that the server runs, that it serves the outbound method, and that --door is reachable from outside"},
    {errc::file_not_found, "list the folder by 'ajar-client ls'"},
    {errc::not_a_file, "only regular files and folders are shared; fetch a folder by 'ajar-client get'"},
    {errc::not_a_folder, "fetch it by 'ajar-client get' or 'cat'"},
    {errc::destination_changed, "it was left as it is: move it away, or 'get --force' replaces it"},
};

}  // namespace

std::string_view advice(const std::error_code& why) {
  if (why.category() == ajar::category()) {
    for (const auto& row : own_advice) {
      if (why == row.code) return row.advice;
    }
  }
  return ajar::advice(why);
}

std::string explain(const std::error_code& why) {
  const auto what_to_do = advice(why);
  return what_to_do.empty() ? why.message() : why.message() + ": " + std::string(what_to_do);
}

}  // namespace tools
