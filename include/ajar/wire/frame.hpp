// SPDX-License-Identifier: BSL-1.0
// ajar/wire/frame.hpp - messages on a stream of octets: length, kind, payload.
#pragma once

#include <ajar/wire/codec.hpp>

#include <optional>

namespace ajar::wire {

/// The octets before a payload: a 24-bit length of the payload, then its kind.
inline constexpr std::size_t frame_header_size = 4;

/// No frame carries more: a link's memory stays bounded whatever a peer sends.
inline constexpr std::size_t max_payload = 32 * 1024;

struct frame_header {
  std::size_t length = 0;  ///< octets of payload
  std::uint8_t kind = 0;
};

/// One message as it travels.
struct frame {
  std::uint8_t kind = 0;
  bytes payload;
};

/// Append a frame. Precondition: at most max_payload octets.
inline void append_frame(bytes& into, std::uint8_t kind, bytes_view payload) {
  into.reserve(into.size() + frame_header_size + payload.size());
  into.push_back(static_cast<std::uint8_t>(payload.size() >> 16));
  into.push_back(static_cast<std::uint8_t>(payload.size() >> 8));
  into.push_back(static_cast<std::uint8_t>(payload.size()));
  into.push_back(kind);
  into.insert(into.end(), payload.begin(), payload.end());
}

/// Read a header. Errors: message_too_long where it announces more than max_payload.
inline result<frame_header> parse_frame_header(std::span<const std::uint8_t, frame_header_size> octets) {
  const std::size_t length =
      static_cast<std::size_t>(octets[0]) << 16 | static_cast<std::size_t>(octets[1]) << 8 | octets[2];
  if (length > max_payload) return fail(errc::message_too_long);
  return frame_header{length, octets[3]};
}

/// Cuts a stream of octets into frames, however they arrive.
///
/// Holds at most one frame's octets beyond what was last given. After an error it stays failed.
class frame_decoder {
 public:
  /// Add octets in their order. Precondition: `next()` was called until it gave nothing.
  void feed(bytes_view octets) {
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ = 0;
    held_.insert(held_.end(), octets.begin(), octets.end());
  }

  /// The next whole frame; an empty optional where more octets are needed. Errors: message_too_long.
  result<std::optional<frame>> next() {
    const bytes_view rest = bytes_view(held_).subspan(used_);
    if (rest.size() < frame_header_size) return let_go();
    const auto header = parse_frame_header(rest.first<frame_header_size>());
    if (!header) return fail(header.error());
    if (rest.size() < frame_header_size + header->length) return std::nullopt;
    const auto payload = rest.subspan(frame_header_size, header->length);
    used_ += frame_header_size + header->length;
    return frame{header->kind, bytes(payload.begin(), payload.end())};
  }

  /// True between frames: an end of the stream here cuts nothing.
  bool at_boundary() const noexcept { return used_ == held_.size(); }

 private:
  // An idle link owns no buffer.
  std::nullopt_t let_go() {
    if (at_boundary()) {
      held_ = bytes();
      used_ = 0;
    }
    return std::nullopt;
  }

  bytes held_;
  std::size_t used_ = 0;
};

}  // namespace ajar::wire
