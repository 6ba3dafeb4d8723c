// SPDX-License-Identifier: BSL-1.0
// ajar/impl/links_src.hpp - links to central and sessions, compiled once.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/sessions/impl/doubt.ipp>
#include <ajar/sessions/impl/handshake.ipp>
#include <ajar/signalling/impl/link.ipp>
#include <ajar/signalling/impl/message.ipp>
#include <ajar/signalling/impl/redeem.ipp>
#include <ajar/signalling/impl/uplink.ipp>
