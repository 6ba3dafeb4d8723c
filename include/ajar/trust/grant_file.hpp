// SPDX-License-Identifier: BSL-1.0
// ajar/trust/grant_file.hpp - a grant as a server's owner hands it to a client: a small text, bound to the client's
// key.
#pragma once

#include <ajar/identity/url.hpp>
#include <ajar/trust/checked_text.hpp>
#include <ajar/trust/grant.hpp>

namespace ajar::trust {

/// Where to find the server, what its owner calls it, and what it permits. It is no secret: only the holder of the
/// client's key can use it.
struct grant_file {
  identity::url central;
  std::string server_name;  ///< is_name()
  signed_grant grant;
};

namespace detail {

inline constexpr std::string_view grant_file_kind = "ajar-grant/1";

}  // namespace detail

/// Five lines: ajar-grant/1, central URL, server NAME, grant BASE32, sum BASE32.
inline std::string to_text(const grant_file& file) {
  return checked_text(
      detail::grant_file_kind,
      {{"central", to_string(file.central)}, {"server", file.server_name}, {"grant", to_base32(file.grant.octets())}});
}

/// Read such a text; any octet that was changed, lost or added is found.
/// Errors: grant_malformed, unknown_version (also a later kind of file), signature_invalid.
inline result<grant_file> parse_grant_file(std::string_view text) {
  const auto lines =
      parse_checked_text(text, detail::grant_file_kind, {"central", "server", "grant"}, errc::grant_malformed);
  if (!lines) return fail(lines.error());
  const auto octets = from_base32((*lines)[2]);
  if (!octets || !is_name((*lines)[1])) return fail(errc::grant_malformed);
  auto central = identity::parse_url((*lines)[0]);
  if (!central) return fail(errc::grant_malformed);
  auto opened = signed_grant::open(*octets);
  if (!opened) return fail(opened.error());
  return grant_file{std::move(*central), (*lines)[1], std::move(*opened)};
}

}  // namespace ajar::trust
