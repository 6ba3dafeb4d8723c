// SPDX-License-Identifier: BSL-1.0
// ajar/crypto/impl/hash.ipp - what ajar/crypto/hash.hpp declares.
#pragma once

#include <wolfssl/options.h>

#include <ajar/crypto/hash.hpp>

#include <wolfssl/wolfcrypt/sha256.h>

namespace ajar::crypto {

namespace detail {

struct running_sha256 {
  running_sha256() { wc_InitSha256(&all); }
  running_sha256(const running_sha256&) = delete;
  running_sha256& operator=(const running_sha256&) = delete;
  ~running_sha256() { wc_Sha256Free(&all); }

  void add(bytes_view octets) { wc_Sha256Update(&all, octets.data(), static_cast<word32>(octets.size())); }
  digest finish() {
    digest value{};
    wc_Sha256Final(&all, value.data());
    return value;
  }

  wc_Sha256 all{};
};

}  // namespace detail

struct sha256::state : detail::running_sha256 {};

AJAR_DECL sha256::sha256() : state_(std::make_unique<state>()) {}
AJAR_DECL sha256::~sha256() = default;

AJAR_DECL sha256& sha256::add(bytes_view octets) {
  state_->add(octets);
  return *this;
}

AJAR_DECL digest sha256::finish() { return state_->finish(); }

AJAR_DECL digest hash(bytes_view octets) {
  detail::running_sha256 one;
  one.add(octets);
  return one.finish();
}

}  // namespace ajar::crypto
