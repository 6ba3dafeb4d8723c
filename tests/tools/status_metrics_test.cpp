// SPDX-License-Identifier: BSL-1.0
#include <tools/status_metrics.hpp>

#include <doctest/doctest.h>
#include <tools/status_json.hpp>

namespace status_metrics_test {

using namespace tools;

TEST_CASE("a server's metrics, and none for what is not known") {
  ajar::server_status from;
  from.link.linked = true;
  from.exposed.open = std::chrono::nanoseconds(1234);
  from.exposed.drops = 12;
  from.refusals.add(ajar::errc::grant_expired, 2);
  const auto text = status_metrics::text("ajar-server", {json_of(from)});
  CHECK(text.find("# TYPE ajar_server_exposure_seconds_total counter\n"
                  "ajar_server_exposure_seconds_total 0.000001234\n") != std::string::npos);
  CHECK(text.find("\najar_server_linked 1\n") != std::string::npos);
  CHECK(text.find("\najar_server_cloak_drops_total 12\n") != std::string::npos);
  CHECK(text.find("\najar_server_refusals_total{cause=\"grant_expired\"} 2\n") != std::string::npos);
  CHECK(text.find("\najar_server_sessions{path=\"window\"} 0\n") != std::string::npos);
  CHECK(text.find("\najar_server_link_round_trip_seconds ") == std::string::npos);
}

TEST_CASE("clients are told apart by their pid, under one head") {
  auto first = json_of(ajar::client_status());
  auto second = first;
  first["pid"] = 11;
  second["pid"] = 22;
  const auto text = status_metrics::text("ajar-client", {first, second});
  CHECK(text.find("# TYPE ajar_client_sessions_total counter\najar_client_sessions_total{pid=\"11\"} 0\n"
                  "ajar_client_sessions_total{pid=\"22\"} 0\n#") != std::string::npos);
}

TEST_CASE("central's metrics") {
  ajar::central_status from;
  from.servers = 2;
  from.rendezvous.begun = 7;
  from.rendezvous.ended = 4;
  from.not_accepted.add(std::make_error_code(std::errc::too_many_files_open), 3);
  const auto text = status_metrics::text("ajar-central", {json_of(from)});
  CHECK(text.find("\najar_central_links{role=\"server\"} 2\n") != std::string::npos);
  CHECK(text.find("\najar_central_rendezvous_in_flight 3\n") != std::string::npos);
  CHECK(text.find("\najar_central_not_accepted_total{cause=\"EMFILE\"} 3\n") != std::string::npos);
}

TEST_CASE("an answer that lacks something is an exception, which the tool tells in a line") {
  CHECK_THROWS(status_metrics::text("ajar-server", {json{{"ajar_status", 1}}}));
}

}  // namespace status_metrics_test
