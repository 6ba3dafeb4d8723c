// SPDX-License-Identifier: BSL-1.0
// ajar/core/version.hpp - which ajar this is.
#pragma once

#include <string_view>

namespace ajar {

/// As in meson.build, which tests/architecture/documents.py holds it against.
inline constexpr std::string_view version = "0.1.0";

}  // namespace ajar
