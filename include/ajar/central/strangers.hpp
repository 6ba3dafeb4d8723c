// SPDX-License-Identifier: BSL-1.0
// ajar/central/strangers.hpp - whoever is at the port and has no link yet, and what each uses up.
#pragma once

#include <ajar/central/peer_link.hpp>
#include <ajar/net/half_open.hpp>
#include <ajar/switchboard/accept_budget.hpp>

#include <optional>
#include <utility>

namespace ajar::detail {

class central_strangers {
 public:
  explicit central_strangers(const switchboard::accept_limits& limits)
      : budget_(limits), waiting_(limits.half_open, limits.half_open_per_address) {}

  // Somebody comes. Nothing: it is to be closed unseen.
  std::optional<net::half_open::placed> come(const net::address& from, time_point now) {
    if (!budget_.permits(from, now)) return std::nullopt;
    return waiting_.begin(from);
  }

  void limit(const switchboard::accept_limits& limits) {
    budget_.limit(limits);
    waiting_.limit(limits.half_open, limits.half_open_per_address);
  }

  std::size_t size() const noexcept { return waiting_.size(); }
  std::size_t links() const noexcept { return budget_.links(); }

  // Gives the address back what it used of the budget, however the connection ends.
  class stranger {
   public:
    stranger(central_strangers& of, net::address from, net::half_open::ticket own)
        : of_(of), from_(std::move(from)), own_(own) {}
    stranger(const stranger&) = delete;
    stranger& operator=(const stranger&) = delete;
    ~stranger() {
      of_.waiting_.end(own_);
      if (counted_) of_.budget_.unlinked();
      if (!blameless_) of_.budget_.refused(from_, 1 + (peer_ ? peer_->bad_grants : 0));
    }
    // Decided, and counted, in one step: of many who come at once no more get in than there is room for.
    result<> take_room() {
      counted_ = of_.budget_.link();
      if (counted_) return {};
      blameless_ = true;
      return fail(errc::central_busy);
    }
    void linked() {
      blameless_ = true;
      of_.waiting_.end(own_);
      of_.waiting_.good(from_);
    }
    void reflected() { blameless_ = true; }
    // Each grant that is refused it counts, if it gets no link.
    void is(link_ptr peer) { peer_ = std::move(peer); }

   private:
    central_strangers& of_;
    link_ptr peer_;
    net::address from_;
    net::half_open::ticket own_;
    bool counted_ = false;    // as a link
    bool blameless_ = false;  // that it was none is not its fault
  };

 private:
  switchboard::accept_budget budget_;
  net::half_open waiting_;
};

}  // namespace ajar::detail
