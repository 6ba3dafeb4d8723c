// SPDX-License-Identifier: BSL-1.0
// ajar/impl/windows_src.hpp - windows, both sides of a rendezvous and outbound sessions, compiled once.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/outbound/impl/dialer.ipp>
#include <ajar/outbound/impl/doorstep.ipp>
#include <ajar/rendezvous/impl/answers.ipp>
#include <ajar/rendezvous/impl/ask.ipp>
#include <ajar/rendezvous/impl/errand.ipp>
#include <ajar/rendezvous/impl/passage.ipp>
#include <ajar/rendezvous/impl/reflector.ipp>
#include <ajar/rendezvous/impl/respond.ipp>
#include <ajar/rendezvous/impl/timeline.ipp>
#include <ajar/rendezvous/impl/window_ports.ipp>
#include <ajar/windows/impl/cloak.ipp>
#include <ajar/windows/impl/crossing.ipp>
#include <ajar/windows/impl/listener.ipp>
#include <ajar/windows/impl/port_pool.ipp>
