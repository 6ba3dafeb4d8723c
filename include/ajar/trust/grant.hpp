// SPDX-License-Identifier: BSL-1.0
// ajar/trust/grant.hpp - what a server permits one client, signed by the server.
#pragma once

#include <ajar/trust/method.hpp>
#include <ajar/trust/statement.hpp>

#include <vector>

namespace ajar::trust {

using grant_id = std::array<std::uint8_t, 16>;

/// True for 1 to 64 letters, digits, dots, dashes and underscores, not beginning with a dot or a dash: the names of
/// services, shares and peers.
inline bool is_name(std::string_view text) {
  constexpr std::size_t longest = 64;
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  };
  return !text.empty() && text.size() <= longest && text[0] != '.' && text[0] != '-' && std::ranges::all_of(text, fits);
}

/// A service by its name, and what may be done with it.
struct service_right {
  std::string name;
  bool read = true;
  bool write = false;

  static void layout(auto& self, auto& io) {
    io(wire::at_most(self.name, 64), wire::bits(self.read, self.write));
    io.require([&] { return is_name(self.name) && (self.read || self.write); });
  }
  bool operator==(const service_right&) const = default;
};

/// The fields of a grant. Signed: `statement<grant>`; the signer is the server.
struct grant {
  static constexpr std::string_view domain = "ajar grant/3";
  static constexpr std::uint8_t version = 3;
  static constexpr errc malformed = errc::grant_malformed;
  static constexpr std::size_t most_services = 64;
  static constexpr std::chrono::minutes clocks_differ{5};

  grant_id id{};
  identity::peer_id client;
  wall_time not_before{};
  wall_time not_after{};
  method_set methods{};
  bool lan = false;            ///< private addresses may be dialled
  bool roam = false;           ///< windows are open to any address, for this key
  std::uint16_t sessions = 0;  ///< at a time
  std::uint16_t windows_a_minute = 0;
  std::uint32_t windows_a_day = 0;  ///< days are UTC's
  std::uint16_t windows_at_a_time = 2;
  std::chrono::milliseconds listening{6'000};  ///< for so long in a minute ports may be open, in whole milliseconds
  std::vector<service_right> services;

  bool permits(method which) const { return methods.contains(which); }
  /// From half of its life on it may be renewed.
  bool in_second_half(wall_time now) const { return not_after - now <= life() / 2; }
  /// For how long it was given; it may be used a little earlier than that, as clocks differ.
  std::chrono::seconds life() const { return not_after - not_before - clocks_differ; }
  /// The same for a life that begins now.
  void begin(wall_time now, std::chrono::seconds length) {
    not_before = now - clocks_differ;
    not_after = now + length;
  }
  const service_right* find(std::string_view name) const {
    const auto at = std::ranges::find(services, name, &service_right::name);
    return at == services.end() ? nullptr : &*at;
  }

  bool are_all_different() const {
    return std::ranges::all_of(services, [&](const auto& one) { return find(one.name) == &one; });
  }

  static void layout(auto& self, auto& io) {
    io(self.id, self.client, self.not_before, self.not_after, self.methods, self.lan, self.roam, self.sessions,
       self.windows_a_minute, self.windows_a_day, self.windows_at_a_time, self.listening);
    io.require([&] { return !self.methods.empty() && self.methods.is_known(); }, malformed);
    io(wire::list<std::uint8_t>(self.services, most_services));
    io.require([&] { return self.are_all_different(); }, malformed);
  }
};

using signed_grant = statement<grant>;

}  // namespace ajar::trust
