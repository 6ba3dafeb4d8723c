// SPDX-License-Identifier: BSL-1.0
// ajar/streams/http2_session.hpp - nghttp2 as the engine sets it up: who is called back, and what a peer may do at
// most.
#pragma once

#include <ajar/core/bytes.hpp>
#include <ajar/streams/head.hpp>

#include <nghttp2/nghttp2.h>
#include <memory>
#include <new>
#include <vector>

// In nghttp2 from 1.57 and 1.61 on, and in what distributions have mended; elsewhere these are null.
extern "C" {
[[gnu::weak]] void nghttp2_option_set_stream_reset_rate_limit(nghttp2_option*, std::uint64_t, std::uint64_t);
[[gnu::weak]] void nghttp2_option_set_max_continuations(nghttp2_option*, std::size_t);
}

namespace ajar::streams {

inline constexpr std::uint32_t most_streams = 256;       ///< open at a time
inline constexpr std::size_t frame_payload = 16384 - 9;  ///< with its head one full TLS record

namespace detail {

struct http2_release {
  void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
};
using http2_session = std::unique_ptr<nghttp2_session, http2_release>;

// nghttp2's callbacks, handed on to an engine's functions of the same names.
template <class Engine>
struct http2_callbacks {
  static void set(nghttp2_session_callbacks* callbacks) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, [](auto*, const auto* frame, void* engine) {
      return static_cast<Engine*>(engine)->on_begin_headers(*frame);
    });
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                      const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* engine) {
          return static_cast<Engine*>(engine)->on_header(*frame, as_text({name, name_size}),
                                                         as_text({value, value_size}));
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, [](auto*, const auto* frame, void* engine) {
      return static_cast<Engine*>(engine)->on_frame(*frame);
    });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                      void* engine) { return static_cast<Engine*>(engine)->on_data(id, {data, size}); });
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, [](auto*, const auto* frame, void* engine) {
      return static_cast<Engine*>(engine)->on_sent(*frame);
    });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* engine) {
          return static_cast<Engine*>(engine)->on_close(id, code);
        });
    nghttp2_session_callbacks_set_data_source_read_length_callback(
        callbacks,
        [](nghttp2_session*, std::uint8_t, std::int32_t, std::int32_t, std::int32_t, std::uint32_t, void*) -> ssize_t {
          return frame_payload;
        });
  }
};

inline void set_limits(nghttp2_option* limits) {
  constexpr std::size_t most_acknowledgements = 100, most_continuations = 4;
  constexpr std::uint64_t resets_at_once = 100, resets_a_second = 33;
  nghttp2_option_set_no_auto_window_update(limits, 1);
  nghttp2_option_set_no_closed_streams(limits, 1);
  nghttp2_option_set_max_outbound_ack(limits, most_acknowledgements);
  nghttp2_option_set_max_send_header_block_length(limits, longest_head);
  nghttp2_option_set_peer_max_concurrent_streams(limits, most_streams);
  if (nghttp2_option_set_stream_reset_rate_limit) {
    nghttp2_option_set_stream_reset_rate_limit(limits, resets_at_once, resets_a_second);
  }
  if (nghttp2_option_set_max_continuations) nghttp2_option_set_max_continuations(limits, most_continuations);
}

template <class Engine>
http2_session make_http2_session(http_role role, Engine& engine) {
  nghttp2_session_callbacks* made = nullptr;
  nghttp2_option* limits = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
  const std::unique_ptr<nghttp2_session_callbacks, decltype(&nghttp2_session_callbacks_del)> callbacks(
      made, &nghttp2_session_callbacks_del);
  if (nghttp2_option_new(&limits) != 0) throw std::bad_alloc();
  const std::unique_ptr<nghttp2_option, decltype(&nghttp2_option_del)> option(limits, &nghttp2_option_del);
  http2_callbacks<Engine>::set(callbacks.get());
  set_limits(option.get());
  nghttp2_session* session = nullptr;
  const int failed = role == http_role::client
                         ? nghttp2_session_client_new2(&session, callbacks.get(), &engine, option.get())
                         : nghttp2_session_server_new2(&session, callbacks.get(), &engine, option.get());
  if (failed != 0) throw std::bad_alloc();
  return http2_session(session);
}

// The names and values stay where they are until nghttp2 has copied them.
inline result<std::vector<nghttp2_nv>> header_lines(const field_list& pseudo, const field_list& fields) {
  std::vector<nghttp2_nv> lines;
  lines.reserve(pseudo.size() + fields.size());
  std::size_t size = 0;
  const auto add = [&](const std::string& name, const std::string& value) {
    const auto* n = reinterpret_cast<const std::uint8_t*>(name.data());
    const auto* v = reinterpret_cast<const std::uint8_t*>(value.data());
    size += name.size() + value.size() + 32;
    lines.push_back(
        {const_cast<std::uint8_t*>(n), const_cast<std::uint8_t*>(v), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    return (name.starts_with(':') || nghttp2_check_header_name(n, name.size()) != 0) &&
           nghttp2_check_header_value(v, value.size()) != 0;
  };
  bool permitted = true;
  for (const auto& [name, value] : pseudo) permitted = add(name, value) && permitted;
  for (const auto& [name, value] : fields) permitted = add(name, value) && permitted;
  if (!permitted) return fail(errc::message_malformed);
  if (size > longest_head) return fail(errc::head_too_long);
  return lines;
}

}  // namespace detail

}  // namespace ajar::streams
