// SPDX-License-Identifier: BSL-1.0
// ajar/core/awaitable.hpp - the coroutine type of every operation, and the tokens to wait with.
#pragma once

#include <ajar/core/config.hpp>

#include <asio/awaitable.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/version.hpp>
#if ASIO_VERSION >= 102300
#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#else
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/deferred.hpp>
#endif

namespace ajar {

/// What every operation of ajar returns: a lazy coroutine of Asio on any executor.
template <class T = void>
using awaitable = asio::awaitable<T>;

/// Wait for an operation of Asio; its error is thrown.
inline constexpr asio::use_awaitable_t<> use_awaitable{};

// Asio 1.23 moved as_tuple and deferred out of experimental, where 1.33 no longer has them.
#if ASIO_VERSION >= 102300
using asio::deferred;
using use_values_t = asio::as_tuple_t<asio::use_awaitable_t<>>;
#else
using asio::experimental::deferred;
using use_values_t = asio::experimental::as_tuple_t<asio::use_awaitable_t<>>;
#endif

/// Wait for an operation of Asio; its error is the first element of the tuple it gives.
inline constexpr use_values_t use_values{asio::use_awaitable_t<>{}};

}  // namespace ajar
