// SPDX-License-Identifier: BSL-1.0
// ajar/trust/fields.hpp - ids, times, endpoints and reflections, as statements and messages carry them.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/identity/peer_id.hpp>
#include <ajar/net/reflection.hpp>
#include <ajar/wire/layout.hpp>

#include <limits>
#include <vector>

namespace ajar::trust {

/// True where a text has nothing but printable ASCII: what others say is shown to people.
inline bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace ajar::trust

namespace ajar::wire {

template <>
struct field<identity::peer_id> {
  static void put(writer& out, const identity::peer_id& value) { out.fixed(value.octets()); }
  static void take(reader& in, identity::peer_id& into) { into = identity::peer_id(in.fixed<32>()); }
};

/// Times: seconds since 1970, u64; later than the year 9999 is refused.
template <>
struct field<wall_time> {
  static void put(writer& out, wall_time at) { out.number(static_cast<std::uint64_t>(at.time_since_epoch().count())); }
  static void take(reader& in, wall_time& into) {
    constexpr std::uint64_t year_9999 = 253'402'300'799;
    const auto seconds = in.number<std::uint64_t>();
    if (seconds > year_9999) return in.refuse(errc::message_malformed);
    into = wall_time(std::chrono::seconds(seconds));
  }
};

/// Durations: milliseconds, u32.
template <>
struct field<std::chrono::milliseconds> {
  static void put(writer& out, std::chrono::milliseconds time) { out.number(static_cast<std::uint32_t>(time.count())); }
  static void take(reader& in, std::chrono::milliseconds& into) {
    into = std::chrono::milliseconds(in.number<std::uint32_t>());
  }
};

/// And nanoseconds, u64.
template <>
struct field<std::chrono::nanoseconds> {
  static void put(writer& out, std::chrono::nanoseconds time) { out.number(static_cast<std::uint64_t>(time.count())); }
  static void take(reader& in, std::chrono::nanoseconds& into) {
    const auto count = in.number<std::uint64_t>();
    if (count > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return in.refuse(errc::message_malformed);
    into = std::chrono::nanoseconds(count);
  }
};

/// Endpoints: family u8 (4 or 6), the address, port u16.
template <>
struct field<net::tcp::endpoint> {
  static void put(writer& out, const net::tcp::endpoint& at) {
    const auto address = net::unmapped(at.address());
    out.number(static_cast<std::uint8_t>(address.is_v4() ? 4 : 6));
    if (address.is_v4()) {
      out.fixed(address.to_v4().to_bytes());
    } else {
      out.fixed(address.to_v6().to_bytes());
    }
    out.number(at.port());
  }
  static void take(reader& in, net::tcp::endpoint& into) {
    const auto family = in.number<std::uint8_t>();
    net::address address;
    if (family == 4) {
      address = asio::ip::address_v4(in.fixed<4>());
    } else if (family == 6) {
      const asio::ip::address_v6 v6(in.fixed<16>());
      if (v6.is_v4_mapped()) in.refuse(errc::message_malformed);  // one address has one encoding
      address = v6;
    } else {
      in.refuse(errc::message_malformed);
    }
    into = {address, in.number<std::uint16_t>()};
  }
};

/// One family of a reflection: the outside address as an endpoint with port 0, mapping u8, filtering u8, step i16,
/// only-443 flag.
template <>
struct field<net::reflected> {
  static void put(writer& out, const net::reflected& one) {
    wire::put(out, net::tcp::endpoint(one.outside, 0), within(one.maps, net::mapping::unknown, net::mapping::random),
              within(one.filters, net::filtering::unknown, net::filtering::port_dependent),
              static_cast<std::uint16_t>(one.step), one.only_443);
  }
  static void take(reader& in, net::reflected& into) {
    const auto at = wire::take<net::tcp::endpoint>(in);
    std::uint16_t step = 0;
    taking io(in);
    io(within(into.maps, net::mapping::unknown, net::mapping::random),
       within(into.filters, net::filtering::unknown, net::filtering::port_dependent), step, into.only_443);
    io.require([&] { return at.port() == 0; });
    into.step = static_cast<std::int16_t>(step);
    into.outside = at.address();
  }
};

/// A reflection: count u8 of families, and each. IPv4 before IPv6.
template <>
struct field<net::reflection> {
  static void put(writer& out, const net::reflection& network) {
    std::vector<net::reflected> all;
    for (const auto* one : {&network.v4, &network.v6}) {
      if (*one) all.push_back(**one);
    }
    wire::put(out, list<std::uint8_t>(all, 2));
  }
  static void take(reader& in, net::reflection& into) {
    std::vector<net::reflected> all;
    auto two = list<std::uint8_t>(all, 2);
    field<decltype(two)>::take(in, two);
    for (const auto& one : all) {
      const bool v6 = one.outside.is_v6();
      const bool in_order = !into.v6 && (v6 || !into.v4);
      if (!in_order) return in.refuse(errc::message_malformed);
      into.of(v6) = one;
    }
  }
};

}  // namespace ajar::wire
