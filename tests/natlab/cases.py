# SPDX-License-Identifier: BSL-1.0
"""Cases that no pair of modes shows: a shared site, a port that may not be bound, nothing listening, the way by IPv6.

    cases.py TOOLS WANLINK [CASE...]

Exits 1 where something else happens, 77 where this machine can have no lab.
"""
import json
import os
import subprocess
import sys
import threading
import time

import matrix
import readme

NEAR = {"rtt_ms": 40, "central": (3, 4)}
NO_BIND = ("setpriv", "--bounding-set", "-net_bind_service")
# those that take equally long together
GROUPS = (("same_site", "port_443", "lying_client", "vanished_client", "forwarded_ports", "by_ipv6",
           "two_families"),
          ("nothing_listens", "timeline", "two_commands", "as_readme_says"), ("long_ways",))


class Cases:
    def __init__(self, lab, w):
        self.lab, self.w, self.wrong = lab, w, 0

    def check(self, what, good, told=""):
        self.wrong += not good
        print(f"{'ok ' if good else 'BAD'} {what}{'' if good else ': ' + str(told)}", flush=True)

    def modes(self, server, client):
        self.lab.mode("server", server)
        self.lab.mode("client", client)

    def serve(self, *words, **more):
        self.w.start_server({"notes": self.w.folder / "notes"}, *words, **more)
        if "outbound" not in words:  # such a server has no use for it
            self.w.wait_for_network()

    def ping(self, *words, host="client"):
        """@return the reports of what connected, and what was said beside"""
        command = self.w.command("client", "client", "ping", "home", "--json", "--explain", *words)
        command[:len(self.lab.prefix("client"))] = self.lab.prefix(host)
        done = subprocess.run(command, capture_output=True, text=True, timeout=90)
        return [json.loads(line) for line in done.stdout.splitlines() if '"path"' in line], done.stderr

    def same_site(self):
        """Two hosts behind one NAT that does not hairpin: by their own network, where the grant allows it."""
        self.modes("portpres", "open")
        self.serve()
        reports, said = self.ping(host="mate")
        self.check("two hosts behind one NAT meet on their own network", [one["path"] for one in reports] == ["window"],
                   said)
        self.w.stop("server")

    def port_443(self):
        """The other end would have to use port 443, and may not."""
        self.modes("portpres", "portpres+egress443")
        self.serve()
        reports, said = self.ping()
        self.check("behind a firewall that lets out port 443 alone, that port crosses",
                   reports and reports[0]["path"] == "crossing", said)
        self.w.stop("server")
        self.w.wrap_server = NO_BIND
        self.serve()
        reports, said = self.ping()
        self.check("where the server may not bind it, that is what the client is told",
                   not reports and "port 443" in said.splitlines()[-1], said)
        self.w.wrap_server = ()
        self.w.stop("server")

    def forwarded_ports(self):
        """Nothing crosses between two NATs with random ports; a router that forwards some lets windows open there."""
        self.modes("symmetric+forward", "symmetric")
        self.serve()
        reports, said = self.ping()
        self.check("a server that says nothing of forwarded ports has no use for them",
                   not reports and matrix.NO_DIRECT_PATH in said, said)
        self.w.stop("server")
        self.serve("--window-ports", "40000-40099", "--advertise", "192.31.196.2")
        reports, said = self.ping()
        self.check("a server behind a router that forwards ports opens its windows there",
                   [one["path"] for one in reports] == ["window"], said)
        self.w.stop("server")

    def lying_client(self):
        """A client says that its door is at a stranger's: what reaches the stranger, who answers nothing?"""
        self.modes("open", "open")
        self.lab.run("stranger", "nft", "-f", "-", input="""table inet victim {
            counter by_central { }
            counter by_others { }
            chain in { type filter hook input priority 0;
                ip saddr 192.175.48.10 tcp flags syn counter name by_central drop
                tcp flags syn counter name by_others drop
            }
        }""")
        self.serve("--mode", "outbound")
        reports, said = self.ping("--by", "outbound", "--door", "0.0.0.0:7000", "--advertise", "192.175.48.66:4444",
                                  "--within", "9s")
        self.w.stop("server")
        told = json.loads(self.lab.run("stranger", "nft", "-j", "list", "counters"))["nftables"]
        packets = {one["counter"]["name"]: one["counter"]["packets"] for one in told if "counter" in one}
        self.check("a client that names another's address as its door is told that it is not proved",
                   not reports and "address" in said.splitlines()[-1], said)
        self.check("central has sent three SYNs there at most, and nobody else any",
                   1 <= packets["by_central"] <= 3 and packets["by_others"] == 0, packets)
        self.lab.run("stranger", "nft", "delete", "table", "inet", "victim")

    def vanished_client(self):
        """A client's machine is gone without a word, and back at once: its dead session is in nobody's way."""
        self.modes("open", "open")
        (self.w.folder / "large").write_bytes(bytes(50_000_000))
        self.w.start_server({"notes": self.w.folder / "large"}, "--mode", "outbound")
        door = ("--by", "outbound", "--door", "192.52.193.130:7000")
        first = subprocess.Popen(self.w.command("client", "client", "cat", "home:notes", *door), stdout=subprocess.PIPE)
        first.stdout.read(1000)  # it has a session, and nobody reads on
        ways = self.lab.run("client", "ss", "-tnH", "state", "established", "sport", "=", ":7000").split()
        port = ways[-1].rsplit(":", 1)[1]
        self.lab.run("client", "nft", "-f", "-", input=f"""table inet vanished {{
            chain out {{ type filter hook output priority 0; tcp dport {port} tcp sport 7000 drop; }}
            chain in {{ type filter hook input priority 0; tcp sport {port} tcp dport 7000 drop; }}
        }}""")
        first.kill()
        first.wait()
        begun = time.monotonic()
        reports, said = self.ping(*door, "--within", "10s")
        took = time.monotonic() - begun
        came = [one["path"] for one in reports] == ["outbound"]
        self.check("a client that vanished and came back is dialled anew within its ten seconds", came, said)
        self.lab.run("client", "nft", "delete", "table", "inet", "vanished")
        self.w.stop("server")
        return took if came else None  # seconds: tests/e2e/faults.py

    def nothing_listens(self):
        """The kernel's own list of listening ports, at both ends, while ten crossings connect."""
        self.modes("portpres", "stateful")
        self.serve()
        time.sleep(2)  # the server has learned what its firewall lets in
        seen, polls, done = set(), 0, threading.Event()

        def watch():
            nonlocal polls
            while not done.is_set():
                for host in ("server", "client"):
                    seen.update(self.lab.run(host, "ss", "-ltnH").splitlines())
                polls += 1
        watching = threading.Thread(target=watch)
        watching.start()
        paths = []
        for _ in range(10):
            reports, said = self.ping("--by", "crossing")
            paths += [one["path"] for one in reports]
        done.set()
        watching.join()
        self.check("ten crossings, ss -ltn at both ends stays empty",
                   paths == ["crossing"] * 10 and not seen and polls > 20, (paths, seen, polls, said))
        self.w.stop("server")

    def timeline(self):
        """--explain tells what all three did, in an order that can be."""
        self.modes("open", "portpres")
        self.serve()
        _, said = self.ping()
        lines = [json.loads(line) for line in said.splitlines() if line.startswith('{"timeline"')]
        steps = lines[-1]["timeline"] if lines else []
        first = {}
        for one in steps:
            first.setdefault((one["who"], one["letter"]), one["us"])
        order = [("client", "B"), ("central", "C"), ("server", "E"), ("central", "F"), ("client", "F"), ("client", "G")]
        times = [first.get(one) for one in order]
        self.check("the steps of all three, in their order", None not in times and times == sorted(times), (times, said))
        self.w.stop("server")

    def long_ways(self):
        """A continent, two oceans, a satellite: every way in."""
        import world
        self.modes("open", "open")
        for trip in (100, 240, 400, 600) if world.LONG else (240, 600):
            self.lab.wan(rtt_ms=trip)
            self.serve()
            for way in ("window", "window-reverse", "crossing"):
                reports, said = self.ping("--by", way, "--within", "30s")
                self.check(f"by {way} over a round trip of {trip} ms", [one["path"] for one in reports] == [way], said)
            self.w.stop("server")
        self.lab.wan(**NEAR)

    def two_commands(self):
        """One command a side, and a folder of a thousand files is there: the server behind a home router."""
        self.modes("portpres", "open")
        folder, here = self.w.folder / "photos", self.w.folder / "got"
        folder.mkdir()
        here.mkdir()
        for number in range(1000):
            (folder / f"{number}.jpg").write_bytes(os.urandom(10_000))
        begun = time.monotonic()
        sharing = self.w.start("share", "server", "sharer", "share", folder, "--central", self.w.url)
        self.w.wait_for("share", "Ctrl-C ends it")
        word = next(word for word in self.w.log("share").split() if word.startswith("ajar1"))
        done = subprocess.run(self.w.command("client", "guest", "get", word, here), capture_output=True, text=True, timeout=90)
        took = time.monotonic() - begun
        whole = subprocess.run(["diff", "-r", folder, here / "photos"], capture_output=True).returncode == 0
        self.check(f"two commands: 1 000 files of 10 kB in {took:.1f} s, from the first key to the last octet",
                   done.returncode == 0 and whole, done.stderr)
        self.check("the share ends when all was fetched", sharing.wait(30) == 0, self.w.log("share"))
        self.w.running.pop("share")
        left = self.lab.run("server", "ss", "-ltnH") + self.lab.run("client", "ss", "-ltnH")
        self.check("and nothing listens at either end", not left, left)

    def as_readme_says(self):
        """Each line of README's first pages, typed as it stands there, with a home router before the server."""
        import world
        self.modes("portpres", "stateful")
        typed = readme.Reader(self.lab, self.w.folder / "readme", world.TOOLS)
        for title in ("## Sharing a folder, once", "## Sharing a folder with people who stay"):
            counted, stated = typed.type_all(title)
            self.check(f"{title[3:]}: {counted[0]} commands and {counted[1]} pasted lines until the first octet",
                       counted == stated, f"README says {stated}")
        for what, good, told in typed.findings():
            self.check(what, good, told)
        typed.end()

    def by_ipv6(self):
        """Nothing is translated there."""
        self.modes("symmetric", "cgnatsym")
        self.serve()
        reports, said = self.ping()
        self.check("behind two NATs with random ports IPv6 crosses", [one["path"] for one in reports] == ["crossing"], said)
        self.w.stop("server")

    def two_families(self):
        """Server and client reach central by addresses of different families, as their URLs say; both have both."""
        self.modes("open", "open")
        by_4, by_6 = (self.w.url.replace("//central", f"//{host}") for host in ("192.175.48.10", "[2001:db8:ff::10]"))
        usual = self.w.url
        for server, client in ((by_4, by_6), (by_6, by_4)):
            self.w.url = client
            self.w.grant(services=("notes:r",))
            self.w.url = server
            self.serve()
            who = f"a server at {server.split('/')[2]}, a client at {client.split('/')[2]}"
            reports, said = self.ping("--by", "window")
            self.check(f"{who}: no window, and that they share no family is told",
                       not reports and "they share no address family" in said.splitlines()[-1], said)
            reports, said = self.ping("--door", "[::]:7000" if client == by_6 else "0.0.0.0:7000")
            self.check(f"{who}: the server dials", [one["path"] for one in reports] == ["outbound"], said)
            self.w.stop("server")
        self.w.url = usual


def main():
    import lab as natlab
    tools, wanlink = sys.argv[1:3]
    wanted = sys.argv[3:] or [name for group in GROUPS for name in group]
    sys.argv[1:] = [tools]  # as world.py takes it
    if natlab.skips():
        return 77
    wrong = 0
    for ipv6 in (False, True):
        names = [name for name in wanted if (name in ("by_ipv6", "two_families")) == ipv6]
        if not names:
            continue
        with matrix.running(wanlink, ipv6, **NEAR) as (lab, w):
            cases = Cases(lab, w)
            for name in names:
                getattr(cases, name)()
            wrong += cases.wrong
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
