// SPDX-License-Identifier: BSL-1.0
// ajar/trust/method.hpp - the ways of connecting, one by one and as a set.
#pragma once

#include <ajar/wire/layout.hpp>

#include <cstdint>

namespace ajar::trust {

/// A way of connecting.
enum class method : std::uint8_t {
  outbound = 1,  ///< the server dials the client (WO 2004/034190, non-listening server)
  window = 2,    ///< a just-in-time listener, on either side
  relay = 4,     ///< through central, as ciphertext
};

/// A set of methods: what a grant permits, or a server serves. `method::outbound | method::window`.
class method_set {
 public:
  constexpr method_set() noexcept = default;
  constexpr method_set(method one) noexcept : bits_(static_cast<std::uint8_t>(one)) {}

  constexpr bool contains(method which) const noexcept { return (bits_ & static_cast<std::uint8_t>(which)) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  /// False where another peer has sent what this version does not know.
  constexpr bool is_known() const noexcept { return bits_ <= 7; }

  constexpr method_set& operator|=(method_set more) noexcept {
    bits_ = static_cast<std::uint8_t>(bits_ | more.bits_);
    return *this;
  }
  friend constexpr method_set operator|(method_set one, method_set other) noexcept { return one |= other; }
  bool operator==(const method_set&) const = default;

 private:
  friend struct wire::field<method_set>;
  std::uint8_t bits_ = 0;
};

constexpr method_set operator|(method one, method other) noexcept { return method_set(one) | method_set(other); }

}  // namespace ajar::trust

namespace ajar::wire {

/// u8, one bit each.
template <>
struct field<trust::method_set> {
  static void put(writer& out, trust::method_set which) { out.number(which.bits_); }
  static void take(reader& in, trust::method_set& into) { into.bits_ = in.number<std::uint8_t>(); }
};

}  // namespace ajar::wire
