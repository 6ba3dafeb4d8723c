// SPDX-License-Identifier: BSL-1.0
// ajar/tls/library.hpp - which TLS library there is.
#pragma once

#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <string>

namespace ajar::tls {

/// "wolfSSL 5.9.2", of the library that is linked.
inline std::string library() { return std::string("wolfSSL ") + wolfSSL_lib_version(); }

}  // namespace ajar::tls
