// SPDX-License-Identifier: BSL-1.0
// ajar/net/dial_options.hpp - how to dial, beside where to.
#pragma once

#include <ajar/net/endpoint.hpp>

#include <optional>
#include <utility>

namespace ajar::net {

/// How to dial, beside where to.
class dial_options {
 public:
  dial_options() = default;

  /// The local address to dial from; by default the one that the routes give.
  dial_options& from(address source) {
    source_ = std::move(source);
    return *this;
  }
  const std::optional<address>& source() const noexcept { return source_; }

 private:
  std::optional<address> source_;
};

}  // namespace ajar::net
