// SPDX-License-Identifier: BSL-1.0
// The walk to the key in a certificate, which a stranger sends: no crash, no read outside.
#include <ajar/tls/certificate.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)ajar::tls::key_in_certificate({data, size});
  return 0;
}
