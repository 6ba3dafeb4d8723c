// SPDX-License-Identifier: BSL-1.0
// ajar/impl/rest_src.hpp - all of ajar that is compiled once, but the roles themselves.
#pragma once

#ifndef AJAR_COMPILED_LIB
#error "define AJAR_COMPILED_LIB in all files of the program"
#endif

#include <ajar/client/impl/join.ipp>
#include <ajar/control/impl/ask.ipp>
#include <ajar/control/impl/port.ipp>
#include <ajar/core/impl/deadline.ipp>
#include <ajar/core/impl/notifier.ipp>
#include <ajar/core/impl/task_group.ipp>
#include <ajar/net/impl/asio_face.ipp>
#include <ajar/net/impl/dial.ipp>
#include <ajar/net/impl/network.ipp>
#include <ajar/rendezvous/impl/timeline.ipp>
#include <ajar/sessions/impl/handshake.ipp>
#include <ajar/signalling/impl/link.ipp>
#include <ajar/signalling/impl/message.ipp>
#include <ajar/signalling/impl/redeem.ipp>
#include <ajar/signalling/impl/uplink.ipp>
#include <ajar/telling/impl/cause_name.ipp>
#include <ajar/tls/impl/certificate.ipp>
#include <ajar/tls/impl/context.ipp>
#include <ajar/tls/impl/stream.ipp>
