// SPDX-License-Identifier: BSL-1.0
#include <tools/settings.hpp>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <central/options.hpp>
#include <client/options.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <server/options.hpp>
#include <tools/trusted_file.hpp>

#include "../temporary_folder.hpp"

namespace settings_test {

using namespace tools;

namespace {

option_table table_of_all_shapes() {
  option_table all("ajar-thing", "A thing.");
  all.command_named("run", "");
  all.add("flag", "");
  all.add("mode", "").takes("WAYS").some_of({"outbound", "window"}).by_default("outbound,window");
  all.add("listen", "").takes("ADDR:PORT");
  all.add("count", "").takes_number(1, 9).by_default("3");
  all.add("service", "").takes_list("NAME:r");
  all.add("share", "").takes_pairs("NAME=FILE").path_of(completes::file).checked(check::named_path).live();
  all.add("admit", "").takes("FILE").path_of(completes::file).instead_of("open");
  all.add("open", "").instead_of("admit");
  all.add("out", "").takes("FILE").command_line_only();
  all.add("state", "").takes("FOLDER").path_of(completes::folder);
  all.add_usual();
  return all;
}
const option_table& table() {
  static const auto all = table_of_all_shapes();
  return all;
}

tl::expected<settings, mistakes> parsed(std::string_view text) { return parse_settings(table(), text, "/etc/x.toml"); }

mistakes wrong(std::string_view text) {
  const auto got = parsed(text);
  return got ? mistakes{} : got.error();
}

tl::expected<settings, mistakes> said(std::vector<const char*> words) {
  words.insert(words.begin(), "ajar-thing");
  return read_settings(table(), static_cast<int>(words.size()), words.data());
}

// A folder of its own, and an environment that names no other file.
class place {
 public:
  place() {
    ::umask(022);  // what a group may write is refused
    ::setenv("HOME", path_.c_str(), 1);
    ::setenv("XDG_CONFIG_HOME", (path_ + "/config").c_str(), 1);
    ::setenv("AJAR_STATE", (path_ + "/state").c_str(), 1);
    ::unsetenv("AJAR_CONFIG");
  }

  std::string write(const std::string& name, std::string_view text) const {
    const auto path = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }

