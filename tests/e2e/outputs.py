# SPDX-License-Identifier: BSL-1.0
"""Whatever reads what the tools say - slowly, no more, not at all, a full disk - they do what they were asked to."""
import fcntl
import json
import os
import pathlib
import subprocess
import time
import unittest

import world
from world import DONE, LOCAL

F_SETPIPE_SZ = 1031
VISITS = 20  # a window writes some 640 octets of log at the server: three times what the pipe below takes


class Outputs(unittest.TestCase):
    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__, None, None, None)
        self.path = self.w.file("file", 100_000)

    def start_into(self, name, tool, stderr, *words):
        """A tool that stays, whose log goes to what a test holds the other end of."""
        command = self.w.command(tool, tool, "run", *words, "--log", "text")
        self.w.running[name] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr)
        return self.w.running[name]

    def narrow_pipe(self):
        """(reads, writes), with room for a few lines."""
        ends = os.pipe()
        fcntl.fcntl(ends[1], F_SETPIPE_SZ, 4096)
        for one in ends:
            self.addCleanup(os.close, one)
        return ends

    def pings(self, times):
        for _ in range(times):
            done = self.w.run("client", "client", "ping", "home")
            self.assertEqual(done.returncode, DONE, done.stderr)

    def lost(self, tool):
        return self.status(tool)["log_lines_lost"]

    def status(self, tool):
        return json.loads(self.w.text(tool, tool, "status", "--json"))

    # ---- those who stay

    def test_a_log_that_nobody_reads_stops_neither_server_nor_central(self):
        w = self.w
        w.text("server", "server", "id")
        admitted = w.folder / "admitted"
        admitted.write_text(w.text("server", "server", "id") + "\n")
        reads, writes = self.narrow_pipe()
        central = self.start_into("central", "central", writes, "--listen", "127.0.0.1:0", "--admit", admitted)
        w.url = central.stdout.readline().decode().strip()
        self.addCleanup(central.stdout.close)
        w.grant()
        theirs, ours = self.narrow_pipe()
        server = self.start_into("server", "server", ours, "--central", w.url, "--share", f"file={self.path}")
        self.addCleanup(server.stdout.close)
        self.reaches()
        self.pings(VISITS)
        # whoever reads again has all that fitted into the queue
        text = self.read_until(theirs, "a session", VISITS)
        self.assertIn("A linked to central", text)
        self.assertIn("log_lines_lost", self.status("central"))
        for name in ("server", "central"):
            self.assertEqual(w.stop_quietly(name), DONE)

    def read_until(self, descriptor, wanted, times):
        os.set_blocking(descriptor, False)
        text = ""
        until = time.monotonic() + 60
        while text.count(wanted) < times:
            self.assertLess(time.monotonic(), until, text[-2000:])
            try:
                text += os.read(descriptor, 65536).decode()
            except BlockingIOError:
                self.pings(1)  # a line has to come
        return text

    def test_a_log_whose_reader_goes_does_not_take_the_server_along(self):
        w = self.w
        w.start_central()
        w.grant()
        reads, writes = os.pipe()
        server = self.start_into("server", "server", writes, "--central", w.url, "--share", f"file={self.path}")
        self.addCleanup(server.stdout.close)
        os.close(writes)
        with os.fdopen(reads, "rb") as log:
            while b"linked to central" not in log.readline():
                pass
        self.pings(3)
        self.assertGreater(self.lost("server"), 0)
        self.assertIsNone(server.poll())

    def test_closed_and_full_stderr_end_nobody(self):
        w = self.w
        for words in ("2>&-", "2>/dev/full"):
            with self.subTest(words):
                w.central_port = None
                w.start_central(wrap=("sh", "-c", f'exec "$0" "$@" {words}'))
                w.grant()
                command = w.command("server", "server", "run", "--central", w.url, "--share", f"file={self.path}")
                w.running["server"] = subprocess.Popen(["sh", "-c", f'exec "$0" "$@" {words}', *command])
                self.reaches()
                for name in ("server", "central"):
                    self.assertEqual(w.stop_quietly(name), DONE)

    def reaches(self):
        """The server says nothing when it is there."""
        until = time.monotonic() + 60
        while self.w.run("client", "client", "ping", "home").returncode != DONE:
            self.assertLess(time.monotonic(), until)

    # ---- commands

    def test_commands_whose_outputs_are_closed_or_full(self):
        w = self.w
        w.start_central()
        w.grant()
        w.start_server({"file": self.path})
        into = w.folder / "into"
        into.mkdir()
        for words in ("2>&-", "2>/dev/full", "2>&1 >/dev/null | true"):
            for what in (("get", "home:file", into), ("cat", "home:file"), ("ls", "home:"), ("servers",), ("id",)):
                with self.subTest(words, what=what):
                    done = self.shell(w.command("client", "client", *what), words)
                    self.assertEqual(done.returncode, DONE, done.stderr)
            self.assertEqual((into / "file").read_bytes(), self.path.read_bytes())
            (into / "file").unlink()
        for tool, what in (("client", ("servers",)), ("client", ("id",)), ("client", ("ping", "home")),
                           ("client", ("get", "home:file", into, "--json")), ("client", ("ls", "home:")),
                           ("client", ("cat", "home:file")), ("server", ("status", "--metrics")), ("server", ("grants",)),
                           ("server", ("id",)), ("server", ("config",)), ("central", ("status",))):
            with self.subTest("> /dev/full", tool=tool, what=what):
                done = self.shell(w.command(tool, tool, *what), ">/dev/full")
                self.assertEqual(done.returncode, LOCAL, done.stderr)
                self.assertIn(b"No space left", done.stderr)

    def test_whoever_stops_reading_a_command_ends_it_as_any_filter(self):
        w = self.w
        w.start_central()
        w.grant()
        large = w.file("large", 8 << 20)
        w.start_server({"file": large})
        client = subprocess.Popen(w.command("client", "client", "cat", "home:file"), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE)
        client.stdout.read(1000)
        client.stdout.close()
        self.assertEqual(client.stderr.read(), b"")
        client.stderr.close()
        self.assertEqual(client.wait(timeout=60), -13)  # SIGPIPE

    @staticmethod
    def shell(command, words):
        done = subprocess.run(["bash", "-c", f'set -o pipefail; "$0" "$@" {words}', *command], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=180)
        return done

    # ---- where a file goes

    def test_what_is_no_file_is_written_to_and_never_replaced(self):
        w = self.w
        w.start_central()
        w.grant()
        w.start_server({"file": self.path})
        pipe = w.folder / "pipe"
        os.mkfifo(pipe)
        with subprocess.Popen(["sha256sum", pipe], stdout=subprocess.PIPE) as reader:
            self.get(pipe)
            told = reader.stdout.read().split()[0]
        self.assertEqual(told, subprocess.run(["sha256sum", self.path], capture_output=True).stdout.split()[0])
        self.assertTrue(pipe.is_fifo())
        before = os.stat("/dev/null")
        self.get("/dev/null")
        self.assertEqual((os.stat("/dev/null").st_rdev, os.stat("/dev/null").st_ino), (before.st_rdev, before.st_ino))
        out = self.get("/dev/stdout")
        self.assertEqual(out, self.path.read_bytes())
        self.assertTrue(pathlib.Path("/dev/stdout").is_symlink())
        with (w.folder / "redirected").open("wb") as to:
            subprocess.run(w.command("client", "client", "get", "home:file", "/dev/stdout"), stdout=to, check=True)
        self.assertEqual((w.folder / "redirected").read_bytes(), self.path.read_bytes())
        # a link to a file: the file is replaced, the link stays
        (w.folder / "target").write_bytes(b"old")
        (w.folder / "link").symlink_to("target")
        self.get(w.folder / "link", "--force")
        self.assertTrue((w.folder / "link").is_symlink())
        self.assertEqual((w.folder / "target").read_bytes(), self.path.read_bytes())
        # in a folder, where there would be no end to it
        into = w.folder / "into"
        into.mkdir()
        os.mkfifo(into / "file")
        done = w.run("client", "client", "get", "home:file", into)
        self.assertNotEqual(done.returncode, DONE)
        self.assertIn("a device, a FIFO or a socket stands", done.stderr)
        self.assertTrue((into / "file").is_fifo())
        self.assertEqual([one.name for one in into.iterdir()], ["file"])

    def get(self, to, *more):
        done = self.w.run("client", "client", "get", "home:file", to, *more)
        self.assertEqual(done.returncode, DONE, done.stderr)
        return done.stdout

    # ---- what is never shared

    def test_no_share_gives_away_a_state_folder(self):
        w = self.w
        w.start_central()
        w.grant("client", services=("all:r", "own:r"))
        home = w.folder
        (home / "docs").mkdir()
        (home / "docs" / "note").write_bytes(b"note")
        (home / "link").symlink_to("server")
        w.start_server({"all": home})  # holds the folders of all three
        for name in ("server", "client", "central"):
            for what in ("key", "login", ""):
                done = w.run("client", "client", "cat" if what else "ls", f"home:all/{name}/{what}")
                self.assertEqual(done.returncode, world.REFUSED, done.stderr)
                self.assertEqual(done.stdout, b"")
        self.assertEqual(w.run("client", "client", "cat", "home:all/link/key").returncode, world.REFUSED)
        self.assertEqual(w.run("client", "client", "cat", "home:all/docs/note").stdout, b"note")
        listed = w.text("client", "client", "ls", "-R", "home:all").splitlines()
        self.assertIn("docs/note", listed)
        self.assertFalse([one for one in listed if one.startswith(("server", "client", "central")) and "/" in one], listed)
        w.wait_for("server", "a share holds a state folder, which is not served")
        w.stop("server")
        for path in (home / "server", home / "server" / "key"):
            done = w.run("server", "server", "run", "--central", w.url, "--share", f"own={path}")
            self.assertEqual(done.returncode, world.USAGE)
            self.assertIn("lies in a state folder", done.stderr)


if __name__ == "__main__":
    world.main()
