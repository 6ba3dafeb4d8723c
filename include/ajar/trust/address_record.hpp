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

  static void layout(auto& self, auto& io) {
    io(self.at, self.not_after);
    io.require([&] { return self.at.port() != 0; }, malformed);
  }
};

using signed_address = statement<address_record>;

}  // namespace ajar::trust
