// SPDX-License-Identifier: BSL-1.0
// ajar/impl/fetching_src.hpp - the client's side of files/, compiled once.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/files/impl/destination.ipp>
#include <ajar/files/impl/fetch.ipp>
#include <ajar/files/impl/fetch_folder.ipp>
#include <ajar/files/impl/half_file.ipp>
#include <ajar/files/impl/strays.ipp>
#include <ajar/files/impl/walk.ipp>
