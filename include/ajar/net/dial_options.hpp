// SPDX-License-Identifier: BSL-1.0
// ajar/net/dial_options.hpp - how to dial, beside where to.
#pragma once

#include <ajar/core/result.hpp>
#include <ajar/net/endpoint.hpp>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ajar::net {

/// The addresses of a host's name. It may block: each call has a thread of its own, and goes on to its end though
/// nobody may wait for it any more, so it keeps what it needs. Errors: name_not_found, name_unanswered, a shortage.
using name_source = std::function<result<std::vector<address>>(const std::string& host)>;

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
  /// Who knows the names; by default the system (getaddrinfo(3)).
  dial_options& names(name_source from) {
    names_ = std::move(from);
    return *this;
  }
  const name_source& names() const noexcept { return names_; }

 private:
  std::optional<address> source_;
  name_source names_;
};

}  // namespace ajar::net
