// SPDX-License-Identifier: BSL-1.0
// ajar/streams/http2_engine.hpp - HTTP/2 without I/O: octets in, octets out, streams in between.
#pragma once

#include <ajar/streams/frame_budget.hpp>
#include <ajar/streams/http2_session.hpp>
#include <ajar/streams/http2_stream.hpp>

#include <array>
#include <charconv>
#include <deque>
#include <functional>
#include <map>
#include <utility>

namespace ajar::streams {

/// nghttp2, with the limits that a hostile peer needs. Pure: the time is given, octets come and go by calls.
///
/// Neither copies nor moves: nghttp2 knows its address. None of its functions is called from inside another one.
/// Source: RFC 9113; the traps: docs/protocol.md, "Streams".
class http2_engine {
 public:
  http2_engine(http_role role, const asio::any_io_executor& executor)
      : role_(role), executor_(executor), session_(detail::make_http2_session(role, *this)) {
    if (role == http_role::server) budget_.skip(NGHTTP2_CLIENT_MAGIC_LEN);
    announce();
  }
  http2_engine(const http2_engine&) = delete;
  http2_engine& operator=(const http2_engine&) = delete;

  // --- octets

  /// What has come. Errors: http2_violated, http2_flood; the session is over then.
  result<> receive(bytes_view octets, time_point now) {
    now_ = now;
    if (!budget_.read(octets, now)) return fail(errc::http2_flood);
    const auto taken = nghttp2_session_mem_recv(session_.get(), octets.data(), octets.size());
    if (taken == NGHTTP2_ERR_FLOODED) return fail(errc::http2_flood);
    if (taken < 0) return fail(errc::http2_violated);
    if (probe_due_ && tuner_.wants_probe(now)) probe(now);
    probe_due_ = false;
    return {};
  }

  /// The next octets to send: one large frame, or small ones gathered, at most one TLS record's worth; empty: nothing
  /// now. They stay where they are until the next call. Errors: http2_violated.
  result<bytes_view> produce() {
    constexpr std::size_t record = 16384, worth_its_own = 8192;
    if (!held_.empty()) return std::exchange(held_, {});
    small_.clear();
    for (;;) {
      const std::uint8_t* data = nullptr;
      const auto count = nghttp2_session_mem_send(session_.get(), &data);
      if (count < 0) return fail(errc::http2_violated);
      if (count == 0) return small_;
      const bytes_view frame(data, static_cast<std::size_t>(count));
      if (small_.empty() && frame.size() >= worth_its_own) return frame;
      if (small_.size() + frame.size() > record) {
        held_ = frame;  // nghttp2's own memory, until its next frame is asked for
        return small_;
      }
      small_.insert(small_.end(), frame.begin(), frame.end());
    }
  }

  bool wants_write() const noexcept { return !held_.empty() || nghttp2_session_want_write(session_.get()) != 0; }
  /// The other side broke the rules, and was told so: the session is over.
  const std::optional<errc>& failed() const noexcept { return failed_; }

  // --- streams

