// SPDX-License-Identifier: BSL-1.0
// ajar/net/classify.hpp - from what central saw of a few connections to the kind of NAT that is there.
#pragma once

#include <ajar/net/reflection.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <span>

namespace ajar::net {

/// One short connection, and how central saw it.
struct sample {
  tcp::endpoint local;
  tcp::endpoint to;
  tcp::endpoint seen;
  bool again = false;  ///< its SYN or the answer was lost, so that it was sent once more: later than the others'
};

/// What the samples tell.
struct classified {
  mapping maps = mapping::unknown;
  std::int16_t step = 0;
};

namespace detail {

// Some count up a port in the wrong order of its two octets: a step of 256. What is further apart was drawn at random.
inline constexpr int longest_step = 512;

// The constant distance of the foreign ports, in the order of the SYNs. Where all came at once one may differ: the NAT
// came to the end of its ports, or somebody else had a connection in between. One that was sent again may have another
// port by then, and is passed over.
inline std::optional<std::int16_t> constant_step(std::span<const sample> samples) {
  constexpr std::size_t fewest = 4;
  constexpr std::size_t fewest_distances = 2;
  if (samples.size() < fewest) return std::nullopt;
  std::map<int, std::size_t> times;
  std::size_t distances = 0;
  std::optional<std::size_t> before;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (samples[i].again) continue;
    if (before) {
      const auto steps = static_cast<int>(i - *before);
      const int distance = int{samples[i].seen.port()} - int{samples[*before].seen.port()};
      if (distance % steps == 0) ++times[distance / steps];
      ++distances;
    }
    before = i;
  }
  if (distances < fewest_distances) return std::nullopt;
  const std::size_t odd = distances + 1 == samples.size() ? 1 : 0;
  for (const auto& [distance, count] : times) {
    const bool usual = count + odd >= distances;
    if (usual && distance != 0 && std::abs(distance) <= longest_step) return static_cast<std::int16_t>(distance);
  }
  return std::nullopt;
}

}  // namespace detail

/// Judge a NAT.
///
/// @param samples  in the order in which the SYNs left: at least two, of one local port to two destinations; for a
/// constant step four, three of them at the first attempt
/// @return unknown where they are too few; random where they contradict each other
/// Pure. Source: RFC 4787 section 4.1, RFC 5780 section 4.3.
inline classified classify(std::span<const sample> samples) {
  if (samples.empty()) return {};
  std::map<std::uint16_t, std::vector<const sample*>> of_port;
  bool same_address = true;
  bool same_port = true;
  bool one_outside = true;
  for (const auto& one : samples) {
    of_port[one.local.port()].push_back(&one);
    same_address = same_address && unmapped(one.seen.address()) == unmapped(one.local.address());
    same_port = same_port && one.seen.port() == one.local.port();
    one_outside = one_outside && unmapped(one.seen.address()) == unmapped(samples.front().seen.address());
  }
  if (!one_outside) return {mapping::random, 0};
  if (same_port) return {same_address ? mapping::none : mapping::preserving, 0};
  bool compared = false;
  bool stable = true;
  for (const auto& [port, all] : of_port) {
    for (const auto* one : all) {
      compared = compared || one->to != all.front()->to;
      stable = stable && one->seen.port() == all.front()->seen.port();
    }
  }
  if (!compared) return {};
  if (stable) return {mapping::stable, 0};
  if (const auto step = detail::constant_step(samples)) return {mapping::step, *step};
  return {mapping::random, 0};
}

/// The foreign port of the k-th connection from now, from 1, where mappings step.
constexpr std::uint16_t predict(std::uint16_t last, std::int16_t step, int k) {
  const int port = int{last} + int{step} * k;
  constexpr int first = 1024;
  constexpr int count = 65'536 - first;
  return static_cast<std::uint16_t>(first + ((port - first) % count + count) % count);
}

/// What two attempts from outside tell; nothing where one was not made.
///
/// @param unused  did central reach a port that had never sent anything?
/// @param used    did it reach, from a port of its own that we had not called, a port that had called central?
/// Pure. Endpoint-independent filtering behind a NAT is told as address-dependent, as central has one address.
inline filtering filtered(std::optional<bool> unused, std::optional<bool> used) {
  if (unused == true) return filtering::endpoint_independent;
  if (used == true) return filtering::address_dependent;
  return used == false ? filtering::port_dependent : filtering::unknown;
}

}  // namespace ajar::net
