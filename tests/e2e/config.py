# SPDX-License-Identifier: BSL-1.0
"""Files of settings: what is wrong in them and where, what wins, SIGHUP, the sandbox, completion in shells, the pages for man."""
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

import world
from world import CUT_SHORT, DONE, LOCAL, NO_CENTRAL, USAGE

LANDLOCK_CREATE_RULESET, VERSION_FLAG = 444, 1


def landlock():
    """The kernel's version of Landlock; 0 where it has none."""
    return max(ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, VERSION_FLAG), 0)


class Settings(unittest.TestCase):
    """Without a central."""

    def setUp(self):
        self.w = world.World()

    def tearDown(self):
        self.w.__exit__()

    def write(self, text, name="settings.toml"):
        path = self.w.folder / name
        path.parent.mkdir(exist_ok=True, mode=0o700)
        path.write_text(text)
        return path

    def test_each_mistake_has_its_line_and_column(self):
        path = self.write('# a server\nmoed = "window"\nmode = "inbound"\njson = "yes"\nlan = true\n[share]\ndocs = 7\n')
        lines = [f"{path}:2:1: moed is no setting of ajar-server: did you mean mode?",
                 f"{path}:3:8: mode is outbound, window, or outbound,window",
                 f"{path}:4:8: json is text: write json = true",
                 f"{path}:5:1: lan is for the command line only: remove it here",
                 f'{path}:7:8: share.docs is a whole number: write [share] and below it NAME = "PATH"']
        for words in (("run", "--config", path), ("config", "--check", path), ("id", "--config", path)):
            done = self.w.run("server", "state", *words)
            self.assertEqual(done.returncode, USAGE)
            self.assertEqual(done.stderr.splitlines(), [f"ajar-server: {line}" for line in lines])
            self.assertEqual(done.stdout, b"")
        self.assertFalse((self.w.folder / "state").exists(), "nothing was begun")

    def test_what_destroys_is_said_each_time(self):
        """No file takes what is the user's own: what may overwrite or remove it stands on the command line."""
        for name in ("force", "delete"):
            path = self.write(f"{name} = true\n")
            done = self.w.run("client", "state", "get", "home:docs", self.w.folder, "--config", path)
            self.assertEqual(done.returncode, USAGE)
            self.assertEqual(done.stderr, f"ajar-client: {path}:1:1: {name} is for the command line only: remove it here\n")

    def test_no_toml(self):
        for text, place in (("mode = \n", ":1:8: "), ('mode = "a"\nmode = "b"\n', ":2:"), ("[share\n", ":1:")):
            path = self.write(text)
            done = self.w.run("client", "state", "ping", "home", "--config", path)
            self.assertEqual(done.returncode, USAGE)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(f"{path}{place}", done.stderr)

    def test_a_file_that_cannot_be_read(self):
        path = self.write("json = true\n")
        path.chmod(0o666)
        for wrong, phrase in ((path, "chmod o-w"), (self.w.folder, "no regular file"), ("/nonexistent", "cannot be read")):
            done = self.w.run("central", "state", "id", "--config", wrong)
            self.assertEqual(done.returncode, USAGE)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            self.assertIn(phrase, done.stderr)

    def test_a_good_file_is_called_good(self):
        path = self.write('listen = "127.0.0.1:0"\nopen = true\nthreads = 2\n')
        self.assertEqual(self.w.text("central", "state", "config", "--check", path), f"{path}: good")

    def test_what_wins_and_where_it_comes_from(self):
        state = self.write('on-stranger = "close"\nmode = "window"\nquiet = true\n[share]\nnotes = "notes.txt"\n',
                           "state/config.toml")
        words = ("config", "--json", "--mode", "outbound")
        told = json.loads(self.w.text("server", "state", *words))
        self.assertEqual(told["file"], str(state))
        self.assertEqual(told["settings"]["mode"], {"value": "outbound", "from": "command line"})
        self.assertEqual(told["settings"]["roster"], {"value": "live", "from": "default"})
        self.assertEqual(told["settings"]["on-stranger"],
                         {"value": "close", "from": "file", "file": str(state), "line": 1, "column": 15})
        self.assertEqual(told["settings"]["share"]["value"], {"notes": str(state.parent / "notes.txt")})
        other = self.write('mode = "window"\n', "other.toml")
        environment = dict(os.environ, AJAR_CONFIG=str(other))
        done = self.w.run("server", "state", *words[:2], env=environment)
        self.assertEqual(json.loads(done.stdout)["file"], str(other))
        done = self.w.run("server", "state", *words[:2], "--config", state, env=environment)
        self.assertEqual(json.loads(done.stdout)["file"], str(state))

    def test_what_config_prints_is_a_file_of_settings(self):
        before = self.write('by = "window"\ndoor = "0.0.0.0:4000"\ncount = 7\nroam = true\n')
        printed = self.w.text("client", "state", "config", "--config", before)
        self.assertIn(f'door = "0.0.0.0:4000"  # {before}:2', printed)
        after = self.write(printed, "after.toml")
        self.assertEqual(self.w.text("client", "state", "config", "--check", after), f"{after}: good")
        first = json.loads(self.w.text("client", "state", "config", "--json", "--config", before))["settings"]
        second = json.loads(self.w.text("client", "state", "config", "--json", "--config", after))["settings"]
        self.assertEqual({name: one["value"] for name, one in first.items() if name != "json"},
                         {name: one["value"] for name, one in second.items() if name != "json"})


