// SPDX-License-Identifier: BSL-1.0
// Wide-area links between network namespaces, for kernels without netem: packets go in at one TUN device and come out
// at another one later, or never.
//
//   wanlink --conf FILE --ready FILE --link NAME NAMESPACE DEVICE NAMESPACE DEVICE [--link ...]
//
// A line of FILE: NAME DELAY JITTER LOSS DELAY JITTER LOSS: the first three from the first namespace to the second one,
// the others back; microseconds, microseconds, and packets in a million. SIGHUP reads it again. Within a direction
// packets keep their order. `--ready` names a file that gets the process id when all devices are there.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <queue>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using clock_type = std::chrono::steady_clock;
using instant = clock_type::time_point;

volatile std::sig_atomic_t reread = 1;
volatile std::sig_atomic_t ended = 0;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "wanlink: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

struct direction {
  std::chrono::microseconds delay{0};
  std::chrono::microseconds jitter{0};
  std::uint64_t loss = 0;  // of a million
  instant last{};          // when the packet before comes out
};

// From device 0 to device 1, and back.
struct wide_link {
  std::string name;
  std::array<int, 2> device{};
  std::array<direction, 2> way{};
};

struct packet {
  instant due;
  std::uint64_t number = 0;
  int device = -1;
  std::vector<char> octets;
};
struct later {
  bool operator()(const packet& a, const packet& b) const {
    return a.due != b.due ? a.due > b.due : a.number > b.number;
  }
};

// A TUN device in a network namespace; this process stays where it is.
int device_in(const std::string& space, const std::string& name) {
  const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  const int there = open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
  if (home < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0) fail("namespace " + space);
  const int made = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ifreq wish{};
  wish.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(wish.ifr_name, name.c_str(), IFNAMSIZ - 1);
  if (made < 0 || ioctl(made, TUNSETIFF, &wish) < 0) fail("/dev/net/tun, device " + name);
  if (setns(home, CLONE_NEWNET) < 0) fail("own namespace");
  close(home);
  close(there);
  return made;
}

class wan {
 public:
  explicit wan(std::vector<wide_link> links) : links_(std::move(links)) {
    poll_ = epoll_create1(EPOLL_CLOEXEC);
    timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (poll_ < 0 || timer_ < 0) fail("epoll");
    watch(timer_, timer_mark);
    for (std::size_t i = 0; i < links_.size(); ++i) {
      for (std::size_t side = 0; side < 2; ++side) watch(links_[i].device[side], i * 2 + side);
    }
  }

  void configure(const std::string& file) {
    std::ifstream in(file);
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream words(line);
      std::string name;
      std::array<std::uint64_t, 6> of{};
      if (!(words >> name >> of[0] >> of[1] >> of[2] >> of[3] >> of[4] >> of[5])) continue;
      for (auto& one : links_) {
        if (one.name != name) continue;
        for (std::size_t side = 0; side < 2; ++side) {
          one.way[side].delay = std::chrono::microseconds(of[side * 3]);
          one.way[side].jitter = std::chrono::microseconds(of[side * 3 + 1]);
          one.way[side].loss = of[side * 3 + 2];
        }
      }
    }
  }

  // Until a signal, or the next packet that is due.
  void turn() {
    deliver();
    wake_at_next();
    std::array<epoll_event, 32> events{};
    const int count = epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const auto mark = events[static_cast<std::size_t>(i)].data.u64;
      if (mark == timer_mark) {
        std::uint64_t expirations = 0;
        if (read(timer_, &expirations, sizeof expirations) < 0 && errno != EAGAIN) fail("timer");
      } else {
        take(links_[mark / 2], mark % 2);
      }
    }
  }

 private:
  static constexpr std::uint64_t timer_mark = ~std::uint64_t{0};

  void watch(int device, std::uint64_t mark) const {
    epoll_event wish{};
    wish.events = EPOLLIN;
    wish.data.u64 = mark;
    if (epoll_ctl(poll_, EPOLL_CTL_ADD, device, &wish) < 0) fail("epoll");
  }

  void deliver() {
    const auto now = clock_type::now();
    while (!waiting_.empty() && waiting_.top().due <= now) {
      put(waiting_.top().device, waiting_.top().octets.data(), waiting_.top().octets.size());
      waiting_.pop();
    }
  }

  static void put(int device, const char* octets, std::size_t size) {
    // a device that is down or full loses it, as a network does
    [[maybe_unused]] const auto written = write(device, octets, size);
  }

  void wake_at_next() const {
    itimerspec at{};
    if (!waiting_.empty()) {
      const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(waiting_.top().due.time_since_epoch());
      at.it_value.tv_sec = since.count() / 1'000'000'000;
      at.it_value.tv_nsec = since.count() % 1'000'000'000;
    }
    timerfd_settime(timer_, TFD_TIMER_ABSTIME, &at, nullptr);
  }

  void take(wide_link& from, std::size_t side) {
    constexpr int at_a_time = 64;
    auto& way = from.way[side];
    for (int i = 0; i < at_a_time; ++i) {
      const auto size = read(from.device[side], room_.data(), room_.size());
      if (size <= 0) return;
      if (way.loss > 0 && chance_() % 1'000'000 < way.loss) continue;
      auto due = clock_type::now() + way.delay;
      if (way.jitter.count() > 0) {
        due += std::chrono::microseconds(chance_() % static_cast<std::uint64_t>(way.jitter.count()));
      }
      due = std::max(due, way.last);
      way.last = due;
      waiting_.push({due, ++number_, from.device[1 - side], {room_.data(), room_.data() + size}});
    }
  }

  std::vector<wide_link> links_;
  int poll_ = -1;
  int timer_ = -1;
  std::priority_queue<packet, std::vector<packet>, later> waiting_;
  std::uint64_t number_ = 0;
  std::mt19937_64 chance_{std::random_device{}()};
  std::array<char, 65536> room_{};
};

}  // namespace

int main(int count, char** words) {
  std::string conf;
  std::string ready;
  std::vector<wide_link> links;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--conf" && i + 1 < count) {
      conf = words[++i];
    } else if (word == "--ready" && i + 1 < count) {
      ready = words[++i];
    } else if (word == "--link" && i + 5 < count) {
      wide_link one;
      one.name = words[i + 1];
      one.device = {device_in(words[i + 2], words[i + 3]), device_in(words[i + 4], words[i + 5])};
      links.push_back(std::move(one));
      i += 5;
    } else {
      std::fprintf(stderr, "wanlink: %s: not understood; see the head of wanlink.cpp\n", word.c_str());
      return 2;
    }
  }
  std::signal(SIGHUP, [](int) { reread = 1; });
  std::signal(SIGTERM, [](int) { ended = 1; });
  std::signal(SIGINT, [](int) { ended = 1; });
  prctl(PR_SET_TIMERSLACK, 1'000);  // nanoseconds
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  wan all(std::move(links));
  all.configure(conf);
  reread = 0;
  std::ofstream(ready) << getpid() << "\n";
  while (ended == 0) {
    if (reread != 0) {
      reread = 0;
      all.configure(conf);
    }
    all.turn();
  }
}
