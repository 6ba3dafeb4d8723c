// SPDX-License-Identifier: BSL-1.0
// ajar/control/letter.hpp - datagrams between processes of one machine, with who sent them and a descriptor.
#pragma once

#include <ajar/control/message.hpp>
#include <ajar/core/descriptor.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace ajar::control::detail {

// A folder's path may be longer than the 107 characters of a socket's name (unix(7)): go by its descriptor.
inline result<sockaddr_un> control_address(const descriptor& folder, const std::string& name) {
  const auto path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + name;
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path) return fail(errc::state_unusable);
  std::memcpy(at.sun_path, path.c_str(), path.size() + 1);
  return at;
}

inline result<descriptor> control_socket() {
  descriptor made(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made) return fail(last_error());
  return made;
}

/// Bound, for its user alone from the first instant: bind() takes the mode of the socket itself. The kernel notes who
/// sends.
inline result<descriptor> bind_control(const descriptor& folder, const std::string& name) {
  const auto at = control_address(folder, name);
  if (!at) return fail(at.error());
  auto made = control_socket();
  if (!made) return made;
  const int on = 1;
  if (::fchmod(made->get(), 0600) != 0 || ::setsockopt(made->get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
      ::bind(made->get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) != 0) {
    return fail(last_error());
  }
  return made;
}

/// Errors: not_running, control_refused (no permission), the system's.
inline result<descriptor> connect_control(const descriptor& folder, const std::string& name) {
  const auto at = control_address(folder, name);
  if (!at) return fail(at.error());
  auto made = control_socket();
  if (!made) return made;
  if (::connect(made->get(), reinterpret_cast<const sockaddr*>(&*at), sizeof *at) == 0) return made;
  if (errno == ENOENT || errno == ECONNREFUSED) return fail(errc::not_running);
  if (errno == EACCES || errno == EPERM) return fail(errc::control_refused);
  return fail(last_error());
}

/// One datagram as it came.
struct letter {
  std::string octets;
  bool cut = false;             ///< it was longer
  std::optional<uid_t> sender;  ///< the kernel's word, where the socket asked for it
  descriptor passed;            ///< the first one; others are closed
};

// What a message brought along besides its octets.
inline void take_along(msghdr& message, letter& into) {
  for (auto* one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level != SOL_SOCKET) continue;
    if (one->cmsg_type == SCM_CREDENTIALS) {
      ucred who{};
      std::memcpy(&who, CMSG_DATA(one), sizeof who);
      into.sender = who.uid;
    } else if (one->cmsg_type == SCM_RIGHTS) {
      const auto* numbers = CMSG_DATA(one);
      for (std::size_t at = 0; at + CMSG_LEN(sizeof(int)) <= one->cmsg_len; at += sizeof(int)) {
        int number = -1;
        std::memcpy(&number, numbers + at, sizeof number);
        descriptor owned(number);
        if (!into.passed) into.passed = std::move(owned);
      }
    }
  }
}

/// The next datagram of at most so many octets. An empty one is an end, for a pair.
///
/// Errors: the system's, resource_unavailable_try_again where there is none now, too_many_files_open where it brings a
/// descriptor for which there is no room: it stays, and may be taken later.
inline result<letter> take_letter(int from, std::size_t longest) {
  letter made;
  made.octets.resize(longest);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))> room{};
  iovec piece{made.octets.data(), made.octets.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  // to look at it first: what is received without room for its descriptor would be lost with it
  const auto count = ::recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_PEEK);
  if (count < 0) return fail(last_error());
  made.octets.resize(static_cast<std::size_t>(count));
  made.cut = (message.msg_flags & MSG_TRUNC) != 0;
  take_along(message, made);
  if (!made.passed && (message.msg_flags & MSG_CTRUNC) != 0)
    return fail(std::error_code(EMFILE, std::system_category()));
  if (::recv(from, nullptr, 0, MSG_DONTWAIT) < 0) return fail(last_error());
  return made;
}

/// Send a datagram, and pass a descriptor along where one is given; it never waits. Errors: the system's.
inline result<> send_letter(int to, std::string_view octets, const descriptor& passed) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  iovec piece{const_cast<char*>(octets.data()), octets.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (passed) {
    message.msg_control = room.data();
    message.msg_controllen = room.size();
    auto* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int number = passed.get();
    std::memcpy(CMSG_DATA(rights), &number, sizeof number);
  }
  if (::sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return fail(last_error());
  return {};
}

inline constexpr int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

/// A text as a file without a name that nobody can change any more. Errors: limit_reached, the system's.
inline result<descriptor> seal_text(std::string_view text) {
  if (text.size() > reply::longest_passed) return fail(errc::limit_reached);
  descriptor file(::memfd_create("ajar-answer", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail(last_error());
  auto written = write_all(file.get(), as_bytes(text));
  if (!written) return fail(written.error());
  if (::fcntl(file.get(), F_ADD_SEALS, all_seals) != 0) return fail(last_error());
  return file;
}

/// Read it. Errors: message_malformed (not sealed, or of another length), the system's.
inline result<std::string> read_sealed(const descriptor& file, std::uint64_t length) {
  struct stat status{};
  const int seals = ::fcntl(file.get(), F_GET_SEALS);
  if (seals < 0 || (seals & all_seals) != all_seals || ::fstat(file.get(), &status) != 0 ||
      static_cast<std::uint64_t>(status.st_size) != length) {
    return fail(errc::message_malformed);
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  for (std::size_t at = 0; at < text.size();) {
    const auto count = ::pread(file.get(), text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(last_error());
    if (count == 0) return fail(errc::message_malformed);
    at += static_cast<std::size_t>(count);
  }
  return text;
}

/// Answer whoever asked; he may be gone.
inline void send_reply(int to, const result<std::string>& what) {
  reply reply;
  descriptor file;
  if (!what) {
    reply.why = what.error();
  } else if (what->size() <= reply::longest_text) {
    reply.text = *what;
  } else if (auto sealed = seal_text(*what)) {
    reply.passed = what->size();
    file = std::move(*sealed);
  } else {
    reply.why = sealed.error();
  }
  (void)send_letter(to, to_datagram(reply), file);
}

}  // namespace ajar::control::detail
