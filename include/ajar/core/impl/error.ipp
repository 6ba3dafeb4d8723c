// SPDX-License-Identifier: BSL-1.0
// ajar/core/impl/error.ipp - what each cause says, and what to do about it.
#pragma once

#include <ajar/core/error.hpp>

#include <algorithm>

namespace ajar {

namespace detail {

struct error_text {
  errc code;
  std::string_view text;    ///< what happened
  std::string_view advice;  ///< what to do about it
};

inline constexpr error_text error_texts[] = {
    {errc::canceled, "canceled", "nothing is wrong: the operation was asked to stop"},
    {errc::would_block, "no data yet", "wait until the stream is readable"},
    {errc::eof, "the other side closed the connection", "nothing is wrong: it said goodbye before it closed"},
    {errc::truncated, "the connection ended without a goodbye",
     "what came before it may be incomplete: try again; if it recurs, the other process dies or a middlebox cuts"},
    {errc::limit_reached, "a limit of this program was reached", "close something first, or raise the limit"},
    {errc::not_running, "it does not run, or ended before it answered",
     "start it; where it runs with another state folder, name that by --state"},
    {errc::already_running, "another process runs with this state folder already",
     "stop it, or name another folder by --state"},
    {errc::control_refused, "the running process answers its own user and root alone", "ask as the user that runs it"},
    {errc::control_timeout, "the running process did not answer in time",
     "try again; if it recurs, it is stopped or far too busy: look at its log"},
    {errc::unknown_verb, "the running process does not know that command",
     "it is older than this command: restart it with this version"},
    {errc::moved_from, "this object has given all it had to another one", "use the one that it was moved to"},
    {errc::not_started, "this role has not been started", "call start() first"},

    {errc::message_truncated, "a message ends too early", "both sides must run compatible versions of ajar"},
    {errc::message_malformed, "a message has a field that cannot be",
     "both sides must run compatible versions of ajar"},
    {errc::message_too_long, "a message is longer than its kind permits",
     "the other side is no ajar, or not a compatible version"},
    {errc::unknown_message, "a message of an unknown kind", "bring both sides to the same version of ajar"},
    {errc::unknown_version, "the other side speaks an unknown version of the protocol",
     "bring both sides to the same version of ajar"},

    {errc::signature_invalid, "a signature does not fit", "the statement was damaged or forged: get it anew"},
    {errc::key_malformed, "that is no Ed25519 key",
     "restore the key file from a backup, or begin with a new state folder"},
    {errc::peer_id_malformed, "that is no peer id",
     "a peer id is the line that 'ajar-client id' or 'ajar-server id' prints: 52 letters and digits, dashes may stand"},
    {errc::state_unusable, "the state folder cannot be used",
     "name a folder that this user may write to, by --state or AJAR_STATE"},
    {errc::state_permissions, "the state folder, or a file in it, is open to others, or another user's",
     "chmod 700 the folder and chmod 600 the files in it, as its own user; if others may have read the key, make a new "
     "one"},
    {errc::state_damaged, "a file in the state folder is damaged",
     "restore the named file from a backup; nothing was overwritten"},

    {errc::endpoint_malformed, "that is no address and port", "write HOST:PORT, for IPv6 [ADDRESS]:PORT"},
    {errc::url_malformed, "that is no ajar URL", "copy the line that ajar-central printed: ajar://HOST:PORT/ID"},
    {errc::name_not_found, "the name has no address", "check the spelling of the host and this machine's DNS"},
    {errc::dial_refused, "nothing listens there", "check address and port, and that the program there runs"},
    {errc::dial_unreachable, "there is no way to that address", "check this machine's network and routes"},
    {errc::dial_timeout, "no answer to the connection attempt",
     "a firewall may drop the packets, or the machine is down: check both"},
    {errc::bind_failed, "that local address or port cannot be used",
     "choose an address of this machine and a port that nobody else uses"},
    {errc::read_timeout, "the other side was silent for too long", "try again; check that it still runs"},
    {errc::write_timeout, "the other side takes no data", "try again; check that it still runs"},
    {errc::name_unanswered, "the name was not looked up: this machine's DNS does not answer",
     "check its nameserver in /etc/resolv.conf, and the way to it"},

    {errc::handshake_timeout, "the TLS handshake did not finish in time",
     "whoever is there does not speak, or the network loses much: try again"},
    {errc::handshake_failed, "the TLS handshake failed",
     "check that the other side is an ajar of a compatible version"},
    {errc::not_tls, "the other side does not speak TLS", "check address and port: something else listens there"},
    {errc::tls_version, "the other side offers no TLS 1.3", "only TLS 1.3 is spoken: update the other side"},
    {errc::certificate_missing, "the other side showed no certificate",
     "ajar authenticates both sides: use an ajar tool"},
    {errc::certificate_malformed, "the other side's certificate is not one of ajar's",
     "exactly one self-signed Ed25519 certificate is accepted: use an ajar tool"},
    {errc::wrong_key, "the other side has another key than the expected one",
     "the address belongs to somebody else, or its key is new: get the URL or the grant anew from its owner"},
    {errc::alpn_missing, "the other side named no application protocol", "use an ajar tool of a compatible version"},
    {errc::alpn_mismatch, "the other side wants another application protocol",
     "check address and port, and that both sides run compatible versions"},
    {errc::refused_by_peer, "the other side refused our key",
     "it does not know this key or expects another: give its owner the output of the command 'id'"},

    {errc::no_grant, "there is no grant for that server",
     "ask its owner for an invite and redeem it by 'ajar-client join', or for a grant and import it by 'ajar-client "
     "add'"},
    {errc::grant_malformed, "that is no grant, or it was damaged on the way",
     "get the file anew from the server's owner"},
    {errc::grant_expired, "the grant has ended", "ask the server's owner for a new one"},
    {errc::grant_not_yet_valid, "the grant is not valid yet", "wait, or check this machine's clock"},
    {errc::grant_of_another, "the grant was made for another key",
     "a grant works only with the key it was made for: send your own 'ajar-client id' to the owner"},
    {errc::grant_unknown, "the server does not know this grant", "ask the server's owner for a new one"},
    {errc::grant_revoked, "the grant was revoked", "ask the server's owner"},
    {errc::method_not_granted, "the grant does not permit this way of connecting",
     "try --by auto, or ask the owner for a grant with this method"},
    {errc::service_not_granted, "the grant does not include that service", "ask the owner to grant it"},
    {errc::request_malformed, "a window request that cannot be read", "bring all sides to the same version of ajar"},
    {errc::request_of_another, "a window request in another's name", "use the key that the grant was made for"},
    {errc::request_stale, "a window request made for an earlier link of the server", "try again"},
    {errc::request_replayed, "a window request was seen before", "somebody repeats old messages: look at central"},
    {errc::answer_forged, "the answer was not signed by that server",
     "central, or somebody in it, changed the answer: do not trust this central"},
    {errc::proof_invalid, "the other side could not prove who it is inside the session",
     "somebody may sit between: tell the server's owner, and do not use this path"},
    {errc::address_record_malformed, "an address record that cannot be read", "bring all sides to the same version"},
    {errc::address_not_proved, "nobody answered at the address that the client named",
     "open the port of --door in firewall and router, or name the right one by --advertise"},
    {errc::address_not_permitted, "such an address is not dialled for this grant",
     "private and loopback addresses need a grant with --lan; name a public one otherwise: a client's by --advertise, "
     "a "
     "server's by --window-address"},
    {errc::too_many_sessions, "the grant permits no further session now", "close one first, or ask for a higher limit"},
    {errc::too_many_windows, "no further window is permitted this minute", "wait a minute, and ask for less at a time"},
    {errc::too_many_windows_today, "the grant permits no further window today",
     "wait until midnight UTC, or ask for a grant with a higher limit"},
    {errc::no_such_client, "nobody of that name has a grant",
     "name a client as 'ajar-server grants' does: by its name, its peer id, or its grant"},
    {errc::serial_too_low, "a list of revocations older than the known one", "somebody repeats an old list: ignored"},
    {errc::petname_taken, "another one has that name already",
     "name this one differently: ajar-client add --name, ajar-server grant --as"},

    {errc::invite_malformed, "that is no invite",
     "an invite is one long word that begins with ajar1, as 'ajar-server invite' prints it, or 'ajar-central invite'"},
    {errc::invite_mistyped, "the invite has a typing error, or a part of it is missing",
     "copy all of it again: its last characters check the others"},
    {errc::invite_expired, "the invite has ended", "ask whoever sent it for a new one"},
    {errc::invite_used, "the invite was used by another key",
     "if that was you, on another machine, use that one; if not, tell whoever sent it, who can take back what came of "
     "it"},
    {errc::invite_pending, "the server's owner has to approve it",
     "tell the owner your 'ajar-client id', and wait: join --wait, or join again"},
    {errc::invite_unknown, "no such invite is known there",
     "it was taken back, or ended long ago: ask whoever sent it for a new one"},

    {errc::link_lost, "the link to central broke", "it is dialled again by itself"},
    {errc::link_timeout, "the other end of the link was silent for too long", "it is dialled again by itself"},
    {errc::not_admitted, "central does not serve this peer",
     "a server: have central's operator say 'ajar-central invite', or 'admit' with its id; a client: import a grant, "
     "or "
     "redeem an invite, of an admitted server"},
    {errc::evicted, "the same key logged in elsewhere",
     "one key belongs to one process: stop the other one, or give it a state folder of its own"},
    {errc::login_too_low, "the same key logged in later elsewhere",
     "the state folder was copied or restored: give this process a state folder of its own"},
    {errc::central_busy, "central has no room for another link now", "it is tried again by itself"},
    {errc::unexpected_message, "a message that has no place here", "bring both sides to the same version of ajar"},

    {errc::unknown_server, "central does not know that server",
     "check the grant's central, and that the server is admitted and was linked since central started"},
    {errc::server_offline, "the server is not linked to central now", "start it, or wait until it is back"},
    {errc::exchange_timeout, "the server did not answer in time", "try again; if it recurs, look at the server's log"},
    {errc::too_many_requests, "too many requests at once", "wait a moment"},
    {errc::server_busy, "the server cannot do that now: it is short of something, or cannot read its own state",
     "try again; if it recurs, ask the server's owner to look at its log"},

    {errc::window_timeout, "nobody came through the window in time",
     "the client could not reach the port: a firewall or a NAT is before it; try --by outbound or --by window-reverse"},
    {errc::window_stranger, "somebody else came to the window", "try again: the window was closed at once"},
    {errc::window_unreachable, "the window's port could not be reached",
     "a firewall or a NAT is before it; try --by outbound, or --by window-reverse where your own port is reachable"},
    {errc::window_refused, "the other side opens no window", "it runs in outbound mode, or its policy forbids it"},

    {errc::crossing_failed, "both ends connected at once, and their packets did not meet",
     "try again; if it recurs, compare what 'ajar-client network' and 'ajar-server network' print"},
    {errc::no_direct_path, "the NATs and firewalls before the two ends let no direct connection through",
     "give the client a reachable port by --door and use --by outbound; or change one of the two NATs; where the two "
     "share no address family, reach central by a name that has both"},
    {errc::port_443_not_permitted, "a firewall lets out only connections to port 443, and the other end may not use it",
     "let the other end bind port 443: run it with CAP_NET_BIND_SERVICE, and with nothing else at that port"},
    {errc::way_too_long, "the way is too long for a port that is open for less than a second",
     "give the client a reachable port by --door, and use --by outbound; or try --by crossing"},

    {errc::client_unreachable, "the server cannot dial this client",
     "give the client a reachable port by --door ADDR:PORT, or use --by window"},
    {errc::outbound_timeout, "the server has not dialled in time",
     "check that the server runs, that it serves the outbound method, and that --door is reachable from outside"},
    {errc::session_replaced, "the other side came anew, and this session of its answered nothing any more",
     "go on over the new session"},

    {errc::share_not_found, "there is no share of that name", "ask the server's owner for the name"},
    {errc::share_unreadable, "the server cannot read that share now", "ask the server's owner to look at its log"},
    {errc::share_cut_short, "the file ended before its announced length",
     "it changed while it was sent: fetch it again"},

    {errc::stream_reset, "the other side ended this request early",
     "try again; if it recurs, look at the other side's log"},
    {errc::stream_refused, "the other side takes no further request now", "nothing was begun: try again"},
    {errc::stream_timeout, "the other side did not answer this request in time",
     "try again; if it recurs, look at the other side's log"},
    {errc::session_draining, "the session is being closed and takes no further request", "connect again"},
    {errc::http2_violated, "the other side breaks the rules of HTTP/2", "bring both sides to the same version of ajar"},
    {errc::http2_flood, "the other side sends far more frames than it has to say",
     "the session was closed: look at what runs on the other side"},
    {errc::head_too_long, "the head of a request or an answer is too long", "name less in one request"},
    {errc::body_length_wrong, "a body is shorter or longer than was announced", "fetch it again"},

    {errc::path_malformed, "that is no path in a share",
     "write NAME/FOLDER/FILE: no empty part, no '.' or '..', no NUL"},
    {errc::file_not_found, "there is no such file or folder in the share", "list the folder by 'ajar-client ls'"},
    {errc::file_not_permitted, "the server may not, or will not, read that", "ask the server's owner"},
    {errc::not_a_file, "that is neither a file nor a folder, or it is a folder where a file is needed",
     "only regular files and folders are shared; fetch a folder by 'ajar-client get'"},
    {errc::not_a_folder, "that is a file where a folder is needed", "fetch it by 'ajar-client get' or 'cat'"},
    {errc::file_changed, "the file changed while it was fetched", "nothing was kept of the mixture: fetch it again"},
    {errc::listing_malformed, "the server's listing cannot be read", "bring both sides to the same version of ajar"},
    {errc::name_escapes, "the server named a file that would lie outside the destination",
     "nothing was written: do not trust this server"},
    {errc::digest_mismatch, "the file that arrived is not the one that was sent",
     "it was removed: fetch it again; if it recurs, a disk or memory is bad"},
    {errc::destination_unusable, "the destination cannot be written",
     "name a folder that this user may write to, with enough room"},
    {errc::answer_unexpected, "the server gave an answer that has no place here",
     "bring both sides to the same version of ajar"},
    {errc::openat2_missing, "this kernel cannot keep lookups inside a folder",
     "folders are shared on Linux 5.6 or newer, where nothing forbids openat2(): single files can be shared"},
    {errc::method_unknown, "the file service knows GET and HEAD only", "it shares for reading"},
    {errc::range_beyond_end, "the file is shorter than the place that was asked for", "fetch it from its beginning"},
    {errc::destination_special, "a device, a FIFO or a socket stands where the file would go",
     "it was left as it is: name another destination"},
    {errc::destination_changed, "the file here is another than the one that was fetched",
     "it was left as it is: move it away, or 'get --force' replaces it"},
    {errc::destination_busy, "another get is at that file", "wait until that one has ended, or end it"},
};

constexpr const error_text* find_text(errc code) noexcept {
  for (const auto& row : error_texts) {
    if (row.code == code) return &row;
  }
  return nullptr;
}

class errc_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "ajar"; }
  std::string message(int value) const override {
    const auto* row = find_text(static_cast<errc>(value));
    return row ? std::string(row->text) : "unknown cause " + std::to_string(value);
  }
};

}  // namespace detail

AJAR_DECL const std::error_category& category() noexcept {
  static const detail::errc_category instance;
  return instance;
}

AJAR_DECL std::string_view advice(const std::error_code& code) noexcept {
  if (is_shortage(code)) return detail::shortage_advice(code);
  if (code.category() != category()) return {};
  const auto* row = detail::find_text(static_cast<errc>(code.value()));
  return row ? row->advice : std::string_view{};
}

AJAR_DECL std::string explain(const std::error_code& code) {
  std::string line = code.message();
  if (auto what_to_do = advice(code); !what_to_do.empty()) line.append(": ").append(what_to_do);
  return line;
}

AJAR_DECL errc errc_from_wire(std::uint16_t value) noexcept {
  const auto code = static_cast<errc>(value);
  return detail::find_text(code) ? code : errc::message_malformed;
}

AJAR_DECL const std::vector<errc>& all_causes() {
  static const std::vector<errc> all = [] {
    std::vector<errc> made;
    for (const auto& row : detail::error_texts) made.push_back(row.code);
    std::ranges::sort(made);
    return made;
  }();
  return all;
}

}  // namespace ajar
