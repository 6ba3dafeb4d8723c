// SPDX-License-Identifier: BSL-1.0
#include <tools/manual.hpp>

#include <doctest/doctest.h>
#include <central/options.hpp>
#include <client/options.hpp>
#include <server/options.hpp>

namespace manual_test {

using namespace tools;

namespace {

constexpr const char* examples =
    "Examples:\n"
    "  ajar-x get home:a .     a file's text\n"
    "  ajar-x status\n";

// A name as roff has it.
std::string in_roff(std::string_view text) {
  std::string made;
  for (const char c : text) made.append(c == '-' ? "\\" : "").append(1, c);
  return made;
}

}  // namespace

TEST_CASE("a page has the sections of a manual, in their order") {
  const auto page = manual_of(client_table(), examples);
  CHECK(page.starts_with(".TH AJAR-CLIENT 1 \"\" \"ajar "));
  std::size_t at = 0;
  for (const char* section :
       {"NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "EXAMPLES", "EXIT STATUS", "FILES", "SEE ALSO"}) {
    const auto next = page.find(std::string("\n.SH ") + section + "\n");
    REQUIRE_MESSAGE(next != std::string::npos, section);
    CHECK_MESSAGE(next > at, section);
    at = next;
  }
  CHECK(page.find(".SH NAME\najar\\-client \\- fetches what a server shares") != std::string::npos);
  CHECK(page.find(".TP\n\\fB2\\fR\ncommand line\n") != std::string::npos);
  CHECK(page.find("\\fI/etc/ajar/ajar\\-client.toml\\fR") != std::string::npos);
  CHECK(page.ends_with('\n'));
}

TEST_CASE("a page names each command and each option of its tool") {
  for (const auto* table : {&central_table(), &server_table(), &client_table()}) {
    const auto page = manual_of(*table, examples);
    for (const auto& one : table->commands()) {
      CHECK_MESSAGE(page.find("\n.TP\n\\fB" + in_roff(one.name) + "\\fR") != std::string::npos, one.name);
    }
    for (const auto& one : table->options()) {
      CHECK_MESSAGE(page.find("\\fB" + in_roff("--" + one.name()) + "\\fR") != std::string::npos, one.name());
    }
    CHECK(page.find(in_roff(table->tool()) + "\\fR(1)") == std::string::npos);  // of itself
  }
}

TEST_CASE("what roff would take for its own is escaped") {
  option_table all("ajar-x", "It's a thing.\n");
  all.command_named("run", ".TH `is` a \\fBword", completes::file);
  all.add("out", "~/x^y").takes("FILE").by_default("-").of({"run"}).letter('o').command_line_only();
  const auto page = manual_of(all, examples);
  CHECK(page.find("ajar\\-x \\- it\\(aqs a thing\n") != std::string::npos);
  CHECK(page.find(".TP\n\\fBrun\\fR \\fIFILE\\fR\n\\&.TH \\(gais\\(ga a \\efBword\n") != std::string::npos);
  CHECK(page.find(
            ".TP\n\\fB\\-o\\fR, \\fB\\-\\-out\\fR=\\fIFILE\\fR\n\\(ti/x\\(hay\n.br\nDefault: \\-\n.br\nOf: run\n.br\n"
            "On the command line alone.\n") != std::string::npos);
  CHECK(page.find(".TP\n\\fBajar\\-x get home:a .\\fR\na file\\(aqs text\n") != std::string::npos);
}

}  // namespace manual_test
