// SPDX-License-Identifier: BSL-1.0
// The files of a state folder, and settings, from any text, and from values in their places under a sum that fits: no
// crash, and what is read and written is read again as the same.
#include <ajar/state/issued_grants.hpp>
#include <ajar/state/issued_invites.hpp>
#include <ajar/state/server_invites.hpp>

#include <cstdlib>
#include <string>

#if __has_include(<tools/settings.hpp>)
#include <server/options.hpp>
#include <tools/settings.hpp>
#define AJAR_FUZZ_SETTINGS
#endif

namespace {

using namespace ajar;

const identity::key& server() {
  static const auto made = identity::key::generate();
  return made;
}

// A file of the kind of `like`, whose values are the lines of `values`; an empty line leaves the one that is there.
std::string filled(std::string_view like, std::string_view values) {
  std::string made;
  like = like.substr(0, like.rfind("sum "));
  for (bool first = true; !like.empty(); first = false) {
    const auto line = like.substr(0, like.find('\n'));
    like.remove_prefix(line.size() + 1);
    const auto value = values.substr(0, values.find('\n'));
    if (first || value.empty()) {
      made += line;
    } else {
      made.append(line.substr(0, line.find(' ') + 1)).append(value);
    }
    made += '\n';
    if (!first) values.remove_prefix(std::min(values.size(), value.size() + 1));
  }
  return made + trust::detail::sum_line(made);
}

template <class Kept, class Parse>
void read(std::string_view text, Parse parse) {
  const auto made = parse(text);
  if (!made) return;
  const auto again = parse(made->to_text());
  if (!again || again->to_text() != made->to_text()) std::abort();
}

template <class Kept, class Parse>
void read_both(const Kept& like, std::string_view text, Parse parse) {
  read<Kept>(text, parse);
  read<Kept>(filled(like.to_text(), text), parse);
}

state::issued_grant some_grant() {
  trust::grant body;
  body.methods = trust::method::outbound | trust::method::window;
  return {"laptop", true, trust::signed_grant::sign(body, server())};
}

state::issued_grant a_successor() {
  auto made = some_grant();
  made.instead_of.emplace();
  return made;
}

template <class Invite>
Invite some_invite() {
  Invite made;
  made.petname = "laptop";
  if constexpr (requires { made.terms; }) {
    made.server_name = "home";
    made.terms.methods = trust::method::outbound | trust::method::window;
  }
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto issued = some_grant();
  static const auto successor = a_successor();
  static const auto invite = some_invite<state::issued_invite>();
  static const auto server_invite = some_invite<state::server_invite>();
  const auto text = as_text({data, size});
  read_both(issued, text, [](std::string_view one) { return state::issued_grant::parse(one, server().id()); });
  read_both(successor, text, [](std::string_view one) { return state::issued_grant::parse(one, server().id()); });
  read_both(invite, text, [](std::string_view one) { return state::issued_invite::parse(one); });
  read_both(server_invite, text, [](std::string_view one) { return state::server_invite::parse(one); });
  const auto count = state::folder::parse_login(text);
  if (count && state::folder::parse_login(std::to_string(*count) + "\n") != count) std::abort();
#ifdef AJAR_FUZZ_SETTINGS
  static const auto table = tools::make_server_table();
  (void)tools::parse_settings(table, text, "/etc/s.toml");
#endif
  return 0;
}
