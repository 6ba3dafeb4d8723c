# SPDX-License-Identifier: BSL-1.0
"""What running tools tell of themselves, held against what happened and against the kernel."""
import decimal
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import world
from world import LOCAL

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|\})')
SIZE = 64 << 20
NOBODY = 65534


def parse_metrics(text):
    """{(name, ((label, value), ...)): number}. Strict: HELP, then TYPE, then the samples of each metric, once."""
    if text and not text.endswith("\n"):
        raise ValueError("does not end with a line feed")
    samples, types, current, helped = {}, {}, None, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            helped = line.split(" ", 3)[2]
            if not line.split(" ", 3)[3]:
                raise ValueError(f"no help: {line}")
        elif line.startswith("# TYPE "):
            _, _, current, kind = line.split(" ")
            if helped != current or current in types or kind not in ("counter", "gauge"):
                raise ValueError(f"TYPE out of place: {line}")
            if (kind == "counter") != current.endswith("_total"):
                raise ValueError(f"a {kind} called {current}")
            types[current] = kind
        else:
            name = NAME.match(line)
            if not name or name[0] != current:
                raise ValueError(f"a sample out of place: {line}")
            at, labels = name.end(), []
            if line[at] == "{":
                at += 1
                while True:
                    label = LABEL.match(line, at)
                    if not label:
                        raise ValueError(f"bad labels: {line}")
                    labels.append((label[1], label[2]))
                    at = label.end()
                    if label[3] == "}":
                        break
            if line[at] != " ":
                raise ValueError(f"no value: {line}")
            key = (name[0], tuple(sorted(labels)))
            if key in samples:
                raise ValueError(f"a sample twice: {line}")
            if not re.fullmatch(r"\d+(\.\d+)?", line[at + 1:]):
                raise ValueError(f"no number: {line}")
            samples[key] = decimal.Decimal(line[at + 1:])
    return samples


class Metrics(unittest.TestCase):
    """The parser itself must be able to fail."""

    def test_what_is_no_exposition_format_is_refused(self):
        good = '# HELP a b\n# TYPE a gauge\na 1\na{x="y\\"z",w="v"} 2\n'
        self.assertEqual(parse_metrics(good), {("a", ()): 1, ("a", (("w", "v"), ("x", 'y\\"z'))): 2})
        for bad in ("a 1\n", "# HELP a b\na 1\n", good[:-1], good + "a 1\n", good + "b 1\n",
                    "# HELP a b\n# TYPE a counter\na 1\n", "# HELP a b\n# TYPE a gauge\na one\n",
                    '# HELP a b\n# TYPE a gauge\na{x="y} 1\n', '# HELP a b\n# TYPE a gauge\na{x="\\q"} 1\n'):
            with self.assertRaises((ValueError, IndexError), msg=bad):
                parse_metrics(bad)


def one_id(w, tool):
    return w.text(tool, tool, "id")


