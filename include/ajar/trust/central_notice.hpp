// SPDX-License-Identifier: BSL-1.0
// ajar/trust/central_notice.hpp - where a server is found from now on, in its own words.
#pragma once

#include <ajar/identity/url.hpp>
#include <ajar/trust/statement.hpp>

#include <string>

namespace ajar::trust {

/// The central of a server that has moved there. A client's grant does not name one, and the file that it came in says
/// where the server was then; so nobody needs a new grant. It is for one client, over a session with that server.
struct central_notice {
  static constexpr std::string_view domain = "ajar central/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::message_malformed;
  static constexpr std::size_t longest_url = 400;

  identity::peer_id client;
  std::string central;  ///< its URL

  static void layout(auto& self, auto& io) {
    io(self.client, wire::at_most(self.central, longest_url));
    io.require([&] { return identity::parse_url(self.central).has_value(); }, malformed);
  }
};

using signed_notice = statement<central_notice>;

/// What a client makes of a notice. Errors: answer_forged (that server has not signed it), grant_of_another (it is for
/// somebody else).
inline result<identity::url> where_it_is(const signed_notice& said, const identity::peer_id& server,
                                         const identity::peer_id& self) {
  if (said.signer() != server) return fail(errc::answer_forged);
  if (said.body().client != self) return fail(errc::grant_of_another);
  return identity::parse_url(said.body().central);
}

}  // namespace ajar::trust
