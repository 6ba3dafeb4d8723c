// SPDX-License-Identifier: BSL-1.0
// ajar/impl/roles_src.hpp - the three roles, compiled once.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/client/impl/join.ipp>
#include <ajar/impl/central.ipp>
#include <ajar/impl/client.ipp>
#include <ajar/impl/server.ipp>
#include <ajar/server/impl/state.ipp>
