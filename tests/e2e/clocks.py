# SPDX-License-Identifier: BSL-1.0
"""One of the three has a clock that is wrong by ten years: what is said, and that all is as before when it is set.

clocks.py TOOLS LIBRARY     LIBRARY is what other_clock.cpp makes
"""
import json
import sys
import unittest

import world
from world import DONE, LOCAL, REFUSED

LIBRARY = sys.argv.pop(1)
TEN_YEARS = 3653 * 86400


class WrongClock(world.World):
    """Everything of one tool is run by a clock of its own."""
    tool, by = None, 0

    def command(self, tool, state, *words):
        command = super().command(tool, state, *words)
        if tool == self.tool:
            return ["env", f"LD_PRELOAD={LIBRARY}", f"AJAR_CLOCK_WRONG_BY={self.by}", *command]
        return command


class Clocks(unittest.TestCase):
    def setUp(self):
        self.w = WrongClock()
        self.addCleanup(self.w.__exit__)
        self.w.start_central("--open")
        self.file = self.w.file("file", 1000)
        self.w.start_server({"file": self.file})
        self.w.grant()
        said = self.w.text("server", "server", "invite", "guest", "--service", "file:r", "--json")
        self.invite = json.loads(said)["invite"]
        self.id = self.w.text("client", "client", "id")
        self.fetch("home:file")

    def set_clock(self, tool=None, by=0):
        """Of what runs, too: it is started again."""
        for one in {tool, self.w.tool} - {None, "client"}:
            self.w.stop(one)
        before, (self.w.tool, self.w.by) = self.w.tool, (tool, by)
        if "central" in (before, tool):
            links = self.w.log("server").count("A linked to central")
            self.w.start_central("--open")
            self.w.wait_for("server", "A linked to central", links + 1)
        if "server" in (before, tool):
            self.w.start_server({"file": self.file})

    def fetch(self, what, client="client"):
        done = self.w.run("client", client, "cat", what)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual(done.stdout, self.file.read_bytes())

    def refused(self, words, *command, code=REFUSED):
        done = self.w.run(*command)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, b"")

    def all_is_as_before(self):
        self.set_clock()
        self.fetch("home:file")
        self.assertEqual(self.w.text("client", "client", "id"), self.id)
        self.w.text("client", "guest", "join", self.invite)
        self.fetch("server:file", "guest")

    def test_the_server_is_ahead(self):
        self.set_clock("server", TEN_YEARS)
        self.refused("one of the clocks is wrong", "client", "client", "cat", "home:file")
        self.refused("ended long ago", "client", "guest", "join", self.invite)
        self.w.text("server", "server", "invite", "another", "--service", "file:r")  # which sweeps nothing away
        self.all_is_as_before()

    def test_the_server_is_behind(self):
        self.set_clock("server", -TEN_YEARS)
        self.assertIn("this machine's clock is wrong", self.w.log("server"))
        self.refused("one of the clocks is wrong", "client", "client", "cat", "home:file")
        self.refused("was not even made yet", "client", "guest", "join", self.invite)
        for command in (("invite", "another", "--service", "file:r"), ("grant", self.id, "--service", "file:r"),
                        ("renew", "home"), ("share", self.file)):
            self.refused("set it first", "server", "server", *command, code=LOCAL)
        self.all_is_as_before()

    def test_the_client_is_ahead(self):
        self.set_clock("client", TEN_YEARS)
        self.refused("set this machine's clock, if it is wrong", "client", "client", "cat", "home:file")
        self.refused("set this machine's clock, if it is wrong", "client", "guest", "join", self.invite)
        self.refused("both keys are kept", "client", "client", "rotate")  # or the grant would be lost
        self.all_is_as_before()

    def test_the_client_is_behind(self):
        self.set_clock("client", -TEN_YEARS)
        self.fetch("home:file")  # the others judge by their clocks
        self.refused("both keys are kept", "client", "client", "rotate")
        self.all_is_as_before()

    def test_central_is_ahead(self):
        self.set_clock("central", TEN_YEARS)
        self.refused("one of the clocks is wrong", "client", "client", "cat", "home:file")
        self.all_is_as_before()

    def test_central_is_behind(self):
        self.set_clock("central", -TEN_YEARS)
        self.assertIn("this machine's clock is wrong", self.w.log("central"))
        self.fetch("home:file")
        self.refused("set it first", "central", "central", "invite", "attic", code=LOCAL)
        self.all_is_as_before()


if __name__ == "__main__":
    world.main()
