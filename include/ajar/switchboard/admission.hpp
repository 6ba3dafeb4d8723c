// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/admission.hpp - whom central serves: its operator's list of servers.
#pragma once

#include <ajar/identity/peer_id.hpp>

#include <set>
#include <string_view>
#include <utility>

namespace ajar::switchboard {

/// The servers that central serves; a client is served for a grant of one of them. Configuration, never state.
class admission {
 public:
  /// Every server: for trials.
  static admission open() {
    admission made;
    made.open_ = true;
    return made;
  }
  static admission of(std::set<identity::peer_id> servers) {
    admission made;
    made.servers_ = std::move(servers);
    return made;
  }

  /// What is wrong in a list, and where.
  struct mistake {
    std::size_t line = 0;  ///< from 1
    std::error_code why;
  };

  /// Read a list: a peer id a line, `#` begins a comment; what editors add (a byte order mark, CRLF) does not count.
  /// Errors: peer_id_malformed, with its line.
  static tl::expected<admission, mistake> parse(std::string_view text) {
    admission made;
    std::size_t number = 0;
    if (constexpr std::string_view mark = "\xef\xbb\xbf"; text.starts_with(mark)) text.remove_prefix(mark.size());
    while (!text.empty()) {
      ++number;
      const auto end = text.find('\n');
      auto line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      line = line.substr(0, line.find('#'));
      constexpr std::string_view blank = " \t\r";
      const auto first = line.find_first_not_of(blank);
      if (first == std::string_view::npos) continue;
      line = line.substr(first, line.find_last_not_of(blank) - first + 1);
      const auto id = identity::parse_peer_id(line);
      if (!id) return tl::unexpected(mistake{number, id.error()});
      made.servers_.insert(*id);
    }
    return made;
  }

  bool admits(const identity::peer_id& server) const { return open_ || servers_.contains(server); }
  bool is_open() const noexcept { return open_; }
  std::size_t size() const noexcept { return servers_.size(); }
  const std::set<identity::peer_id>& servers() const noexcept { return servers_; }

 private:
  std::set<identity::peer_id> servers_;
  bool open_ = false;
};

}  // namespace ajar::switchboard