 private:
  temporary_folder on_;
  const std::string& path_ = on_.path;
};

}  // namespace

TEST_CASE("a file gives the same values as the command line") {
  const auto got = parsed(
      "flag = true\nmode = ['window', 'outbound']\nlisten = 'a:1'\ncount = 9\nservice = ['a:r', 'b,c:r']\n"
      "[share]\ndocs = '/srv/docs'\n'a.b' = 'x'\n");
  REQUIRE(got);
  CHECK(got->as<bool>("flag"));
  CHECK(got->count("flag") == 1);
  CHECK(got->as<std::string>("mode") == "window,outbound");
  CHECK((*got)["listen"].as<std::string>() == "a:1");
  CHECK((*got)["count"].as<unsigned>() == 9);
  CHECK(got->as<std::vector<std::string>>("service") == std::vector<std::string>{"a:r", "b,c:r"});
  CHECK(got->as<std::vector<std::string>>("share") == std::vector<std::string>{"a.b=/etc/x", "docs=/srv/docs"});
  CHECK(got->where("listen") == "/etc/x.toml:3:10: listen");
  CHECK(got->where("share", 1) == "/etc/x.toml:7:1: share");
  CHECK(got->where("state") == "--state");
}

TEST_CASE("an empty file, and one of comments, say nothing") {
  for (const char* text : {"", "\n", "# flag = true\n"}) {
    const auto got = parsed(text);
    REQUIRE(got);
    CHECK(got->count("flag") == 0);
    CHECK(!got->find("mode"));
  }
}

TEST_CASE("each mistake of a file has its line, its column and what to do, in their order") {
  CHECK(wrong("\nlisetn = 'a'\n") ==
        mistakes{"/etc/x.toml:2:1: lisetn is no setting of ajar-thing: did you mean listen?"});
  CHECK(wrong("frobnicate = 1") ==
        mistakes{"/etc/x.toml:1:1: frobnicate is no setting of ajar-thing: 'ajar-thing config' lists them"});
  CHECK(wrong("out = 'x'") == mistakes{"/etc/x.toml:1:1: out is for the command line only: remove it here"});
  CHECK(wrong("config = 'x'") == mistakes{"/etc/x.toml:1:1: config is for the command line only: remove it here"});
  CHECK(wrong("flag = 'yes'") == mistakes{"/etc/x.toml:1:8: flag is text: write flag = true"});
  CHECK(wrong("listen = 7") == mistakes{"/etc/x.toml:1:10: listen is a whole number: write listen = \"ADDR:PORT\""});
  CHECK(wrong("count = '3'") == mistakes{"/etc/x.toml:1:9: count is text: write count = 3"});
  CHECK(wrong("count = 1.5") == mistakes{"/etc/x.toml:1:9: count is a number with a fraction: write count = 3"});
  CHECK(wrong("count = 10") == mistakes{"/etc/x.toml:1:9: count is a number from 1 to 9"});
  CHECK(wrong("count = -1") == mistakes{"/etc/x.toml:1:9: count is a number from 1 to 9"});
  CHECK(wrong("listen = 1979-05-27") ==
        mistakes{"/etc/x.toml:1:10: listen is a date or a time: write listen = \"ADDR:PORT\""});
  CHECK(wrong("service = 'a:r'") == mistakes{"/etc/x.toml:1:11: service is text: write service = [\"NAME:r\"]"});
  CHECK(wrong("service = ['a:r', 7]") ==
        mistakes{"/etc/x.toml:1:19: service is a whole number: write service = [\"NAME:r\"]"});
  CHECK(wrong("share = 'a=b'") ==
        mistakes{"/etc/x.toml:1:9: share is text: write [share] and below it NAME = \"FILE\""});
  CHECK(wrong("[share]\ndocs = 7") ==
        mistakes{"/etc/x.toml:2:8: share.docs is a whole number: write [share] and below it NAME = \"FILE\""});
  CHECK(wrong("[share]\n'-x' = '/x'")[0].starts_with("/etc/x.toml:2:1: share.-x is NAME=FILE, each name once: "));
  CHECK(wrong("mode = 'inbound'") == mistakes{"/etc/x.toml:1:8: mode is outbound, window, or outbound,window"});
  CHECK(wrong("mode = ['window', 'inbound']") ==
        mistakes{"/etc/x.toml:1:8: mode is outbound, window, or outbound,window"});
  CHECK(wrong("listen = \"a\\u0000b\"") == mistakes{"/etc/x.toml:1:10: listen has a control character: remove it"});
  CHECK(wrong("listen = \"a\\nb\"") == mistakes{"/etc/x.toml:1:10: listen has a control character: remove it"});
  const auto several = wrong("mode = 'x'\nflag = 7\nzzzzzzzz = 1\n");
  REQUIRE(several.size() == 3);
  CHECK(several[0].starts_with("/etc/x.toml:1:8: mode"));
  CHECK(several[1].starts_with("/etc/x.toml:2:8: flag"));
  CHECK(several[2].starts_with("/etc/x.toml:3:1: zzzzzzzz"));
}

TEST_CASE("what is no TOML has its place too, on one line") {
  for (const char* text : {"flag", "flag = ", "flag = true\nflag = false\n", "[share\n", "listen = 'a\n",
                           "\xff\xfe = 1", "a = \"\x1b[31m\"", "listen = \"\\q\"", "[share]\na='1'\n[share]\nb='2'"}) {
    const auto all = wrong(text);
    INFO(text);
    REQUIRE(all.size() == 1);
    CHECK(all[0].starts_with("/etc/x.toml:"));
    CHECK(all[0].ends_with(": write KEY = \"VALUE\", as TOML has it"));
    for (const char c : all[0]) CHECK((c >= 0x20 && c < 0x7f));
  }
  // letters that are no ASCII, where toml++ must not take them for blanks
  for (const char* text : {"caf\xc3\xa9 = 1", "flag = \xef\xb3\xbf", "mode =+[0\"x\xef\xbb\xb7\" = true"}) {
    REQUIRE(wrong(text).size() == 1);
    CHECK(wrong(text)[0].ends_with(": write KEY = \"VALUE\", as TOML has it"));
  }
  CHECK(wrong("flag = true\ncaf\xc3\xa9 = 1")[0].starts_with("/etc/x.toml:2:4: "));
  CHECK(wrong("flag = true\nlisten = '\xc3\xa9' \xc3\xa9")[0].starts_with("/etc/x.toml:2:14: "));
  CHECK(parsed("# caf\xc3\xa9 '\nlisten = 'caf\xc3\xa9 #' # '\nadmit = \"/\\\"\xc3\xa9\\\\\"")
            ->as<std::string>("listen") == "caf\xc3\xa9 #");
  CHECK(parsed("\xef\xbb\xbflisten = '' # \"\"\""));
  CHECK(wrong("flag = true\nflag = ")[0].starts_with("/etc/x.toml:2:8: "));
  CHECK(!wrong(std::string(100'000, '[')).empty());
  CHECK(!wrong("service = " + std::string(100'000, '[')).empty());
}

TEST_CASE("a key from a file is escaped before it is shown") {
  const auto all = wrong("\"\\u001b[2J\\n\" = 1");
  REQUIRE(all.size() == 1);
  CHECK(all[0].starts_with("/etc/x.toml:1:1: \\x1b[2J\\x0a is no setting"));
}

TEST_CASE("the command line wins over the file, and the file over the defaults") {
  const place here;
  const auto file = here.write("a.toml", "count = 5\nlisten = 'file:1'\nflag = true\n[share]\na = '/a'\nb = '/b'\n");
  const auto got = said({"run", "--config", file.c_str(), "--count", "7", "--share", "c=c", "--flag=false", "word"});
  REQUIRE(got);
  CHECK(got->as<std::string>("command") == "run");
  CHECK(got->as<std::vector<std::string>>("words") == std::vector<std::string>{"word"});
  CHECK(got->as<unsigned>("count") == 7);
  CHECK(got->as<std::string>("listen") == "file:1");
  CHECK(got->as<std::vector<std::string>>("share") == std::vector<std::string>{"c=c"});
  CHECK(got->count("flag") == 0);
  CHECK(got->as<std::string>("mode") == "outbound,window");
  CHECK(got->count("mode") == 0);
  CHECK(got->file() == file);
  CHECK(got->where("listen") == file + ":2:10: listen");
  CHECK(got->where("count") == "--count");
}

TEST_CASE("an option of the command line puts its opposite of the file aside") {
  const place here;
  const auto file = here.write("a.toml", "admit = 'list'\n");
  const auto alone = said({"run", "--config", file.c_str()});
  REQUIRE(alone);
  CHECK(alone->as<std::string>("admit") == file.substr(0, file.size() - 6) + "list");
  const auto both = said({"run", "--config", file.c_str(), "--open"});
  REQUIRE(both);
  CHECK(both->count("open") == 1);
  CHECK(both->count("admit") == 0);
}

TEST_CASE("the file is the first of --config, $AJAR_CONFIG, the state folder's, the user's") {
  const place here;
  CHECK(said({"run"})->file().empty());
  const auto user = here.write("config/ajar/ajar-thing.toml", "listen = 'user'");
  CHECK(said({"run"})->as<std::string>("listen") == "user");
  const auto state = here.write("state/config.toml", "listen = 'state'");
  CHECK(said({"run"})->as<std::string>("listen") == "state");
  const auto other = here.write("other/config.toml", "listen = 'other'");
  const auto folder = other.substr(0, other.rfind('/'));
  CHECK(said({"run", "--state", folder.c_str()})->as<std::string>("listen") == "other");
  const auto named = here.write("named.toml", "listen = 'named'");
  ::setenv("AJAR_CONFIG", named.c_str(), 1);
  CHECK(said({"run"})->as<std::string>("listen") == "named");
  CHECK(said({"run", "--config", user.c_str()})->as<std::string>("listen") == "user");
  CHECK(said({"run", "--config", "/dev/null"})->count("listen") == 0);
  ::setenv("AJAR_CONFIG", "/nonexistent", 1);
  const auto missing = said({"run"});
  REQUIRE(!missing);
  CHECK(missing.error()[0].starts_with("/nonexistent: cannot be read"));
  CHECK(said({"completion", "bash"}));  // asks for no file
  ::setenv("AJAR_CONFIG", "", 1);
  CHECK(said({"run"})->as<std::string>("listen") == "state");
  ::unsetenv("AJAR_CONFIG");
  here.write("state/config.toml", "state = '/elsewhere'");
  const auto elsewhere = said({"run"});
  REQUIRE(!elsewhere);
  CHECK(elsewhere.error()[0].find(":1:9: state names another folder") != std::string::npos);
}

TEST_CASE("a file that others may write, or that is none, is refused") {
  const place here;
  const auto file = here.write("a.toml", "flag = true");
  REQUIRE(::chmod(file.c_str(), 0666) == 0);
  CHECK(said({"run", "--config", file.c_str()}).error()[0] == file + ": everybody may write it: chmod o-w " + file);
  REQUIRE(::chmod(file.c_str(), 0660) == 0);
  CHECK(said({"run", "--config", file.c_str()}).error()[0] == file + ": its group may write it: chmod g-w " + file);
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  CHECK(said({"run", "--config", file.c_str()}));
  struct stat foreign{};
  foreign.st_uid = ::geteuid() + 1;
  foreign.st_mode = 0600;
  CHECK(open_to_others("a.toml", foreign).starts_with("a.toml: belongs to another user"));
  foreign.st_uid = 0;
  CHECK(open_to_others("a.toml", foreign).empty());
  const auto folder = file.substr(0, file.rfind('/'));
  CHECK(said({"run", "--config", folder.c_str()}).error()[0] ==
        folder + ": is no regular file: name a file of settings");
  const auto pipe = folder + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(said({"run", "--config", pipe.c_str()}).error()[0] == pipe + ": is no regular file: name a file of settings");
  const auto large = here.write("large.toml", std::string((1 << 20) + 1, '#'));
  CHECK(said({"run", "--config", large.c_str()}).error()[0] ==
        large + ": is larger than 1 MiB: name a file of settings");
}

TEST_CASE("the command line is held against the table too") {
  const place here;
  CHECK(said({"run", "--mode", "inbound"}).error() == mistakes{"--mode is outbound, window, or outbound,window"});
  CHECK(said({"run", "--share", "a=b", "--share", "a=c"}).error() == mistakes{"--share names a twice: leave one out"});
  CHECK(said({"run", "--share", "a"}).error() == mistakes{"--share is NAME=FILE, each name once: a"});
  CHECK(said({"run", "--frobnicate"}).error()[0].ends_with("exist: see ajar-thing --help"));
  CHECK(said({"run", "--count", "2", "--lisetn=x"})
            .error()[0]
            .ends_with(": did you mean --listen?: see ajar-thing --help"));
  const auto comma = said({"run", "--share", "a=/x,b=y"});
  REQUIRE(comma);
  CHECK(comma->as<std::vector<std::string>>("share") == std::vector<std::string>{"a=/x,b=y"});
}

TEST_CASE("only what is not live wants a restart") {
  const auto before = parsed("count = 1\n[share]\na = '/a'\n");
  const auto after = parsed("count = 2\nlisten = 'x'\n[share]\nb = '/b'\n");
  REQUIRE(before);
  REQUIRE(after);
  CHECK(wanting_restart(table(), "run", *before, *after) == std::vector<std::string>{"listen", "count"});
  CHECK(wanting_restart(table(), "run", *after, *after).empty());
}

TEST_CASE("the tables of the tools are sound") {
  for (const auto* one : {&central_table(), &server_table(), &client_table()}) {
    for (const auto& each : one->options()) {
      INFO(one->tool() << " " << each.name());
      CHECK(one->find(each.name()) == &each);  // no name twice
      CHECK((!each.fallback() || each.complaint(*each.fallback()).empty()));
      CHECK((each.other().empty() || one->find(each.other())));
      for (const auto& command : each.commands()) {
        CHECK(std::ranges::find(one->commands(), command, &option_table::command::name) != one->commands().end());
      }
    }
  }
}

}  // namespace settings_test
