// SPDX-License-Identifier: BSL-1.0
// One file from a share to its place.
#pragma once

#include <ajar/core/deadline.hpp>
#include "fetching.hpp"

namespace tools {

namespace detail {

using file_stream = ajar::files::incoming_file;
using part_ptr = std::shared_ptr<part_file>;

// On a thread of the disk.
inline ajar::awaitable<ajar::result<>> settle(part_ptr part, ajar::files::file_time modified) {
  auto done = part->finish(modified);
  co_return done;
}

// SHA-256 of a file, on a thread of the disk.
inline ajar::awaitable<ajar::result<ajar::crypto::digest>> digest_of(std::shared_ptr<const ajar::descriptor> file) {
  ajar::crypto::sha256 sum;
  ajar::bytes piece(256 * 1024);
  for (std::uint64_t place = 0;;) {
    const auto count = ::pread(file->get(), piece.data(), piece.size(), static_cast<off_t>(place));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) co_return ajar::fail(ajar::last_error());
    if (count == 0) break;
    sum.add(ajar::bytes_view(piece).first(static_cast<std::size_t>(count)));
    place += static_cast<std::uint64_t>(count);
  }
  co_return sum.finish();
}

// Whether a file here is the one there: the server reads all of its own, we all of ours.
inline ajar::awaitable<verdict> compare(fetching_ptr on, const fetch_job& job, std::string name) {
  constexpr std::uint64_t slowest_disk = 10'000'000;  // octets a second
  auto own = std::make_shared<const ajar::descriptor>(
      ::openat(job.in->native(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!*own) co_return local_trouble_of(ajar::last_error());
  auto here = co_await asio::co_spawn(on->disk, digest_of(own), ajar::use_awaitable);
  if (!here) co_return local_trouble_of(here.error());
  ajar::files::file_request asked(job.from);
  asked.only(job.facts->etag).digest();
  const auto files = static_cast<std::uint64_t>(on->how.parallel) + 1;  // before ours
  const auto longest = ajar::files::patience + std::chrono::seconds(job.facts->size / slowest_disk * files);
  auto there = co_await ajar::files::look_at(on->at->over, std::move(asked), longest);
  if (!there) co_return remote_trouble(there.error());
  if (!there->digest) co_return remote_trouble(ajar::errc::answer_unexpected);
  if (*there->digest != *here) co_return remote_trouble(ajar::errc::digest_mismatch);
  co_return verdict{};
}

// The octets that are not there yet.
inline ajar::awaitable<verdict> fill(fetching_ptr on, const fetch_job& job, part_file& part, std::uint64_t& counted) {
  ajar::files::file_request asked(job.from);
  asked.from(part.size(), job.facts->etag).only(job.facts->etag);
  auto file = co_await ajar::files::open_file(on->at->over, std::move(asked));
  if (!file) co_return remote_trouble(file.error());
  const auto& head = file->head();
  if (head.facts.etag != job.facts->etag || head.facts.size != job.facts->size) {
    co_return remote_trouble(ajar::errc::file_changed);
  }
  if (head.first != part.size()) {
    auto cut = part.truncate();
    if (!cut) co_return local_trouble_of(cut.error());
  }
  ajar::bytes piece(64 * 1024);
  while (!on->stopped) {
    auto count = co_await file->read_some(piece);
    if (!count) co_return remote_trouble(count.error());
    if (*count == 0) co_return verdict{};
    auto written = part.append(ajar::bytes_view(piece).first(*count));
    if (!written) co_return local_trouble_of(written.error());
    counted += *count;
    on->numbers.octets += *count;
    on->lost_at.reset();
  }
  co_return remote_trouble(ajar::errc::canceled);
}

inline ajar::awaitable<verdict> try_fetch(fetching_ptr on, fetch_job& job, std::uint64_t& counted) {
  if (!job.facts) {
    ajar::files::file_request asked(job.from);
    auto found = co_await ajar::files::look_at(on->at->over, std::move(asked));
    if (!found) co_return remote_trouble(found.error());
    if (found->facts.kind != ajar::files::entry_kind::file) co_return remote_trouble(ajar::errc::not_a_file);
    on->numbers.total += found->facts.size;
    job.facts = found->facts;
  }
  const auto count_as_there = [&](std::uint64_t octets) {
    counted += octets;
    on->numbers.octets += octets;
    on->numbers.before += octets;
  };
  if (job.in->has(job.name, *job.facts)) {
    verdict same;
    if (on->how.verify) {
      same = co_await compare(on, job, job.name);
    }
    if (same) {
      count_as_there(job.facts->size);
      ++on->present;
      on->note_file(job, "present", job.facts->size);
      co_return verdict{};
    }
    if (same.error().why != ajar::errc::digest_mismatch) co_return same;
  }
  auto opened = part_file::open(job.in, job.name, *job.facts);
  if (!opened) co_return local_trouble_of(opened.error());
  auto part = std::make_shared<part_file>(std::move(*opened));
  if (!job.half.empty() && job.half != part->temporary()) ::unlinkat(job.in->native(), job.half.c_str(), 0);
  job.half = part->temporary();
  const auto there = part->size();
  if (there > 0) count_as_there(there);
  // a part of the whole length is the whole, if the file is still the same
  verdict filled = co_await fill(on, job, *part, counted);
  if (!filled && filled.error().why == ajar::errc::range_beyond_end && there == job.facts->size) filled = verdict{};
  if (!filled) {
    if (filled.error().why == ajar::errc::file_changed) part->remove();
    co_return filled;
  }
  if (on->how.verify) {
    auto same = co_await compare(on, job, part->temporary());
    if (!same) {
      if (same.error().why == ajar::errc::digest_mismatch) part->remove();
      co_return same;
    }
  }
  auto settled = co_await asio::co_spawn(on->disk, settle(part, job.facts->modified), ajar::use_awaitable);
  if (!settled) co_return local_trouble_of(settled.error());
  on->resumed += there;
  on->note_file(job, there > 0 ? "resumed" : "fetched", job.facts->size);
  co_return verdict{};
}

}  // namespace detail

// Fetch a file; once more where it changed meanwhile, and over another session where this one went. All that is to be
// said is said.
inline ajar::awaitable<void> fetch_file(fetching_ptr on, fetch_job job) {
  for (int attempt = 0;; ++attempt) {
    std::uint64_t counted = 0;
    const auto over = on->at;
    auto came = co_await detail::try_fetch(on, job, counted);
    if (came) {
      ++on->numbers.files;
      on->lost_at.reset();
      co_return;
    }
    on->numbers.octets -= counted;
    const auto& why = came.error().why;
    if (!came.error().local) {
      auto restoring = restore(on, over, why);
      const bool restored = co_await std::move(restoring);
      if (restored) {
        --attempt;
        continue;
      }
    }
    const bool changed = why == ajar::errc::file_changed || why == ajar::errc::share_cut_short;
    if (attempt > 0 || !changed || on->stopped) {
      on->note_failure(job.shown_path(), came.error());
      co_return;
    }
    if (job.facts) on->numbers.total -= job.facts->size;
    job.facts.reset();
    constexpr std::chrono::milliseconds pause{300};  // whoever changes it is at it now
    auto slept = co_await ajar::sleep_until(ajar::clock::now() + pause);
    if (!slept) co_return;
  }
}

}  // namespace tools
