// SPDX-License-Identifier: BSL-1.0
// ajar/core/result.hpp - a value, or the reason why there is none.
#pragma once

#include <ajar/core/error.hpp>

#include <system_error>
#include <tl/expected.hpp>

namespace ajar {

/// A value or a std::error_code. Expected failures travel this way; exceptions are for broken preconditions.
template <class T = void>
using result = tl::expected<T, std::error_code>;

/// The failure half of a result: `return fail(errc::dial_timeout);`
inline tl::unexpected<std::error_code> fail(std::error_code code) { return tl::unexpected<std::error_code>(code); }

}  // namespace ajar
