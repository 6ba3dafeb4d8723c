// SPDX-License-Identifier: BSL-1.0
// "status": a running tool tells of itself, and another process of the same tool asks and prints.
#pragma once

#include "ask.hpp"
#include "console.hpp"

#include <ajar/central/status.hpp>
#include <ajar/client/status.hpp>
#include <ajar/control/port.hpp>
#include <ajar/server/status.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tools {

// ---- the process that runs

// What it answers. `sandbox` is the fence that it is in.
std::string status_text(const ajar::server_status& from, const std::string& sandbox);
std::string status_text(const ajar::client_status& from, const std::string& sandbox);
std::string status_text(const ajar::central_status& from, const std::string& sandbox);

// Its control socket. Where there can be none it says so, and the tool goes on without.
class control_port {
 public:
  // `name` is "control", or "control.PID" for a client: several of them share a state folder.
  control_port(std::string_view tool, const asio::any_io_executor& executor, const std::string& folder,
               const std::string& name = "control");

  // Before start().
  void answer_with(const std::string& verb, ajar::control::port::plain_answer how);
  void carry_out(const std::string& verb, ajar::control::port::slow_answer how);
  // `role` has status(), and is there until close().
  template <class Role>
  void tell_status_of(Role& role, const std::string& sandbox) {
    answer_with("status", [&role, sandbox](const ajar::control::request&) -> ajar::result<std::string> {
      return status_text(role.status(), sandbox);
    });
  }
  void start();
  void close();

 private:
  std::optional<ajar::control::port> control_;
};

// Central's shards answer on threads of their own.
template <class Central>
ajar::awaitable<ajar::result<std::string>> tell_status(Central* central, std::string sandbox) {
  auto status = co_await central->status();
  co_return status_text(status, sandbox);
}

std::string own_control_name();

// ---- the process that asks

// What a running tool has answered.
class told_status {
 public:
  struct answer;
  explicit told_status(std::shared_ptr<const answer> from) : from_(std::move(from)) {}

  // A server's to central.
  bool has_link() const;
  // With has_link().
  bool linked() const;
  // The same; empty where it was not said.
  std::string central() const;
  // Also to one beside that.
  bool is_at(const std::string& central_url) const;
  // How many there are by each grant, by its id in hexadecimal. Nothing where it was not said.
  std::optional<std::map<std::string, int>> sessions() const;
  // The NAT and the firewall before a server, as it knows them.
  struct family {
    std::string name;     // IPv4
    std::string outside;  // how it looks from there
    std::string mapping;
    std::string filtering;
    bool only_443 = false;
  };
  std::vector<family> network() const;

 private:
  std::shared_ptr<const answer> from_;
};

namespace detail {

ajar::result<told_status> ask_status(const std::string& folder, const std::string& name);

}  // namespace detail

// ajar-TOOL status
int status(std::string_view tool, std::string_view kind, const settings& given);

}  // namespace tools