  std::size_t streams() const noexcept { return streams_.size(); }
  /// The other side has said, or was told, that it takes no further stream.
  bool draining() const noexcept { return draining_; }
  /// Client: so many more streams the other side would take now.
  std::size_t room() const noexcept {
    const std::size_t most = std::min(
        most_streams, nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
    return most - std::min(most, streams_.size());
  }

  /// Client: ask. Errors: head_too_long, message_malformed (a field that HTTP does not permit), session_draining.
  result<std::shared_ptr<http2_stream>> open(request asked, bool body_follows) {
    if (draining_) return fail(errc::session_draining);
    const auto pseudo = asked.method() == "CONNECT"
                            ? field_list().add(":method", "CONNECT").add(":authority", asked.authority())
                            : field_list()
                                  .add(":method", asked.method())
                                  .add(":scheme", "https")
                                  .add(":authority", asked.authority().empty() ? "ajar" : asked.authority())
                                  .add(":path", asked.path());
    const auto head = detail::header_lines(pseudo, asked.fields());
    if (!head) return fail(head.error());
    auto stream = std::make_shared<http2_stream>(executor_);
    stream->asked = std::move(asked);
    stream->finishing = !body_follows;
    auto provider = provider_of(*stream);
    const auto id = nghttp2_submit_request(session_.get(), nullptr, head->data(), head->size(),
                                           body_follows ? &provider : nullptr, nullptr);
    if (id < 0) return fail(errc::session_draining);
    stream->id = id;
    streams_.emplace(id, stream);
    return stream;
  }

  /// Server: the next request that has come; none: nothing.
  std::shared_ptr<http2_stream> next_request() {
    if (arrived_.empty()) return nullptr;
    auto stream = std::move(arrived_.front());
    arrived_.pop_front();
    return stream;
  }
  bool has_request() const noexcept { return !arrived_.empty(); }

  /// Server: the head of the answer; a body follows from the stream's source or writer, unless it is finishing already
  /// and has neither. Errors: as open's, and why the stream ended.
  result<> respond(http2_stream& stream, const response& answer) {
    if (stream.closed) return fail(stream.why);
    const auto pseudo = field_list().add(":status", std::to_string(answer.status()));
    const auto head = detail::header_lines(pseudo, answer.fields());
    if (!head) return fail(head.error());
    auto provider = provider_of(stream);
    const bool bodiless = stream.finishing && !stream.source && stream.out.empty();
    if (nghttp2_submit_response(session_.get(), stream.id, head->data(), head->size(),
                                bodiless ? nullptr : &provider) != 0) {
      return fail(errc::stream_reset);
    }
    stream.responded = true;
    return {};
  }

  /// There is something to pull again. Exactly after it appeared: nghttp2 asks no more once it was told to wait.
  void resume(http2_stream& stream) {
    if (stream.closed || !std::exchange(stream.deferred, false)) return;
    nghttp2_session_resume_data(session_.get(), stream.id);
  }
  /// The reader took octets: the other side may send as many more.
  void credit(http2_stream& stream, std::size_t octets) {
    stream.meter.took(octets);
    whole_.took(octets);
    if (!stream.closed) nghttp2_session_consume_stream(session_.get(), stream.id, octets);
  }
  /// End a stream early. What is queued for it is dropped, so never after a whole answer.
  void reset(http2_stream& stream, std::uint32_t code = NGHTTP2_CANCEL) {
    if (!stream.closed) nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, code);
  }
  /// Nobody reads the stream any more. What is still to be sent is sent; what comes is discarded.
  void abandon(http2_stream& stream) {
    stream.abandoned = true;
    if (stream.closed) return;
    const bool whole = stream.finishing && (role_ == http_role::server ? stream.responded : stream.end_received);
    if (!whole) return reset(stream);
    stop_upload(stream);
  }

  /// Tell the other side that no further stream is taken; those there go on.
  void drain() {
    if (std::exchange(draining_, true)) return;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                          NGHTTP2_NO_ERROR, nullptr, 0);
  }
  /// All streams end with this cause.
  void end_all(std::error_code why) {
    const auto all = std::exchange(streams_, {});
    for (const auto& [id, stream] : all) stream->end(why);
    arrived_.clear();
  }

  // --- round trips

