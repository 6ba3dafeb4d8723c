# SPDX-License-Identifier: BSL-1.0
"""SIGKILL of each of the three at each step of a fetch, over each path: nothing is half done, and nothing but time is lost.

The moments come from the steps themselves: a fetch is killed as soon as a chosen step was printed, and at random moments
in between.
"""
import random
import signal
import subprocess
import time
import unittest

import world
from world import CUT_SHORT, NO_CENTRAL, NOT_REACHED, REFUSED

RANDOM_MOMENTS = 20 if world.LONG else 6

# What each prints on the way, by path.
STEPS = {
    "window": {"central": ["a client is linked", "command the server", "tell the client to connect"],
               "server": ["commanded to open", "told central", "opened a port", "somebody connected", "a session"],
               "client": ["linked to central", "ask central", "central says", "G connect"]},
    "window-reverse": {"central": ["command the server", "tell the client to connect"],
                       "server": ["commanded to open", "dial the client's window", "a session"],
                       "client": ["opened a port of our own", "ask central"]},
    "outbound": {"central": ["a client's door is proved"],
                 "server": ["got the roster: 1", "dial the client", "a session"],
                 "client": ["the door is open", "a server dialled us"]},
}


class Kills(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = world.World()
        cls.w.start_central()
        cls.path = cls.w.file("shared", 4 << 20)
        cls.w.grant()
        cls.w.start_server({"file": cls.path})

    @classmethod
    def tearDownClass(cls):
        cls.w.__exit__()

    def bring_back(self, victim):
        """Start again what was killed; the other one comes back by itself."""
        w = self.w
        if victim == "central":
            links = w.log("server").count("A linked to central")
            w.start_central()
            w.wait_for("server", "A linked to central", links + 1, 40)
        elif victim == "server":
            w.start_server({"file": self.path})

    def fetch_and_kill(self, way, victim, moment):
        w = self.w
        marks = {name: len(w.log(name)) for name in ("central", "server")}
        command = w.command("client", "client", "cat", "home:file", "--by", way, "--door", "127.0.0.1:0", "--explain",
                            "--within", "5s")
        said = w.folder / "client.log"
        with (w.folder / "out").open("wb") as out, said.open("wb") as err:
            client = subprocess.Popen(command, stdout=out, stderr=err)
        if isinstance(moment, str):
            until = time.monotonic() + 20
            while time.monotonic() < until and client.poll() is None:
                log = said.read_text() if victim == "client" else w.log(victim)[marks[victim]:]
                if moment in log:
                    break
        else:
            time.sleep(moment)
        if victim == "client":
            client.kill()
        else:
            w.stop(victim, signal.SIGKILL)
        code = client.wait(timeout=60)
        got = (w.folder / "out").read_bytes()
        whole = self.path.read_bytes()
        if code == 0:
            self.assertEqual(got, whole)
        else:
            self.assertEqual(got, whole[: len(got)])
            expected = {-signal.SIGKILL} if victim == "client" else {CUT_SHORT, NO_CENTRAL, NOT_REACHED, REFUSED}
            self.assertIn(code, expected, said.read_text())
        self.bring_back(victim)
        if victim == "client":
            self.calm("server")
        after = w.run("client", "client", "cat", "home:file", "--by", way, "--door", "127.0.0.1:0", "--within", "20s")
        self.assertEqual((after.returncode, after.stdout == whole), (0, True), after.stderr)
        self.closed_in_time("server")

    def closed_in_time(self, name):
        """A window that was opened for nobody, as central died in between, closes at its deadline."""
        until = time.monotonic() + 20
        while world.listening(self.w.running[name]) > 0 and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual(world.listening(self.w.running[name]), 0)

    def calm(self, name):
        """A killed client leaves the server no port, and soon no connection: one port may still follow another."""
        until = time.monotonic() + 60
        since = time.monotonic()
        while time.monotonic() < until:
            if len(world.sockets_of(self.w.running[name])) > 1:
                since = time.monotonic()
            elif time.monotonic() - since > 0.2:
                return
            time.sleep(0.01)
        self.fail(f"{name} still has {world.sockets_of(self.w.running[name])}")

    def test_at_each_step(self):
        for way, by_victim in STEPS.items():
            for victim, moments in by_victim.items():
                for moment in moments:
                    with self.subTest(way=way, victim=victim, moment=moment):
                        self.fetch_and_kill(way, victim, moment)

    def test_at_random_moments(self):
        seed = random.randrange(1 << 32)
        choose = random.Random(seed)
        for run in range(RANDOM_MOMENTS):
            way, victim = choose.choice(list(STEPS)), choose.choice(["central", "server", "client"])
            moment = choose.random() * (0.4 if world.SANITIZED else 0.04)
            with self.subTest(seed=seed, run=run, way=way, victim=victim, moment=moment):
                self.fetch_and_kill(way, victim, moment)

    def test_a_session_outlives_central(self):
        w = self.w
        large = w.file("large", 300 << 20)
        w.stop("server")
        w.start_server({"file": large})
        digest = subprocess.run(["sha256sum", large], capture_output=True, check=True).stdout.split()[0]
        command = w.command("client", "client", "cat", "home:file")
        with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
            first = client.stdout.read(1 << 20)
            links = w.log("server").count("A linked to central")
            w.stop("central", signal.SIGKILL)
            with subprocess.Popen(["sha256sum"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as summing:
                summing.stdin.write(first)
                while piece := client.stdout.read(1 << 20):
                    summing.stdin.write(piece)
                summing.stdin.close()
                self.assertEqual(summing.stdout.read().split()[0], digest)
            self.assertEqual(client.wait(timeout=60), 0)
        w.start_central()
        w.wait_for("server", "A linked to central", links + 1, 40)
        w.stop("server")
        w.start_server({"file": self.path})
        self.assertEqual(w.run("client", "client", "ping", "home").returncode, 0)


if __name__ == "__main__":
    world.main()
