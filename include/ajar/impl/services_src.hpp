// SPDX-License-Identifier: BSL-1.0
// ajar/impl/services_src.hpp - all of streams/ and files/ that is compiled once: in one file of a program, or in a
// library.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/files/impl/destination.ipp>
#include <ajar/files/impl/fetch.ipp>
#include <ajar/files/impl/fetch_folder.ipp>
#include <ajar/files/impl/file_answer.ipp>
#include <ajar/files/impl/file_service.ipp>
#include <ajar/files/impl/half_file.ipp>
#include <ajar/files/impl/host.ipp>
#include <ajar/files/impl/listing.ipp>
#include <ajar/files/impl/open_files.ipp>
#include <ajar/files/impl/session_page.ipp>
#include <ajar/files/impl/strays.ipp>
#include <ajar/files/impl/walk.ipp>
#include <ajar/streams/impl/multiplexer.ipp>
#include <ajar/streams/impl/stream.ipp>
