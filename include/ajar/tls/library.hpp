// SPDX-License-Identifier: BSL-1.0
// ajar/tls/library.hpp - which TLS library there is.
#pragma once

#include <ajar/core/config.hpp>

#include <string>

namespace ajar::tls {

/// "wolfSSL 5.9.2", of the library that is linked.
std::string library();

}  // namespace ajar::tls

#ifdef AJAR_HEADER_ONLY
#include <ajar/tls/impl/library.ipp>
#endif
