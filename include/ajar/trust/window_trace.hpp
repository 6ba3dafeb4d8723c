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

  void encode(wire::writer& out) const {
    out.number(at_us).number(letter).number(static_cast<std::uint8_t>(trouble)).text(what).text(detail);
  }
  static traced_step decode(wire::reader& in) {
    traced_step made;
    made.at_us = in.number<std::uint64_t>();
    made.letter = in.number<std::uint8_t>();
    made.trouble = decode_flag(in);
    made.what = in.text(longest_what);
    made.detail = in.text(longest_detail);
    const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
    const bool named = made.letter == 0 || (made.letter >= 'A' && made.letter <= 'G');
    if (!named || !std::ranges::all_of(made.what, printable) || !std::ranges::all_of(made.detail, printable)) {
      in.refuse(errc::message_malformed);
    }
    return made;
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

  void encode(wire::writer& out) const {
    out.number(received_us).number(sent_us).number(static_cast<std::uint8_t>(steps.size()));
    for (const auto& one : steps) one.encode(out);
  }
  static traced_steps decode(wire::reader& in) {
    traced_steps made;
    made.received_us = in.number<std::uint64_t>();
    made.sent_us = in.number<std::uint64_t>();
    const auto count = in.number<std::uint8_t>();
    if (count > most) in.refuse(errc::message_malformed);
    for (int i = 0; i < count && !in.failed(); ++i) made.steps.push_back(traced_step::decode(in));
    return made;
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

  void encode(wire::writer& out) const {
    out.fixed(id).fixed(client.octets());
    of_server.encode(out);
  }
  static window_trace decode(wire::reader& in) {
    window_trace made;
    made.id = in.fixed<16>();
    made.client = identity::peer_id(in.fixed<32>());
    made.of_server = traced_steps::decode(in);
    return made;
  }
};

using signed_trace = statement<window_trace>;

}  // namespace ajar::trust
