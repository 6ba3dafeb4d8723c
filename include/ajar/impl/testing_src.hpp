// SPDX-License-Identifier: BSL-1.0
// ajar/impl/testing_src.hpp - all of testing/ that is compiled once: in one file of a program's tests.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/testing/impl/manual_clock.ipp>
#include <ajar/testing/impl/network.ipp>
#include <ajar/testing/impl/pipe.ipp>
#include <ajar/testing/impl/run.ipp>
#include <ajar/testing/impl/stream_pair.ipp>