class Status(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = world.World()
        cls.w.start_central()
        cls.path = cls.w.file("shared", SIZE)
        cls.w.grant()

    @classmethod
    def tearDownClass(cls):
        cls.w.__exit__()

    def tearDown(self):
        if "server" in self.w.running:
            self.assertEqual(self.w.stop("server"), 0)

    def ask(self, tool, state=None):
        """What a tool tells, as JSON; the other two forms must be good at the same time."""
        told = [json.loads(line) for line in self.w.text(tool, state or tool, "status", "--json").splitlines()]
        table = self.w.text(tool, state or tool, "status")
        self.assertTrue(table.isprintable() or "\n" in table)
        self.assertIn(f"ajar-{tool} 0.", table)
        self.assertEqual(len(told), 1)
        return told[0]

    def metrics(self, tool, state=None):
        return parse_metrics(self.w.run(tool, state or tool, "status", "--metrics").stdout.decode())

    def complains(self, done, code, *phrases):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for phrase in phrases:
            self.assertIn(phrase, done.stderr)

    # ---- the three while a session is open

    def test_a_session_by_a_window(self):
        server = self.w.start_server({"file": self.path}, "--mode", "window")
        before = self.ask("central")["exposure"]["total"]  # of other tests' servers
        reader = world.Reader(self.w, "--by", "window")
        home = self.ask("server")
        self.assertEqual((home["ajar_status"], home["tool"], home["pid"]), (1, "ajar-server", server.pid))
        self.assertEqual(home["id"], one_id(self.w, "server"))
        self.assertEqual((home["link"]["linked"], home["link"]["central"]), (True, self.w.url))
        self.assertEqual((home["methods"], home["may_listen"], home["listening_sockets"]), (["window"], True, 0))
        self.assertIn("wolfSSL", home["tls"])
        session, = home["sessions"]
        self.assertEqual(session["peer"], one_id(self.w, "client"))
        self.assertEqual(session["path"], "window")
        self.assertTrue(session["remote"].startswith("127.0.0.1:"))
        self.assertGreater(session["octets_out"], 1 << 20)
        self.assertGreater(session["tcp_round_trip_ns"], 0)
        self.assertEqual(home["exposure"]["total"]["windows"], 1)
        self.assertGreater(home["exposure"]["today"]["ns"], 0)
        self.assertLess(home["exposure"]["total"]["ns"], 1_000_000_000)
        self.assertEqual(session["exposure_ns"], home["exposure"]["total"]["ns"])

        central = self.ask("central")
        self.assertEqual(central["links"]["servers"], 1)
        self.assertGreaterEqual(central["rendezvous"]["answered"], 1)
        self.assertEqual(central["listening_sockets"], 2)  # of links, and for reflecting
        told = central["exposure"]["total"]
        self.assertEqual(told["ns"] - before["ns"], home["exposure"]["total"]["ns"])
        self.assertEqual(told["listeners"] - before["listeners"], 1)

        metrics = self.metrics("server")
        self.assertEqual(metrics[("ajar_server_sessions", (("path", "window"),))], 1)
        self.assertEqual(metrics[("ajar_server_linked", ())], 1)
        self.assertEqual(metrics[("ajar_server_exposure_seconds_total", ())] * 10**9, home["exposure"]["total"]["ns"])
        self.assertEqual(self.metrics("central")[("ajar_central_links", (("role", "server"),))], 1)

        octets, said, code = reader.finish()
        self.assertEqual((code, octets == self.path.read_bytes()), (0, True), said)
        self.until(lambda: not self.ask("server")["sessions"])
        after = self.ask("server")
        self.assertEqual(after["sessions_total"], 1)
        self.assertGreater(after["octets_out_total"], SIZE)  # what ended sessions carried is not forgotten
        self.assertEqual(self.metrics("server")[("ajar_server_sessions_total", ())], 1)

    def test_clients_tell_during_a_fetch_each_for_itself(self):
        server = self.w.start_server({"file": self.path}, "--mode", "window")
        readers = [world.Reader(self.w, "--by", "window") for _ in range(2)]
        pids = {reader.process.pid for reader in readers}
        server.send_signal(signal.SIGSTOP)  # so that the fetches wait, and go on afterwards
        try:
            takers = [threading.Thread(target=reader.take) for reader in readers]
            for taker in takers:
                taker.start()
            told = [json.loads(line) for line in self.w.text("client", "client", "status", "--json").splitlines()]
            self.assertEqual({one["pid"] for one in told}, pids)
            for one in told:
                self.assertEqual((one["tool"], one["failures"], one["door_open"]), ("ajar-client", {}, False))
                session, = one["sessions"]
                self.assertEqual(session["peer"], one_id(self.w, "server"))
                self.assertGreater(session["octets_in"], 1 << 20)
                self.assertLess(session["octets_in"], SIZE)
                self.assertEqual(one["links"][0]["links"], 1)
            self.assertEqual(self.w.text("client", "client", "status").count("ajar-client 0."), 2)
            metrics = self.metrics("client")
            for pid in pids:
                self.assertEqual(metrics[("ajar_client_sessions", (("path", "window"), ("pid", str(pid))))], 1)
        finally:
            server.send_signal(signal.SIGCONT)
        for taker, reader in zip(takers, readers):
            taker.join()
            octets, said, code = reader.finish()
            self.assertEqual((code, octets == self.path.read_bytes()), (0, True), said)
        self.complains(self.w.run("client", "client", "status"), LOCAL, "does not run")
        self.assertEqual([one.name for one in (self.w.folder / "client").glob("control*")], [])

    # ---- outbound mode, under seccomp

    def test_under_seccomp_it_answers_and_still_has_no_listening_socket(self):
        server = self.w.start_server({"file": self.path}, "--mode", "outbound")
        self.assertIn("Seccomp:\t2", pathlib.Path(f"/proc/{server.pid}/status").read_text())
        reader = world.Reader(self.w, "--by", "outbound", "--door", "127.0.0.1:0")
        home = self.ask("server")
        self.assertEqual((home["may_listen"], home["listening_sockets"], home["methods"]), (False, 0, ["outbound"]))
        self.assertIn("may not listen", self.w.text("server", "server", "status"))
        self.assertEqual(home["sessions"][0]["path"], "outbound")
        self.assertEqual(home["exposure"]["total"], {"windows": 0, "listeners": 0, "strangers": 0, "drops": 0, "ns": 0})
        self.assertEqual(self.metrics("server")[("ajar_server_may_listen", ())], 0)
        self.assertEqual(world.listening(server), 0)
        self.assertEqual(unix_listeners(server), 0)
        octets, said, code = reader.finish()
        self.assertEqual((code, len(octets)), (0, SIZE), said)

    # ---- refusals are counted by cause

    def test_refusals_by_cause(self):
        self.w.start_server({"file": self.path}, "--mode", "outbound")
        before = self.ask("central")
        done = self.w.run("client", "client", "ping", "home", "--by", "window")
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.ask("server")["refusals"], {"window_refused": 1})
        self.assertEqual(self.metrics("server")[("ajar_server_refusals_total", (("cause", "window_refused"),))], 1)
        with socket.create_connection(("127.0.0.1", self.w.central_port)) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while stranger.recv(1000):
                pass
        self.until(lambda: self.ask("central")["links"]["turned_away"].get("not_tls", 0) >
                   before["links"]["turned_away"].get("not_tls", 0))

    # ---- who asks, and whom

    def test_nothing_runs(self):
        for tool in ("central", "server", "client"):
            for words in ((), ("--json",), ("--metrics",)):
                done = self.w.run(tool, "nobody-here", "status", *words)
                self.complains(done, LOCAL, "does not run", "start it")
                self.assertEqual(done.stdout, b"")
        self.assertFalse((self.w.folder / "nobody-here").exists())

    def test_what_was_killed_is_not_running_and_comes_back(self):
        self.w.start_server({"file": self.path}, "--mode", "window")
        self.w.stop("server", signal.SIGKILL)
        self.assertTrue((self.w.folder / "server" / "control").is_socket())
        self.complains(self.w.run("server", "server", "status"), LOCAL, "does not run")
        server = self.w.start_server({"file": self.path}, "--mode", "window")
        self.assertEqual(self.ask("server")["pid"], server.pid)

    def test_a_killed_client_leaves_nothing_that_status_does_not_clear(self):
        self.w.start_server({"file": self.path}, "--mode", "window")
        reader = world.Reader(self.w, "--by", "window")
        reader.process.kill()
        reader.process.communicate()
        left = list((self.w.folder / "client").glob("control.*"))
        self.assertEqual([one.name for one in left], [f"control.{reader.process.pid}"])
        self.complains(self.w.run("client", "client", "status"), LOCAL, "does not run")
        self.assertEqual(list((self.w.folder / "client").glob("control.*")), [])

    def test_a_tool_that_is_stopped_is_a_timeout(self):
        server = self.w.start_server({"file": self.path}, "--mode", "window")
        server.send_signal(signal.SIGSTOP)
        try:
            self.complains(self.w.run("server", "server", "status"), LOCAL, "did not answer in time")
        finally:
            server.send_signal(signal.SIGCONT)
        self.assertEqual(self.ask("server")["pid"], server.pid)

    def test_another_user_is_refused(self):
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        self.w.start_server({"file": self.path}, "--mode", "window")
        os.chmod(self.w.folder, 0o711)
        tool = shutil.copy(world.TOOLS / "ajar-server", self.w.folder)
        os.chmod(tool, 0o755)
        command = [tool, "status", "--state", str(self.w.folder / "server")]
        done = subprocess.run(command, capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[], timeout=60,
                              check=False)
        self.complains(done, LOCAL, "its own user and root alone")
        # also where he reaches the socket
        folder, control = self.w.folder / "server", self.w.folder / "server" / "control"
        os.chmod(folder, 0o777)
        os.chmod(control, 0o777)
        try:
            done = subprocess.run(command, capture_output=True, text=True, user=NOBODY, group=NOBODY, extra_groups=[],
                                  timeout=60, check=False)
            self.complains(done, LOCAL, "its own user and root alone")
        finally:
            os.chmod(folder, 0o700)
            os.chmod(control, 0o600)

    def test_garbage_harms_nothing(self):
        server = self.w.start_server({"file": self.path}, "--mode", "window")
        descriptors = self.descriptors_at_rest(server)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(10)
            sender.connect(str(self.w.folder / "server" / "control"))
            for octets in (b"", b"\0" * 100, os.urandom(4096), b"a" * 60_000, b"ajar-control/1\0status\0", b"ajar-control/1\0\xff\0"):
                ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with ours, theirs:
                    sender.sendmsg([octets], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", theirs.fileno()))])
                    theirs.close()
                    ours.settimeout(10)
                    answer = ours.recv(100_000)
                    self.assertTrue(answer.startswith(b"ajar-control/1\0text\0{" if b"status\0" in octets else b"ajar-control/1\0ajar\0"), answer[:40])
                sender.send(octets)  # with nowhere to answer to
        self.assertEqual(self.ask("server")["pid"], server.pid)
        self.assertEqual(self.descriptors_at_rest(server), descriptors)

    def descriptors_at_rest(self, process):
        """Once it has learned what its network is: that takes some connections."""
        seen = []
        until = time.monotonic() + 60
        while len(seen) < 30 or len(set(seen[-30:])) > 1:
            self.assertLess(time.monotonic(), until)
            seen.append(len(os.listdir(f"/proc/{process.pid}/fd")))
            time.sleep(0.01)
        return seen[-1]

    def test_lines_are_logfmt_or_json(self):
        with world.World() as w:
            w.start("central", "central", "central", "run", "--listen", "127.0.0.1:0", "--open", "--log", "json")
            w.wait_for("central", "ajar://")
            w.url = re.findall(r"ajar://\S+", w.log("central"))[0]
            w.start("server", "server", "server", "run", "--central", w.url, "--share", f"file={self.path}", "--log", "logfmt")
            w.wait_for("server", 'event="linked to central"')
            w.wait_for("central", "a server is linked")
            line = next(one for one in w.log("server").splitlines() if "linked to central" in one)
            self.assertRegex(line, r'^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info event="linked to central" '
                                   r'who=server step=A detail="seen as 127\.0\.0\.1:\d+"$')
            steps = [json.loads(one) for one in w.log("central").splitlines() if one.startswith("{")]
            linked, = [one for one in steps if one["event"] == "a server is linked"]
            self.assertEqual((linked["level"], linked["who"], linked["step"]), ("info", "central", "A"))

    def until(self, met, seconds=60):
        deadline = time.monotonic() + seconds
        while not met():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)


def unix_listeners(process):
    """The listening AF_UNIX sockets of a process: flag 0x10000 (SO_ACCEPTCON) in /proc/net/unix."""
    inodes = set()
    for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        target = os.readlink(fd)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    rows = [line.split() for line in pathlib.Path(f"/proc/{process.pid}/net/unix").read_text().splitlines()[1:]]
    return sum(1 for row in rows if row[6] in inodes and int(row[3], 16) & 0x10000)


if __name__ == "__main__":
    world.main()
