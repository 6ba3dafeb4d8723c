// SPDX-License-Identifier: BSL-1.0
// ajar/tls/impl/library.ipp - what ajar/tls/library.hpp declares.
#pragma once

#include <wolfssl/options.h>

#include <ajar/tls/library.hpp>

#include <wolfssl/ssl.h>

namespace ajar::tls {

AJAR_DECL std::string library() { return std::string("wolfSSL ") + wolfSSL_lib_version(); }

}  // namespace ajar::tls
