// SPDX-License-Identifier: BSL-1.0
// ajar/identity/url.hpp - where central is, and which key it must have.
#pragma once

#include <ajar/identity/peer_id.hpp>
#include <ajar/net/endpoint.hpp>

namespace ajar::identity {

/// ajar://HOST:PORT/ID: what ajar-central prints when it starts.
struct url {
  net::endpoint at;
  peer_id id;

  bool operator==(const url&) const = default;
};

inline std::string to_string(const url& central) {
  return "ajar://" + net::to_string(central.at) + "/" + to_string(central.id);
}

/// Errors: url_malformed, also where the host is right and the id is not: nobody is dialled without a key to expect.
inline result<url> parse_url(std::string_view text) {
  constexpr std::string_view scheme = "ajar://";
  constexpr std::size_t longest = 400;
  if (text.size() > longest || !text.starts_with(scheme)) return fail(errc::url_malformed);
  text.remove_prefix(scheme.size());
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return fail(errc::url_malformed);
  auto at = net::parse_endpoint(text.substr(0, slash));
  const auto id = parse_peer_id(text.substr(slash + 1));
  if (!at || !id || at->port() == 0) return fail(errc::url_malformed);
  return url{std::move(*at), *id};
}

}  // namespace ajar::identity
