// SPDX-License-Identifier: BSL-1.0
// ajar/impl/services_src.hpp - all of services/ that is compiled once: in one file of a program, or in a library.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/services/impl/fetch.ipp>
#include <ajar/services/impl/file_answer.ipp>
#include <ajar/services/impl/file_service.ipp>
#include <ajar/services/impl/listing.ipp>
#include <ajar/services/impl/multiplexer.ipp>
#include <ajar/services/impl/stream.ipp>
