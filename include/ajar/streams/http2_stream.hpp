// SPDX-License-Identifier: BSL-1.0
// ajar/streams/http2_stream.hpp - what the engine and the user of one HTTP/2 stream share.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/streams/body_source.hpp>
#include <ajar/streams/head.hpp>
#include <ajar/streams/window_tuner.hpp>

#include <cstring>
#include <memory>
#include <optional>

namespace ajar::streams {

/// One stream's state: heads, octets that have come and were not read, octets to send. No I/O.
///
/// It outlives the engine's own stream, so that what has come can be read after the stream has closed.
struct http2_stream {
  explicit http2_stream(const asio::any_io_executor& executor) : changed(executor) {}

  std::int32_t id = 0;

  // --- heads
  std::uint32_t head_size = 0;
  bool head_complete = false;
  bool responded = false;

  // --- how far it has come
  bool end_received = false;
  bool finishing = false;  // nothing follows what there is to send
  bool end_sent = false;
  bool deferred = false;   // the engine asked for octets in vain
  bool abandoned = false;  // nobody reads any more
  bool closed = false;
  bool noted = false;   // in the engine's list of those to notify
  std::error_code why;  // of an early end

  request asked;
  std::optional<response> answered;

  // --- from the other side: into the waiting reader's own room, else into the inbox, which the window bounds
  std::span<std::uint8_t> waiting;
  std::size_t filled = 0;
  bytes inbox;
  std::size_t inbox_read = 0;
  window_tuner::meter meter{window_tuner::stream_start};

  // --- to the other side: a writer's own octets, or a source
  bytes_view out;
  std::unique_ptr<body_source> source;

  notifier changed;

  void arrived(bytes_view octets) {
    const auto direct = std::min(waiting.size() - filled, octets.size());
    if (direct != 0) {
      std::memcpy(waiting.data() + filled, octets.data(), direct);
      filled += direct;
      octets = octets.subspan(direct);
    }
    if (!octets.empty()) inbox.insert(inbox.end(), octets.begin(), octets.end());
  }
  void put_back(bytes_view octets) {
    inbox.insert(inbox.begin() + static_cast<std::ptrdiff_t>(inbox_read), octets.begin(), octets.end());
  }
  /// As good as full: for a few octets more a reader is not made to wait.
  bool reader_is_full() const noexcept { return !waiting.empty() && waiting.size() - filled <= waiting.size() / 8; }

  /// Octets of the inbox. Errors: would_block, eof, why the stream ended.
  result<std::size_t> take(std::span<std::uint8_t> into) {
    const auto there = inbox.size() - inbox_read;
    if (there != 0) {
      const auto count = std::min(there, into.size());
      std::memcpy(into.data(), inbox.data() + inbox_read, count);
      inbox_read += count;
      if (inbox_read == inbox.size()) {
        inbox = bytes();
        inbox_read = 0;
      } else if (inbox_read >= 256 * 1024) {
        inbox.erase(inbox.begin(), inbox.begin() + static_cast<std::ptrdiff_t>(inbox_read));
        inbox_read = 0;
      }
      return count;
    }
    if (end_received) return fail(errc::eof);
    if (closed) return fail(why);
    return fail(errc::would_block);
  }

  /// Fill a frame. 0: the body has ended. Errors: would_block, the source's.
  result<std::size_t> pull(std::span<std::uint8_t> into) {
    if (!out.empty()) {
      const auto count = std::min(out.size(), into.size());
      std::memcpy(into.data(), out.data(), count);
      out = out.subspan(count);
      return count;
    }
    if (source) {
      auto count = source->read(into);
      if (!count || *count == 0) source.reset();
      return count;
    }
    if (finishing) return 0;
    return fail(errc::would_block);
  }

  void end(std::error_code cause) {
    closed = true;
    why = cause;
    out = {};
    source.reset();
    changed.notify();
  }
};

}  // namespace ajar::streams
