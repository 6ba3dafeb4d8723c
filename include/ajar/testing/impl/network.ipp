// SPDX-License-Identifier: BSL-1.0
// ajar/testing/impl/network.ipp - what ajar/testing/network.hpp declares.
#pragma once

#include <ajar/testing/network.hpp>

#include <ajar/core/deadline.hpp>

#include <utility>

namespace ajar::testing {

namespace detail {

inline bool is_between(const detail::end& end, const net::address& a, const net::address& b) {
  const auto here = end.here.address();
  const auto there = end.there.address();
  return (here == a && there == b) || (here == b && there == a);
}

}  // namespace detail

AJAR_DECL awaitable<result<stream>> network_listener::accept() {
  auto place = place_;
  while (place->waiting.empty()) {
    if (!place->open) co_return fail(errc::canceled);
    auto changed = co_await place->changed.wait();
    if (!changed) co_return fail(changed.error());
  }
  auto arrived = std::move(place->waiting.front());
  place->waiting.pop_front();
  co_return arrived;
}

AJAR_DECL void network_listener::close() {
  if (!place_) return;
  place_->open = false;
  for (auto& one : place_->waiting) one.reset();
  place_->waiting.clear();
  place_->changed.notify();
}

AJAR_DECL result<std::vector<net::tcp::endpoint>> network::resolve(const net::endpoint& name) const {
  std::vector<net::tcp::endpoint> all;
  const auto named = names_.find(name.host());
  if (named != names_.end()) {
    for (const auto& at : named->second) all.emplace_back(at, name.port());
    return all;
  }
  std::error_code error;
  const auto numeric = asio::ip::make_address(name.host(), error);
  if (error) return fail(errc::name_not_found);
  all.emplace_back(numeric, name.port());
  return all;
}

AJAR_DECL void network::cut(const net::address& a, const net::address& b) {
  for (auto& one : streams_) {
    const auto end = one.lock();
    if (end && detail::is_between(*end, a, b)) end->lose();
  }
  black_hole(a, b);
}

AJAR_DECL void network::strand(const net::address& a, const net::address& b) {
  for (auto& one : streams_) {
    const auto end = one.lock();
    if (end && detail::is_between(*end, a, b)) end->out->lost = std::make_shared<bool>(true);
  }
}

AJAR_DECL result<network_listener> network::listen(net::tcp::endpoint on) {
  if (on.port() == 0) on.port(next_port_++);
  auto& place = listeners_[on];
  const auto there = place.lock();
  if (there && there->open) return fail(errc::bind_failed);
  auto made = std::make_shared<network_listener::place>(executor_, on);
  place = made;
  return network_listener(std::move(made));
}

AJAR_DECL awaitable<result<stream>> network::dial(net::address from, net::endpoint to, time_point until) {
  auto operation = connect(std::move(from), std::move(to));
  auto made = co_await before(until, errc::dial_timeout, std::move(operation));
  co_return made;
}

AJAR_DECL awaitable<result<stream>> network::dial_first(net::address from, std::vector<net::tcp::endpoint> all,
                                                        time_point until) {
  auto operation = connect_first(std::move(from), std::move(all));
  auto made = co_await before(until, errc::dial_timeout, std::move(operation));
  co_return made;
}

AJAR_DECL awaitable<result<stream>> network::connect(net::address from, net::endpoint name) {
  const auto all = resolve(name);
  if (!all) co_return fail(all.error());
  auto connecting = connect_first(std::move(from), *all);
  auto made = co_await std::move(connecting);
  co_return made;
}

AJAR_DECL awaitable<result<stream>> network::connect_first(net::address from, std::vector<net::tcp::endpoint> all) {
  result<stream> made = fail(errc::dial_unreachable);
  for (const auto& to : all) {
    auto& there = path(from, to.address());
    auto& back = path(to.address(), from);
    auto sent = co_await pass(there);
    if (!sent) co_return fail(sent.error());
    made = knock(net::tcp::endpoint(from, next_port_++), to);
    auto answered = co_await pass(back);
    if (!answered) co_return fail(answered.error());
    if (made) break;
  }
  co_return made;
}

AJAR_DECL awaitable<result<>> network::pass(path_state& on) {
  const auto arrival = *on.lost ? never : clock::now() + on.delay;
  auto arrived = co_await sleep_until(arrival);
  co_return arrived;
}

AJAR_DECL result<stream> network::knock(const net::tcp::endpoint& from, const net::tcp::endpoint& to) {
  const auto listener = listeners_[to].lock();
  if (!listener || !listener->open) return fail(errc::dial_refused);
  auto how = options_;
  how.delay(path(from.address(), to.address()).delay, path(to.address(), from.address()).delay);
  auto ends = make_stream_pair(executor_, how);
  name_end(ends.first, from, to);
  name_end(ends.second, to, from);
  listener->waiting.push_back(std::move(ends.second));
  listener->changed.notify();
  return std::move(ends.first);
}

AJAR_DECL void network::name_end(stream& one, const net::tcp::endpoint& here, const net::tcp::endpoint& there) {
  one.state()->here = here;
  one.state()->there = there;
  one.state()->out->lost = path(here.address(), there.address()).lost;
  std::erase_if(streams_, [](const auto& other) { return other.expired(); });
  streams_.push_back(one.state());
}

namespace detail {

class memory_port final : public net::port {
 public:
  explicit memory_port(network_listener from)
      : listener_(std::make_shared<network_listener>(std::move(from))), at_(listener_->local_endpoint()) {}
  memory_port(const memory_port&) = delete;
  memory_port& operator=(const memory_port&) = delete;
  ~memory_port() override { close(); }

