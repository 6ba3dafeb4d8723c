// SPDX-License-Identifier: BSL-1.0
// ajar/testing/impl/stream_pair.ipp - what ajar/testing/stream_pair.hpp declares.
#pragma once

#include <ajar/testing/stream_pair.hpp>

namespace ajar::testing {

AJAR_DECL std::pair<stream, stream> make_stream_pair(const asio::any_io_executor& executor, const pair_options& how) {
  const auto first = std::make_shared<detail::end>(executor, how);
  const auto second = std::make_shared<detail::end>(executor, how);
  first->out = second->in = std::make_shared<detail::pipe>(executor, how.capacity, how.delays.first);
  first->in = second->out = std::make_shared<detail::pipe>(executor, how.capacity, how.delays.second);
  first->out->from = second->out->to = first;
  first->out->to = second->out->from = second;
  return {stream(first), stream(second)};
}

}  // namespace ajar::testing
