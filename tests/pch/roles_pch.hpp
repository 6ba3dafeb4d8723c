// SPDX-License-Identifier: BSL-1.0
// What the tests of the roles compile besides: half of a role's test is what it includes.
#include <ajar.hpp>
#include <ajar/core/deadline.hpp>
#include <ajar/core/notifier.hpp>
#include <ajar/core/task_group.hpp>
#include <ajar/signalling/link.hpp>
#include <ajar/testing/manual_clock.hpp>
#include <ajar/testing/network.hpp>
#include <ajar/testing/run.hpp>
#include "tests_pch.hpp"
