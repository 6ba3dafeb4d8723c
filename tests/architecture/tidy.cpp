// SPDX-License-Identifier: BSL-1.0
// What ./dev lint gives to clang-tidy: all headers, and what of the templates the roles make of them.
#include <ajar.hpp>
#include <ajar/services/file_service.hpp>
#include <ajar/services/multiplexer.hpp>

template class ajar::tls::stream<ajar::net::tcp_stream>;
template class ajar::signalling::basic_link<ajar::net::tcp_stream>;
template class ajar::sessions::basic_session<ajar::net::tcp_stream>;
template class ajar::services::basic_multiplexer<ajar::net::tcp_stream>;
