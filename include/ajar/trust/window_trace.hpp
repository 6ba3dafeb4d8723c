// SPDX-License-Identifier: BSL-1.0
// ajar/trust/window_trace.hpp - what the server and central did for one window, for the client that asked to know.
#pragma once

#include <ajar/core/stamp.hpp>
#include <ajar/telling/step.hpp>
#include <ajar/trust/window_request.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace ajar::trust {

/// One step of a party, on that party's own clock. Its texts are printable ASCII.
struct traced_step {
  static constexpr std::size_t longest_what = 64;
  static constexpr std::size_t longest_detail = 240;

  std::uint64_t at_us = 0;
  std::uint8_t letter = 0;  ///< 'A' to 'G' of WO 2004/034190, or 0
  bool trouble = false;
  std::string what;
  std::string detail;

  bool operator==(const traced_step&) const = default;

  static traced_step of(const telling::step& one) {
    const auto plain = [](std::string_view text, std::size_t longest) {
      std::string made(text.substr(0, longest));
      std::ranges::replace_if(made, [](char c) { return c < ' ' || c > '~'; }, '?');
      return made;
    };
    return {stamp_of(one.at), one.letter.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.letter.front()),
            one.level != telling::log_level::info, plain(one.what, longest_what), plain(one.detail, longest_detail)};
  }

  static void layout(auto& self, auto& io) {
    io(self.at_us, self.letter, self.trouble, wire::at_most(self.what, longest_what),
       wire::at_most(self.detail, longest_detail));
    io.require([&] {
      const bool named = self.letter == 0 || (self.letter >= 'A' && self.letter <= 'G');
      return named && is_printable(self.what) && is_printable(self.detail);
    });
  }
};

/// The steps of one party for one request, and the two stamps that relate its clock to the client's: when the request
/// reached it, and when the first answer left it.
struct traced_steps {
  static constexpr std::size_t most = 48;

  std::uint64_t received_us = 0;
  std::uint64_t sent_us = 0;
  std::vector<traced_step> steps;

  /// What is too much is left out.
  void add(traced_step one) {
    if (steps.size() < most) steps.push_back(std::move(one));
  }

  static void layout(auto& self, auto& io) {
    io(self.received_us, self.sent_us, wire::list<std::uint8_t>(self.steps, most));
  }
};

/// Signed by the server, after its last step for a request whose client wants it explained.
struct window_trace {
  static constexpr std::string_view domain = "ajar window trace/1";
  static constexpr std::uint8_t version = 1;
  static constexpr errc malformed = errc::message_malformed;

  request_id id{};
  identity::peer_id client;
  traced_steps of_server;

  static void layout(auto& self, auto& io) { io(self.id, self.client, self.of_server); }
};

using signed_trace = statement<window_trace>;

}  // namespace ajar::trust
