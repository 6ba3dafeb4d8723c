// SPDX-License-Identifier: BSL-1.0
// ajar/files/impl/host.ipp - what ajar/files/host.hpp declares.
#pragma once

#include <ajar/files/host.hpp>

#include <ajar/core/deadline.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/files/session_page.hpp>
#include <ajar/streams/multiplexer.hpp>

#include <memory>
#include <string>
#include <utility>

namespace ajar::files {

namespace detail {

// One session at its server.
class hosting : public std::enable_shared_from_this<hosting> {
 public:
  hosting(sessions::session guest, file_service& files, host_policy& policy)
      : over_(std::move(guest), streams::http_role::server),
        files_(files),
        policy_(policy),
        work_(over_.get_executor()) {}

  awaitable<void> serve() {
    const ender guard(*this);
    policy_.came(over_.info());
    for (;;) {
      auto accepting = over_.accept();
      auto next = co_await before(clock::now() + longest_idle, errc::read_timeout, std::move(accepting));
      if (next) {
        work_.spawn(shared_from_this(), answer(std::move(*next)));
        continue;
      }
      const bool busy = next.error() == errc::read_timeout && over_.streams() > 0;
      if (!busy) break;
    }
    work_.cancel();
    co_await work_.join();
    auto parted = co_await over_.shutdown(clock::now() + std::chrono::seconds(2));
    (void)parted;
  }

 private:
  // Whoever stops the one who accepts stops those who answer.
  struct ender {
    explicit ender(hosting& which) : of(which) {}
    ender(const ender&) = delete;
    ender& operator=(const ender&) = delete;
    ~ender() {
      of.work_.cancel();
      of.policy_.left(of.over_.info());
    }
    hosting& of;
  };

  awaitable<void> answer(streams::stream one) {
    const auto& path = one.asked().path();
    if (path == session_page) {
      answer_text(one, "application/json", to_session_page(over_.info()));
      co_return;
    }
    if (path == grant_page) {
      tell_grant(one);
      co_return;
    }
    if (path == central_page) {
      const auto there = policy_.moved(over_.info());
      answer_text(one, "text/plain", there ? to_central_page(*there) : std::string(), there ? 200 : 404);
      co_return;
    }
    if (path == succession_page && one.asked().method() == "POST") {
      auto succeeding = succeed(one);
      co_await std::move(succeeding);
      co_return;
    }
    if (path == succession_page) {
      const auto over = policy_.gone_over(over_.info());
      answer_text(one, "text/plain", over ? to_carried_page(*over) : std::string(), over ? 200 : 404);
      co_return;
    }
    if (auto own = policy_.answer(over_.info(), one.asked())) {
      answer_text(one, "text/plain", std::move(own->text), own->status);
      co_return;
    }
    auto may_read = permission();
    auto answering = files_.answer(one, std::move(may_read), to_string(over_.info().peer));
    auto answered = co_await unless(one.ended(), std::move(answering));
    (void)answered;  // the stream has ended before; its client knows why
  }

  read_permission permission() {
    return [own = shared_from_this()](std::string_view share) {
      return own->policy_.may_read(own->over_.info().grant, share);
    };
  }

  void tell_grant(streams::stream& to) {
    const auto grant = policy_.current(over_.info().grant);
    if (!grant) return answer_text(to, "text/plain", {}, 404);
    answer_text(to, "text/plain", to_grant_page(*grant));
  }

  awaitable<void> succeed(streams::stream& to) {
    constexpr std::size_t longest = 1024;  // it has some 330
    auto reading = read_text(to, longest);
    auto text = co_await std::move(reading);
    if (!text) co_return refuse(to, text.error());
    const auto said = parse_succession_page(*text);
    if (!said) co_return refuse(to, said.error());
    const auto grant = policy_.succeed(over_.info(), *said);
    if (!grant) co_return refuse(to, grant.error());
    answer_text(to, "text/plain", to_grant_page(*grant));
  }

  static void refuse(streams::stream& to, const std::error_code& why) {
    auto made = refusal(to.asked(), why);
    (void)to.respond(made.head, std::move(made.body));
  }

  static void answer_text(streams::stream& to, const char* type, std::string text, unsigned status = 200) {
    streams::response head(status);
    head.with("content-type", type).with("content-length", std::to_string(text.size()));
    if (to.asked().method() == "HEAD") text.clear();
    const auto given = to.respond(head, std::move(text));
    (void)given;
  }

  streams::multiplexer over_;
  file_service& files_;
  host_policy& policy_;
  task_group work_;
};

}  // namespace detail

AJAR_DECL awaitable<void> host(sessions::session guest, file_service& files, host_policy& policy) {
  auto one = std::make_shared<detail::hosting>(std::move(guest), files, policy);
  auto serving = one->serve();
  return kept(std::move(one), std::move(serving));
}

}  // namespace ajar::files
