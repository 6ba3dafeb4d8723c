// SPDX-License-Identifier: BSL-1.0
// ajar/wire/codec.hpp - fields to octets and back, big-endian, bounds first.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/result.hpp>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <string>

namespace ajar::wire {

/// Appends fields to octets.
class writer {
 public:
  explicit writer(bytes& into) noexcept : into_(into) {}

  template <std::unsigned_integral Number>
  writer& number(Number value) {
    for (std::size_t shift = sizeof(Number) * 8; shift > 0; shift -= 8) {
      into_.push_back(static_cast<std::uint8_t>(value >> (shift - 8)));
    }
    return *this;
  }
  /// Octets whose count both sides know.
  writer& fixed(bytes_view octets) {
    into_.insert(into_.end(), octets.begin(), octets.end());
    return *this;
  }
  /// A 16-bit count, then that many octets. Precondition: at most 65 535.
  writer& sized(bytes_view octets) {
    number(static_cast<std::uint16_t>(octets.size()));
    return fixed(octets);
  }
  writer& text(std::string_view value) { return sized(as_bytes(value)); }

 private:
  bytes& into_;
};

/// Takes fields from octets. The first field that is not there makes every later one empty, and `finish()` an error, so
/// that a decoder reads straight down and asks once.
class reader {
 public:
  explicit reader(bytes_view octets) noexcept : rest_(octets) {}

  template <std::unsigned_integral Number>
  Number number() noexcept {
    const auto octets = take(sizeof(Number));
    std::uint64_t value = 0;
    for (const auto octet : octets) value = (value << 8) | octet;
    return static_cast<Number>(value);
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> fixed() noexcept {
    std::array<std::uint8_t, N> octets{};
    const auto source = take(N);
    std::ranges::copy(source, octets.begin());
    return octets;
  }
  /// A counted field of at most `most` octets; it points into what is read.
  bytes_view sized(std::size_t most) noexcept {
    const auto count = number<std::uint16_t>();
    if (count > most) refuse(errc::message_malformed);
    return take(failed_ ? 0 : count);
  }
  std::string text(std::size_t most) { return std::string(as_text(sized(most))); }
  bytes_view rest() noexcept { return take(rest_.size()); }

  std::size_t remaining() const noexcept { return rest_.size(); }
  /// Mark the octets as impossible: a value out of range.
  void refuse(errc why) noexcept {
    if (!failed_) why_ = why;
    failed_ = true;
  }
  bool failed() const noexcept { return failed_; }

  /// Success where every field was there and nothing is left.
  /// Errors: message_truncated, message_malformed, or what refuse() said.
  result<> finish() const {
    if (failed_) return fail(why_);
    if (!rest_.empty()) return fail(errc::message_malformed);
    return {};
  }

 private:
  bytes_view take(std::size_t count) noexcept {
    if (failed_ || count > rest_.size()) {
      refuse(errc::message_truncated);
      return {};
    }
    const auto octets = rest_.first(count);
    rest_ = rest_.subspan(count);
    return octets;
  }

  bytes_view rest_;
  errc why_ = errc::message_malformed;
  bool failed_ = false;
};

}  // namespace ajar::wire
