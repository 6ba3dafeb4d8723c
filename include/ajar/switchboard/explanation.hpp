// SPDX-License-Identifier: BSL-1.0
// ajar/switchboard/explanation.hpp - central's own steps for one request, for the client that wants to know them.
#pragma once

#include <ajar/switchboard/desk.hpp>
#include <ajar/trust/window_trace.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace ajar::switchboard {

/// Told once; nothing is kept where nobody asked.
class explanation {
 public:
  explanation(bool wanted, time_point now) {
    if (wanted) steps_.emplace().received_us = stamp_of(now);
  }

  bool is_owed() const noexcept { return steps_.has_value(); }

  void note(time_point now, std::string_view letter, std::string_view what, std::string detail = {}) {
    if (!steps_) return;
    const bool trouble = letter.empty() && !detail.empty();
    steps_->add(trust::traced_step::of(
        {now, letter, what, std::move(detail), trouble ? telling::log_level::warning : telling::log_level::info}));
  }
  /// The first answer goes to the client.
  void answered(time_point now) {
    if (steps_) steps_->sent_us = stamp_of(now);
  }
  void tell(const link_ref& to, const trust::request_id& id, bytes of_server, desk& on) {
    if (!steps_) return;
    if (steps_->sent_us == 0) steps_->sent_us = steps_->steps.back().at_us;
    on.tell(to, signalling::trace{id, std::move(of_server), std::move(*steps_)});
    steps_.reset();
  }

 private:
  std::optional<trust::traced_steps> steps_;
};

}  // namespace ajar::switchboard
