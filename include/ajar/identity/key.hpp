// SPDX-License-Identifier: BSL-1.0
// ajar/identity/key.hpp - who a node is: one key, its id, and what TLS needs of it.
#pragma once

#include <ajar/identity/peer_id.hpp>
#include <ajar/tls/context.hpp>

#include <memory>

namespace ajar::identity {

/// The identity of a node. Copies share one key.
///
/// Threads: any, once made.
class key {
 public:
  explicit key(crypto::signing_key pair) : shared_(std::make_shared<const state>(std::move(pair))) {}
  static key generate() { return key(crypto::signing_key::generate()); }

  const peer_id& id() const noexcept { return shared_->id; }
  const crypto::public_key& public_part() const noexcept { return shared_->pair.public_part(); }
  const tls::context& tls() const noexcept { return shared_->tls; }
  crypto::signature sign(bytes_view message) const { return shared_->pair.sign(message); }
  const crypto::signing_key& pair() const noexcept { return shared_->pair; }

 private:
  struct state {
    explicit state(crypto::signing_key from)
        : pair(std::move(from)), id(peer_id::of(pair.public_part())), tls(tls::make_credentials(pair)) {}
    crypto::signing_key pair;
    peer_id id;
    tls::context tls;
  };
  std::shared_ptr<const state> shared_;
};

/// The peers that a handshake accepts, by id.
inline tls::expectation expect(const peer_id& id, std::string_view alpn) {
  return tls::expectation([id](const crypto::public_key& shown) { return names(id, shown); }, alpn);
}

}  // namespace ajar::identity
