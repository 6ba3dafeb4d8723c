// SPDX-License-Identifier: BSL-1.0
// ajar/net/octets.hpp - a few octets over a connection that nobody has secured: a probe, a crossing's greeting.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/bytes.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/net/transport.hpp>

#include <span>

namespace ajar::net {

/// Write all of them. The caller keeps them, and the transport. Errors: the transport's own, canceled. Cancellation:
/// terminal. Threads: the transport's executor only.
[[nodiscard]] awaitable<result<>> write_all(transport& to, bytes_view octets);

/// Read as many as there is room for. Errors: eof, the transport's own, canceled. Cancellation: terminal. Threads: the
/// transport's executor only.
[[nodiscard]] awaitable<result<>> read_all(transport& from, std::span<std::uint8_t> into);

}  // namespace ajar::net

#ifdef AJAR_HEADER_ONLY
#include <ajar/net/impl/octets.ipp>
#endif
