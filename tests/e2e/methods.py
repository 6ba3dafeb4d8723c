# SPDX-License-Identifier: BSL-1.0
"""A large file arrives identical by both methods and by both directions of a window, and no port stays open."""
import hashlib
import json
import pathlib
import re
import subprocess
import unittest

import world

SIZE = (1 << 30) if world.LONG else (64 << 20)


def digest_of_output(command):
    """SHA-256 and length of what a command prints, without holding it; its stderr and its exit code."""
    digest, length = hashlib.sha256(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while piece := process.stdout.read(1 << 20):
            digest.update(piece)
            length += len(piece)
        said = process.stderr.read().decode()
    return digest.hexdigest(), length, said, process.returncode


class Methods(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = world.World()
        cls.w.start_central()
        cls.path = cls.w.file("large", SIZE)
        cls.digest = hashlib.sha256()
        with cls.path.open("rb") as file:
            while piece := file.read(1 << 20):
                cls.digest.update(piece)
        cls.w.grant()

    @classmethod
    def tearDownClass(cls):
        cls.w.__exit__()

    def fetch(self, way, *words):
        command = self.w.command("client", "client", "cat", "home:file", "--by", way, "--json", *words)
        digest, length, said, code = digest_of_output(command)
        self.assertEqual(code, 0, said)
        self.assertEqual((digest, length), (self.digest.hexdigest(), SIZE))
        report = json.loads(said.splitlines()[-1])
        self.assertEqual(report["path"], way)
        return report

    def test_windows_in_both_directions(self):
        server = self.w.start_server({"file": self.path}, "--mode", "window")
        self.assertEqual(world.listening(server), 0)
        for way, opener in (("window", "server"), ("window-reverse", "client")):
            report = self.fetch(way)
            self.assertEqual(report["window"]["opened_by"], opener)
            self.assertEqual(report["window"]["listeners"], 1)
            self.assertGreater(report["window"]["exposure_ns"], 0)
            self.assertLess(report["window"]["exposure_ns"], 1_000_000_000)
            self.assertEqual(world.listening(server), 0)
        self.assertEqual(self.w.stop("server"), 0)

    def test_windows_take_the_ports_that_they_were_given(self):
        self.w.start_server({"file": self.path}, "--mode", "window", "--window-ports", "41000-41049")
        for _ in range(3):
            self.w.text("client", "client", "ping", "home", "--by", "window")
        self.assertEqual(self.w.stop("server"), 0)
        ports = re.findall(r"opened a port.*:(\d+)", self.w.log("server"))
        self.assertGreaterEqual(len([port for port in ports if 41000 <= int(port) <= 41049]), 3, ports)

    def test_outbound_with_a_standing_link(self):
        server = self.w.start_server({"file": self.path}, "--mode", "outbound")
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        self.assertIn("Seccomp:\t2", status)
        self.fetch("outbound", "--door", "127.0.0.1:0")
        self.assertEqual(world.listening(server), 0)
        self.assertEqual(self.w.stop("server"), 0)

    def test_outbound_with_a_roster_asked_for_at_intervals(self):
        server = self.w.start_server({"file": self.path}, "--mode", "outbound", "--roster", "every=1s")
        self.fetch("outbound", "--door", "127.0.0.1:0", "--within", "30s")
        self.assertEqual(world.listening(server), 0)
        self.assertEqual(self.w.stop("server"), 0)

    def test_ipv6_windows(self):
        with world.World() as w:
            w.start("central", "central", "central", "run", "--listen", "[::1]:0", "--open")
            w.wait_for("central", "ajar://")
            w.url = next(word for word in w.log("central").split() if word.startswith("ajar://"))
            small = w.file("small", 100_000)
            w.start_server({"file": small})
            w.grant()
            for way in ("window", "window-reverse", "outbound"):
                done = w.run("client", "client", "cat", "home:file", "--by", way, "--door", "[::1]:0")
                self.assertEqual((done.returncode, done.stdout), (0, small.read_bytes()), done.stderr)


if __name__ == "__main__":
    world.main()
