// SPDX-License-Identifier: BSL-1.0
// ajar/trust/grant_file.hpp - a grant as a server's owner hands it to a client: a small text, bound to the client's
// key.
#pragma once

#include <ajar/crypto/hash.hpp>
#include <ajar/identity/url.hpp>
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

inline constexpr std::string_view grant_file_begin = "ajar-grant/1\n";

// The first 80 bits of SHA-256: it finds damage, the signature finds forgery.
inline std::string grant_file_sum(std::string_view text) {
  const auto digest = crypto::hash(as_bytes(text));
  return "sum " + to_base32(bytes_view(digest).first(10)) + "\n";
}

// What stands behind `name ` on the next line; the text goes on behind it.
inline std::optional<std::string_view> take_line(std::string_view& text, std::string_view name) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') return std::nullopt;
  return line.substr(name.size() + 1);
}

}  // namespace detail

/// Five lines: ajar-grant/1, central URL, server NAME, grant BASE32, sum BASE32.
inline std::string to_text(const grant_file& file) {
  std::string text(detail::grant_file_begin);
  text += "central " + to_string(file.central) + "\n";
  text += "server " + file.server_name + "\n";
  text += "grant " + to_base32(file.grant.octets()) + "\n";
  return text + detail::grant_file_sum(text);
}

/// Read such a text; any octet that was changed, lost or added is found.
/// Errors: grant_malformed, unknown_version (also a later kind of file), signature_invalid.
inline result<grant_file> parse_grant_file(std::string_view text) {
  constexpr std::size_t longest = 64 * 1024;
  if (text.size() > longest) return fail(errc::grant_malformed);
  if (!text.starts_with(detail::grant_file_begin)) {
    return fail(text.starts_with("ajar-grant/") ? errc::unknown_version : errc::grant_malformed);
  }
  const auto sum_at = text.rfind("sum ");
  if (sum_at == std::string_view::npos || text.substr(sum_at) != detail::grant_file_sum(text.substr(0, sum_at))) {
    return fail(errc::grant_malformed);
  }
  auto rest = text.substr(detail::grant_file_begin.size());
  const auto central_line = detail::take_line(rest, "central");
  const auto server_line = detail::take_line(rest, "server");
  const auto grant_line = detail::take_line(rest, "grant");
  const auto octets = grant_line ? from_base32(*grant_line) : std::nullopt;
  if (!central_line || !server_line || !octets || !is_name(*server_line)) return fail(errc::grant_malformed);
  auto central = identity::parse_url(*central_line);
  if (!central) return fail(errc::grant_malformed);
  auto opened = signed_grant::open(*octets);
  if (!opened) return fail(opened.error());
  return grant_file{std::move(*central), std::string(*server_line), std::move(*opened)};
}

}  // namespace ajar::trust
