# SPDX-License-Identifier: BSL-1.0
"""Faults on purpose: floods, silence, stopped and killed tools, few descriptors; each says what the others saw meanwhile.

    faults.py TOOLS BRIDGE FLOOD           the others were served, and nothing is left open: a part of ./dev test
    faults.py TOOLS BRIDGE FLOOD --long    every fault that other files try, too, and the figures of docs/reliability.md:
                                           ./dev faults

The programs that attack are in tests/attack/. What took how long is printed, and decides nothing.
"""
import concurrent.futures
import datetime
import json
import os
import pathlib
import platform
import resource
import signal
import socket
import subprocess
import sys
import time
import unittest

ATTACKS = pathlib.Path(__file__).resolve().parent.parent / "attack"
FIGURES = "--long" in sys.argv
if FIGURES:
    sys.argv.remove("--long")
    os.environ["AJAR_LONG"] = "1"
FLOOD = pathlib.Path(sys.argv.pop(3) if len(sys.argv) > 3 else "build/release/tests/e2e/flood").resolve()

import forge  # noqa: F401: it takes its own word off the command line
import world
from world import CUT_SHORT, DONE, NO_CENTRAL

SIZE = 24 << 20  # more than the kernel and both ends hold of a session
PINGS = 50 if world.LONG else 3
ROWS = []  # of the table


