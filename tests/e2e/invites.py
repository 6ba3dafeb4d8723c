# SPDX-License-Identifier: BSL-1.0
"""Invites: one command at the server, one at the client, and whoever else has the string gets nothing."""
import json
import pathlib
import signal
import subprocess
import time
import unittest

import world

RACERS = 40 if world.SANITIZED else 100


class Invites(unittest.TestCase):
    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.w.start_central()
        self.path = self.w.file("notes", 1000)

    def serve(self, *words):
        return self.w.start_server({"file": self.path}, *words)

    def invite(self, name, *words):
        return self.w.text("server", "server", "invite", name, "--service", "file:r", "--lan", *words)

    def join(self, client, invite, *words):
        return self.w.run("client", client, "join", invite, *words)

    def refused(self, done, phrase, code=world.REFUSED):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(phrase, done.stderr)

    def cat(self, client, place="server:file"):
        return self.w.run("client", client, "cat", place).stdout

    def pending(self):
        return list(map(json.loads, self.w.text("server", "server", "pending", "--json").splitlines()))

    # ---- the two commands

    def test_two_commands(self):
        self.serve()
        invite = self.invite("laptop")  # central is the running server's
        self.assertRegex(invite, "^ajar1[a-z2-7]+$")
        done = self.join("client", invite)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.decode().split(), ["server", self.w.text("server", "server", "id")])
        self.assertEqual(self.cat("client"), self.path.read_bytes())
        known = json.loads(self.w.text("server", "server", "grants", "--json"))
        self.assertEqual(known["name"], "laptop")
        self.assertEqual(known["client"], self.w.text("client", "client", "id"))
        self.assertEqual(self.pending(), [])
        # again is harmless, for another it is used
        self.assertEqual(self.join("client", invite).returncode, 0)
        done = self.join("other", invite)
        self.refused(done, "used by another key")
        self.assertIn(self.w.text("client", "client", "id")[:13], done.stderr)
        self.refused(self.w.run("client", "other", "ping", "server"), "there is no grant for that server")
        # ended by one command
        self.w.text("server", "server", "revoke", "laptop")
        self.refused(self.w.run("client", "client", "ping", "server"), "the grant was revoked")
        self.refused(self.join("client", invite), "the grant was revoked")

    def test_names_are_each_sides_own(self):
        self.serve()
        invite = self.invite("laptop", "--name", "attic")
        self.assertEqual(self.join("client", invite).stdout.split()[0], b"attic")
        self.assertEqual(self.join("client", invite, "--name", "home").stdout.split()[0], b"home")
        self.assertEqual(self.cat("client", "home:file"), self.path.read_bytes())

    def test_as_it_is_pasted(self):
        self.serve()
        invite = self.invite("laptop")
        shouted = invite.upper()
        done = self.w.run("client", "client", "join", shouted[:60], shouted[60:])
        self.assertEqual(done.returncode, 0, done.stderr)
        typed = self.w.run("client", "client", "join", "-", "--json", input=f"  {invite}\n".encode())
        self.assertEqual(typed.returncode, 0, typed.stderr)
        self.assertEqual(json.loads(typed.stdout)["name"], "server")

    def test_json_and_qr_code(self):
        self.serve()
        told = json.loads(self.invite("laptop", "--json", "--expires", "2h"))
        self.assertEqual(told["name"], "laptop")
        self.assertEqual(self.join("client", told["invite"]).returncode, 0)
        lines = self.invite("phone", "--qr").splitlines()
        self.assertRegex(lines[-1], "^ajar1")
        code = lines[:-1]
        self.assertGreater(len(code), 20)
        self.assertEqual({len(line) for line in code}, {len(code[0])})
        self.assertEqual(set("".join(code)), set("█▀▄ "))
        self.assertEqual(set("".join(code[:2])), {"█"})  # the quiet zone
        # the upper left corner is a ring of dark around one of light around a dark square: seven by seven
        self.assertEqual([line[4:11] for line in code[2:6]], [" ▄▄▄▄▄ ", " █   █ ", " █▄▄▄█ ", "▄▄▄▄▄▄▄"])

    # ---- one wins

    def test_a_race(self):
        self.serve()
        invite = self.invite("laptop")
        racers = []
        for i in range(RACERS):
            command = self.w.command("client", f"racer{i}", "join", invite, "--json", "--wait", "--from", f"127.0.1.{i + 1}")
            racers.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        ends = [(one.communicate(timeout=120), one.returncode) for one in racers]
        winners = [i for i, (_, code) in enumerate(ends) if code == 0]
        self.assertEqual(len(winners), 1, ends)
        winner = self.w.text("client", f"racer{winners[0]}", "id")
        for i, ((_, error), code) in enumerate(ends):
            if i in winners:
                continue
            self.assertEqual(code, world.REFUSED, error)
            self.assertIn(f"used by {winner[:13]}", error)
        known = self.w.text("server", "server", "grants", "--json").splitlines()
        self.assertEqual([json.loads(one)["client"] for one in known], [winner])

    def test_the_use_survives_a_kill(self):
        server = self.serve()
        invite = self.invite("laptop")
        self.assertEqual(self.join("client", invite).returncode, 0)
        server.send_signal(signal.SIGKILL)
        server.wait(10)
        self.serve()
        self.refused(self.join("other", invite, "--wait"), "used by another key")
        self.assertEqual(self.cat("client"), self.path.read_bytes())

    # ---- the owner decides

    def test_confirm(self):
        self.serve()
        invite = self.invite("laptop", "--confirm")
        self.refused(self.join("client", invite), "the server's owner has to approve it")
        self.refused(self.join("thief", invite), "used by another key")
        waits = self.pending()
        self.assertEqual([(one["name"], one["client"]) for one in waits],
                         [("laptop", self.w.text("client", "client", "id"))])
        self.assertIn("ajar-server approve laptop", self.w.text("server", "server", "pending"))
        command = self.w.command("client", "client", "join", invite, "--wait")
        waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("approve", waiting.stderr.readline())
        self.assertIn("laptop", self.w.text("server", "server", "approve", "laptop"))
        out, error = waiting.communicate(timeout=30)
        self.assertEqual(waiting.returncode, 0, error)
        self.assertEqual(self.cat("client"), self.path.read_bytes())
        self.refused(self.w.run("server", "server", "approve", "laptop"), "nobody of that name")

    def test_refused_by_its_owner(self):
        self.serve()
        invite = self.invite("laptop", "--confirm")
        self.refused(self.join("client", invite), "has to approve it")
        self.assertIn("its invite", self.w.text("server", "server", "revoke", "laptop"))
        self.refused(self.join("client", invite), "the server knows no such invite")
        self.assertEqual(self.pending(), [])

    # ---- while somebody is not there

    def test_before_the_server_runs(self):
        done = self.w.run("server", "server", "invite", "laptop", "--service", "file:r")
        self.refused(done, "name central by --central", world.USAGE)
        invite = self.invite("laptop", "--central", self.w.url)
        self.assertEqual([one["name"] for one in self.pending()], ["laptop"])
        self.refused(self.join("client", invite), "the server is not linked to central now", world.NOT_REACHED)
        command = self.w.command("client", "client", "join", invite, "--wait")
        waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("not linked", waiting.stderr.readline())
        self.serve()
        out, error = waiting.communicate(timeout=30)
        self.assertEqual(waiting.returncode, 0, error)

    def test_central_starts_anew(self):
        self.serve()
        invite = self.invite("laptop")
        self.w.stop("central")
        self.refused(self.join("client", invite), "nothing listens there", world.NO_CENTRAL)
        self.w.start_central()
        self.w.wait_for("server", "A linked to central", 2)
        self.assertEqual(self.join("client", invite, "--wait").returncode, 0)

    # ---- bad input

    def test_ended(self):
        self.serve()
        invite = self.invite("laptop", "--expires", "1s")
        time.sleep(1.1)
        self.refused(self.join("client", invite), "the invite has ended")
        self.assertTrue(self.pending()[0]["ended"])

    def test_mistyped(self):
        self.serve()
        invite = self.invite("laptop")
        at = len(invite) // 2
        wrong = invite[:at] + ("b" if invite[at] == "a" else "a") + invite[at + 1:]
        for text in (wrong, invite[:-1], invite[:at], invite + "a", invite[:at] + invite[at + 1:]):
            self.refused(self.join("client", text), "typing error", world.USAGE)
        for text in ("hello", self.w.url, ""):
            self.refused(self.join("client", text), "that is no invite", world.USAGE)
        self.assertFalse(list(pathlib.Path(self.w.folder / "client").glob("*.grant")))
        self.assertEqual(self.join("client", invite).returncode, 0)

    def test_foreign(self):
        """The string of another server's state, of a name that is taken, and of terms that cannot be."""
        self.serve()
        foreign = self.w.text("server", "elsewhere", "invite", "laptop", "--service", "file:r", "--central", self.w.url)
        self.refused(self.join("client", foreign), "central does not serve this peer", world.NO_CENTRAL)
        self.invite("laptop")
        self.refused(self.w.run("server", "server", "invite", "laptop", "--service", "file:r"), "has that name already")
        for words in ((), ("a/b", "--service", "file:r"), ("phone",), ("phone", "--service", "file"),
                      ("phone", "--service", "file:r", "--expires", "soon")):
            done = self.w.run("server", "server", "invite", *words)
            self.assertEqual(done.returncode, world.USAGE, done.stderr)
            self.assertTrue(done.stderr)
        self.assertEqual(len(self.pending()), 1)

    def test_nothing_secret_is_told(self):
        """Neither the server's log nor central's has the string, or what it is made of."""
        self.serve()
        invite = self.invite("laptop")
        self.assertEqual(self.join("client", invite).returncode, 0)
        self.assertEqual(self.join("other", invite).returncode, world.REFUSED)
        for name in ("server", "central"):
            self.assertNotIn(invite[150:170], self.w.log(name))
        kept = list(pathlib.Path(self.w.folder / "server").glob("*.invite"))
        self.assertEqual([one.stat().st_mode & 0o777 for one in kept], [0o600])


if __name__ == "__main__":
    world.main()
