// SPDX-License-Identifier: BSL-1.0
// ajar/net/life_signs.hpp - what a connection itself knows of its other end, whatever the programs at both ends do.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/net/transport.hpp>

#include <optional>

namespace ajar::net {

/// Nothing where the transport does not count them, or is closed. Source: tcp(7).
std::optional<life_signs> signs_of(tcp_stream& of);
std::optional<life_signs> signs_of(transport& of);

/// Let the other end's kernel show that it is there: a packet that it answers leaves now, unless something came within
/// the last second, or octets are on their way that are sent again anyhow. The connection does not end by this, however
/// often one asks; keep_alive() makes it as it was. Source: tcp(7), RFC 9293 section 3.8.4.
void ask_for_signs(tcp_stream& of);
void ask_for_signs(transport& of);

}  // namespace ajar::net

#ifdef AJAR_HEADER_ONLY
#include <ajar/net/impl/life_signs.ipp>
#endif
