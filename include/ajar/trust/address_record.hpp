// SPDX-License-Identifier: BSL-1.0
// ajar/trust/address_record.hpp - where a client can be dialled, signed by the client.
#pragma once

#include <ajar/trust/statement.hpp>

namespace ajar::trust {

/// Signed by the client: statement<address_record>. WO 2004/034190, non-listening server, step B: the addresses of the
/// authorised clients, which a server gets from central; the signature keeps central from making them up.
struct address_record {
  static constexpr std::string_view domain = "ajar address record/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::address_record_malformed;

  net::tcp::endpoint at;
  wall_time not_after{};

  void encode(wire::writer& out) const {
    encode_endpoint(out, at);
    encode_time(out, not_after);
  }

  static address_record decode(wire::reader& in) {
    address_record made;
    made.at = decode_endpoint(in);
    made.not_after = decode_time(in);
    if (made.at.port() == 0) in.refuse(malformed);
    return made;
  }
};

using signed_address = statement<address_record>;

}  // namespace ajar::trust
