// SPDX-License-Identifier: BSL-1.0
// examples/tools/doctor.cpp - doctor.hpp: what is in the way on this machine.
#include "doctor.hpp"

#include "event_loop.hpp"
#include "json_line.hpp"
#include "landlock.hpp"

#include <ajar/core/bytes.hpp>
#include <ajar/core/version.hpp>
#include <ajar/net/network.hpp>
#include <ajar/signalling/link.hpp>
#include <ajar/state/folder.hpp>
#include <ajar/tls/library.hpp>
#include <ajar/windows/listener.hpp>

#include <fmt/format.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstdint>

namespace tools {

// ---- what every tool looks at

finding look_at_state(std::string_view kind, const std::string& option) {
  const auto place = ajar::state::folder::place(option, kind);
  if (!place) return bad("state", place.error());
  struct stat status{};
  if (::stat(place->c_str(), &status) != 0 && errno == ENOENT) {
    return note("state", *place + " is not there yet", "the first command that needs it makes it");
  }
  const auto state = ajar::state::folder::open(*place);
  if (!state) return bad("state " + *place, state.error());
  const auto kept = state->read("key");
  if (!kept) return bad("key in " + *place, kept.error());
  if (!*kept) return note("state", *place + " has no key yet", "the first command that needs one makes it");
  const auto key = state->load_key();
  if (!key) return bad("key in " + *place, key.error());
  return good("state", *place + ", " + to_string(key->id()));
}

finding judge_clock(ajar::wall_time now, bool synchronised) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
  const auto text = fmt::format("{:04}-{:02}-{:02}", int{day.year()}, unsigned{day.month()}, unsigned{day.day()});
  if (!is_possible(now)) return bad("clock", "says " + text, "set it: grants begin and end by it");
  if (!synchronised) {
    return note("clock", text + ", and nothing keeps it right", "run an NTP client: grants begin and end by it");
  }
  return good("clock", text + ", kept right");
}

finding look_at_clock() {
  timex asked{};
  const int state = ::adjtimex(&asked);  // only reads
  return judge_clock(ajar::wall_now(), state >= 0 && state != TIME_ERROR);
}

finding look_at_versions() {
  utsname system{};
  ::uname(&system);
  return good("versions",
              fmt::format("ajar {}, {}, {} {}", ajar::version, ajar::tls::library(), system.sysname, system.release));
}

std::string versions_of(std::string_view tool) {
  return fmt::format("{} {}\n{}, Asio {}.{}.{}\n", tool, ajar::version, ajar::tls::library(), ASIO_VERSION / 100'000,
                     ASIO_VERSION / 100 % 1'000, ASIO_VERSION % 100);
}

finding look_at_sandbox() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  const bool filters = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
  const int landlock = landlock::kernel_version();
  if (landlock > 0 && filters) return good("sandbox", fmt::format("landlock {}, seccomp", landlock));
  return note("sandbox",
              fmt::format("{}, {}", landlock > 0 ? "landlock" : "no landlock", filters ? "seccomp" : "no seccomp"),
              "use a kernel with Landlock (5.13) and seccomp, and add landlock to the boot parameter lsm=");
}

finding look_at_cloak(ajar::windows::cloak wish) {
  const event_loop loop;
  const ajar::net::tcp::endpoint here(asio::ip::address_v4::loopback(), 0);
  auto port =
      ajar::windows::listen_once(loop.executor(), ajar::windows::expected_source::of(here.address()), here, wish);
  if (!port) return bad("ports", port.error());
  const auto opened = port->open();
  if (!opened) return bad("ports", opened.error());
  const auto worn = port->report().cloak;
  const std::string text = "windows wear " + std::string(to_string(worn));
  if (worn == ajar::windows::cloak::filter || worn == ajar::windows::cloak::decoy) return good("cloak", text);
  return note("cloak", text, "strangers get an answer: give the tool CAP_NET_ADMIN, or a kernel that lets it filter");
}

finding look_at_port(const std::string& what, const std::string& text) {
  const auto at = ajar::net::parse_numeric_endpoint(text);
  if (!at) return bad(what + " " + text, at.error());
  const event_loop loop;
  const auto bound = ajar::windows::bind_port(loop.executor(), *at);
  if (!bound) return bad(what + " " + text, bound.error());
  return good(what, text + " is free");
}

namespace {

// TLS alone: a login would put an end to that of a tool that runs.
ajar::awaitable<ajar::result<std::chrono::nanoseconds>> knock(const ajar::identity::key& self,
                                                              ajar::identity::url central) {
  const auto begun = ajar::clock::now();
  const auto until = begun + std::chrono::seconds(5);
  auto dialling = ajar::signalling::dial_link(ajar::net::sockets(), self, std::move(central), until);
  auto link = co_await std::move(dialling);
  if (!link) co_return ajar::fail(link.error());
  const auto took = ajar::clock::now() - begun;
  auto parted = co_await link->stream().shutdown(until);
  (void)parted;
  co_return took;
}

}  // namespace

finding look_at_central(const ajar::identity::url& central) {
  const auto self = ajar::identity::key::generate();  // nobody: so that no peer's login is touched
  event_loop loop;
  const auto took = loop.finish(knock(self, central));
  const auto what = "central " + ajar::net::to_string(central.at);
  if (!took) return bad(what, took.error());
  return good(what, fmt::format("is there, with its key, after {:.1f} ms", static_cast<double>(took->count()) / 1e6));
}

// ---- how it is told

int tell_findings(const findings& all, bool as_json) {
  bool ill = false;
  for (const auto& one : all) {
    ill = ill || one.how == grade::bad;
    const char* how = one.how == grade::good ? "good" : one.how == grade::note ? "note" : "bad";
    if (as_json) {
      json_line line;
      line.with("grade", how).with("what", one.what).with("found", one.found).with("to_do", one.to_do);
      fmt::print("{}\n", line.text());
      continue;
    }
    const auto text = ajar::escaped(one.found + (one.to_do.empty() ? "" : ": " + one.to_do), 4096);
    fmt::print("{:4}  {}: {}\n", one.how == grade::bad ? "BAD" : how, ajar::escaped(one.what, 4096), text);
  }
  return ill ? local_trouble : success;
}

}  // namespace tools
