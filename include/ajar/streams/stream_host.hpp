// SPDX-License-Identifier: BSL-1.0
// ajar/streams/stream_host.hpp - what the streams of a session share with whoever moves its octets.
#pragma once

#include <ajar/core/notifier.hpp>
#include <ajar/streams/http2_engine.hpp>

namespace ajar::streams {

/// What the streams of a session share with whoever moves its octets.
struct stream_host {
  stream_host(http_role role, const asio::any_io_executor& executor) : engine(role, executor), work(executor) {}

  /// There may be something to send.
  void kick() {
    if (engine.wants_write()) work.notify();
  }

  http2_engine engine;
  notifier work;  // wakes the one who sends
};

}  // namespace ajar::streams