  /// Send a PING; `on_pong` is called with the token when it comes back.
  void ping(std::uint64_t token) {
    std::array<std::uint8_t, 8> octets{};
    std::memcpy(octets.data(), &token, octets.size());
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, octets.data());
  }
  std::function<void(std::uint64_t)> on_pong;
  const window_tuner& tuner() const noexcept { return tuner_; }
  std::int32_t session_window() const noexcept { return whole_.window(); }

  // --- news

  /// A reader's room is full, or something else than octets has happened: wake them before more is read.
  bool has_urgent_news() const noexcept { return urgent_; }
  /// Wake those for whom something has changed.
  void tell_news() {
    urgent_ = false;
    auto all = std::exchange(news_, {});
    for (const auto& stream : all) {
      stream->noted = false;
      stream->changed.notify();
    }
    all.clear();
    if (news_.empty()) news_ = std::move(all);  // its memory
  }

 private:
  template <class Engine>
  friend struct detail::http2_callbacks;
  static constexpr std::uint64_t probe_token = 0;

  void announce() {
    const std::array<nghttp2_settings_entry, 4> ours{{
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, role_ == http_role::server ? most_streams : 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window_tuner::stream_start},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, longest_head},
    }};
    nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, ours.data(), ours.size());
    nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, whole_.window());
  }

  nghttp2_data_provider provider_of(http2_stream& stream) {
    nghttp2_data_provider made{};
    made.source.ptr = &stream;
    made.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size, std::uint32_t* flags,
                            nghttp2_data_source* source, void* engine) {
      return static_cast<http2_engine*>(engine)->on_pull(*static_cast<http2_stream*>(source->ptr), {into, size},
                                                         *flags);
    };
    return made;
  }

  ssize_t on_pull(http2_stream& stream, std::span<std::uint8_t> into, std::uint32_t& flags) {
    const bool writer = !stream.out.empty();
    const auto count = stream.pull(into);
    if (writer && stream.out.empty()) note(stream, true);
    if (!count && count.error() == errc::would_block) {
      stream.deferred = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    if (!count) {
      stream.why = count.error();
      return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream: part of a body is not taken for the whole
    }
    budget_.earn(*count);
    if (*count == 0 || (stream.finishing && !stream.source && stream.out.empty())) {
      flags |= NGHTTP2_DATA_FLAG_EOF;
      stream.finishing = true;
    }
    return static_cast<ssize_t>(*count);
  }

  std::shared_ptr<http2_stream> find(std::int32_t id) const {
    const auto at = streams_.find(id);
    return at == streams_.end() ? nullptr : at->second;
  }

  void note(http2_stream& stream, bool urgent) {
    urgent_ = urgent_ || urgent;
    if (std::exchange(stream.noted, true)) return;
    if (auto shared = find(stream.id)) news_.push_back(std::move(shared));
  }

  int on_begin_headers(const nghttp2_frame& frame) {
    if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    auto stream = std::make_shared<http2_stream>(executor_);
    stream->id = frame.hd.stream_id;
    stream->asked = request("", "");
    streams_.emplace(frame.hd.stream_id, std::move(stream));
    return 0;
  }

  int on_header(const nghttp2_frame& frame, std::string_view name, std::string_view value) {
    const auto stream = find(frame.hd.stream_id);
    if (!stream || stream->why) return 0;
    stream->head_size += static_cast<std::uint32_t>(name.size() + value.size() + 32);
    if (stream->head_size > longest_head) {
      stream->why = errc::head_too_long;
      reset(*stream, NGHTTP2_ENHANCE_YOUR_CALM);
      return 0;
    }
    if (stream->head_complete) return 0;  // trailers say nothing here
    if (role_ == http_role::client) {
      if (!stream->answered) stream->answered.emplace();
      if (name == ":status") {
        stream->answered.emplace(status_of(value));
      } else if (!name.starts_with(':')) {
        stream->answered->with(std::string(name), std::string(value));
      }
    } else if (!name.starts_with(':')) {
      stream->asked.with(std::string(name), std::string(value));
    } else {
      stream->asked.pseudo(name, std::string(value));
    }
    return 0;
  }

  // nghttp2 has checked that it is three digits
  static unsigned status_of(std::string_view text) {
    unsigned status = 0;
    std::from_chars(text.data(), text.data() + text.size(), status);
    return status;
  }

  int on_frame(const nghttp2_frame& frame) {
    switch (frame.hd.type) {
      case NGHTTP2_HEADERS:
        on_head(frame);
        [[fallthrough]];
      case NGHTTP2_DATA:
        if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) on_end(frame.hd.stream_id);
        return 0;
      case NGHTTP2_PING:
        if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) on_ping_answer(frame.ping);
        return 0;
      case NGHTTP2_GOAWAY:
        draining_ = true;
        urgent_ = true;
        return 0;
      case NGHTTP2_SETTINGS:
        urgent_ = true;  // there may be room for more streams
        return 0;
      default:
        return 0;
    }
  }

  void on_head(const nghttp2_frame& frame) {
    const auto stream = find(frame.hd.stream_id);
    if (!stream || stream->why || stream->head_complete) return;
    if (role_ == http_role::client && stream->answered && stream->answered->status() < 200) {
      stream->answered.reset();  // an interim answer (RFC 9110 section 15.2): the real one follows
      return;
    }
    stream->head_complete = true;
    if (role_ == http_role::server) arrived_.push_back(stream);
    note(*stream, true);
  }

  void on_end(std::int32_t id) {
    const auto stream = find(id);
    if (!stream) return;
    stream->end_received = true;
    note(*stream, true);
  }

  int on_data(std::int32_t id, bytes_view octets) {
    budget_.earn(octets.size());
    probe_due_ = true;
    // the session's room is given back at once, so that one slow reader holds up no other stream
    nghttp2_session_consume_connection(session_.get(), octets.size());
    const auto stream = find(id);
    if (!stream) return 0;
    if (stream->abandoned) {
      nghttp2_session_consume_stream(session_.get(), id, octets.size());
      return 0;
    }
    stream->arrived(octets);
    note(*stream, stream->reader_is_full());
    return 0;
  }

  int on_sent(const nghttp2_frame& frame) {
    if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.error_code != NGHTTP2_NO_ERROR) {
      failed_ = frame.goaway.error_code == NGHTTP2_ENHANCE_YOUR_CALM ? errc::http2_flood : errc::http2_violated;
    }
    const bool carries = frame.hd.type == NGHTTP2_DATA || frame.hd.type == NGHTTP2_HEADERS;
    if (!carries || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    const auto stream = find(frame.hd.stream_id);
    if (!stream) return 0;
    stream->end_sent = true;
    stop_upload(*stream);
    return 0;
  }

  // An answer went out whole, and nobody reads what still comes (RFC 9113 section 8.1).
  void stop_upload(http2_stream& stream) {
    if (role_ == http_role::server && stream.abandoned && stream.end_sent && !stream.end_received) {
      reset(stream, NGHTTP2_NO_ERROR);
    }
  }

  int on_close(std::int32_t id, std::uint32_t code) {
    const auto at = streams_.find(id);
    if (at == streams_.end()) return 0;
    const auto stream = std::move(at->second);
    streams_.erase(at);
    std::erase(arrived_, stream);  // who resets what nobody has looked at leaves nothing behind
    urgent_ = true;
    stream->end(stream->why ? stream->why : cause_of(*stream, code));
    return 0;
  }

  static std::error_code cause_of(const http2_stream& stream, std::uint32_t code) {
    switch (code) {
      case NGHTTP2_NO_ERROR:
        return stream.end_received ? errc::eof : errc::stream_reset;
      case NGHTTP2_REFUSED_STREAM:
        return errc::stream_refused;
      case NGHTTP2_PROTOCOL_ERROR:
        return stream.head_complete ? errc::body_length_wrong : errc::http2_violated;
      default:
        return errc::stream_reset;
    }
  }

  // --- windows

  void probe(time_point now) {
    tuner_.probe_sent(now);
    window_tuner::begin(whole_);
    for (const auto& [id, stream] : streams_) window_tuner::begin(stream->meter);
    ping(probe_token);
  }

  void on_ping_answer(const nghttp2_ping& frame) {
    std::uint64_t token = 0;
    std::memcpy(&token, frame.opaque_data, sizeof token);
    if (token != probe_token) {
      if (on_pong) on_pong(token);
      return;
    }
    if (!tuner_.probe_answered(now_)) return;
    if (const auto window = tuner_.grow(whole_)) {
      nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, *window);
    }
    for (const auto& [id, stream] : streams_) {
      if (const auto window = tuner_.grow(stream->meter)) {
        nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, id, *window);
      }
    }
  }

  http_role role_;
  asio::any_io_executor executor_;
  std::map<std::int32_t, std::shared_ptr<http2_stream>> streams_;
  std::deque<std::shared_ptr<http2_stream>> arrived_;
  std::vector<std::shared_ptr<http2_stream>> news_;
  bool urgent_ = false;
  bool draining_ = false;
  std::optional<errc> failed_;
  bool probe_due_ = false;
  time_point now_{};
  frame_budget budget_;
  window_tuner tuner_;
  window_tuner::meter whole_{window_tuner::session_start};
  bytes small_;
  bytes_view held_;
  detail::http2_session session_;  // last: freed first
};

}  // namespace ajar::streams