def until(holds, what, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(what)
        time.sleep(0.02)


class Attack:
    """A program that goes on until it is left; it tells what it did so far as lines of JSON."""

    def __init__(self, w, *command):
        self.w, self.path = w, w.folder / "attack.log"
        with self.path.open("w") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
        w.running["attack"] = self.process

    def __enter__(self):
        self.until(lambda _: True, "it never began")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.w.running.pop("attack", None)

    def gives_way(self):
        """To all others on this machine, as if it ran on another one."""
        os.sched_setscheduler(self.process.pid, os.SCHED_IDLE, os.sched_param(0))

    def told(self):
        text = self.path.read_text()
        lines = [line for line in text[:text.rfind("\n") + 1].splitlines() if line.startswith("{")]
        if self.process.poll() is not None:
            raise AssertionError(f"the attack has ended: {text[-2000:]}")
        return json.loads(lines[-1]) if lines else {}

    def until(self, holds, what, seconds=60):
        def met():
            told = self.told()
            return told and holds(told)
        try:
            until(met, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.told()}") from None


class Town(world.World):
    """A central, two servers, and those who come: a client, another one who is nobody's business, and a stranger."""

    attacks = 0  # so far

    def open(self, *words):
        ids = [self.text("server", name, "id") for name in ("home", "hut")]
        (self.folder / "admitted").write_text("\n".join(ids) + "\n")
        self.start_central(*words)
        self.large = self.file("large", SIZE)
        self.small = self.file("small", 1000)
        for client in ("client", "other", "stranger"):
            for server in ("home", "hut"):
                # whoever is to be served may ask as often as the figures do; who floods has what a grant has by itself
                often = () if client == "stranger" else ("--windows-open", "60000")
                self.grant(client, "--windows", "60000", "--windows-a-day", "1000000", *often, server=server, name=server,
                           services=("large:r", "small:r"))
        for server in ("home", "hut"):
            self.serve(server)
        return self

    def serve(self, name="home"):
        before = self.log(name).count("A linked to central") if (self.folder / f"{name}.log").exists() else 0
        self.start(name, "server", name, "run", "--central", self.url, "--share", f"large={self.large}", "--share",
                   f"small={self.small}", "--listening", "60000")
        self.wait_for(name, "A linked to central", before + 1)

    def told(self, tool, state=None):
        return json.loads(self.text(tool, state or tool, "status", "--json"))

    def reader(self, client="client", server="home"):
        """A client in mid-transfer."""
        return world.Reader(self, client=client, what=f"{server}:large")

    def linked(self, kind):
        """From an address of its own: one that was refused too often is not heard for a while."""
        source = f"127.99.{self.attacks}.1"
        self.attacks += 1
        return Attack(self, FLOOD, "linked", kind, self.folder / "stranger", source)

    def refused(self, first="127.100.0.1"):
        return Attack(self, FLOOD, "refused", 32, self.url, first)

    def silent(self, addresses, each):
        return Attack(self, sys.executable, ATTACKS / "silent.py", self.central_port, addresses, each)

    def sockets(self):
        return {name: len(world.sockets_of(self.running[name])) for name in ("central", "home", "hut")}

    def ping(self, server="home", *words, within="10s"):
        """Another client's, as a whole command. @return seconds, and what came of it"""
        begun = time.monotonic()
        done = self.run("client", "other", "ping", server, "--count", "1", "--within", within, *words)
        return time.monotonic() - begun, done

    def pings(self, sources, **more):
        """@return the seconds of those that came; why others did not is printed"""
        came = []
        for source in sources:
            took, done = self.ping("home", "--from", source, **more)
            if done.returncode == DONE:
                came.append(took)
            else:
                print(f"  from {source}, {took:.2f} s: {done.stderr.strip()}", flush=True)
        return came


class Others(unittest.TestCase):
    """What happens to some is nothing to the others."""

    @classmethod
    def setUpClass(cls):
        cls.w = Town()
        cls.addClassCleanup(cls.w.__exit__)
        cls.w.open()
        cls.at_rest()
        cls.sockets = cls.w.sockets()

    def setUp(self):
        self.memory = {name: world.memory(self.w.running[name]) for name in self.sockets}

    def say(self, text):
        print(f"{self.id().split('.')[-1]}: {text}", flush=True)

    def others_come(self, *words, server="home", count=PINGS, meanwhile=""):
        took = []
        for _ in range(count):
            seconds, done = self.w.ping(server, *words, within="60s")
            self.assertEqual(done.returncode, DONE, done.stderr)
            took.append(seconds)
        self.say(f"{meanwhile}another client reached {server} {count} of {count} times, "
                 f"the slowest in {max(took) * 1000:.0f} ms")

    def is_told(self, server="home"):
        """That it does not work now; @return the exit code."""
        _, done = self.w.ping(server, within="2s")
        self.assertNotEqual(done.returncode, DONE)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        return done.returncode

    def whole(self, reader):
        octets, said, code = reader.finish()
        self.assertEqual((code, octets == self.w.large.read_bytes()), (DONE, True), said)

    @classmethod
    def at_rest(cls):
        """Nobody is linked but the servers, and they have nothing open but that."""
        def quiet():
            links = cls.w.told("central")["links"]
            servers = [cls.w.told("server", name) for name in ("home", "hut")]
            return ((links["servers"], links["clients"], links["half_open"]) == (2, 0, 0) and
                    not any(one["sessions"] or one["windows_open"] or one["listening_sockets"] for one in servers) and
                    all(any(one["network"].values()) for one in servers))
        until(quiet, "something was left open")

    def nothing_is_left(self):
        until(lambda: self.w.sockets() == self.sockets, "sockets were left")
        self.at_rest()
        grown = {name: world.memory(self.w.running[name]) - before for name, before in self.memory.items()}
        self.say("memory grew by " + ", ".join(f"{name} {kb} kB" for name, kb in grown.items()))
        if not world.SANITIZED:  # AddressSanitizer gives nothing back for long
            self.assertLess(max(grown.values()), 64_000)

    # ---- floods

    def test_a_linked_peer_that_floods(self):
        def sent_away():
            return self.w.told("central")["links"]["ended"].get("too_many_requests", 0)
        for kind in ("ping", "grant", "request", "exposure"):
            with self.subTest(kind):
                times = sent_away()
                with self.w.linked(kind) as attack:
                    attack.until(lambda told: told["messages"] > 0, "it never began")
                    before = attack.told()
                    self.others_come(meanwhile=f"beside {kind}: ")
                    attack.until(lambda told: told["messages"] > before["messages"], "it went no further")
                    if kind in ("ping", "exposure"):  # the others cost a signature each: a slow machine takes no flood of them
                        until(lambda: sent_away() > times, "it was never sent away")
                self.nothing_is_left()

    def test_a_client_that_claims_in_vain_and_goes_on_sending(self):
        with self.w.linked("claim") as attack:
            attack.until(lambda told: told["messages"] > 0, "it never came through a window")
            before = attack.told()
            self.others_come()
            attack.until(lambda told: sum(told["ended"].values()) > sum(before["ended"].values()), "it went no further")
        self.nothing_is_left()

    def test_strangers_who_go_on_sending_after_they_were_refused(self):
        with self.w.refused() as attack:
            attack.until(lambda told: told["links"] >= 32, "they never came")
            before = attack.told()
            self.others_come()
            attack.until(lambda told: told["links"] > before["links"], "they went no further")
        self.assertGreaterEqual(self.w.told("central")["links"]["turned_away"]["not_admitted"], 32)
        self.nothing_is_left()

    # ---- silence

    def test_silence_from_120_addresses(self):
        before = self.w.told("central")["links"]["dropped"]
        with self.w.silent(120, 20) as attack:  # more than central has room for
            until(lambda: self.w.told("central")["links"]["dropped"] > before, "central's room was never full")
            made = attack.told()["made"]
            self.others_come(meanwhile="from where it was linked before: ")
            for i in range(PINGS):
                self.others_come("--from", f"127.30.{i}.1", count=1, meanwhile="from an address that nobody knows: ")
            attack.until(lambda told: told["made"] > made, "they never came again")
        self.nothing_is_left()

    # ---- descriptors: those of central and of a server are in descriptors.py

    def test_a_client_with_few_descriptors(self):
        codes = []
        for most in (5, 8, 11, 12, 13, 14, 16, 64):
            command = ["prlimit", f"--nofile={most}:{most}", *self.w.command("client", "client", "cat", "home:small")]
            done = subprocess.run(command, capture_output=True, timeout=120)
            codes.append(done.returncode)
            if done.returncode != DONE:
                self.assertEqual(done.stdout, b"")
                self.assertNotEqual(done.stderr, b"")
        self.assertNotEqual(codes[0], DONE)
        self.assertEqual((codes[-1], done.stdout), (DONE, self.w.small.read_bytes()), done.stderr)
        self.others_come()
        self.nothing_is_left()

    # ---- stopped, and going on

    def stopped(self, process):
        process.send_signal(signal.SIGSTOP)
        self.addCleanup(process.send_signal, signal.SIGCONT)
        until(lambda: pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T",
              "it was not stopped")

    def test_a_stopped_central(self):
        readers = [self.w.reader(), self.w.reader("other", "hut")]
        central = self.w.running["central"]
        self.stopped(central)
        for reader in readers:
            self.whole(reader)
        self.assertEqual(self.is_told(), NO_CENTRAL)
        central.send_signal(signal.SIGCONT)
        self.say("two sessions went on to their end")
        self.others_come(meanwhile="afterwards: ")
        self.nothing_is_left()

    def test_a_stopped_server(self):
        reader = self.w.reader()
        home = self.w.running["home"]
        self.stopped(home)
        self.others_come(server="hut")
        self.is_told()
        home.send_signal(signal.SIGCONT)
        self.whole(reader)
        self.others_come(meanwhile="afterwards: ")
        self.nothing_is_left()

    def test_a_stopped_client(self):
        reader = self.w.reader()
        self.stopped(reader.process)
        self.others_come()
        reader.process.send_signal(signal.SIGCONT)
        self.whole(reader)
        self.nothing_is_left()

    # ---- killed; at which step, and that the victim itself comes back whole, is in kills.py

    def test_a_killed_central(self):
        readers = [self.w.reader(), self.w.reader("other", "hut")]
        links = {name: self.w.log(name).count("A linked to central") for name in ("home", "hut")}
        self.w.stop("central", signal.SIGKILL)
        self.assertEqual(self.is_told(), NO_CENTRAL)
        for reader in readers:
            self.whole(reader)
        self.say("two sessions went on to their end")
        self.w.start_central()
        for name, before in links.items():
            self.w.wait_for(name, "A linked to central", before + 1)
        self.others_come(meanwhile="afterwards: ")
        self.memory["central"] = world.memory(self.w.running["central"])
        self.nothing_is_left()

    def test_a_killed_server(self):
        lost, other = self.w.reader(), self.w.reader("other", "hut")
        self.w.stop("home", signal.SIGKILL)
        self.others_come(server="hut")
        octets, said, code = lost.finish()
        self.assertEqual((code, octets == self.w.large.read_bytes()[:len(octets)]), (CUT_SHORT, True), said)
        self.whole(other)
        self.w.serve()
        self.others_come(meanwhile="afterwards: ")
        self.memory["home"] = world.memory(self.w.running["home"])
        self.nothing_is_left()

    def test_a_killed_client(self):
        lost, other = self.w.reader(), self.w.reader("other")
        lost.process.kill()
        lost.finish()
        self.others_come()
        self.whole(other)
        self.nothing_is_left()


# ---- figures

def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def machine():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "an unknown processor")
    count = len(os.sched_getaffinity(0))
    return f"{count} threads of {model}, Linux {platform.release()}, {datetime.date.today()}"


