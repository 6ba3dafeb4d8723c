// SPDX-License-Identifier: BSL-1.0
// ajar/files/session_page.hpp - what server and client say over a session of themselves, both sides: /.session,
// /.grant,
// /.central and /.succession.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/files/fetch.hpp>
#include <ajar/sessions/session.hpp>
#include <ajar/trust/central_notice.hpp>
#include <ajar/trust/grant.hpp>
#include <ajar/trust/succession.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ajar::files {

/// How the session came about, and what the client's window at the server cost: the server alone has seen all of it.
inline constexpr std::string_view session_page = "/.session";
/// The client's grant as it is now.
inline constexpr std::string_view grant_page = "/.grant";
/// Where the server is found from now on, where it has moved.
inline constexpr std::string_view central_page = "/.central";
/// Where a client posts that it goes over to another key, and is told that the server does.
inline constexpr std::string_view succession_page = "/.succession";

/// What a window cost: the opener's own word.
struct window_cost {
  std::uint64_t exposure_ns = 0;
  std::uint64_t listeners = 0;
  std::uint64_t strangers = 0;

  bool operator==(const window_cost&) const = default;
};

/// {"path", "exposure_ns", "listeners", "strangers"} and a newline; the numbers only where the server opened a window.
std::string to_session_page(const sessions::session_info& of);

/// What a server says; 0 where it is not said. Errors: answer_unexpected.
result<window_cost> parse_session_page(std::string_view text);

/// A signed grant in Base32, and a newline.
std::string to_grant_page(const trust::signed_grant& one);

/// Errors: grant_malformed, signature_invalid.
result<trust::signed_grant> parse_grant_page(std::string_view text);

/// A signed notice in Base32, and a newline.
std::string to_central_page(const trust::signed_notice& one);

/// Errors: message_malformed, signature_invalid.
result<trust::signed_notice> parse_central_page(std::string_view text);

/// A signed succession in Base32, and a newline.
std::string to_succession_page(const trust::signed_succession& one);

/// Errors: message_malformed, signature_invalid.
result<trust::signed_succession> parse_succession_page(std::string_view text);

/// What a client is told of a server that has gone over to another key.
struct carried_over {
  trust::signed_succession said;
  trust::signed_grant grant;  ///< by that key
};

/// Both in Base32, a line each.
std::string to_carried_page(const carried_over& what);

/// Errors: message_malformed, grant_malformed, signature_invalid.
result<carried_over> parse_carried_page(std::string_view text);

/// A short text of the server's own. Errors: the server's, answer_unexpected, the stream's.
[[nodiscard]] awaitable<result<std::string>> ask_page(streams::multiplexer& over, streams::request asked);

/// What the window of a session cost, whoever opened it. Errors: the server's, answer_unexpected, the stream's.
[[nodiscard]] awaitable<result<window_cost>> ask_cost(streams::multiplexer& over);

/// The grant of a session, as its server has it now. Errors: as parse_grant_page, the server's, the stream's.
[[nodiscard]] awaitable<result<trust::signed_grant>> ask_grant(streams::multiplexer& over);

/// Where the server of a session is found from now on; nothing where it has not moved. Errors: as parse_central_page,
/// answer_forged, grant_of_another, the server's, the stream's.
[[nodiscard]] awaitable<result<std::optional<identity::url>>> ask_central(streams::multiplexer& over,
                                                                          identity::peer_id self);

/// Tell the server of a session that this client goes over to another key.
///
/// @return the grant for that key; the one before counts until that is used
/// Errors: as parse_grant_page, answer_forged (another server's grant, or for another key), unknown_version (the server
/// knows no successions), the server's (state::issued_grants::succeed), the stream's.
[[nodiscard]] awaitable<result<trust::signed_grant>> tell_succession(streams::multiplexer& over,
                                                                     trust::signed_succession said);

/// The grant by the key that the server of a session has gone over to; nothing where it has not. Errors: as
/// parse_carried_page, trust::successor_of, answer_forged (it is not by that key), grant_of_another, the server's, the
/// stream's.
[[nodiscard]] awaitable<result<std::optional<trust::signed_grant>>> ask_succession(streams::multiplexer& over,
                                                                                   identity::peer_id self);

/// The rest of a body, where it is no longer than that. Errors: answer_unexpected (it is longer), the stream's.
[[nodiscard]] awaitable<result<std::string>> read_text(streams::stream& from, std::size_t longest);

}  // namespace ajar::files

#ifdef AJAR_HEADER_ONLY
#include <ajar/files/impl/session_page.ipp>
#endif
