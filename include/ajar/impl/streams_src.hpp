// SPDX-License-Identifier: BSL-1.0
// ajar/impl/streams_src.hpp - streams over a session, compiled once.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/streams/impl/multiplexer.ipp>
#include <ajar/streams/impl/stream.ipp>