def row(what, told):
    ROWS.append(f"| {what} | {told} |")
    print(ROWS[-1], flush=True)


@unittest.skipUnless(FIGURES, "figures take minutes: --long")
class Figures(unittest.TestCase):
    """Each prints a row. How often it went well is told with the times, and asserted nowhere."""

    @classmethod
    def setUpClass(cls):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    @classmethod
    def tearDownClass(cls):
        print(f"\n{machine()}\n\n| fault | what the others saw |\n|---|---|", *ROWS, sep="\n", flush=True)

    def setUp(self):
        self.w = Town()
        self.addCleanup(self.w.__exit__)

    def times(self, what, count, alone=None):
        took = self.w.pings(["127.0.0.1"] * count)
        failed = count - len(took)
        if not took:
            row(what, f"{failed} of {count} failed")
            return None
        p99 = quantile(took, 0.99) * 1000
        ratio = f", {p99 / alone:.1f} times as long as without" if alone else ""
        row(what, f"p50 {quantile(took, 0.5) * 1000:.0f} ms, p99 {p99:.0f} ms{ratio}; {failed} of {count} failed")
        return p99

    def test_1_beside_floods(self):
        self.w.open()
        count = 500
        alone = self.times("another client's `ping`, a whole command, with nothing else", count)
        for kind in ("ping", "grant", "request", "exposure", "claim"):
            with self.w.linked(kind) as attack:
                attack.until(lambda told: told["messages"] > 0, "it never began")
                self.times(f"the same beside a linked peer that floods ({kind})", count, alone)
        with self.w.refused() as attack:
            attack.until(lambda told: told["links"] >= 32, "they never came")
            self.times("the same beside 32 refused strangers who go on sending", count, alone)
        with self.w.refused("127.101.0.1") as attack:
            attack.gives_way()
            attack.until(lambda told: told["links"] >= 32, "they never came")
            self.times("the same, and they have what the others leave of the processors", count, alone)

    def test_2_silence(self):
        self.w.open()
        with self.w.silent(120, 64) as attack:
            until(lambda: self.w.told("central")["links"]["dropped"] > 0, "central's room was never full")
            for whose, source in (("addresses that nobody knows", "127.30.{}.1"), ("a known one", "127.0.0.1")):
                came = self.w.pings([source.format(i) for i in range(20)], within="3s")
                row(f"64 silent connections from each of 120 addresses: clients from {whose}",
                    f"{len(came)} of 20 came within 3 s, the slowest in {max(came, default=0):.2f} s")
            told = attack.told()
        row("the same: connections that were made and closed meanwhile", f"{told['made']}, {told['ended']}")

    # ---- a server whose central is somebody else for a while

    def test_3_portal(self):
        self.come_back("a captive portal in central's place", self.portal)

    def test_3_another_central(self):
        self.come_back("another central in central's place", self.another_central)

    def test_3_emptied_list(self):
        self.come_back("an admission list that is empty for a while", self.emptied_list)

    def portal(self):
        w = self.w
        w.stop("central", signal.SIGKILL)
        with socket.socket() as port:
            port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            port.bind(("127.0.0.1", w.central_port))
            port.listen()
            port.settimeout(60)
            one, _ = port.accept()
            with one:
                one.recv(1000)
                one.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n")
        return w.start_central

    def another_central(self):
        w = self.w
        w.stop("central", signal.SIGKILL)
        w.start("another", "central", "another", "run", "--listen", f"127.0.0.1:{w.central_port}", "--open")
        w.wait_for("home", "another key", w.log("home").count("another key") + 1)
        w.stop("another", signal.SIGKILL)
        return w.start_central

    def emptied_list(self):
        w = self.w
        admitted = w.folder / "admitted"
        good = admitted.read_text()
        told = w.log("home").count("central does not serve this peer")
        admitted.write_text("")
        w.running["central"].send_signal(signal.SIGHUP)
        w.wait_for("home", "central does not serve this peer", told + 1)

        def mend():
            admitted.write_text(good)
            w.running["central"].send_signal(signal.SIGHUP)
        return mend

    def come_back(self, what, fault):
        self.w.open()
        self.w.stop("hut")
        count, took, lost = 20, [], 0
        for _ in range(count):
            reader = self.w.reader()
            before = self.w.log("home").count("A linked to central")
            mend = fault()
            begun = time.monotonic()
            mend()
            try:
                self.w.wait_for("home", "A linked to central", before + 1, seconds=320)
                took.append(time.monotonic() - begun)
            except AssertionError:
                pass
            octets, _, code = reader.finish()
            lost += (code, len(octets)) != (DONE, SIZE)
            self.w.stop("home", signal.SIGKILL)  # its waits begin small again
            self.w.serve()
        slowest = f", p50 after {quantile(took, 0.5):.1f} s, the slowest after {max(took):.1f} s" if took else ""
        row(f"{what}: the server is back", f"{len(took)} of {count}{slowest}; {lost} sessions lost")

    # ---- half-dead

    def test_4_half_dead_session(self):
        sys.path.append(str(ATTACKS.parent / "natlab"))
        import cases
        import lab as natlab
        import matrix
        wanlink = world.TOOLS.parent / "tests" / "natlab" / "wanlink"
        if natlab.missing() or not wanlink.exists():
            self.skipTest("it takes a NAT lab")
        took = []
        with matrix.running(str(wanlink), False, **cases.NEAR) as (lab, w):
            for _ in range(5):
                seconds = cases.Cases(lab, w).vanished_client()
                if seconds is not None:
                    took.append(seconds)
        row("a client's machine that is gone without a word and back at once (outbound): its dead session is replaced",
            f"{len(took)} of 5, the slowest after {max(took):.1f} s" if took else "0 of 5")

    # ---- many

    def test_5_idle_links(self):
        w, count = self.w, 5000
        w.start_central("--open")
        before = world.memory(w.running["central"])
        begun = time.monotonic()
        with Attack(w, FLOOD, "idle", count, w.url, "127.70.0.1") as peers:
            peers.until(lambda told: told["now"] >= count, "they are not all linked", 300)
            took = time.monotonic() - begun
            time.sleep(20)  # a heartbeat or two
            stand = peers.told()["now"]
            own = world.memory(w.running["central"]) - before
            theirs = world.memory(peers.process)
        row(f"{count} idle links at central", f"{own / count:.1f} kB of memory each at central, {theirs / count:.1f} kB at "
            f"the peers, who are one process; {stand} stand; made in {took:.0f} s")

    def test_6_many_windows(self):
        w = self.w
        w.open()
        w.ping()
        sockets, names = w.sockets(), ("central", "home")
        before = [world.memory(w.running[name]) for name in names]
        failed = 300 - len(w.pings(["127.0.0.1"] * 300))
        after = [world.memory(w.running[name]) for name in names]
        until(lambda: w.sockets() == sockets, "sockets were left")
        row("300 windows in a row", f"{failed} failed; no socket left; {self.growth(names, before, after)}")

    def test_7_many_clients(self):
        w = self.w
        w.open()
        size, names, processes = 20 << 20, [f"client{i}" for i in range(60)], ("central", "home")
        w.large.write_bytes(os.urandom(size))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: w.grant(name, server="home", services=("large:r",)), names))
        sockets, whole = w.sockets(), w.large.read_bytes()
        before = [world.memory(w.running[name]) for name in processes]
        failed, took = 0, []

        def fetch(name):
            return w.run("client", name, "cat", "home:large", "--within", "60s")

        for _ in range(3):
            begun = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
                all_done = list(pool.map(fetch, names))
            took.append(time.monotonic() - begun)
            failed += sum((done.returncode, done.stdout == whole) != (DONE, True) for done in all_done)
        after = [world.memory(w.running[name]) for name in processes]
        until(lambda: w.sockets() == sockets, "sockets were left")
        row("60 clients at once, 20 MB each, three times", f"{failed} of {3 * len(names)} failed; the rounds took "
            f"{min(took):.1f} to {max(took):.1f} s; no socket left; {self.growth(processes, before, after)}")

    @staticmethod
    def growth(names, before, after):
        return ", ".join(f"{name} from {a / 1000:.1f} to {b / 1000:.1f} MB" for name, a, b in zip(names, before, after))


def load_tests(loader, tests, _):
    """At night also the faults that other files try."""
    if FIGURES:
        tests.addTests(loader.loadTestsFromNames([
            "descriptors.Descriptors", "kills.Kills", "http2.Http2.test_floods_end_the_session",
            "http2.Http2.test_resets_end_the_session", "http2.Http2.test_a_reader_that_takes_nothing_costs_little",
            "outputs.Outputs.test_a_log_that_nobody_reads_stops_neither_server_nor_central",
            "outputs.Outputs.test_a_log_whose_reader_goes_does_not_take_the_server_along"]))
    return tests


if __name__ == "__main__":
    world.main()