class Running(unittest.TestCase):
    """A central and a server that are told all they know by files."""

    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.list = self.w.folder / "ajar" / "admitted"  # a folder of that name may be read as a whole
        self.list.parent.mkdir()
        self.list.write_text(self.w.text("server", "server", "id") + "\n")
        self.central = self.w.folder / "central.toml"
        self.server = self.w.folder / "server.toml"
        self.central.write_text('listen = "127.0.0.1:0"\nadmit = "ajar/admitted"\n')
        self.w.start("central", "central", "central", "run", "--config", self.central)
        self.w.wait_for("central", "ajar://")
        self.w.url = next(word for word in self.w.log("central").split() if word.startswith("ajar://"))
        self.big = self.w.file("big", 64 << 20)
        self.small = self.w.file("small", 1000)
        self.w.grant(services=("big:r", "small:r"))

    def serve(self, text, *words, name="server", state="server"):
        self.server.write_text(text)
        before = self.w.log(name).count("linked to central") if (self.w.folder / f"{name}.log").exists() else 0
        process = self.w.start(name, "server", state, "run", "--config", self.server, "--central", self.w.url, *words)
        self.w.wait_for(name, "linked to central", before + 1)
        return process

    def hang_up(self, name, says, count=1):
        self.w.running[name].send_signal(signal.SIGHUP)
        self.w.wait_for(name, says, count)

    def get(self, share, *words):
        return self.w.run("client", "client", "cat", f"home:{share}", *words)

    def slow_get(self, share):
        """A cat that stands still after its first octets; @return what ends it, and gives what came."""
        command = self.w.command("client", "client", "cat", f"home:{share}")
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        first = process.stdout.read(1000)
        self.assertEqual(len(first), 1000)

        def finish():
            rest, said = process.communicate(timeout=120)
            self.assertEqual(process.returncode, DONE, said)
            return first + rest
        return finish

    def test_shares_change_and_a_transfer_in_progress_ends_identical(self):
        self.serve('sandbox = "off"\non-stranger = "close"\n[share]\nbig = "big"\n')
        self.assertEqual(self.get("small").returncode, CUT_SHORT)  # granted, and not there yet
        finish = self.slow_get("big")
        self.server.write_text('sandbox = "off"\n[share]\nsmall = "small"\n')
        self.hang_up("server", f"read the settings again: {self.server}")
        self.assertEqual(self.get("small").stdout, self.small.read_bytes())
        self.assertEqual(self.get("big").returncode, CUT_SHORT)
        self.assertEqual(finish(), self.big.read_bytes())
        self.assertEqual(self.w.log("server").count("linked to central"), 1)
        self.assertNotIn("needs a restart", self.w.log("server"))

    def test_a_bad_file_changes_nothing(self):
        good = '[share]\nsmall = "small"\n'
        process = self.serve(good)
        for count, (text, place) in enumerate((('mode = "window"\n[share]\nbig = 7\n', ":3:7: share.big is a whole number"),
                                               ("[share]\nbig = \n", ":2:7: "),
                                               ('[share]\nbig = "gone"\n', ":2:1: share: "),
                                               ("", "share something"))):
            self.server.write_text(text)
            self.hang_up("server", "kept the settings as they were", count + 1)
            said = [line for line in self.w.log("server").splitlines() if "kept the settings" in line][-1]
            self.assertIn(place, said)
            self.assertEqual(self.get("small").stdout, self.small.read_bytes())
        self.server.write_text(good)
        self.hang_up("server", "read the settings again")
        self.server.unlink()
        self.hang_up("server", "kept the settings as they were", 5)
        self.server.write_text(good)  # another file: with Landlock not the one that may be read
        says = "was replaced, and the sandbox keeps" if landlock() else "read the settings again: "
        self.hang_up("server", says, 1 if landlock() else 2)
        self.assertIsNone(process.poll())

    def test_without_steps_a_bad_file_is_told_all_the_same(self):
        self.server.write_text('quiet = true\n[share]\nsmall = "small"\n')
        self.w.start("server", "server", "server", "run", "--config", self.server, "--central", self.w.url)
        self.w.wait_for("central", "a server asks for its roster")
        self.assertEqual(self.get("small").stdout, self.small.read_bytes())
        self.server.write_text("quiet = 1\n")
        self.hang_up("server", f"ajar-server: kept the settings as they were: {self.server}:1:9: quiet is a whole number")

    def test_what_needs_a_restart_is_told(self):
        self.serve('[share]\nsmall = "small"\n')
        self.server.write_text('mode = "window"\nfrom = "127.0.0.1"\n[share]\nsmall = "small"\n')
        self.hang_up("server", "read the settings again")
        for place in (":1:8: mode", ":2:8: from"):
            self.assertIn(f"a changed setting needs a restart: {self.server}{place}", self.w.log("server"))
        self.assertEqual(self.get("small", "--by", "window").stdout, self.small.read_bytes())

    def test_the_admission_list_is_read_again(self):
        other = self.w.text("server", "other", "id")
        self.serve('[share]\nsmall = "small"\n')
        done = self.w.run("server", "other", "run", "--config", self.server, "--central", self.w.url, timeout=60)
        self.assertEqual(done.returncode, NO_CENTRAL, done.stderr)

        self.list.write_text(self.list.read_text() + "not an id\n")
        self.hang_up("central", "kept the settings as they were")
        self.assertIn(f"{self.list}:2: that is no peer id", self.w.log("central"))
        self.list.unlink()
        self.hang_up("central", "kept the settings as they were", 2)
        self.assertEqual(self.get("small").stdout, self.small.read_bytes())

        first = self.w.text("server", "server", "id")
        self.list.write_text(f"{first}\n{other}\n")
        self.hang_up("central", "read the settings again")
        self.serve('[share]\nsmall = "small"\n', name="other", state="other")
        self.assertEqual(self.w.log("server").count("linked to central"), 1, "the first was not disturbed")

        self.list.write_text(f"{other}\n")
        self.hang_up("central", "read the settings again", 2)
        self.w.wait_for("server", "central does not serve this peer")
        self.list.write_text(f"{first}\n{other}\n")  # that was a mistake
        self.hang_up("central", "read the settings again", 3)
        self.w.wait_for("server", "linked to central", 2)
        for name in ("server", "other"):
            self.assertIsNone(self.w.running[name].poll())

    # ---- the sandbox

    def test_only_the_shares_can_be_read(self):
        """Names are looked up behind the fence, too: central is dialled by its name."""
        self.w.url = self.w.url.replace("127.0.0.1", "localhost")
        version = landlock()
        process = self.serve('[share]\nsmall = "small"\n')
        self.assertIn("NoNewPrivs:\t1", pathlib.Path(f"/proc/{process.pid}/status").read_text())
        if version:
            self.assertIn(f"only the shares can be read: landlock {version}", self.w.log("server"))
        else:
            self.assertIn("no fence around the shares", self.w.log("server"))
        for way in ("window", "window-reverse"):
            self.assertEqual(self.get("small", "--by", way).stdout, self.small.read_bytes())
        self.server.write_text(f'[share]\nsmall = "small"\nbig = "{self.big}"\n')
        if version:
            self.hang_up("server", "needs a restart")
            self.assertIn(f"kept the settings as they were: {self.server}:3:1: share: {self.big}: lies outside",
                          self.w.log("server"))
            self.assertEqual(self.get("big").returncode, CUT_SHORT)
        else:
            self.hang_up("server", "read the settings again")
            self.assertEqual(self.get("big").stdout, self.big.read_bytes())
        self.assertEqual(self.w.stop("server"), DONE)
        self.serve(self.server.read_text())
        self.assertEqual(self.get("big").stdout, self.big.read_bytes())

    def test_each_tool_has_a_sandbox(self):
        version = landlock()
        fence = f"landlock {version}" if version else "none"
        self.serve('[share]\nbig = "big"\n')
        finish = self.slow_get("big")
        client, = json.loads(self.w.text("client", "client", "status", "--json")),
        told = {"client": client, **{tool: json.loads(self.w.text(tool, tool, "status", "--json"))
                                     for tool in ("central", "server")}}
        for tool, one in told.items():
            self.assertEqual((one["sandbox"], one["seccomp"]), (fence, "filter"), tool)
            status = pathlib.Path(f"/proc/{one['pid']}/status").read_text()
            self.assertIn("NoNewPrivs:\t1", status)
            self.assertIn("Seccomp:\t2", status)
        self.assertEqual(finish(), self.big.read_bytes())
        done = self.w.run("client", "client", "cat", "home:big", "--sandbox", "required")
        self.assertEqual(done.returncode, DONE if version else LOCAL, done.stderr)

    def test_central_reads_its_list_alone(self):
        other = self.w.folder / "admitted"
        other.write_text(self.list.read_text())
        self.w.start("third", "central", "third", "run", "--listen", "127.0.0.1:0", "--admit", other)
        self.w.wait_for("third", "ajar://")
        other.write_text(other.read_text())
        self.hang_up("third", "read the settings again")
        other.unlink()
        other.write_text(self.list.read_text())
        says = "was replaced, and the sandbox keeps the new one from being read" if landlock() else "read the settings again"
        self.hang_up("third", says, 1 if landlock() else 2)

    def test_a_folder_below_a_shared_one_is_added_behind_the_fence(self):
        tree = self.w.folder / "tree"
        (tree / "below").mkdir(parents=True)
        (tree / "below" / "file").write_text("x")
        self.w.grant(services=("tree:r", "below:r"), name="hut")
        self.serve('[share]\ntree = "tree"\n')
        self.server.write_text('[share]\nbelow = "tree/below"\n')
        self.hang_up("server", "read the settings again")
        self.assertEqual(self.w.run("client", "client", "cat", "hut:below/file").stdout, b"x")
        self.assertEqual(self.w.run("client", "client", "cat", "hut:tree/below/file").returncode, CUT_SHORT)

    def test_without_a_sandbox_no_privileges_are_gained_either(self):
        process = self.serve('sandbox = "off"\n[share]\nsmall = "small"\n')
        self.assertIn("NoNewPrivs:\t1", pathlib.Path(f"/proc/{process.pid}/status").read_text())
        self.assertNotIn("the shares", self.w.log("server"))

    def test_a_server_that_must_have_a_sandbox(self):
        self.server.write_text('sandbox = "required"\n[share]\nsmall = "small"\n')
        words = ("run", "--config", self.server, "--central", self.w.url)
        if landlock():
            self.w.start("server", "server", "server", *words)
            self.w.wait_for("server", "linked to central")
        else:
            done = self.w.run("server", "server", *words)
            self.assertEqual(done.returncode, LOCAL)
            self.assertIn(f"{self.server}:1:11: sandbox", done.stderr)

    def test_the_state_folder_is_written_behind_the_fence(self):
        """Each login is counted on disk; a redialling server goes on counting."""
        self.serve('[share]\nsmall = "small"\n')
        before = (self.w.folder / "server" / "login").read_text()
        port = self.w.url.split(":")[2].split("/")[0]
        self.w.stop("central")
        self.central.write_text(f'listen = "127.0.0.1:{port}"\nadmit = "ajar/admitted"\n')
        self.w.start("central", "central", "central", "run", "--config", self.central)
        self.w.wait_for("server", "linked to central", 2, seconds=40)
        self.assertGreater(int((self.w.folder / "server" / "login").read_text()), int(before))
        self.assertEqual(self.get("small").stdout, self.small.read_bytes())

    def test_settings_in_the_state_folder_are_read_again_after_an_editor_replaced_them(self):
        path = self.w.folder / "server" / "config.toml"
        path.write_text(f'central = "{self.w.url}"\n[share]\nsmall = "{self.small}"\n')
        self.w.start("server", "server", "server", "run")
        self.w.wait_for("server", "linked to central")
        new = path.with_suffix(".new")
        new.write_text(path.read_text() + "# edited\n")
        new.rename(path)
        self.hang_up("server", "read the settings again")


