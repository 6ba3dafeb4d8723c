// SPDX-License-Identifier: BSL-1.0
// ajar/net/route_watch.hpp - tells when this machine's addresses or routes have changed.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/bytes.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <algorithm>
#include <asio/any_io_executor.hpp>
#include <cstring>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace ajar::net {

/// Reads what the kernel says of addresses, routes and devices. Pure: octets in, a verdict out.
///
/// Routes count in the main table alone: what the kernel learns of single hosts comes and goes all the time. A device
/// counts where it goes up or down; an address where it comes or goes, not where its lifetime is renewed.
class route_reader {
 public:
  /// @param octets  one datagram of a netlink socket; what is cut short is passed over
  /// @return whether another network may be there now
  bool read(bytes_view octets) {
    bool matters = false;
    while (octets.size() >= sizeof(nlmsghdr)) {
      nlmsghdr head{};
      std::memcpy(&head, octets.data(), sizeof head);
      if (head.nlmsg_len < sizeof head || head.nlmsg_len > octets.size()) break;
      const auto body = octets.subspan(sizeof head, head.nlmsg_len - sizeof head);
      if (read_one(head.nlmsg_type, body)) matters = true;
      octets = octets.subspan(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), octets.size()));
    }
    return matters;
  }

 private:
  template <class Head>
  static bool take(bytes_view body, Head& head) {
    if (body.size() < sizeof head) return false;
    std::memcpy(&head, body.data(), sizeof head);
    return true;
  }

  bool read_one(std::uint16_t type, bytes_view body) {
    if (type == RTM_NEWADDR || type == RTM_DELADDR) return read_address(type == RTM_NEWADDR, body);
    if (type == RTM_NEWLINK || type == RTM_DELLINK) return read_device(type == RTM_NEWLINK, body);
    if (type != RTM_NEWROUTE && type != RTM_DELROUTE) return false;
    rtmsg route{};
    return take(body, route) && route.rtm_table == RT_TABLE_MAIN && (route.rtm_flags & RTM_F_CLONED) == 0;
  }

  bool read_address(bool comes, bytes_view body) {
    ifaddrmsg head{};
    if (!take(body, head) || head.ifa_scope >= RT_SCOPE_LINK) return false;
    std::vector<std::uint8_t> key{head.ifa_family, static_cast<std::uint8_t>(head.ifa_index),
                                  static_cast<std::uint8_t>(head.ifa_index >> 8U)};
    auto rest = body.subspan(sizeof head);  // it is aligned
    static_assert(NLMSG_ALIGN(sizeof(ifaddrmsg)) == sizeof(ifaddrmsg));
    while (rest.size() >= sizeof(rtattr)) {
      rtattr attribute{};
      std::memcpy(&attribute, rest.data(), sizeof attribute);
      if (attribute.rta_len < sizeof attribute || attribute.rta_len > rest.size()) break;
      const auto value = rest.subspan(sizeof attribute, attribute.rta_len - sizeof attribute);
      if (attribute.rta_type == IFA_ADDRESS) key.insert(key.end(), value.begin(), value.end());
      rest = rest.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), rest.size()));
    }
    if (comes) return addresses_.insert(std::move(key)).second;
    addresses_.erase(key);  // it may have been there before us
    return true;
  }

  bool read_device(bool there, bytes_view body) {
    ifinfomsg head{};
    if (!take(body, head) || (head.ifi_flags & IFF_LOOPBACK) != 0) return false;
    const bool up = there && (head.ifi_flags & IFF_UP) != 0 && (head.ifi_flags & IFF_RUNNING) != 0;
    return up ? devices_.insert(head.ifi_index).second : devices_.erase(head.ifi_index) != 0;
  }

  std::set<std::vector<std::uint8_t>> addresses_;
  std::set<int> devices_;
};

/// Listens to the kernel's rtnetlink groups. No privilege is needed.
///
/// Moves, does not copy. Its destructor ends a changed() that is under way, as does the assignment of another one. One
/// that was moved from answers moved_from. Threads: one executor. Source: rtnetlink(7).
class route_watch {
 public:
  /// Errors: what socket(2) and bind(2) say.
  static result<route_watch> open(const asio::any_io_executor& executor);

  route_watch(route_watch&& other) noexcept = default;
  route_watch& operator=(route_watch&& other) noexcept;
  ~route_watch();

  /// Wait for a change, and until nothing has changed for 200 ms; a change that lasts is told after 2 s.
  /// Errors: canceled, the socket's own. Cancellation: terminal.
  [[nodiscard]] awaitable<result<>> changed();

 private:
  struct state;
  explicit route_watch(std::shared_ptr<state> of);
  void leave() noexcept;

  std::shared_ptr<state> state_;
};

}  // namespace ajar::net

#ifdef AJAR_HEADER_ONLY
#include <ajar/net/impl/route_watch.ipp>
#endif
