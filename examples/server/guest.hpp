// SPDX-License-Identifier: BSL-1.0
// One session of a client: its requests, answered side by side until it goes.
#pragma once

#include "../tools/json_line.hpp"
#include "household.hpp"

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/files/file_service.hpp>
#include <ajar/streams/multiplexer.hpp>

#include <memory>
#include <string>

namespace tools {

class guest {
 public:
  guest(ajar::sessions::session session, ajar::files::file_service& files, household& house)
      : over_(std::move(session), ajar::streams::http_role::server),
        files_(files),
        house_(house),
        work_(over_.get_executor()) {}

  // Until the client goes, or has asked nothing for ten minutes.
  static ajar::awaitable<void> serve(std::shared_ptr<guest> self) {
    constexpr std::chrono::minutes idle{10};
    const ender guard(*self);
    const auto& info = self->over_.info();
    self->house_.issued.saw(info.grant);
    self->house_.offered.came(info.grant, short_name(info.peer) + " by " + std::string(to_string(info.way)));
    for (;;) {
      auto accepting = self->over_.accept();
      auto next = co_await ajar::before(ajar::clock::now() + idle, ajar::errc::read_timeout, std::move(accepting));
      if (next) {
        self->work_.spawn(answer(self, std::move(*next)));
        continue;
      }
      const bool busy = next.error() == ajar::errc::read_timeout && self->over_.streams() > 0;
      if (!busy) break;
    }
    self->work_.cancel();
    co_await self->work_.join();
    auto parted = co_await self->over_.shutdown(ajar::clock::now() + std::chrono::seconds(2));
    (void)parted;
  }

 private:
  // Whoever stops the one who accepts stops those who answer.
  struct ender {
    explicit ender(guest& which) : of(which) {}
    ender(const ender&) = delete;
    ender& operator=(const ender&) = delete;
    ~ender() {
      of.work_.cancel();
      of.house_.issued.saw(of.over_.info().grant);
    }
    guest& of;
  };

  static ajar::awaitable<void> answer(std::shared_ptr<guest> self, ajar::streams::stream stream) {
    if (stream.asked().path() == "/.session") {
      self->tell_of_session(stream);
      co_return;
    }
    if (stream.asked().path() == "/.grant") {
      self->tell_grant(stream);
      co_return;
    }
    if (stream.asked().path() == offer_path) {
      const auto* offered = self->house_.offered.of(self->over_.info().grant);
      answer_text(stream, "text/plain", offered ? to_text(*offered) : std::string(), offered ? 200 : 404);
      co_return;
    }
    if (stream.asked().path() == fetched_path && stream.asked().method() == "POST") {
      answer_text(stream, "text/plain", {}, self->house_.offered.fetched(self->over_.info().grant) ? 200 : 404);
      co_return;
    }
    const ajar::files::read_permission may_read = [self](std::string_view share) { return self->may_read(share); };
    auto answering = self->files_.answer(stream, may_read, to_string(self->over_.info().peer));
    auto answered = co_await ajar::unless(stream.ended(), std::move(answering));
    (void)answered;  // the stream has ended before; its client knows why
  }

  // What the client's window at this server cost: the server alone has seen all of it.
  void tell_of_session(ajar::streams::stream& stream) const {
    json_line body;
    body.with("path", to_string(over_.info().way));
    if (const auto& window = over_.info().window) {
      body.with("exposure_ns", static_cast<std::uint64_t>(window->exposure.count()))
          .with("listeners", window->listeners)
          .with("strangers", window->strangers);
    }
    answer_text(stream, "application/json", body.text() + "\n");
  }

  // The client's grant as it is now, renewed where it is time for that.
  void tell_grant(ajar::streams::stream& stream) {
    const auto held = house_.issued.renewed_in_time(over_.info().grant, house_.self);
    if (!held) return answer_text(stream, "text/plain", {}, 404);
    answer_text(stream, "text/plain", ajar::to_base32(held->octets()) + "\n");
  }

  static void answer_text(ajar::streams::stream& stream, const char* type, std::string text, unsigned status = 200) {
    ajar::streams::response head(status);
    head.with("content-type", type).with("content-length", std::to_string(text.size()));
    if (stream.asked().method() == "HEAD") text.clear();
    const auto given = stream.respond(head, std::move(text));
    (void)given;
  }

  // By the grant as it is now: `renew` may have taken a share out of it.
  ajar::result<> may_read(std::string_view share) const {
    const auto grant = house_.issued.find(over_.info().grant);
    if (!grant && grant.error() != ajar::errc::grant_unknown) return ajar::fail(ajar::errc::server_busy);
    const auto* right = grant ? grant->body().find(share) : nullptr;
    if (!right || !right->read) return ajar::fail(ajar::errc::service_not_granted);
    return {};
  }

  ajar::streams::multiplexer over_;
  ajar::files::file_service& files_;
  household& house_;
  ajar::task_group work_;
};

}  // namespace tools
