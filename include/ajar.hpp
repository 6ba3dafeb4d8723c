// SPDX-License-Identifier: BSL-1.0
// ajar.hpp - all of ajar but the opt-in services and the testing room.
#pragma once

#include <ajar/central.hpp>
#include <ajar/client.hpp>
#include <ajar/client/join.hpp>
#include <ajar/server.hpp>
#include <ajar/state/folder.hpp>

namespace ajar {

using identity::peer_id;
using identity::url;
using sessions::session;
using state::folder;
using trust::grant;
using trust::grant_file;
using trust::signed_grant;

}  // namespace ajar
