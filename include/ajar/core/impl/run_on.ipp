// SPDX-License-Identifier: BSL-1.0
// ajar/core/impl/run_on.ipp - what ajar/core/run_on.hpp declares.
#pragma once

#include <ajar/core/run_on.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>

namespace ajar {

AJAR_DECL awaitable<void> run_on(const asio::any_io_executor& where, awaitable<void> work) {
  return asio::co_spawn(where, std::move(work), asio::bind_cancellation_slot(asio::cancellation_slot(), use_awaitable));
}

}  // namespace ajar
