// SPDX-License-Identifier: BSL-1.0
// What is offered by words that work once, while somebody waits for their clients.
#pragma once

#include "../tools/offer.hpp"

#include <ajar/files/file_answer.hpp>
#include <ajar/sessions/account.hpp>
#include <ajar/state/issued_invites.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tools {

// A file or a folder, and what its client is to call it.
struct named_path {
  std::string name;
  std::shared_ptr<const ajar::files::shared_folder> what;
};

struct offer_terms {
  std::chrono::seconds life{0};  // of the words, and of the grants that come of them
  std::uint64_t words = 1;
  bool lan = false;
  std::string server_name = "server";
};

// Each offer has services of its own, whose names nobody else was ever granted, and for each word a grant for them. It
// ends when whoever waits for it ends it, or asks no more how it goes. Threads: one.
class offers {
 public:
  static constexpr std::chrono::seconds patience{60};  // without anybody who asks
  static constexpr std::size_t most = 32;

  struct made {
    std::string id;
    std::vector<ajar::trust::invite> words;
  };

  // Errors: limit_reached, and what issued_invites::add() says; nothing is offered then.
  ajar::result<made> add(const ajar::state::issued_invites& invites, const ajar::state::issued_grants& grants,
                         const ajar::identity::url& central, const std::vector<named_path>& what,
                         const offer_terms& terms, ajar::time_point now) {
    if (all_.size() >= most || what.empty() || what.size() > ajar::trust::grant::most_services) {
      return ajar::fail(ajar::errc::limit_reached);
    }
    const auto there = invites.list();
    if (!there) return ajar::fail(there.error());
    if (terms.words > ajar::state::issued_invites::most - std::min(there->size(), ajar::state::issued_invites::most)) {
      return ajar::fail(ajar::errc::limit_reached);  // before any is made, and taken back again
    }
    made given{ajar::to_base32(ajar::crypto::random_octets<5>()), {}};
    offer one;
    one.asked = now;
    ajar::trust::grant body;
    body.methods = ajar::trust::method::outbound | ajar::trust::method::window;
    body.lan = terms.lan;
    body.sessions = 16;
    body.windows_a_minute = 120;
    body.windows_a_day = 10'000;
    for (std::size_t i = 0; i < what.size(); ++i) {
      one.names.push_back({fmt::format("offer-{}-{}", given.id, i + 1), what[i].name});
      body.services.push_back({one.names.back().service, true, false});
    }
    for (std::uint64_t i = 0; i < terms.words; ++i) {
      auto invited = invite(invites, grants, central, body, terms, fmt::format("offer-{}-{}", given.id, i + 1));
      if (!invited) {
        for (const auto& each : one.seats) (void)invites.withdraw(each.petname);
        return ajar::fail(invited.error());
      }
      one.seats.push_back(std::move(invited->first));
      given.words.push_back(std::move(invited->second));
    }
    for (std::size_t i = 0; i < what.size(); ++i) shares_.insert_or_assign(one.names[i].service, what[i].what);
    all_.emplace(given.id, std::move(one));
    return given;
  }

  // What has to be served for them.
  const ajar::files::share_set& shares() const noexcept { return shares_; }
  bool empty() const noexcept { return all_.empty(); }

  // What a grant is for. Nothing where it is for no offer.
  const std::vector<offered>* of(const ajar::trust::grant_id& grant) const {
    for (const auto& [id, one] : all_) {
      for (const auto& each : one.seats) {
        if (each.grant == grant) return &one.names;
      }
    }
    return nullptr;
  }

  // A client came. `who` is told to whoever waits.
  void came(const ajar::trust::grant_id& grant, const std::string& who) {
    for (auto& [id, one] : all_) {
      if (seat_of(one, grant)) one.last = who;
    }
  }
  // It has all. False: it has no offer.
  bool fetched(const ajar::trust::grant_id& grant) {
    for (auto& [id, one] : all_) {
      if (auto* at = seat_of(one, grant)) return at->fetched = true;
    }
    return false;
  }

  // Asked by whoever waits. Nothing where it is over.
  std::optional<offer_state> state(const std::string& id, std::span<const ajar::sessions::session_status> sessions,
                                   ajar::time_point now) {
    const auto at = all_.find(id);
    if (at == all_.end()) return std::nullopt;
    auto& one = at->second;
    one.asked = now;
    offer_state told;
    told.words = one.seats.size();
    told.fetched = static_cast<std::uint64_t>(std::ranges::count_if(one.seats, &seat::fetched));
    told.last = one.last;
    for (const auto& session : sessions) {
      if (!seat_of(one, session.info.grant)) continue;
      ++told.here;
      told.octets += session.carried.out;
    }
    return told;
  }

  // Those that nobody has asked for.
  std::vector<std::string> forgotten(ajar::time_point now) const {
    std::vector<std::string> ids;
    for (const auto& [id, one] : all_) {
      if (now - one.asked > patience) ids.push_back(id);
    }
    return ids;
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> made;
    for (const auto& [id, one] : all_) made.push_back(id);
    return made;
  }

  // @return what its clients are called: who takes that back ends it for them
  std::vector<std::string> end(const std::string& id) {
    std::vector<std::string> names;
    const auto at = all_.find(id);
    if (at == all_.end()) return names;
    for (const auto& each : at->second.seats) names.push_back(each.petname);
    for (const auto& each : at->second.names) shares_.erase(each.service);
    all_.erase(at);
    return names;
  }

 private:
  struct seat {
    ajar::trust::grant_id grant{};
    std::string petname;
    bool fetched = false;
  };
  struct offer {
    std::vector<offered> names;
    std::vector<seat> seats;
    ajar::time_point asked;
    std::string last;
  };

  static seat* seat_of(offer& one, const ajar::trust::grant_id& grant) {
    const auto at = std::ranges::find(one.seats, grant, &seat::grant);
    return at == one.seats.end() ? nullptr : &*at;
  }

  static ajar::result<std::pair<seat, ajar::trust::invite>> invite(const ajar::state::issued_invites& invites,
                                                                   const ajar::state::issued_grants& grants,
                                                                   const ajar::identity::url& central,
                                                                   const ajar::trust::grant& body,
                                                                   const offer_terms& terms, std::string petname) {
    ajar::state::issued_invite what;
    what.petname = std::move(petname);
    what.server_name = terms.server_name;
    what.terms = body;
    what.life = terms.life;
    what.renews = false;
    what.not_after = ajar::wall_now() + terms.life;
    const auto name = what.petname;
    auto word = invites.add(std::move(what), central, grants);
    if (!word) return ajar::fail(word.error());
    const auto all = invites.list();
    if (!all) return ajar::fail(all.error());
    const auto at = std::ranges::find(*all, name, &ajar::state::issued_invite::petname);
    if (at == all->end()) return ajar::fail(ajar::errc::invite_unknown);
    return std::pair(seat{at->terms.id, name}, std::move(*word));
  }

  std::map<std::string, offer> all_;  // by id
  ajar::files::share_set shares_;
};

}  // namespace tools
