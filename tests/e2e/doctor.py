# SPDX-License-Identifier: BSL-1.0
"""doctor: each tool says what is in its way on this machine, and what to do; it changes nothing and disturbs nobody."""
import json
import os
import socket
import time
import unittest

import world


class Doctor(unittest.TestCase):
    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.w.start_central()
        self.path = self.w.file("file", 1000)

    def ask(self, tool, *words, state=None):
        """(exit code, {what: finding})"""
        done = self.w.run(tool, state or tool, "doctor", "--json", *words)
        found = {one["what"]: one for one in map(json.loads, done.stdout.decode().splitlines())}
        for one in found.values():
            self.assertEqual(one["grade"] == "good", one["to_do"] == "", one)
        return done.returncode, found

    def bad(self, asked, *whats):
        code, found = asked
        ill = {what for what, one in found.items() if one["grade"] == "bad"}
        self.assertEqual(len(ill), len(whats), ill)
        for what in whats:
            self.assertTrue(any(one.startswith(what) for one in ill), (what, ill))
        self.assertEqual(code, world.LOCAL if whats else world.DONE)
        return next((one for one in found.values() if one["grade"] == "bad"), None)

    def test_where_all_is_well(self):
        self.w.start_server({"file": self.path})
        self.w.grant()
        code, found = self.ask("server", "--share", f"file={self.path}")
        self.bad((code, found))
        for what in ("state", "versions", "shares", "grants", "server"):
            self.assertEqual(found[what]["grade"], "good", found[what])
        self.assertTrue(any(what.startswith("central ") and one["grade"] == "good" for what, one in found.items()), found)
        self.assertNotIn("NAT, IPv6", found)
        self.w.wait_for_network()
        nat = self.ask("server")[1]["NAT, IPv4"]
        self.assertEqual(nat["grade"], "good", nat)
        self.assertIn("no NAT: address and port are seen as they are", nat["found"])
        code, found = self.ask("client", "--door", "127.0.0.1:0")
        self.bad((code, found))
        self.assertEqual(found["grant of home"]["grade"], "good")
        self.bad(self.ask("central", "--admit", str(self.w.folder / "admitted")))
        table = self.w.text("client", "client", "doctor")
        self.assertIn("good  grant of home: until ", table)
        time.sleep(0.2)
        self.assertEqual(self.w.log("server").count("linked to central"), 1, "nobody was disturbed")
        self.assertEqual(self.w.run("client", "client", "ping", "home").returncode, world.DONE)

    def test_a_folder_that_others_may_read(self):
        self.w.text("server", "server", "id")
        os.chmod(self.w.folder / "server", 0o755)
        told = self.bad(self.ask("server", "--central", self.w.url), "state")
        self.assertIn("chmod", told["to_do"])

    def test_central_is_away_or_another(self):
        self.w.grant()
        other = self.w.text("client", "other", "id")
        wrong = self.w.url.rsplit("/", 1)[0] + "/" + other
        self.bad(self.ask("server", "--central", wrong), "central")
        self.w.stop("central")
        self.bad(self.ask("client"), "central")
        self.bad(self.ask("server", "--central", self.w.url), "central")

    def test_grants_that_ended_and_grants_that_are_damaged(self):
        self.w.grant("client", "--for", "5s")
        time.sleep(5.2)
        told = self.bad(self.ask("client"), "grant of home")
        self.assertIn("has ended", told["found"])
        held = self.w.folder / "client" / "home.grant"
        held.write_bytes(held.read_bytes()[:-20])
        told = self.bad(self.ask("client"), f"grant file {held}")
        self.assertIn("remove it", told["to_do"])
        issued, = (self.w.folder / "server").glob("*.issued")
        issued.write_bytes(b"torn")
        self.bad(self.ask("server"), "grants in")

    def test_a_list_that_is_damaged_and_a_port_that_is_taken(self):
        damaged = self.w.folder / "list"
        damaged.write_text("no id\n")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            at = f"127.0.0.1:{taken.getsockname()[1]}"
            self.bad(self.ask("central", "--admit", str(damaged), "--listen", at, state="third"), "list", "port")
        self.bad(self.ask("central", "--admit", str(self.w.folder / "admitted"), "--listen", "127.0.0.1:0", state="third"))
        self.assertFalse((self.w.folder / "third").exists(), "nothing was made")
        self.bad(self.ask("server", "--share", "file=/nowhere"), "shares")


if __name__ == "__main__":
    world.main()
