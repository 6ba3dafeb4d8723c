// SPDX-License-Identifier: BSL-1.0
#include <ajar/files/file_service.hpp>

#include <ajar/core/task_group.hpp>
#include <ajar/testing/run.hpp>

#include "../temporary_folder.hpp"

#include <doctest/doctest.h>

namespace file_service_test {

using namespace ajar;
using namespace ajar::files;
using namespace ajar::streams;

namespace {

// What a stream keeps of its answer.
struct answered {
  explicit answered(request what) : wanted(std::move(what)) {}
  const request& asked() const { return wanted; }
  result<> respond(response head, std::string body) {
    got.emplace(std::move(head));
    text = std::move(body);
    return {};
  }
  result<> respond(response head, std::unique_ptr<body_source> body) {
    got.emplace(std::move(head));
    bytes into(64 * 1024);
    for (;;) {
      const auto count = body->read(into);
      if (!count) return fail(count.error());
      if (*count == 0) return {};
      text += as_text(bytes_view(into).first(*count));
    }
  }

  request wanted;
  std::optional<response> got;
  std::string text;
};

result<> everything(std::string_view) { return {}; }

awaitable<void> answer(file_service& service, answered& stream) {
  const read_permission may_read = everything;
  auto done = co_await service.answer(stream, may_read);
  CHECK(done.has_value());
}

std::string digest_field(const answered& stream) {
  return std::string(stream.got.value().fields().find("repr-digest").value_or("(none)"));
}

request wants(const std::string& path) { return request("HEAD", path).with("want-repr-digest", "sha-256=10"); }

}  // namespace

TEST_CASE("a service answers on streams") {
  asio::io_context context;
  temporary_folder on;
  on.file("a", "content");
  file_service service(context.get_executor());
  service.share("files", shared_folder::open(on.path).value());
  answered file(request("GET", "/files/a"));
  testing::run(context, answer(service, file));
  CHECK(file.got.value().status() == 200);
  CHECK(file.text == "content");
  service.share_only({});
  answered gone(request("GET", "/files/a"));
  testing::run(context, answer(service, gone));
  CHECK(gone.got.value().status() == 404);
}

TEST_CASE("a digest is that of the whole file, whatever part is asked for") {
  asio::io_context context;
  temporary_folder on;
  const std::string content(1'000'000, 'x');
  on.file("a", content);
  file_service service(context.get_executor());
  service.share("files", shared_folder::open(on.path).value());
  const auto expected = "sha-256=:" + to_base64(crypto::hash(as_bytes(content))) + ":";
  answered head(wants("/files/a"));
  testing::run(context, answer(service, head));
  CHECK(digest_field(head) == expected);
  CHECK(head.text.empty());
  answered part(request("GET", "/files/a").with("want-repr-digest", "sha-256=10").with("range", "bytes=5-9"));
  testing::run(context, answer(service, part));
  CHECK(digest_field(part) == expected);
  CHECK(part.text == "xxxxx");
}

TEST_CASE("a digest of a file that has grown is that of what it was, where that is asked for") {
  asio::io_context context;
  temporary_folder on;
  const std::string content(300'000, 'x');
  const auto path = on.file("a", content);
  file_service service(context.get_executor());
  auto share = shared_folder::open(on.path).value();
  const auto then = share.facts("a").value().etag;
  service.share("files", std::move(share));
  std::ofstream(path, std::ios::app) << "more";
  for (const bool grown : {false, true}) {
    auto asked = wants("/files/a");
    if (!grown) asked.with("ajar-snapshot", then);
    answered head(std::move(asked));
    testing::run(context, answer(service, head));
    CHECK(digest_field(head) == "sha-256=:" + to_base64(crypto::hash(as_bytes(content + (grown ? "more" : "")))) + ":");
  }
}

TEST_CASE("a digest lets other work run between its slices, and two run at a time") {
  asio::io_context context;
  temporary_folder on;
  for (const char* name : {"a", "b", "c"}) on.file(name, std::string(3'000'000, name[0]));
  file_service service(context.get_executor());
  service.share("files", shared_folder::open(on.path).value());
  answered a(wants("/files/a"));
  answered b(wants("/files/b"));
  answered c(wants("/files/c"));
  task_group work(context.get_executor());
  for (auto* one : {&a, &b, &c}) work.spawn(answer(service, *one));
  std::size_t turns = 0;
  std::size_t before_third = 0;
  while (context.poll_one() > 0) {
    ++turns;
    if (!a.got && !b.got) before_third = turns;
    CHECK((!c.got || (a.got || b.got)));
  }
  CHECK(before_third > 2 * 3'000'000 / (128 * 1024));
  for (auto* one : {&a, &b, &c}) CHECK(digest_field(*one).starts_with("sha-256=:"));
}

TEST_CASE("a digest that was cancelled makes room for the next") {
  asio::io_context context;
  temporary_folder on;
  for (const char* name : {"a", "b", "c"}) on.file(name, std::string(3'000'000, name[0]));
  file_service service(context.get_executor());
  service.share("files", shared_folder::open(on.path).value());
  answered a(wants("/files/a"));
  answered b(wants("/files/b"));
  {
    task_group work(context.get_executor());
    const auto quiet = [](file_service& of, answered& stream) -> awaitable<void> {
      const read_permission may_read = everything;
      auto done = co_await of.answer(stream, may_read);
      (void)done;
    };
    work.spawn(quiet(service, a));
    work.spawn(quiet(service, b));
    for (int i = 0; i < 6; ++i) context.poll_one();
    work.cancel();
    context.poll();
  }
  CHECK(!a.got);
  CHECK(!b.got);
  context.restart();
  answered c(wants("/files/c"));
  testing::run(context, answer(service, c));
  CHECK(digest_field(c).starts_with("sha-256=:"));
}

TEST_CASE("a file that changes while its digest is computed has none") {
  asio::io_context context;
  temporary_folder on;
  const auto path = on.file("a", std::string(3'000'000, 'a'));
  file_service service(context.get_executor());
  service.share("files", shared_folder::open(on.path).value());
  answered a(wants("/files/a"));
  task_group work(context.get_executor());
  work.spawn(answer(service, a));
  for (int i = 0; i < 6; ++i) context.poll_one();
  on.file("a", std::string(3'000'000, 'b'));
  context.run();
  REQUIRE(a.got.has_value());
  CHECK(a.got->status() == 412);
  CHECK(a.got->fields().find("ajar-error").value() == std::to_string(static_cast<int>(errc::file_changed)));
  context.restart();
  answered again(wants("/files/a"));
  testing::run(context, answer(service, again));
  CHECK(digest_field(again) == "sha-256=:" + to_base64(crypto::hash(as_bytes(std::string(3'000'000, 'b')))) + ":");
}

}  // namespace file_service_test
