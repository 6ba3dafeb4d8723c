// SPDX-License-Identifier: BSL-1.0
#include <ajar/control/letter.hpp>

#include <doctest/doctest.h>
#include <filesystem>
#include <ostream>

#include "../no_descriptors.hpp"

namespace letter_test {

using namespace ajar;
using namespace ajar::control;

namespace {

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

struct pair {
  pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
    first = descriptor(ends[0]);
    second = descriptor(ends[1]);
  }
  descriptor first;
  descriptor second;
};

}  // namespace

TEST_CASE("a descriptor goes along with a datagram") {
  const pair ends;
  const auto file = control::detail::seal_text("hello");
  REQUIRE(file);
  REQUIRE(control::detail::send_letter(ends.first.get(), "octets", *file));
  const auto came = control::detail::take_letter(ends.second.get(), 100);
  REQUIRE(came);
  CHECK(came->octets == "octets");
  CHECK_FALSE(came->cut);
  CHECK(control::detail::read_sealed(came->passed, 5) == "hello");
  const auto none = control::detail::take_letter(ends.second.get(), 100);
  REQUIRE_FALSE(none);
  CHECK(none.error() == std::errc::resource_unavailable_try_again);
}

TEST_CASE("a datagram whose descriptor there is no room for stays until there is") {
  const pair ends;
  REQUIRE(control::detail::send_letter(ends.first.get(), "first", ends.first));
  REQUIRE(control::detail::send_letter(ends.first.get(), "second", descriptor()));
  {
    const no_descriptors none;
    for (int i = 0; i < 3; ++i) {
      const auto came = control::detail::take_letter(ends.second.get(), 100);
      REQUIRE_FALSE(came);
      CHECK(came.error() == std::errc::too_many_files_open);
    }
  }
  const auto first = control::detail::take_letter(ends.second.get(), 100);
  REQUIRE(first);
  CHECK(first->octets == "first");
  CHECK(first->passed);
  const no_descriptors none;  // the second one brings none
  const auto second = control::detail::take_letter(ends.second.get(), 100);
  REQUIRE(second);
  CHECK(second->octets == "second");
  CHECK_FALSE(second->passed);
}

TEST_CASE("of a datagram that is too long the beginning is kept, and that it is cut") {
  const pair ends;
  REQUIRE(control::detail::send_letter(ends.first.get(), "0123456789", descriptor()));
  const auto came = control::detail::take_letter(ends.second.get(), 4);
  REQUIRE(came);
  CHECK(came->octets == "0123");
  CHECK(came->cut);
}

TEST_CASE("whoever passes many descriptors leaves none behind") {
  const pair ends;
  const auto before = open_descriptors();
  std::array<int, 8> numbers{};
  numbers.fill(ends.first.get());
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof numbers)> room{};
  char octet = 'x';
  iovec piece{&octet, 1};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  auto* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof numbers);
  std::memcpy(CMSG_DATA(rights), numbers.data(), sizeof numbers);
  REQUIRE(::sendmsg(ends.first.get(), &message, 0) == 1);
  {
    const auto came = control::detail::take_letter(ends.second.get(), 100);
    REQUIRE(came);
    CHECK(came->passed);
    CHECK(open_descriptors() == before + 1);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a passed answer is read only where it is sealed and of its announced length") {
  const auto file = control::detail::seal_text("hello");
  CHECK(control::detail::read_sealed(*file, 4).error() == errc::message_malformed);
  CHECK(control::detail::read_sealed(descriptor(), 5).error() == errc::message_malformed);
  CHECK(::pwrite(file->get(), "x", 1, 0) < 0);  // nobody changes it while it is read
  const descriptor loose(::memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::write(loose.get(), "hello", 5) == 5);
  CHECK(control::detail::read_sealed(loose, 5).error() == errc::message_malformed);
  const descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(control::detail::read_sealed(null, 0).error() == errc::message_malformed);
}

}  // namespace letter_test
