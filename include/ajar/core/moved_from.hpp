// SPDX-License-Identifier: BSL-1.0
// ajar/core/moved_from.hpp - what an object answers that has given all it had to another one.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/result.hpp>

namespace ajar {

/// Answer moved_from: the operation of an object that was moved from. Errors: moved_from, always.
template <class T = void>
[[nodiscard]] awaitable<result<T>> answer_moved_from() {
  co_return fail(errc::moved_from);
}

}  // namespace ajar
