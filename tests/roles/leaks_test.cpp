// SPDX-License-Identifier: BSL-1.0
#include <ajar.hpp>

#include "village.hpp"

#include <dirent.h>
#include <malloc.h>
#include <unistd.h>
#include <array>
#include <asio/co_spawn.hpp>
#include <fstream>
#include <set>

#if defined(__SANITIZE_ADDRESS__)
#define AJAR_UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AJAR_UNDER_ASAN 1
#endif
#endif
#ifdef AJAR_UNDER_ASAN  // gcc 12 of Debian comes without <sanitizer/allocator_interface.h>
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();  // NOLINT(bugprone-reserved-identifier)
#endif

using namespace std::chrono_literals;

namespace {

std::size_t heap_in_use() {
#ifdef AJAR_UNDER_ASAN
  return __sanitizer_get_current_allocated_bytes();
#else
  return ::mallinfo2().uordblks;
#endif
}

// The TCP sockets of this process, by the kernel's word.
std::size_t sockets() {
  std::set<std::string> own;
  DIR* folder = ::opendir("/proc/self/fd");
  REQUIRE(folder);
  while (const auto* entry = ::readdir(folder)) {
    std::array<char, 128> target{};
    const auto path = "/proc/self/fd/" + std::string(entry->d_name);
    const auto length = ::readlink(path.c_str(), target.data(), target.size() - 1);
    const std::string_view text(target.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    if (text.starts_with("socket:[")) own.emplace(text.substr(8, text.size() - 9));
  }
  ::closedir(folder);
  std::size_t count = 0;
  for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      const std::vector<std::string> all((std::istream_iterator<std::string>(fields)), {});
      if (all.size() > 9 && own.contains(all[9])) ++count;
    }
  }
  return count;
}

struct counts {
  std::size_t heap_after_100 = 0;
  std::size_t heap_after_all = 0;
  std::size_t sockets_before = 0;
  std::size_t sockets_after = 0;
  int failed = 0;
};

ajar::awaitable<void> open_many(ajar::client& client, ajar::peer_id home, ajar::by way, int windows, counts& into) {
  ajar::connect_options how;
  for (int i = 0; i < windows; ++i) {
    how.over(way).until(ajar::clock::now() + 10s);
    auto session = co_await client.connect(home, how);
    if (session) {
      auto greeted = co_await village::greet(*session);
      into.failed += greeted ? 0 : 1;
    } else {
      ++into.failed;
    }
    session = ajar::fail(ajar::errc::canceled);
    if (i == 0) into.sockets_before = sockets();
    if (i == 99) into.heap_after_100 = heap_in_use();
  }
  into.heap_after_all = heap_in_use();
  // the server's side of the last session may still be on its way out
  for (int i = 0; i < 1000; ++i) {
    into.sockets_after = sockets();
    if (into.sockets_after <= 5) break;
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + 1ms);
    (void)slept;
  }
}

ajar::awaitable<void> run_and_stop(ajar::client& client, ajar::server& server, ajar::central& central,
                                   ajar::peer_id home, ajar::by way, int windows, counts& into) {
  auto opening = open_many(client, home, way, windows, into);
  co_await std::move(opening);
  co_await client.stop();
  co_await server.stop();
  co_await central.stop();
}

}  // namespace

TEST_CASE("a thousand windows in a row leave no socket and no memory behind") {
  for (const auto way : {ajar::by::window, ajar::by::window_reverse}) {
    CAPTURE(static_cast<int>(way));
    const auto at_rest = sockets();
    {
      village::place here;
      const auto key = ajar::identity::key::generate();
      village::terms terms;
      terms.windows_a_minute = 65535;
      ajar::server server(here.context.get_executor(), here.home.key, here.server_options());
      server.start();
      server.spawn(village::serve_echo(server));
      ajar::client client(here.context.get_executor(), key, here.client_options(key, terms));
      counts seen;
      const int windows = way == ajar::by::window ? 1000 : 300;
      ajar::testing::run(here.context,
                         run_and_stop(client, server, here.central, here.home.key.id(), way, windows, seen), 100s);
      CHECK(seen.failed == 0);
      CHECK(seen.sockets_after == at_rest + 5);  // central's port, and both ends of two links
      CHECK(seen.heap_after_all < seen.heap_after_100 + 64 * 1024);
      CHECK(server.exposed().windows == (way == ajar::by::window ? 1000 : 0));
    }
    CHECK(sockets() == at_rest);
  }
}
