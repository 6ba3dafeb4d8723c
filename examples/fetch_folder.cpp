// SPDX-License-Identifier: BSL-1.0
// fetch_folder - a folder that is shared, and fetched over a session, all in one process.
//
//   build/release/examples/fetch_folder FROM TO
#include <ajar/files/fetch_folder.hpp>

#include <ajar/core/task_group.hpp>
#include <ajar/files/host.hpp>

#include "tools/one_process.hpp"

#include <fmt/format.h>
#include <asio/this_coro.hpp>

namespace {

using namespace ajar::files;

// Whoever has a grant may read all; state/issued_grants and issued_grant_policy look at what is in it.
struct open_house final : host_policy {
  ajar::result<> may_read(const ajar::trust::grant_id&, std::string_view) override { return {}; }
};

ajar::awaitable<void> serve(ajar::server& server, shared_folder what) {
  const auto executor = co_await asio::this_coro::executor;
  file_service files(executor);
  files.share("files", std::move(what));
  open_house policy;
  ajar::task_group hosts(executor);
  for (;;) {
    auto guest = co_await server.accept();
    if (!guest) break;
    hosts.spawn(host(std::move(*guest), files, policy));
  }
  co_await hosts.join();
}

struct lines final : fetch_events {
  void file_done(const fetched_file& one) override { fmt::print("{}: {} octets\n", one.path, one.size); }
  void failed(const fetch_failure& one) override { fmt::print("{}: {}\n", one.path, one.trouble.why.message()); }
};

ajar::awaitable<void> visit(ajar::client& client, ajar::peer_id home, destination into) {
  auto session = co_await client.connect(home);
  if (!session) co_return;
  auto over = std::make_shared<ajar::streams::multiplexer>(std::move(*session), ajar::streams::http_role::client);
  std::vector<fetch_source> what{{share_path{"files", "", true}, ""}};
  auto fetching = fetch_folder(over, std::move(what), std::move(into), std::make_shared<lines>());
  auto all = co_await std::move(fetching);
  fmt::print("{} files, {} were there, {} failed\n", all.files, all.present, all.failed);
  auto parted = co_await over->shutdown(std::chrono::seconds(1));
  (void)parted;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return fmt::print(stderr, "fetch_folder FROM TO\n"), 2;
  auto from = shared_folder::open(words[1]);
  auto to = destination::open(words[2], true);
  if (!from || !to) return fmt::print(stderr, "{}\n", (from ? to.error() : from.error()).message()), 1;
  const auto serving = [&](ajar::server& server) { return serve(server, std::move(*from)); };
  const auto visiting = [&](ajar::client& client, ajar::peer_id home) { return visit(client, home, std::move(*to)); };
  return tools::one_process().run(serving, visiting) ? 0 : 1;
}
