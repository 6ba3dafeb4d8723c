// SPDX-License-Identifier: BSL-1.0
// ajar/net/dial.hpp - connect one outbound stream before a deadline.
#pragma once

#include <ajar/core/awaitable.hpp>
#include <ajar/core/clock.hpp>
#include <ajar/core/config.hpp>
#include <ajar/core/result.hpp>
#include <ajar/net/dial_options.hpp>
#include <ajar/net/transport.hpp>

#include <functional>
#include <vector>

namespace ajar::net {

/// When TCP asks whether the other end is still there: after so much silence, then so often, and so many times in vain.
/// A process that is stopped answers, as its kernel does. Source: RFC 9293 section 3.8.4, tcp(7).
struct keep_alive_times {
  std::chrono::seconds idle{60};
  std::chrono::seconds interval{15};
  int count = 4;
};

/// Best effort: what the kernel does not take stays as it was.
void keep_alive(tcp_stream& stream, const keep_alive_times& when);

/// Every connection of ajar: small messages leave at once, reads and writes never block, and an idle connection whose
/// other end has vanished ends after two minutes. Errors: what the kernel says.
result<> prepare(tcp_stream& stream);

/// Give up a connection whose sent octets were not acknowledged for so long (RFC 5482, tcp(7)).
void set_user_timeout(tcp_stream& stream, std::chrono::milliseconds after);

void set_user_timeout(transport& of, std::chrono::milliseconds after);

/// Close at once: what the kernel has not sent yet is dropped, and the other side gets a reset.
void reset(tcp_stream& stream);

/// Send the SYN now: when this returns it has left. The stream does not block. Errors: what the kernel says.
result<> begin_connect(tcp_stream& stream, const tcp::endpoint& to);

/// Wait until what was begun stands: writable it is only then, while getpeername() succeeds in SYN_RECV already.
/// Errors: what the kernel says; dial_refused, where TCP has connected to itself, as a local port that nobody listens
/// at can be the very one that the kernel dials from; canceled. Cancellation: terminal. The stream outlives the wait.
[[nodiscard]] awaitable<result<>> connected(tcp_stream& stream);

/// Look-ups of a process at a time; further ones wait.
inline constexpr unsigned most_lookups = 16;

/// All addresses of a name, in the resolver's order; a numeric one is itself.
///
/// Whoever asks has a thread, and is left to himself where nobody waits any more: a resolver that is silent holds up
/// neither a cancellation nor the end of the process.
/// @param names  who is asked; by default the system (getaddrinfo(3))
/// Errors: name_not_found, name_unanswered (the resolver itself gave up), a shortage, canceled. Cancellation: terminal.
[[nodiscard]] awaitable<result<std::vector<tcp::endpoint>>> resolve(endpoint name, name_source names = {});

/// When SYNs leave, and until when an answer is waited for. All are absolute, monotonic.
struct dial_times {
  time_point at;           ///< the first one, some microseconds later. An instant that is over is now.
  time_point until;        ///< errc::dial_timeout after it
  clock::duration gap{0};  ///< after so long without an answer another one; longer than a round trip. 0: one alone
  /// After a refusal, for where somebody is about to listen: again so long later, then twice as long, until `until`.
  /// 0: a refusal is the end.
  clock::duration again{0};
};

/// Connect to one address at an instant: all that takes time is done before. A SYN that gets lost is sent again by the
/// kernel after a second (RFC 6298 section 2), which is too late for much: a gap sends it sooner, from a fresh socket.
///
/// @param fresh  a socket for each try, prepare()d
/// Errors: dial_refused, dial_unreachable, dial_timeout, bind_failed, canceled, those of `fresh`. Cancellation:
/// terminal.
[[nodiscard]] awaitable<result<tcp_stream>> dial_from(std::function<result<tcp_stream>()> fresh, tcp::endpoint to,
                                                      dial_times when);

/// The same from an address of the routes' choice, or of the options'.
[[nodiscard]] awaitable<result<tcp_stream>> dial_at(tcp::endpoint to, dial_times when,
                                                    dial_options how = dial_options());

/// Connect to one address by two SYNs, a little apart, whichever arrives: for where one answer is all that is waited
/// for. Errors: dial's. Cancellation: terminal.
[[nodiscard]] awaitable<result<tcp_stream>> dial_twice(tcp::endpoint to, deadline until);

/// Connect to the first of several addresses that answers.
///
/// Tries them in the order of RFC 8305, a new one every 250 ms or as soon as one failed, and each once more where none
/// has answered at all; keeps the first that connects and cancels the rest before it returns.
///
/// @param all    in the resolver's order
/// @param until  errc::dial_timeout after it
/// @return the connected stream, non-blocking, without Nagle's delay
/// Errors: dial_refused, dial_unreachable, dial_timeout, bind_failed, canceled; with several addresses the last one's.
/// Cancellation: terminal. Threads: the caller's executor only. Source: RFC 8305.
[[nodiscard]] awaitable<result<tcp_stream>> dial_first(std::vector<tcp::endpoint> all, deadline until,
                                                       dial_options how = dial_options());

/// The same with the addresses of a name: resolve() before dial_first().
///
/// @param to     host name or address, and port
/// @param until  errc::name_unanswered or errc::dial_timeout after it
/// Errors: resolve's, dial_first's. Cancellation: terminal.
[[nodiscard]] awaitable<result<tcp_stream>> dial(endpoint to, deadline until, dial_options how = dial_options());

}  // namespace ajar::net

#ifdef AJAR_HEADER_ONLY
#include <ajar/net/impl/dial.ipp>
#endif
