// SPDX-License-Identifier: BSL-1.0
// ajar/impl/services_src.hpp - all of streams/ and files/ that is compiled once: in one file of a program, or in a
// library.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/impl/fetching_src.hpp>
#include <ajar/impl/sharing_src.hpp>
#include <ajar/impl/streams_src.hpp>
