// SPDX-License-Identifier: BSL-1.0
// wolfssl_speed - which wolfSSL this is, and how fast it does what ajar asks of it.
#include <wolfssl/options.h>

#include <ajar/core/clock.hpp>
#include <ajar/crypto/sign.hpp>

#include <fmt/format.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

namespace {

constexpr std::size_t record = 16 * 1024;

// How often a second: repeated for 200 ms.
template <class Work>
double rate(Work work) {
  const auto begun = ajar::clock::now();
  const auto until = begun + std::chrono::milliseconds(200);
  double count = 0;
  while (ajar::clock::now() < until) {
    for (int i = 0; i < 8; ++i) work();
    count += 8;
  }
  return count / std::chrono::duration<double>(ajar::clock::now() - begun).count();
}

double aes_gcm() {
  ajar::bytes in(record, 1), out(record), tag(16), key(16, 2), nonce(12, 3);
  Aes aes{};
  wc_AesInit(&aes, nullptr, INVALID_DEVID);
  wc_AesGcmSetKey(&aes, key.data(), static_cast<word32>(key.size()));
  const auto often = rate([&] {
    wc_AesGcmEncrypt(&aes, out.data(), in.data(), static_cast<word32>(in.size()), nonce.data(),
                     static_cast<word32>(nonce.size()), tag.data(), static_cast<word32>(tag.size()), nullptr, 0);
  });
  wc_AesFree(&aes);
  return often * record / 1e6;
}

double chacha() {
  ajar::bytes in(record, 1), out(record), tag(16), key(32, 2), nonce(12, 3);
  return rate([&] {
           wc_ChaCha20Poly1305_Encrypt(key.data(), nonce.data(), nullptr, 0, in.data(), static_cast<word32>(in.size()),
                                       out.data(), tag.data());
         }) *
         record / 1e6;
}

}  // namespace

int main() {
#ifdef WOLFSSL_AESNI
  constexpr bool assembly = true;
#else
  constexpr bool assembly = false;
#endif
  const auto key = ajar::crypto::signing_key::generate();
  const ajar::bytes message(200, 7);
  const auto signature = key.sign(message);
  fmt::print(
      "wolfSSL {} {}: AES-128-GCM {:.0f} MB/s, ChaCha20-Poly1305 {:.0f} MB/s, Ed25519 {:.0f} signatures/s, "
      "{:.0f} checks/s\n",
      LIBWOLFSSL_VERSION_STRING, assembly ? "with assembly" : "without assembly (slow)", aes_gcm(), chacha(),
      rate([&] { (void)key.sign(message); }),
      rate([&] { (void)ajar::crypto::verify(key.public_part(), message, signature); }));
}
