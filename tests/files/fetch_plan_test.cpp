// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/fetch_plan.hpp>

#include <doctest/doctest.h>

namespace fetch_plan_test {

using namespace ajar;
using namespace ajar::files;
using namespace std::chrono_literals;

namespace {

folder_entry entry(entry_kind kind, std::optional<entry_kind> leads_to = std::nullopt) {
  folder_entry made{"name", kind, std::nullopt};
  if (leads_to) made.facts.emplace().kind = *leads_to;
  return made;
}

file_facts of_size(std::uint64_t size) {
  file_facts made;
  made.kind = entry_kind::file;
  made.size = size;
  return made;
}

std::error_code system_error(std::errc code) { return {static_cast<int>(code), std::system_category()}; }

constexpr time_point noon{1000h};

}  // namespace

TEST_CASE("files, links to files and folders are fetched, all else is left out") {
  CHECK(!leaves_out(entry(entry_kind::file, entry_kind::file)));
  CHECK(!leaves_out(entry(entry_kind::link, entry_kind::file)));
  CHECK(!leaves_out(entry(entry_kind::folder, entry_kind::folder)));
  CHECK(!leaves_out(entry(entry_kind::folder)));
  CHECK(leaves_out(entry(entry_kind::other)) == left_out_cause::not_a_file);
  CHECK(leaves_out(entry(entry_kind::link, entry_kind::folder)) == left_out_cause::link_to_folder);
  CHECK(leaves_out(entry(entry_kind::link, entry_kind::other)) == left_out_cause::link_to_folder);
  CHECK(leaves_out(entry(entry_kind::link)) == left_out_cause::link_to_nothing);
}

TEST_CASE("what the system says is this machine's own, what ajar says is not") {
  CHECK(local_trouble(system_error(std::errc::no_space_on_device)).local);
  CHECK(!local_trouble(errc::destination_special).local);
  CHECK(!remote_trouble(system_error(std::errc::connection_reset)).local);
}

TEST_CASE("a failure ends all where nothing else can be fetched or written either") {
  for (const auto one : {errc::file_not_found, errc::file_changed, errc::digest_mismatch, errc::service_not_granted,
                         errc::share_unreadable, errc::stream_reset, errc::destination_special,
                         errc::destination_changed, errc::destination_busy}) {
    CAPTURE(static_cast<int>(one));
    CHECK(!ends_all(remote_trouble(one)));
  }
  for (const auto one : {errc::truncated, errc::listing_malformed, errc::name_escapes, errc::answer_unexpected,
                         errc::stream_timeout, errc::canceled}) {
    CAPTURE(static_cast<int>(one));
    CHECK(ends_all(remote_trouble(one)));
  }
  CHECK(ends_all(local_trouble(system_error(std::errc::no_space_on_device))));
  CHECK(ends_all(local_trouble({EDQUOT, std::system_category()})));
  CHECK(!ends_all(local_trouble(system_error(std::errc::permission_denied))));
  CHECK(!ends_all(local_trouble(system_error(std::errc::is_a_directory))));
}

TEST_CASE("a session that went is one that nobody ended for good") {
  for (const auto one : {errc::truncated, errc::eof, errc::read_timeout, errc::write_timeout, errc::session_draining}) {
    CHECK(session_went(one));
  }
  for (const auto one : {errc::canceled, errc::grant_revoked, errc::http2_violated, errc::stream_timeout}) {
    CHECK(!session_went(one));
  }
}

TEST_CASE("an attempt that failed has brought nothing, one that was done counts once") {
  fetch_plan plan(60s);
  plan.found(of_size(100));
  plan.found(std::nullopt);
  CHECK(plan.counts().known == 2);
  CHECK(plan.counts().total == 100);
  fetch_attempt first;
  plan.was_there(first, 30);
  plan.came(first, 20);
  CHECK(plan.counts().octets == 50);
  CHECK(plan.counts().before == 30);
  plan.undone(first);
  CHECK(plan.counts().octets == 0);
  CHECK(plan.counts().before == 0);
  fetch_attempt second;
  plan.came(second, 100);
  plan.done(file_came::fetched);
  fetch_attempt third;
  plan.looked_at(of_size(7));
  plan.was_there(third, 7);
  plan.done(file_came::present);
  plan.all_found();
  CHECK(plan.counts().octets == 107);
  CHECK(plan.counts().total == 107);
  CHECK(plan.counts().files == 2);
  CHECK(plan.counts().present == 1);
  CHECK(plan.counts().resumed == 0);
  CHECK(plan.counts().complete);
  plan.done(file_came::resumed, 5);
  CHECK(plan.counts().resumed == 5);
  plan.strays(3, 1);
  plan.strays(2, 0);
  CHECK(plan.counts().removed == 5);
  CHECK(plan.counts().kept == 1);
}

TEST_CASE("a file that changed while it came is tried anew, once") {
  fetch_plan plan(60s);
  CHECK(plan.tries_anew(errc::file_changed, 0));
  CHECK(plan.tries_anew(errc::share_cut_short, 0));
  CHECK(plan.tries_anew(errc::digest_mismatch, 0));
  CHECK(!plan.tries_anew(errc::file_changed, 1));
  CHECK(!plan.tries_anew(errc::file_not_found, 0));
  plan.found(of_size(100));
  plan.changed(of_size(100));
  CHECK(plan.counts().total == 0);
  plan.end();
  CHECK(!plan.tries_anew(errc::file_changed, 0));
}

TEST_CASE("what failed is told, but not what only follows from it") {
  fetch_plan plan(60s);
  CHECK(plan.failed(remote_trouble(errc::file_not_found)));
  CHECK(!plan.ended());
  CHECK(plan.failed(remote_trouble(errc::truncated)));
  CHECK(plan.ended());
  CHECK(!plan.failed(remote_trouble(errc::truncated)));
  CHECK(!plan.failed(remote_trouble(errc::canceled)));
  CHECK(plan.failed(remote_trouble(errc::file_changed)));  // that is its own
  CHECK(plan.counts().failed == 5);
}

TEST_CASE("who ends a fetch is told of nothing that was canceled by that") {
  fetch_plan plan(60s);
  plan.end();
  CHECK(!plan.failed(remote_trouble(errc::canceled)));
  CHECK(plan.failed(local_trouble(system_error(std::errc::no_space_on_device))));
}

TEST_CASE("other sessions are tried for as long as nothing comes, from when a loss is noticed") {
  fetch_plan plan(60s);
  CHECK(plan.session_lost(noon) == noon + 60s);
  CHECK(plan.session_lost(noon + 59s) == noon + 60s);
  CHECK(!plan.session_lost(noon + 60s));
  fetch_attempt by;
  plan.came(by, 1);
  CHECK(plan.session_lost(noon + 70s) == noon + 130s);
  plan.done(file_came::present);
  CHECK(plan.session_lost(noon + 200s) == noon + 260s);
  fetch_attempt another;
  plan.was_there(another, 1);  // nothing came
  CHECK(plan.session_lost(noon + 210s) == noon + 260s);
  plan.end();
  CHECK(!plan.session_lost(noon + 220s));
  CHECK(!fetch_plan(0s).session_lost(noon));
}

TEST_CASE("what its user does not want is told by names, paths and kinds") {
  const std::vector<std::string> all = {"*.tmp", "/raw/*", "deep/cache/", ".git/"};
  CHECK(is_excluded(all, "a.tmp", false));
  CHECK(is_excluded(all, "deep/a.tmp", true));
  CHECK(is_excluded(all, "raw/a", false));
  CHECK(!is_excluded(all, "raw", true));
  CHECK(!is_excluded(all, "deep/raw/a", false));
  CHECK(is_excluded(all, "deep/cache", true));
  CHECK(!is_excluded(all, "deep/cache", false));
  CHECK(!is_excluded(all, "cache", true));
  CHECK(is_excluded(all, "deep/.git", true));
  CHECK(!is_excluded(all, ".gitignore", false));
  CHECK(!is_excluded({}, "a", false));
  CHECK(is_excluded({"/a"}, "a", false));
  CHECK(!is_excluded({"/a"}, "deep/a", false));
}

}  // namespace fetch_plan_test