class Completion(unittest.TestCase):
    """The script in a real bash: what COMPREPLY holds for a line and a cursor at its end."""

    @classmethod
    def setUpClass(cls):
        cls.w = world.World()
        cls.scripts = {tool: cls.w.folder / f"{tool}.bash" for tool in ("central", "server", "client")}
        for tool, path in cls.scripts.items():
            path.write_text(cls.w.text(tool, "state", "completion", "bash"))
        # a client that tells names, and what each of its calls was
        cls.fake = cls.w.folder / "bin" / "ajar-client"
        cls.fake.parent.mkdir()
        cls.calls = cls.w.folder / "calls"
        cls.fake.write_text('#!/bin/sh\necho "$*" >>"' + str(cls.calls) + '"\n'
                            'case "$1" in\n'
                            '  servers) echo "home  abc"; echo "hut  def" ;;\n'
                            '  ls) [ "$2" = broken: ] && { echo trouble >&2; echo half; exit 6; }\n'
                            "      printf '%s\\n' 'docs/' 'do not' '$(touch pwned)' 'a;b' '`id`' '\\x41' ;;\n"
                            'esac\n')
        cls.fake.chmod(0o755)

    @classmethod
    def tearDownClass(cls):
        cls.w.__exit__()

    def complete(self, line, tool="client", breaks=" \t\n\"'><=;|&(:"):
        script = ('source "$1"; COMP_WORDBREAKS=$3; COMP_LINE=$2; COMP_POINT=${#2}; COMPREPLY=()\n'
                  'entry=$(complete -p ajar-$4); entry=${entry##*-F }; ${entry%% *}\n'
                  'printf "%s\\n" "${COMPREPLY[@]}"\n')
        done = subprocess.run(["bash", "-u", "-c", script, "bash", self.scripts[tool], line, breaks, tool],
                              capture_output=True, text=True, timeout=60, cwd=self.w.folder)
        self.assertEqual(done.stderr, "")
        self.assertFalse((self.w.folder / "pwned").exists())
        return [one for one in done.stdout.split("\n") if one]

    def test_commands_options_and_words(self):
        self.assertEqual(self.complete("ajar-server gra", "server"), ["grant ", "grants "])
        self.assertEqual(self.complete("ajar-client completion "), ["bash ", "zsh ", "fish "])
        self.assertEqual(self.complete("ajar-client help pi"), ["ping "])
        self.assertEqual(self.complete("ajar-server run --o", "server"), ["--on-stranger "])
        self.assertEqual(self.complete("ajar-server grant --o", "server"), ["--out "])
        self.assertEqual(self.complete("ajar-server run --on-stranger close", "server"), ["close ", "close-and-reopen "])
        self.assertEqual(self.complete("ajar-server run --mode=", "server"),
                         ["outbound ", "window ", "outbound\\,window "])
        self.assertEqual(self.complete("ajar-server run --mode=w", "server", breaks=" "), ["--mode=window "])
        self.assertEqual(self.complete("ajar-client ping x --by win"), ["window ", "window-reverse "])
        self.assertEqual(self.complete("ajar-client --json --by auto pi"), ["ping "])
        self.assertEqual(self.complete("ajar-client frobnicate --"), [])
        self.assertEqual(self.complete("ajar-client ping --count "), [])
        self.assertEqual(self.complete("ajar-client ping 'ho"), [])
        for tool in ("central", "server", "client"):
            help_text = self.w.text(tool, "state", "--help")
            for command in self.complete(f"ajar-{tool} ", tool):
                for name in self.complete(f"ajar-{tool} {command}--", tool):
                    self.assertIn(name.strip(), help_text)

    def test_files_and_folders(self):
        (self.w.folder / "a folder").mkdir()
        (self.w.folder / "a file").write_text("x")
        self.assertEqual(self.complete("ajar-central run --admit a", "central"), ["a\\ file ", "a\\ folder/"])
        self.assertEqual(self.complete("ajar-central run --state a", "central"), ["a\\ folder/"])
        self.assertEqual(self.complete("ajar-server run --share docs=a\\ f", "server"), ["a\\ file ", "a\\ folder/"])
        self.assertEqual(self.complete("ajar-server run --share=docs=a\\ fi", "server"), ["a\\ file "])
        self.assertEqual(self.complete("ajar-client add a\\ fi"), ["a\\ file "])

    def test_servers_and_what_they_have(self):
        self.assertEqual(self.complete(f"{self.fake} ping h"), ["home ", "hut "])
        self.assertEqual(self.complete(f"{self.fake} cat ho"), ["home:"])
        self.calls.unlink(missing_ok=True)
        self.assertEqual(self.complete(f"{self.fake} --state /x\\ y cat home:do"), ["docs/", "do\\ not "])
        self.assertEqual(self.calls.read_text(), "ls home: --within 2s --json=false --state /x y\n")
        self.assertEqual(self.complete(f"{self.fake} cat home:docs/d", breaks=" "), ["home:docs/docs/", "home:docs/do\\ not "])

    def test_names_from_elsewhere_are_quoted(self):
        self.assertEqual(self.complete(f"{self.fake} cat home:"),
                         ["docs/", "do\\ not ", "\\$\\(touch\\ pwned\\) ", "a\\;b ", "\\`id\\` "])

    def test_a_command_that_fails_offers_nothing(self):
        self.assertEqual(self.complete(f"{self.fake} cat broken:"), [])
        self.assertEqual(self.complete("/nonexistent cat h"), [])
        self.assertEqual(self.complete("false cat h:"), [])

    def test_a_real_server(self):
        with world.World() as w:
            w.start_central()
            tree = w.folder / "tree"
            (tree / "a folder").mkdir(parents=True)
            (tree / "a file;").write_text("x")
            w.grant(services=("docs:r",))
            w.start_server({"docs": tree})
            settings = w.folder / "client" / "config.toml"
            settings.write_text("json = true\n")  # for other uses of it
            client = f"{world.TOOLS}/ajar-client --state {w.folder}/client"
            self.assertEqual(self.complete(f"{client} ping "), ["home "])
            self.assertEqual(self.complete(f"{client} cat home:"), ["docs/"])
            self.assertEqual(self.complete(f"{client} cat home:docs/"), ["docs/a\\ file\\; ", "docs/a\\ folder/"])
            self.assertEqual(self.complete(f"{client} get home:docs/x fi"), [])
            self.assertEqual(self.complete(f"{client} cat home:none/"), [])