  awaitable<result<net::transport>> accept() override { return accept_one(listener_); }
  net::tcp::endpoint local_endpoint() const override { return at_; }
  void close() override {
    listener_->close();
    open_ = false;
  }
  bool is_open() const override { return open_; }

 private:
  static awaitable<result<net::transport>> accept_one(std::shared_ptr<network_listener> at) {
    auto came = co_await at->accept();
    if (!came) co_return fail(came.error());
    co_return net::transport(std::move(*came));
  }

  std::shared_ptr<network_listener> listener_;
  net::tcp::endpoint at_;
  bool open_ = true;
};

class memory_host final : public net::network {
 public:
  memory_host(testing::network& in, net::address at) : in_(in), at_(std::move(at)) {}

  awaitable<result<net::transport>> dial(net::endpoint to, time_point until) override {
    return as_transport(in_.dial(at_, std::move(to), until));
  }
  awaitable<result<std::vector<net::tcp::endpoint>>> resolve(net::endpoint name) override {
    return give(in_.resolve(name));
  }
  awaitable<result<net::transport>> dial_first(std::vector<net::tcp::endpoint> all, time_point until) override {
    return as_transport(in_.dial_first(at_, std::move(all), until));
  }
  awaitable<result<net::transport>> dial_at(net::tcp::endpoint to, net::dial_times when) override {
    return dial_later(in_, at_, std::move(to), when);
  }
  result<std::shared_ptr<net::port>> listen(const asio::any_io_executor&, const net::tcp::endpoint& at,
                                            net::listen_options) override {
    auto made = in_.listen({at.address().is_unspecified() ? at_ : at.address(), at.port()});
    if (!made) return fail(made.error());
    return std::make_shared<memory_port>(std::move(*made));
  }
  bool has_sockets() const noexcept override { return false; }

 private:
  static awaitable<result<std::vector<net::tcp::endpoint>>> give(result<std::vector<net::tcp::endpoint>> found) {
    co_return found;
  }
  static awaitable<result<net::transport>> as_transport(awaitable<result<stream>> dialling) {
    auto made = co_await std::move(dialling);
    if (!made) co_return fail(made.error());
    co_return net::transport(std::move(*made));
  }
  static awaitable<result<net::transport>> dial_later(testing::network& in, net::address from, net::tcp::endpoint to,
                                                      net::dial_times when) {
    result<> slept;
    if (clock::now() < when.at) {
      slept = co_await sleep_until(when.at);
    }
    if (!slept) co_return fail(slept.error());
    auto dialling = as_transport(in.dial(std::move(from), net::endpoint(to), when.until));
    auto made = co_await std::move(dialling);
    co_return made;
  }

  testing::network& in_;
  net::address at_;
};

}  // namespace detail

AJAR_DECL std::shared_ptr<net::network> network::host(const net::address& at) {
  return std::make_shared<detail::memory_host>(*this, at);
}

}  // namespace ajar::testing
