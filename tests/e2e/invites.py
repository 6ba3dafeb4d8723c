# SPDX-License-Identifier: BSL-1.0
"""Invites: one command at the server, one at the client, and whoever else has the string gets nothing. The same of
central and a server."""
import json
import os
import pathlib
import re
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
        self.refused(self.join("client", invite), "no such invite is known there")
        self.assertEqual(self.pending(), [])

    # ---- while somebody is not there

    def test_before_the_server_runs(self):
        done = self.w.run("server", "server", "invite", "laptop", "--service", "file:r")
        self.refused(done, "name one by --central", world.USAGE)
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


class Newcomers(unittest.TestCase):
    """A server comes to be served by one line, too."""

    def setUp(self):
        self.w = world.World()
        self.addCleanup(self.w.__exit__)
        self.w.start_central("--threads", "2")  # its list is its own, and empty
        self.path = self.w.file("notes", 1000)

    def invite(self, name="attic", *words, central="central"):
        return self.w.text("central", central, "invite", name, *words)

    def join(self, server, invite, *words, **more):
        return self.w.run("server", server, "join", invite, *words, **more)

    def refused(self, done, phrase, code=world.REFUSED):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(phrase, done.stderr)

    def joined(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)

    def admitted(self):
        return self.w.text("central", "central", "admitted").split()

    def serve(self, name="server", state="server"):
        self.w.start(name, "server", state, "run", "--share", f"file={self.path}")
        self.w.wait_for(name, "A linked to central")

    # ---- the whole way

    def test_from_nothing_to_a_file(self):
        """No id is copied, no file edited, no URL said."""
        invite = self.invite()
        self.assertRegex(invite, "^ajar1[a-z2-7]+$")
        done = self.join("server", invite)
        self.joined(done)
        self.assertEqual(done.stdout.decode().strip(), self.w.url)
        self.assertIn("ajar-server share", done.stderr)
        process = self.w.start("share", "server", "server", "share", self.path)
        self.w.wait_for("share", "Ctrl-C ends it")
        word = re.search(r"^ajar-client get (ajar1\S+)$", self.w.log("share"), re.MULTILINE)[1]
        to = self.w.folder / "to"
        to.mkdir()
        done = self.w.run("client", "client", "get", word, to)
        self.joined(done)
        self.assertEqual((to / "notes").read_bytes(), self.path.read_bytes())
        self.assertEqual(process.wait(60), 0, self.w.log("share"))
        # the list says who that is
        id = self.w.text("server", "server", "id")
        self.assertEqual((self.w.folder / "central" / "servers.txt").read_text(), f"{id}  # attic\n")
        self.assertEqual(self.admitted(), [id])
        self.assertEqual(self.w.text("central", "central", "invites"), "")

    def test_while_others_are_served(self):
        self.joined(self.join("server", self.invite()))
        self.serve()
        self.joined(self.join("other", self.invite("cellar")))
        self.serve("other", "other")
        self.assertEqual(self.w.log("server").count("A linked to central"), 1)  # nobody was cut off
        self.assertEqual(sorted(self.admitted()), sorted(self.w.text("server", one, "id") for one in ("server", "other")))
        # every command knows central
        self.w.text("server", "server", "grant", self.w.text("client", "client", "id"), "--service", "file:r", "--out",
                    self.w.folder / "given")
        self.assertIn("central", self.w.run("server", "other", "doctor").stdout.decode())
        self.w.stop("other")
        self.assertIn(self.w.url.split("/")[2], self.w.run("server", "other", "doctor").stdout.decode())

    def test_again_and_by_others(self):
        invite = self.invite()
        self.joined(self.join("server", invite))
        self.joined(self.join("server", invite))
        done = self.join("other", invite)
        self.refused(done, "used by another key")
        self.assertIn(self.w.text("server", "server", "id")[:13], done.stderr)
        self.assertEqual(self.admitted(), [self.w.text("server", "server", "id")])
        self.assertFalse((self.w.folder / "other" / "central").exists())

    def test_as_it_is_pasted(self):
        shouted = self.invite().upper()
        self.joined(self.join("server", shouted[:60], shouted[60:]))
        told = json.loads(self.invite("cellar", "--json", "--expires", "2h"))
        self.assertEqual(told["name"], "cellar")
        typed = self.join("other", "-", "--json", input=f"  {told['invite']}\n".encode())
        self.joined(typed)
        self.assertEqual(json.loads(typed.stdout), {"central": self.w.url, "id": self.w.text("server", "other", "id")})
        lines = self.invite("shed", "--qr").splitlines()
        self.assertRegex(lines[-1], "^ajar1")
        self.assertGreater(len(lines), 20)

    # ---- one wins

    def test_a_race(self):
        invite = self.invite()
        count = 4 if world.SANITIZED else 20
        racers = []
        for i in range(count):
            command = self.w.command("server", f"racer{i}", "join", invite, "--from", f"127.0.1.{i + 1}")
            racers.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        ends = [(one.communicate(timeout=120), one.returncode) for one in racers]
        winners = [i for i, (_, code) in enumerate(ends) if code == 0]
        self.assertEqual(len(winners), 1, ends)
        for i, ((_, error), code) in enumerate(ends):
            if i not in winners:
                self.assertEqual(code, world.REFUSED, error)
        self.assertEqual(self.admitted(), [self.w.text("server", f"racer{winners[0]}", "id")])

    def test_several_at_once(self):
        """Each of them is on the list in the end, beside one that is admitted by hand meanwhile."""
        invites = [self.invite(f"server{i}") for i in range(4)]
        by_hand = self.w.text("server", "by-hand", "id")
        racers = [subprocess.Popen(self.w.command("server", f"racer{i}", "join", one), stdout=subprocess.DEVNULL)
                  for i, one in enumerate(invites)]
        self.w.text("central", "central", "admit", by_hand)
        self.assertEqual([one.wait(120) for one in racers], [0] * 4)
        ids = [self.w.text("server", f"racer{i}", "id") for i in range(4)]
        self.assertEqual(sorted(self.admitted()), sorted([by_hand, *ids]))
        self.serve("last", "racer3")

    def test_the_use_survives_a_kill(self):
        invite = self.invite()
        self.joined(self.join("server", invite))
        self.w.stop("central", signal.SIGKILL)
        self.w.start_central("--threads", "2")
        self.refused(self.join("other", invite), "used by another key")
        self.serve()

    # ---- the operator decides

    def test_withdrawn(self):
        invite = self.invite()
        self.assertRegex(self.w.text("central", "central", "invites"), "^attic  until ")
        self.w.text("central", "central", "withdraw", "attic")
        self.assertEqual(self.w.text("central", "central", "invites"), "")
        self.refused(self.join("server", invite), "no such invite is known there")
        self.refused(self.w.run("central", "central", "withdraw", "attic"), "no open invite has that name")
        self.assertEqual(self.admitted(), [])

    def test_dismissed(self):
        invite = self.invite()
        self.joined(self.join("server", invite))
        self.w.text("central", "central", "dismiss", self.w.text("server", "server", "id"))
        self.refused(self.join("server", invite), "central does not serve this peer", world.NO_CENTRAL)
        self.assertEqual(self.admitted(), [])

    def test_ended(self):
        invite = self.invite("attic", "--expires", "1s")
        time.sleep(1.1)
        self.refused(self.join("server", invite), "the invite has ended")
        self.assertTrue(json.loads(self.w.text("central", "central", "invites", "--json"))["ended"])
        self.assertEqual(self.admitted(), [])

    # ---- while central is not there

    def test_before_central_runs(self):
        self.w.stop("central")
        at = ("--listen", f"127.0.0.1:{self.w.central_port}")
        self.refused(self.w.run("central", "central", "invite", "attic"), "start it, or say --listen", world.USAGE)
        self.refused(self.w.run("central", "central", "invite", "attic", "--listen", "127.0.0.1:0"), "random port",
                     world.USAGE)
        invite = self.invite("attic", *at, "--name", "localhost")
        self.refused(self.join("server", invite), "nothing listens there", world.NO_CENTRAL)
        command = self.w.command("server", "server", "join", invite, "--wait")
        waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("waiting", waiting.stderr.readline())
        self.w.start_central("--threads", "2")
        out, error = waiting.communicate(timeout=60)
        self.assertEqual(waiting.returncode, 0, error)
        self.assertEqual(out.strip(), self.w.url.replace("127.0.0.1", "localhost"))
        self.serve()

    # ---- lists that are not its own

    def test_a_list_elsewhere(self):
        """Landlock keeps a central that runs from changing it, so that nobody is invited in vain."""
        self.w.stop("central")
        elsewhere = self.w.folder / "admitted"
        before = elsewhere.read_text()
        self.w.start_central()
        done = self.w.run("central", "central", "invite", "attic")
        self.refused(done, "outside of the state folder", world.LOCAL)
        self.assertEqual(self.w.text("central", "central", "invites"), "")
        self.assertEqual(elsewhere.read_text(), before)

    def test_a_list_named_in_the_state_folder(self):
        self.w.stop("central")
        named = self.w.folder / "central" / "mine.txt"
        named.write_text("# mine\n")
        self.w.start_central("--admit", named)
        self.joined(self.join("server", self.invite()))
        self.assertEqual(named.read_text(), f"# mine\n{self.w.text('server', 'server', 'id')}  # attic\n")
        self.serve()

    def test_a_list_that_cannot_be_read(self):
        """The invite stays its server's, until the operator has mended it."""
        invite = self.invite()
        own = self.w.folder / "central" / "servers.txt"
        own.write_text("nonsense\n")
        self.refused(self.join("server", invite), "central", world.NO_CENTRAL)
        self.w.wait_for("central", "a server cannot be put on the list")
        own.write_text("")
        self.refused(self.join("other", invite), "used by another key")
        self.joined(self.join("server", invite))
        self.serve()

    def test_a_central_that_serves_everybody(self):
        self.w.stop("central")
        self.w.start_central("--open")
        self.joined(self.join("server", self.invite()))
        self.serve()
        self.w.stop("server")
        self.w.stop("central")
        self.w.start_central("--threads", "2")  # and later with its list
        self.serve()

    # ---- bad input

    def test_of_the_other_kind(self):
        """Each line says who it is for."""
        of_a_server = self.invite()
        for command in ("join", "get"):
            done = self.w.run("client", "client", command, of_a_server)
            self.refused(done, "ajar-server join", world.USAGE)
        self.joined(self.join("server", of_a_server))
        of_a_client = self.w.text("server", "server", "invite", "laptop", "--service", "file:r")
        self.refused(self.join("other", of_a_client), "ajar-client join", world.USAGE)
        self.refused(self.w.run("server", "other", "join"), "join needs an invite", world.USAGE)
        wrong = of_a_server[:40] + ("b" if of_a_server[40] == "a" else "a") + of_a_server[41:]
        for text in (wrong, of_a_server[:-1], of_a_server + "a"):
            self.refused(self.join("other", text), "typing error", world.USAGE)
        for text in ("hello", self.w.url, ""):
            self.refused(self.join("other", text), "that is no invite", world.USAGE)
        for words in ((), ("a/b",), ("attic", "cellar"), ("attic", "--expires", "soon")):
            done = self.w.run("central", "central", "invite", *words)
            self.assertEqual(done.returncode, world.USAGE, done.stderr)
            self.assertTrue(done.stderr)
        self.invite("cellar")
        self.refused(self.w.run("central", "central", "invite", "cellar"), "has that name already")

    def test_another_central(self):
        """What was joined is not left by mistake."""
        self.joined(self.join("server", self.invite()))
        first = self.w.url
        self.w.start("second", "central", "second", "run", "--listen", "127.0.0.1:0")
        self.w.wait_for("second", "ajar://")
        url = re.findall(r"ajar://\S+", self.w.log("second"))[0]
        invite = self.invite("attic", central="second")
        self.refused(self.join("server", invite), "has joined another central", world.LOCAL)
        self.assertIn("attic", self.w.text("central", "second", "invites"))  # it was not used up
        kept = self.w.folder / "server" / "central"
        self.assertEqual(kept.read_text(), first + "\n")
        self.joined(self.join("server", invite, "--force"))
        self.assertEqual(kept.read_text(), url + "\n")
        # what is said counts before that
        os.environ["AJAR_CENTRAL"] = first
        self.addCleanup(os.environ.pop, "AJAR_CENTRAL", None)
        self.assertIn("$AJAR_CENTRAL says another central", self.join("server", invite).stderr)
        self.serve()
        del os.environ["AJAR_CENTRAL"]
        self.assertIn("stays with its central", self.join("server", invite).stderr)
        self.w.stop("server")
        kept.write_text("nonsense\n")
        done = self.w.run("server", "server", "run", "--share", f"file={self.path}")
        self.refused(done, "damaged", world.USAGE)
        self.joined(self.join("server", invite, "--force"))

    def test_nothing_secret_is_told(self):
        """Neither log has the string, or what it is made of."""
        invite = self.invite()
        self.joined(self.join("server", invite))
        self.refused(self.join("other", invite), "used by another key")
        self.assertNotIn(invite[150:170], self.w.log("central"))
        self.assertIn("a server has redeemed its invite", self.w.log("central"))
        kept = list(pathlib.Path(self.w.folder / "central").glob("*.invite"))
        self.assertEqual([one.stat().st_mode & 0o777 for one in kept], [0o600])


if __name__ == "__main__":
    world.main()
