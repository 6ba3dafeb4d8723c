// SPDX-License-Identifier: BSL-1.0
// ajar/telling/cause_name.hpp - a cause as one word: for labels, logs and programs.
#pragma once

#include <ajar/core/config.hpp>
#include <ajar/core/error.hpp>

#include <string>
#include <string_view>

namespace ajar::telling {

/// "grant_expired"; empty for a number that is no cause.
std::string_view cause_name(errc cause);

/// The same for any code: "ECONNRESET" for one of the system, "CATEGORY_NUMBER" for the rest. Letters, digits and
/// underscores only.
std::string cause_name(const std::error_code& code);

}  // namespace ajar::telling

#ifdef AJAR_HEADER_ONLY
#include <ajar/telling/impl/cause_name.ipp>
#endif
