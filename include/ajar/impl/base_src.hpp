// SPDX-License-Identifier: BSL-1.0
// ajar/impl/base_src.hpp - what links, windows and roles stand on, compiled once.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/control/impl/ask.ipp>
#include <ajar/control/impl/port.ipp>
#include <ajar/core/impl/deadline.ipp>
#include <ajar/core/impl/error.ipp>
#include <ajar/core/impl/notifier.ipp>
#include <ajar/core/impl/run_on.ipp>
#include <ajar/core/impl/task_group.ipp>
#include <ajar/crypto/impl/hash.ipp>
#include <ajar/crypto/impl/mac.ipp>
#include <ajar/crypto/impl/sign.ipp>
#include <ajar/net/impl/asio_face.ipp>
#include <ajar/net/impl/dial.ipp>
#include <ajar/net/impl/life_signs.ipp>
#include <ajar/net/impl/network.ipp>
#include <ajar/net/impl/octets.ipp>
#include <ajar/net/impl/round_trip.ipp>
#include <ajar/net/impl/route_watch.ipp>
#include <ajar/state/impl/durable_files.ipp>
#include <ajar/state/impl/folder.ipp>
#include <ajar/state/impl/folder_watch.ipp>
#include <ajar/state/impl/held_grants.ipp>
#include <ajar/state/impl/issued_grant.ipp>
#include <ajar/state/impl/issued_grants.ipp>
#include <ajar/state/impl/issued_invites.ipp>
#include <ajar/state/impl/revocation_list.ipp>
#include <ajar/state/impl/server_invites.ipp>
#include <ajar/telling/impl/cause_name.ipp>
#include <ajar/tls/impl/certificate.ipp>
#include <ajar/tls/impl/context.ipp>
#include <ajar/tls/impl/engine.ipp>
#include <ajar/tls/impl/library.ipp>
#include <ajar/tls/impl/stream.ipp>
