// SPDX-License-Identifier: BSL-1.0
// ajar/trust/fields.hpp - times, flags, endpoints and reflections, as statements and messages carry them.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/net/reflection.hpp>
#include <ajar/wire/codec.hpp>

#include <vector>

namespace ajar::trust {

/// Times travel as seconds since 1970; later than the year 9999 is refused.
inline void encode_time(wire::writer& out, wall_time at) {
  out.number(static_cast<std::uint64_t>(at.time_since_epoch().count()));
}

inline wall_time decode_time(wire::reader& in) {
  const auto seconds = in.number<std::uint64_t>();
  constexpr std::uint64_t year_9999 = 253'402'300'799;
  if (seconds > year_9999) in.refuse(errc::message_malformed);
  return wall_time(std::chrono::seconds(seconds > year_9999 ? 0 : seconds));
}

/// Flags: one octet, 0 or 1.
inline bool decode_flag(wire::reader& in) {
  const auto value = in.number<std::uint8_t>();
  if (value > 1) in.refuse(errc::message_malformed);
  return value == 1;
}

/// Endpoints: family u8 (4 or 6), the address, port u16.
inline void encode_endpoint(wire::writer& out, const net::tcp::endpoint& at) {
  const auto address = net::unmapped(at.address());
  out.number(static_cast<std::uint8_t>(address.is_v4() ? 4 : 6));
  if (address.is_v4()) {
    out.fixed(address.to_v4().to_bytes());
  } else {
    out.fixed(address.to_v6().to_bytes());
  }
  out.number(at.port());
}

inline net::tcp::endpoint decode_endpoint(wire::reader& in) {
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
  return {address, in.number<std::uint16_t>()};
}

/// Several endpoints: their count u8, and each of them. More than `most` are refused.
inline void encode_endpoints(wire::writer& out, const std::vector<net::tcp::endpoint>& all) {
  out.number(static_cast<std::uint8_t>(all.size()));
  for (const auto& at : all) encode_endpoint(out, at);
}

inline std::vector<net::tcp::endpoint> decode_endpoints(wire::reader& in, std::size_t most) {
  std::vector<net::tcp::endpoint> made;
  const auto count = in.number<std::uint8_t>();
  if (count > most) in.refuse(errc::message_malformed);
  for (int i = 0; i < count && !in.failed(); ++i) made.push_back(decode_endpoint(in));
  return made;
}

/// A reflection: count u8 of families, and for each: the outside address as an endpoint with port 0, mapping u8,
/// filtering u8, step i16, only-443 flag. IPv4 before IPv6.
inline void encode_reflection(wire::writer& out, const net::reflection& network) {
  out.number(static_cast<std::uint8_t>(network.v4.has_value() + network.v6.has_value()));
  for (const auto* one : {&network.v4, &network.v6}) {
    if (!*one) continue;
    encode_endpoint(out, {(*one)->outside, 0});
    out.number(static_cast<std::uint8_t>((*one)->maps)).number(static_cast<std::uint8_t>((*one)->filters));
    out.number(static_cast<std::uint16_t>((*one)->step)).number(static_cast<std::uint8_t>((*one)->only_443));
  }
}

inline net::reflection decode_reflection(wire::reader& in) {
  net::reflection made;
  const auto count = in.number<std::uint8_t>();
  if (count > 2) in.refuse(errc::message_malformed);
  for (int i = 0; i < count && !in.failed(); ++i) {
    net::reflected one;
    const auto at = decode_endpoint(in);
    const auto maps = in.number<std::uint8_t>();
    const auto filters = in.number<std::uint8_t>();
    one.step = static_cast<std::int16_t>(in.number<std::uint16_t>());
    one.only_443 = decode_flag(in);
    const bool v6 = at.address().is_v6();
    const bool in_order = !made.v6 && (v6 || !made.v4);
    if (at.port() != 0 || maps > 5 || filters > 3 || !in_order) {
      in.refuse(errc::message_malformed);
      break;
    }
    one.outside = at.address();
    one.maps = static_cast<net::mapping>(maps);
    one.filters = static_cast<net::filtering>(filters);
    made.of(v6) = one;
  }
  return made;
}

}  // namespace ajar::trust