class OtherShells(unittest.TestCase):
    """The scripts in a real zsh and fish, where these are installed."""

    TOOLS = ("central", "server", "client")

    @classmethod
    def setUpClass(cls):
        cls.w = world.World()
        # a client that tells names, and what each of its calls was
        fake = cls.w.folder / "ajar-client"
        fake.write_text('#!/bin/sh\necho "$*" >>calls\n'
                        'case "$1" in\n'
                        '  servers) echo "home  abc"; echo "hut  def" ;;\n'
                        '  ls) [ "$2" = broken: ] && { echo trouble >&2; echo half; exit 6; }\n'
                        "      printf '%s\\n' 'docs/' 'do not' '$(touch pwned)' '\\x41' ;;\n"
                        'esac\n')
        fake.chmod(0o755)

    @classmethod
    def tearDownClass(cls):
        cls.w.__exit__()

    def script(self, tool, shell):
        path = self.w.folder / f"{tool}.{shell}"
        path.write_text(self.w.text(tool, "state", "completion", shell) + "\n")
        return path

    def quietly(self, *command, **more):
        done = subprocess.run([str(one) for one in command], capture_output=True, text=True, timeout=60,
                              cwd=self.w.folder, **more)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_another_shell_is_refused(self):
        done = self.w.run("client", "state", "completion", "tcsh")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("completion is for bash, zsh, or fish", done.stderr)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_reads_it(self):
        for tool in self.TOOLS:
            path = self.script(tool, "zsh")
            self.quietly("zsh", "-f", "-n", path)
            name = self.quietly("zsh", "-f", "-c", f"compdef() {{ print $1 }}; source {path}; whence -w $(source {path})")
            self.assertEqual(name.splitlines()[-1], f"_ajar_{tool}: function")

    def fish(self, line, tool="client"):
        """What fish offers for a line."""
        folder = str(self.w.folder)
        env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        env |= {"HOME": folder, "PATH": f"{folder}:{os.environ['PATH']}"}  # what fish keeps, and the client above
        said = self.quietly("fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]", self.script(tool, "fish"),
                            line, env=env)
        return [one.split("\t")[0] for one in said.splitlines()]

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_offers_commands_options_and_words(self):
        for tool in self.TOOLS:
            self.quietly("fish", "--no-execute", self.script(tool, "fish"))
        self.assertEqual(self.fish("ajar-server gra", "server"), ["grant", "grants"])
        self.assertEqual(self.fish("ajar-client --by auto pi"), ["ping"])
        self.assertEqual(self.fish("ajar-client completion "), ["bash", "fish", "zsh"])
        self.assertEqual(self.fish("ajar-client get --para"), ["--parallel"])
        self.assertEqual(self.fish("ajar-client id --para"), [])
        self.assertEqual(self.fish("ajar-client ping x --by win"), ["window", "window-reverse"])
        self.assertEqual(self.fish("ajar-client help pi"), ["ping"])

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_asks_for_servers_and_what_they_have(self):
        self.assertEqual(self.fish("ajar-client ping h"), ["home", "hut"])
        self.assertEqual(self.fish("ajar-client cat ho"), ["home:"])
        (self.w.folder / "calls").unlink()
        self.assertEqual(self.fish("ajar-client --state /x cat home:d"), ["home:do not", "home:docs/"])
        self.assertEqual((self.w.folder / "calls").read_text(), "ls home: --within 2s --json=false --state /x\n")
        self.assertEqual(self.fish("ajar-client cat broken:"), [])
        self.assertFalse((self.w.folder / "pwned").exists())


