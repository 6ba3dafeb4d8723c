// SPDX-License-Identifier: BSL-1.0
// ajar/core/impl/error.ipp - what each cause says, and what to do about it.
#pragma once

#include <ajar/core/error.hpp>

#include <algorithm>

namespace ajar {

namespace detail {

struct error_text {
  errc code;
  cause_kind kind;
  std::string_view text;    ///< what happened
  std::string_view advice;  ///< what to do about it
};

inline constexpr error_text error_texts[] = {
    {errc::canceled, cause_kind::transfer, "canceled", "nothing is wrong: the operation was asked to stop"},
    {errc::would_block, cause_kind::transfer, "no data yet", "wait until the stream is readable"},
    {errc::eof, cause_kind::transfer, "the other side closed the connection",
     "nothing is wrong: it said goodbye before it closed"},
    {errc::truncated, cause_kind::transfer, "the connection ended without a goodbye",
     "what came before it may be incomplete: try again; if it recurs, the other process dies or a middlebox cuts"},
    {errc::limit_reached, cause_kind::transfer, "a limit of this program was reached",
     "close something first, or raise the limit"},
    {errc::not_running, cause_kind::here, "it does not run, or ended before it answered",
     "start it; or it runs with another state folder"},
    {errc::already_running, cause_kind::here, "another process runs with this state folder already",
     "stop it, or use another state folder"},
    {errc::control_refused, cause_kind::here, "the running process answers its own user and root alone",
     "ask as the user that runs it"},
    {errc::control_timeout, cause_kind::here, "the running process did not answer in time",
     "try again; if it recurs, it is stopped or far too busy: look at its log"},
    {errc::unknown_verb, cause_kind::here, "the running process does not know that command",
     "it is older than this command: restart it with this version"},
    {errc::moved_from, cause_kind::here, "this object has given all it had to another one",
     "use the one that it was moved to"},
    {errc::not_started, cause_kind::here, "this role has not been started", "call start() first"},

    {errc::message_truncated, cause_kind::transfer, "a message ends too early",
     "both sides must run compatible versions of ajar"},
    {errc::message_malformed, cause_kind::transfer, "a message has a field that cannot be",
     "both sides must run compatible versions of ajar"},
    {errc::message_too_long, cause_kind::transfer, "a message is longer than its kind permits",
     "the other side is no ajar, or not a compatible version"},
    {errc::unknown_message, cause_kind::transfer, "a message of an unknown kind",
     "bring both sides to the same version of ajar"},
    {errc::unknown_version, cause_kind::transfer, "the other side speaks an unknown version of the protocol",
     "bring both sides to the same version of ajar"},

    {errc::signature_invalid, cause_kind::here, "a signature does not fit",
     "the statement was damaged or forged: get it anew"},
    {errc::key_malformed, cause_kind::here, "that is no Ed25519 key",
     "restore the key file from a backup, or begin with a new state folder"},
    {errc::peer_id_malformed, cause_kind::here, "that is no peer id",
     "a peer id has 52 letters and digits, and dashes may stand between them"},
    {errc::state_unusable, cause_kind::here, "the state folder cannot be used",
     "name a folder that this user may write to"},
    {errc::state_permissions, cause_kind::here,
     "the state folder, or a file in it, is open to others, or another user's",
     "chmod 700 the folder and chmod 600 the files in it, as its own user; if others may have read the key, make a new "
     "one"},
    {errc::state_damaged, cause_kind::here, "a file in the state folder is damaged",
     "restore the named file from a backup; nothing was overwritten"},

    {errc::endpoint_malformed, cause_kind::here, "that is no address and port",
     "write HOST:PORT, for IPv6 [ADDRESS]:PORT"},
    {errc::url_malformed, cause_kind::here, "that is no ajar URL",
     "copy it as its central printed it: ajar://HOST:PORT/ID"},
    {errc::name_not_found, cause_kind::central, "the name has no address",
     "check the spelling of the host and this machine's DNS"},
    {errc::dial_refused, cause_kind::central, "nothing listens there",
     "check address and port, and that the program there runs"},
    {errc::dial_unreachable, cause_kind::central, "there is no way to that address",
     "check this machine's network and routes"},
    {errc::dial_timeout, cause_kind::central, "no answer to the connection attempt",
     "a firewall may drop the packets, or the machine is down: check both"},
    {errc::bind_failed, cause_kind::here, "that local address or port cannot be used",
     "choose an address of this machine and a port that nobody else uses"},
    {errc::read_timeout, cause_kind::central, "the other side was silent for too long",
     "try again; check that it still runs"},
    {errc::write_timeout, cause_kind::central, "the other side takes no data", "try again; check that it still runs"},
    {errc::name_unanswered, cause_kind::central, "the name was not looked up: this machine's DNS does not answer",
     "check its nameserver in /etc/resolv.conf, and the way to it"},

    {errc::handshake_timeout, cause_kind::central, "the TLS handshake did not finish in time",
     "whoever is there does not speak, or the network loses much: try again"},
    {errc::handshake_failed, cause_kind::central, "the TLS handshake failed",
     "check that the other side is an ajar of a compatible version"},
    {errc::not_tls, cause_kind::central, "the other side does not speak TLS",
     "check address and port: something else listens there"},
    {errc::tls_version, cause_kind::central, "the other side offers no TLS 1.3",
     "only TLS 1.3 is spoken: update the other side"},
    {errc::certificate_missing, cause_kind::central, "the other side showed no certificate",
     "ajar authenticates both sides: use an ajar tool"},
    {errc::certificate_malformed, cause_kind::central, "the other side's certificate is not one of ajar's",
     "exactly one self-signed Ed25519 certificate is accepted: use an ajar tool"},
    {errc::wrong_key, cause_kind::central, "the other side has another key than the expected one",
     "the address belongs to somebody else, or its key is new: get the URL or the grant anew from its owner"},
    {errc::alpn_missing, cause_kind::central, "the other side named no application protocol",
     "use an ajar tool of a compatible version"},
    {errc::alpn_mismatch, cause_kind::central, "the other side wants another application protocol",
     "check address and port, and that both sides run compatible versions"},
    {errc::refused_by_peer, cause_kind::central, "the other side refused our key",
     "it does not know this key or expects another: give its owner this key's peer id"},

    {errc::no_grant, cause_kind::permission, "there is no grant for that server",
     "ask its owner for an invite, or for a grant"},
    {errc::grant_malformed, cause_kind::permission, "that is no grant, or it was damaged on the way",
     "get the file anew from the server's owner"},
    {errc::grant_expired, cause_kind::permission, "the grant has ended",
     "ask the server's owner for a new one; or set this machine's clock, if it is wrong (date -u)"},
    {errc::grant_not_yet_valid, cause_kind::permission, "the grant is not valid yet",
     "wait; or set the clock that is wrong (date -u), this machine's or the server's"},
    {errc::grant_of_another, cause_kind::permission, "the grant was made for another key",
     "a grant works only with the key it was made for: send your own peer id to the owner"},
    {errc::grant_unknown, cause_kind::permission, "the server does not know this grant",
     "ask the server's owner for a new one"},
    {errc::grant_revoked, cause_kind::permission, "the grant was revoked", "ask the server's owner"},
    {errc::method_not_granted, cause_kind::permission, "the grant does not permit this way of connecting",
     "try another way, or ask the owner for a grant with this method"},
    {errc::service_not_granted, cause_kind::permission, "the grant does not include that service",
     "ask the owner to grant it"},
    {errc::request_malformed, cause_kind::permission, "a window request that cannot be read",
     "bring all sides to the same version of ajar"},
    {errc::request_of_another, cause_kind::permission, "a window request in another's name",
     "use the key that the grant was made for"},
    {errc::request_stale, cause_kind::permission, "a window request made for an earlier link of the server",
     "try again"},
    {errc::request_replayed, cause_kind::permission, "a window request was seen before",
     "somebody repeats old messages: look at central"},
    {errc::answer_forged, cause_kind::permission, "the answer was not signed by that server",
     "central, or somebody in it, changed the answer: do not trust this central"},
    {errc::proof_invalid, cause_kind::permission, "the other side could not prove who it is inside the session",
     "somebody may sit between: tell the server's owner, and do not use this path"},
    {errc::address_record_malformed, cause_kind::permission, "an address record that cannot be read",
     "bring all sides to the same version"},
    {errc::address_not_proved, cause_kind::permission, "nobody answered at the address that the client named",
     "open the door's port in firewall and router, or advertise the right address"},
    {errc::address_not_permitted, cause_kind::permission, "such an address is not dialled for this grant",
     "private and loopback addresses need a grant for the LAN: advertise a public one otherwise"},
    {errc::too_many_sessions, cause_kind::permission, "the grant permits no further session now",
     "close one first, or ask for a higher limit"},
    {errc::too_many_windows, cause_kind::permission, "no further window is permitted this minute",
     "wait a minute, and ask for less at a time"},
    {errc::too_many_windows_today, cause_kind::permission, "the grant permits no further window today",
     "wait until midnight UTC, or ask for a grant with a higher limit"},
    {errc::no_such_client, cause_kind::permission, "nobody of that name has a grant",
     "name a client by its name, its peer id, or its grant"},
    {errc::serial_too_low, cause_kind::permission, "a list of revocations older than the known one",
     "somebody repeats an old list: ignored"},
    {errc::petname_taken, cause_kind::permission, "another one has that name already", "name this one differently"},

    {errc::invite_malformed, cause_kind::permission, "that is no invite",
     "an invite is one long word that begins with ajar1"},
    {errc::invite_mistyped, cause_kind::permission, "the invite has a typing error, or a part of it is missing",
     "copy all of it again: its last characters check the others"},
    {errc::invite_expired, cause_kind::permission, "the invite has ended", "ask whoever sent it for a new one"},
    {errc::invite_used, cause_kind::permission, "the invite was used by another key",
     "if that was you, on another machine, use that one; if not, tell whoever sent it, who can take back what came of "
     "it"},
    {errc::invite_pending, cause_kind::permission, "the server's owner has to approve it",
     "tell the owner your peer id, and wait, or join again"},
    {errc::invite_unknown, cause_kind::permission, "no such invite is known there",
     "it was taken back, or ended long ago: ask whoever sent it for a new one"},
    {errc::clocks_differ, cause_kind::permission,
     "the grant is valid by this machine's clock, and not by that of the server or of central",
     "one of the clocks is wrong: compare the time (date -u) here and there, and set the wrong one"},
    {errc::clock_set_back, cause_kind::permission,
     "whoever gave the invite has a clock by which it was not even made yet",
     "have them set that clock (date -u): then the invite is as good as before"},
    {errc::succession_expired, cause_kind::permission, "one key went over to another, and the time for that is over",
     "sign it anew with both keys; or set the clock that is wrong (date -u), this machine's or the server's"},

    {errc::link_lost, cause_kind::central, "the link to central broke", "it is dialled again by itself"},
    {errc::link_timeout, cause_kind::central, "the other end of the link was silent for too long",
     "it is dialled again by itself"},
    {errc::not_admitted, cause_kind::central, "central does not serve this peer",
     "a server: have central's operator admit it; a client: ask for a grant or an invite of an admitted server"},
    {errc::evicted, cause_kind::central, "the same key logged in elsewhere",
     "one key belongs to one process: stop the other one, or give it a state folder of its own"},
    {errc::login_too_low, cause_kind::central, "the same key logged in later elsewhere",
     "the state folder was copied or restored: give this process a state folder of its own"},
    {errc::central_busy, cause_kind::central, "central has no room for another link now",
     "it is tried again by itself"},
    {errc::unexpected_message, cause_kind::central, "a message that has no place here",
     "bring both sides to the same version of ajar"},

    {errc::unknown_server, cause_kind::central, "central does not know that server",
     "check the grant's central, and that the server is admitted and was linked since central started"},
    {errc::server_offline, cause_kind::way, "the server is not linked to central now",
     "start it, or wait until it is back"},
    {errc::exchange_timeout, cause_kind::way, "the server did not answer in time",
     "try again; if it recurs, look at the server's log"},
    {errc::too_many_requests, cause_kind::central, "too many requests at once", "wait a moment"},
    {errc::server_busy, cause_kind::way,
     "the server cannot do that now: it is short of something, or cannot read its own state",
     "try again; if it recurs, ask the server's owner to look at its log"},

    {errc::window_timeout, cause_kind::way, "nobody came through the window in time",
     "the client could not reach the port: a firewall or a NAT is before it; try another way"},
    {errc::window_stranger, cause_kind::way, "somebody else came to the window",
     "try again: the window was closed at once"},
    {errc::window_unreachable, cause_kind::way, "the window's port could not be reached",
     "a firewall or a NAT is before it; try another way, or open a port here where that can be reached"},
    {errc::window_refused, cause_kind::way, "the other side opens no window",
     "it runs in outbound mode, or its policy forbids it"},

    {errc::crossing_failed, cause_kind::way, "both ends connected at once, and their packets did not meet",
     "try again; if it recurs, compare how the two ends look from outside"},
    {errc::no_direct_path, cause_kind::way,
     "the NATs and firewalls before the two ends let no direct connection through",
     "give the client a door that can be reached; or change one of the two NATs; where the two share no address "
     "family, reach central by a name that has both"},
    {errc::port_443_not_permitted, cause_kind::way,
     "a firewall lets out only connections to port 443, and the other end may not use it",
     "let the other end bind port 443: run it with CAP_NET_BIND_SERVICE, and with nothing else at that port"},
    {errc::way_too_long, cause_kind::way, "the way is too long for a port that is open for less than a second",
     "give the client a door that can be reached; or try a crossing"},

    {errc::client_unreachable, cause_kind::way, "the server cannot dial this client",
     "give the client a door that can be reached, or try a window"},
    {errc::outbound_timeout, cause_kind::way, "the server has not dialled in time",
     "check that the server runs, that it serves the outbound method, and that the client's door can be reached from "
     "outside"},
    {errc::session_replaced, cause_kind::way,
     "the other side came anew, and this session of its answered nothing any more", "go on over the new session"},

    {errc::share_not_found, cause_kind::transfer, "there is no share of that name",
     "ask the server's owner for the name"},
    {errc::share_unreadable, cause_kind::transfer, "the server cannot read that share now",
     "ask the server's owner to look at its log"},
    {errc::share_cut_short, cause_kind::transfer, "the file ended before its announced length",
     "it changed while it was sent: fetch it again"},

    {errc::stream_reset, cause_kind::transfer, "the other side ended this request early",
     "try again; if it recurs, look at the other side's log"},
    {errc::stream_refused, cause_kind::transfer, "the other side takes no further request now",
     "nothing was begun: try again"},
    {errc::stream_timeout, cause_kind::transfer, "the other side did not answer this request in time",
     "try again; if it recurs, look at the other side's log"},
    {errc::session_draining, cause_kind::transfer, "the session is being closed and takes no further request",
     "connect again"},
    {errc::http2_violated, cause_kind::transfer, "the other side breaks the rules of HTTP/2",
     "bring both sides to the same version of ajar"},
    {errc::http2_flood, cause_kind::transfer, "the other side sends far more frames than it has to say",
     "the session was closed: look at what runs on the other side"},
    {errc::head_too_long, cause_kind::transfer, "the head of a request or an answer is too long",
     "name less in one request"},
    {errc::body_length_wrong, cause_kind::transfer, "a body is shorter or longer than was announced", "fetch it again"},

    {errc::path_malformed, cause_kind::transfer, "that is no path in a share",
     "write NAME/FOLDER/FILE: no empty part, no '.' or '..', no NUL"},
    {errc::file_not_found, cause_kind::transfer, "there is no such file or folder in the share",
     "look at the listing of the folder"},
    {errc::file_not_permitted, cause_kind::permission, "the server may not, or will not, read that",
     "ask the server's owner"},
    {errc::not_a_file, cause_kind::transfer,
     "that is neither a file nor a folder, or it is a folder where a file is needed",
     "only regular files and folders are shared; fetch a folder as a whole"},
    {errc::not_a_folder, cause_kind::transfer, "that is a file where a folder is needed", "fetch it as a file"},
    {errc::file_changed, cause_kind::transfer, "the file changed while it was fetched",
     "nothing was kept of the mixture: fetch it again"},
    {errc::listing_malformed, cause_kind::transfer, "the server's listing cannot be read",
     "bring both sides to the same version of ajar"},
    {errc::name_escapes, cause_kind::transfer, "the server named a file that would lie outside the destination",
     "nothing was written: do not trust this server"},
    {errc::digest_mismatch, cause_kind::transfer, "the file that arrived is not the one that was sent",
     "it was removed: fetch it again; if it recurs, a disk or memory is bad"},
    {errc::destination_unusable, cause_kind::transfer, "the destination cannot be written",
     "name a folder that this user may write to, with enough room"},
    {errc::answer_unexpected, cause_kind::transfer, "the server gave an answer that has no place here",
     "bring both sides to the same version of ajar"},
    {errc::openat2_missing, cause_kind::transfer, "this kernel cannot keep lookups inside a folder",
     "folders are shared on Linux 5.6 or newer, where nothing forbids openat2(): single files can be shared"},
    {errc::method_unknown, cause_kind::transfer, "the file service knows GET and HEAD only", "it shares for reading"},
    {errc::range_beyond_end, cause_kind::transfer, "the file is shorter than the place that was asked for",
     "fetch it from its beginning"},
    {errc::destination_special, cause_kind::transfer, "a device, a FIFO or a socket stands where the file would go",
     "it was left as it is: name another destination"},
    {errc::destination_changed, cause_kind::transfer, "the file here is another than the one that was fetched",
     "it was left as it is: move it away, or fetch by force"},
    {errc::destination_busy, cause_kind::transfer, "another get is at that file",
     "wait until that one has ended, or end it"},
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

AJAR_DECL cause_kind kind_of(errc code) noexcept {
  const auto* row = detail::find_text(code);
  return row ? row->kind : cause_kind::transfer;
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
