// SPDX-License-Identifier: BSL-1.0
// ajar/core/error.hpp - every way in which ajar itself can fail, with what to do about it.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/shortage.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace ajar {

/// The causes that ajar names itself; codes of the system, Asio and TLS keep their own category.
///
/// The values travel in messages (docs/protocol.md), so a value is never changed and never used again.
enum class errc : std::uint16_t {
  // core
  canceled = 1,
  would_block,
  eof,
  truncated,
  limit_reached,
  not_running,
  already_running,
  control_refused,
  control_timeout,
  unknown_verb,
  moved_from,
  not_started,
  // wire
  message_truncated = 20,
  message_malformed,
  message_too_long,
  unknown_message,
  unknown_version,
  // crypto, identity
  signature_invalid = 40,
  key_malformed,
  peer_id_malformed,
  state_unusable,
  state_permissions,
  state_damaged,
  // net
  endpoint_malformed = 60,
  url_malformed,
  name_not_found,
  dial_refused,
  dial_unreachable,
  dial_timeout,
  bind_failed,
  read_timeout,
  write_timeout,
  name_unanswered,
  // tls
  handshake_timeout = 80,
  handshake_failed,
  not_tls,
  tls_version,
  certificate_missing,
  certificate_malformed,
  wrong_key,
  alpn_missing,
  alpn_mismatch,
  refused_by_peer,
  // trust
  no_grant = 100,
  grant_malformed,
  grant_expired,
  grant_not_yet_valid,
  grant_of_another,
  grant_unknown,
  grant_revoked,
  method_not_granted,
  service_not_granted,
  request_malformed,
  request_of_another,
  request_stale,
  request_replayed,
  answer_forged,
  proof_invalid,
  address_record_malformed,
  address_not_proved,
  address_not_permitted,
  too_many_sessions,
  too_many_windows,
  serial_too_low,
  petname_taken,
  too_many_windows_today,
  no_such_client,
  invite_malformed,
  invite_mistyped,
  invite_expired,
  invite_used,
  invite_pending,
  invite_unknown,
  // signalling
  link_lost = 130,
  link_timeout,
  not_admitted,
  evicted,
  login_too_low,
  central_busy,
  unexpected_message,
  // trust, again
  clocks_differ = 140,
  succession_expired,
  clock_set_back,
  // switchboard
  unknown_server = 150,
  server_offline,
  exchange_timeout,
  too_many_requests,
  server_busy,
  // windows
  window_timeout = 170,
  window_stranger,
  window_unreachable,
  window_refused,
  crossing_failed,
  no_direct_path,
  port_443_not_permitted,
  way_too_long,
  // outbound
  client_unreachable = 190,
  outbound_timeout,
  session_replaced,
  // what a tool or a user's own protocol over a session says
  share_not_found = 210,
  share_unreadable,
  share_cut_short,
  // streams/
  stream_reset = 220,
  stream_refused,
  stream_timeout,
  session_draining,
  http2_violated,
  http2_flood,
  head_too_long,
  body_length_wrong,
  // files/
  path_malformed = 230,
  file_not_found,
  file_not_permitted,
  not_a_file,
  not_a_folder,
  file_changed,
  listing_malformed,
  name_escapes,
  digest_mismatch,
  destination_unusable,
  answer_unexpected,
  openat2_missing,
  method_unknown,
  range_beyond_end,
  destination_special,
  destination_changed,
  destination_busy,
};

/// The category of all codes of `errc`.
AJAR_DECL const std::error_category& category() noexcept;

inline std::error_code make_error_code(errc code) noexcept { return {static_cast<int>(code), category()}; }

}  // namespace ajar

template <>
struct std::is_error_code_enum<ajar::errc> : std::true_type {};

namespace ajar {

/// Whose matter a cause is.
enum class cause_kind : std::uint8_t {
  here,        ///< this process or this machine: its state, its keys, its network
  central,     ///< central, or the way to it
  permission,  ///< a grant or an invite, and what it permits
  way,         ///< the other one of a pair, or the way to it
  transfer,    ///< what goes over a connection
};

/// A cause of a later version is one of transfer.
AJAR_DECL cause_kind kind_of(errc code) noexcept;

/// What to do about an error, whatever the program; of codes of foreign categories only about a shortage.
AJAR_DECL std::string_view advice(const std::error_code& code) noexcept;

/// One line for a person: what happened, then what to do about it.
AJAR_DECL std::string explain(const std::error_code& code);

/// The errc of a number that came in a message; `message_malformed` where the number is none.
AJAR_DECL errc errc_from_wire(std::uint16_t value) noexcept;

/// All of them, in the order of their numbers.
AJAR_DECL const std::vector<errc>& all_causes();

}  // namespace ajar

#ifdef AJAR_HEADER_ONLY
#include <ajar/core/impl/error.ipp>
#endif
