// SPDX-License-Identifier: BSL-1.0
// ajar/wire/layout.hpp - the fields of a struct, said once for both directions.
#pragma once

#include <ajar/core/error.hpp>
#include <ajar/wire/codec.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

namespace ajar::wire {

/// How a type travels: field<T>::put(writer&, const T&) and field<T>::take(reader&, T&). What take() cannot read it
/// refuses, with the reader, and leaves as it was.
template <class T>
struct field;

/// Puts the fields that a layout names, in their order.
class putting {
 public:
  explicit putting(writer& out) noexcept : out_(out) {}
  template <class... Fields>
  void operator()(const Fields&... each) {
    (field<Fields>::put(out_, each), ...);
  }
  /// What is sent is as it should be.
  template <class Holds>
  void require(const Holds&, errc = errc::message_malformed) {}
  void rest() {}

 private:
  writer& out_;
};

/// Takes them.
class taking {
 public:
  explicit taking(reader& in) noexcept : in_(in) {}
  template <class... Fields>
  void operator()(Fields&&... each) {
    (field<std::remove_cvref_t<Fields>>::take(in_, each), ...);
  }
  /// @param holds  a function: whether what was read may be. Where it may not, nothing after it is read.
  template <class Holds>
  void require(const Holds& holds, errc why = errc::message_malformed) {
    if (!in_.failed() && !holds()) in_.refuse(why);
  }
  /// What follows may be anything.
  void rest() { in_.rest(); }

 private:
  reader& in_;
};

/// Says its fields itself: `static void layout(auto& self, auto& io) { io(self.one, self.other); }`.
template <class T>
concept laid_out = requires(T& what, taking& io) { T::layout(what, io); };

/// Append fields.
template <class... Fields>
writer& put(writer& out, const Fields&... each) {
  putting io(out);
  io(each...);
  return out;
}

/// Take one. What could not be read is what the reader has refused.
template <std::default_initializable T>
T take(reader& in) {
  T made{};
  field<T>::take(in, made);
  return made;
}

template <laid_out T>
struct field<T> {
  static void put(writer& out, const T& value) {
    putting io(out);
    T::layout(value, io);
  }
  static void take(reader& in, T& into) {
    taking io(in);
    T::layout(into, io);
  }
};

/// Numbers: big-endian.
template <std::unsigned_integral T>
struct field<T> {
  static void put(writer& out, T value) { out.number(value); }
  static void take(reader& in, T& into) { into = in.template number<T>(); }
};

/// Flags: one octet, 0 or 1.
template <>
struct field<bool> {
  static void put(writer& out, bool value) { out.number(static_cast<std::uint8_t>(value)); }
  static void take(reader& in, bool& into) {
    const auto value = in.number<std::uint8_t>();
    if (value > 1) in.refuse(errc::message_malformed);
    into = value == 1;
  }
};

/// Octets whose count both sides know.
template <std::size_t N>
struct field<std::array<std::uint8_t, N>> {
  static void put(writer& out, const std::array<std::uint8_t, N>& value) { out.fixed(value); }
  static void take(reader& in, std::array<std::uint8_t, N>& into) { into = in.template fixed<N>(); }
};

/// Causes: their number; one that is not known here is message_malformed's (errc_from_wire).
template <>
struct field<errc> {
  static void put(writer& out, errc value) { out.number(static_cast<std::uint16_t>(value)); }
  static void take(reader& in, errc& into) { into = errc_from_wire(in.number<std::uint16_t>()); }
};

namespace detail {

// What at_most(), within(), bits() and list() hand to a layout: references to its fields, and their bounds.
template <class T>
struct limited {
  T& value;
  std::size_t most;
};
template <class T>
struct ranged {
  T& value;
  std::remove_const_t<T> lowest;
  std::remove_const_t<T> highest;
};
template <class T, std::size_t N>
struct flags {
  std::array<T*, N> all;
};
template <class Count, class T>
struct counted {
  T& all;
  std::size_t most;
};

}  // namespace detail

/// Octets or a text behind their count, u16; longer ones than this are refused.
template <class T>
detail::limited<T> at_most(T& value, std::size_t most) {
  return {value, most};
}
template <class T>
struct field<detail::limited<T>> {
  static constexpr bool is_text = std::same_as<std::remove_const_t<T>, std::string>;
  static void put(writer& out, const detail::limited<T>& what) {
    if constexpr (is_text) {
      out.text(what.value);
    } else {
      out.sized(what.value);
    }
  }
  static void take(reader& in, detail::limited<T>& into) {
    const auto octets = in.sized(into.most);
    into.value.assign(octets.begin(), octets.end());
  }
};

/// An enum as a number of its width; what is not between these two is refused.
template <class T>
detail::ranged<T> within(T& value, std::remove_const_t<T> lowest, std::remove_const_t<T> highest) {
  return {value, lowest, highest};
}
template <class T>
struct field<detail::ranged<T>> {
  using number = std::underlying_type_t<std::remove_const_t<T>>;
  static void put(writer& out, const detail::ranged<T>& what) { out.number(static_cast<number>(what.value)); }
  static void take(reader& in, detail::ranged<T>& into) {
    const auto value = in.template number<number>();
    if (value < static_cast<number>(into.lowest) || value > static_cast<number>(into.highest)) {
      in.refuse(errc::message_malformed);
    } else {
      into.value = static_cast<std::remove_const_t<T>>(value);
    }
  }
};

/// Flags as the bits of one octet, the first one lowest; other bits are refused.
template <class... T>
auto bits(T&... each) {
  using flag = std::common_type_t<T...>;
  if constexpr ((std::is_const_v<T> || ...)) {
    return detail::flags<const flag, sizeof...(T)>{{&each...}};
  } else {
    return detail::flags<flag, sizeof...(T)>{{&each...}};
  }
}
template <class T, std::size_t N>
struct field<detail::flags<T, N>> {
  static void put(writer& out, const detail::flags<T, N>& what) {
    unsigned octet = 0;
    for (std::size_t i = 0; i < N; ++i) octet |= (*what.all[i] ? 1U : 0U) << i;
    out.number(static_cast<std::uint8_t>(octet));
  }
  static void take(reader& in, detail::flags<T, N>& into) {
    const unsigned octet = in.number<std::uint8_t>();
    if (octet >> N != 0) in.refuse(errc::message_malformed);
    for (std::size_t i = 0; i < N; ++i) *into.all[i] = ((octet >> i) & 1U) != 0;
  }
};

/// Several of a kind: their count, and each of them. More than `most` are refused.
/// @tparam Count  the unsigned number that counts them
template <std::unsigned_integral Count, class T>
detail::counted<Count, T> list(T& all, std::size_t most) {
  return {all, most};
}
template <class Count, class T>
struct field<detail::counted<Count, T>> {
  using element = typename std::remove_const_t<T>::value_type;
  static void put(writer& out, const detail::counted<Count, T>& what) {
    out.number(static_cast<Count>(what.all.size()));
    for (const auto& one : what.all) field<element>::put(out, one);
  }
  static void take(reader& in, detail::counted<Count, T>& into) {
    const auto count = in.template number<Count>();
    if (count > into.most) in.refuse(errc::message_malformed);
    for (std::size_t i = 0; i < count && !in.failed(); ++i) {
      element one{};
      field<element>::take(in, one);
      into.all.push_back(std::move(one));
    }
  }
};

}  // namespace ajar::wire