class Manual(unittest.TestCase):
    """The pages, as those who print them read them."""

    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)

    def pages(self):
        for tool in ("central", "server", "client"):
            help_text = self.w.text(tool, "unmade", "help")
            commands = [line.split()[0] for line in help_text.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
            options = re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_text, re.M)
            self.assertIn("--state", options)
            self.assertIn("help", commands)
            yield tool, self.w.text(tool, "unmade", "help", "--man") + "\n", commands, options

    def test_each_tool_has_one(self):
        for tool, page, commands, options in self.pages():
            self.assertTrue(page.startswith(f".TH AJAR-{tool.upper()} 1 "), page[:80])
            for name in ("NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "EXAMPLES", "EXIT STATUS", "FILES", "SEE ALSO"):
                self.assertIn(f"\n.SH {name}\n", page)
            for word in (*commands, *options):
                self.assertIn("\\fB" + word.replace("-", "\\-") + "\\fR", page)
        self.assertFalse((self.w.folder / "unmade").exists())

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_groff_reads_it(self):
        for tool, page, commands, options in self.pages():
            done = subprocess.run(["groff", "-man", "-ww", "-Tascii", "-P-cbou"], input=page, capture_output=True,
                                  text=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for word in (*commands, *options):
                self.assertRegex(done.stdout, rf"(?m)^ +(-\w, )?{word}\b")

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_reads_it(self):
        for _, page, _, _ in self.pages():
            done = subprocess.run(["mandoc", "-Tlint", "-Werror"], input=page, capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


if __name__ == "__main__":
    world.main()
