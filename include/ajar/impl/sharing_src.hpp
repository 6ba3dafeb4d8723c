// SPDX-License-Identifier: BSL-1.0
// ajar/impl/sharing_src.hpp - the server's side of files/, compiled once.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/files/impl/file_answer.ipp>
#include <ajar/files/impl/file_service.ipp>
#include <ajar/files/impl/host.ipp>
#include <ajar/files/impl/listing.ipp>
#include <ajar/files/impl/open_files.ipp>
#include <ajar/files/impl/session_page.ipp>
