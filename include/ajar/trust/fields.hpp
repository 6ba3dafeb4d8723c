// SPDX-License-Identifier: BSL-1.0
// ajar/trust/fields.hpp - times, flags and endpoints, as statements and messages carry them.
#pragma once

#include <ajar/core/clock.hpp>
#include <ajar/net/endpoint.hpp>
#include <ajar/wire/codec.hpp>

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

}  // namespace ajar::trust
