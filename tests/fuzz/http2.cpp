// SPDX-License-Identifier: BSL-1.0
// HTTP/2 from any octets, as a server and as a client: no crash, and no more streams than were announced.
#include <ajar/streams/http2_engine.hpp>

#include <asio/io_context.hpp>
#include <cstdlib>

namespace {

using namespace ajar::streams;

class few final : public body_source {
 public:
  ajar::result<std::size_t> read(std::span<std::uint8_t> into) override {
    if (++asked_ > 3) return 0;
    into[0] = 'x';
    return 1;
  }

 private:
  int asked_ = 0;
};

void send_all(http2_engine& engine) {
  for (;;) {
    const auto octets = engine.produce();
    if (!octets || octets->empty()) return;
    if (octets->size() > 16384) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static asio::io_context context;
  const auto role = (data[0] & 1) != 0 ? http_role::client : http_role::server;
  const std::size_t piece = 1 + data[1];
  http2_engine engine(role, context.get_executor());
  std::vector<std::shared_ptr<http2_stream>> streams;
  if (role == http_role::client) {
    for (const bool body : {false, true}) {
      if (auto opened = engine.open(request("GET", "/"), body)) streams.push_back(*opened);
    }
    send_all(engine);
  } else {
    constexpr std::string_view magic = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    if (!engine.receive(ajar::as_bytes(magic), ajar::time_point(std::chrono::hours(1)))) return 0;
  }
  ajar::bytes_view left(data + 2, size - 2);
  ajar::bytes room(1000);
  auto now = ajar::time_point(std::chrono::hours(1));
  while (!left.empty()) {
    const auto some = left.first(std::min(left.size(), piece));
    left = left.subspan(some.size());
    now += std::chrono::milliseconds(1);
    if (!engine.receive(some, now)) break;
    while (auto asked = engine.next_request()) {
      if ((asked->id & 2) != 0) {
        asked->finishing = true;
        asked->source = std::make_unique<few>();
      }
      (void)engine.respond(*asked, response(200));
      streams.push_back(std::move(asked));
    }
    for (const auto& one : streams) {
      if (const auto count = one->take(room)) engine.credit(*one, *count);
    }
    if (streams.size() > 8) {
      engine.abandon(*streams.front());
      streams.erase(streams.begin());
    }
    send_all(engine);
    engine.tell_news();
    if (engine.streams() > most_streams) std::abort();
  }
  engine.end_all(ajar::errc::canceled);
  return 0;
}
