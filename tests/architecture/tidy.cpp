// SPDX-License-Identifier: BSL-1.0
// What ./dev lint gives to clang-tidy: the headers with most of the moving parts.
#include <ajar/identity/state_directory.hpp>
#include <ajar/net/dial.hpp>
#include <ajar/tls/stream.hpp>
#include <ajar/windows/listener.hpp>
#include <ajar/wire/frame.hpp>

template class ajar::tls::stream<ajar::net::tcp_stream>;
