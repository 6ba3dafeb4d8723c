// SPDX-License-Identifier: BSL-1.0
// ajar/streams/body_source.hpp - where the octets of a body come from when the session has room for them.
#pragma once

#include <ajar/core/result.hpp>

#include <cstdint>
#include <span>

namespace ajar::streams {

/// A body that is pulled: the session asks for octets when it can send them, straight into the frame.
///
/// It is asked on the session's executor and must not wait for a network; a short read of a disk is fine.
class body_source {
 public:
  body_source() = default;
  body_source(const body_source&) = delete;
  body_source& operator=(const body_source&) = delete;
  virtual ~body_source() = default;

  /// Fill some of `into`, whose size is any from 1 on. 0: the body has ended.
  /// Errors: any; the stream is then reset, so that the other side does not take part of a body for the whole.
  virtual result<std::size_t> read(std::span<std::uint8_t> into) = 0;
};

}  // namespace ajar::streams
