// SPDX-License-Identifier: BSL-1.0
// An invite as whoever gives it out sees it: one line to send, and what its receiver says.
#pragma once

#include "console.hpp"
#include "json_line.hpp"
#include "qr_code.hpp"
#include "settings.hpp"

#include <ajar/trust/invite.hpp>

#include <string>
#include <string_view>

namespace tools {

// @param whom     "the owner of attic", "laptop"
// @param says     what that one says: "ajar-client join"
// @param not_yet  ", while ajar-server runs", or nothing where it does
inline void print_invite(const settings& given, const std::string& name, const ajar::trust::invite& made,
                         std::string_view whom, std::string_view says, std::string_view not_yet) {
  const auto text = to_text(made);
  if (given.count("json")) {
    json_line line;
    line.with("name", name).with("invite", text).with("until", date_of(made.not_after));
    fmt::print("{}\n", line.text());
    return;
  }
  if (given.count("qr")) fmt::print("{}", qr_code(text));
  fmt::print("{}\n", text);
  tell("send it to {} alone, who says: {} INVITE\nit works once, until {}{}\n", whom, says, date_of(made.not_after),
       not_yet);
}

}  // namespace tools
