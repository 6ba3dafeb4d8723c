# SPDX-License-Identifier: BSL-1.0
"""The figures of windows: how soon a crossing connects, for how long a port is open, what a stranger sees.

    figures.py BENCHMARKS WANLINK [--quick] [--only crossing|listener|intruder|strangers]

Each line says what was promised. Exits 1 where a figure misses it, 77 where this machine can have no lab.
"""
import argparse
import json
import pathlib
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent)]
import lab as natlab

SERVER, CLIENT, MATE = "192.31.196.130", "192.52.193.130", "192.31.196.131"
SERVER_6, CLIENT_6, MATE_6 = "2001:db8:1::2", "2001:db8:2::2", "2001:db8:1::3"
NOBODY = 65534
NAMES = ("crossing", "listener", "intruder", "strangers")
# what a path of 50 ms between the two ends may look like; central is elsewhere
EVEN = {"server": (12.5, 12.5), "client": (12.5, 12.5), "central": (5, 5)}
UNEVEN = {"server": (20, 5), "client": (10, 15), "central": (1, 30)}


class Figures:
    def __init__(self, options):
        self.options = options
        self.missed = 0
        self.machine = None

    def count(self, full, quick):
        return quick if self.options.quick else full

    def bench(self, name, *words):
        command = [pathlib.Path(self.options.benchmarks) / name, "--json", *words]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=1800)
        if not done.stdout.strip():
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr}")
        made = json.loads(done.stdout.strip().splitlines()[-1])
        self.machine = made["machine"]
        return made

    def line(self, what, told, promised=None):
        verdict = "" if promised is None else ("ok" if promised else "MISSED")
        self.missed += promised is False
        print(f"{what:<58} {told:<66} {verdict}", flush=True)

    def crossing(self, lab):
        at = ("--server", f"{lab.space('server')}@10.1.0.2", "--server-outside", "192.31.196.2",
              "--client", f"{lab.space('client')}@10.2.0.2", "--client-outside", "192.52.193.2")
        lab.mode("server", "portpres")
        lab.mode("client", "portpres")
        for rtt, jitter, loss, count in ((50, 0, 0, 1000), (50, 5, 0, 300), (50, 0, 2, 1000), (200, 5, 2, 300), (5, 0, 0, 300)):
            lab.wan(rtt, jitter, loss)
            got = self.bench("bench_crossing", *at, "--rtt", rtt, "--count", self.count(count, 30))
            total = got["crossings"] + got["failed"]
            came = got["crossings"] / total
            up = got["up"]
            promised = None
            if (rtt, jitter, loss) == (50, 0, 0):
                promised = up["median"] <= (rtt + 5) * 1000 and got["first_try"] >= 0.995
            elif (rtt, loss) == (50, 2):
                promised = came >= 0.99
            self.line(f"crossing, portpres x portpres, RTT {rtt} ms, jitter {jitter}, loss {loss} %",
                      f"{total} runs: {came:.1%} came, {got['first_try']:.1%} at the first try, up after p50 "
                      f"{up['median'] / 1000:.1f} p99 {up['p99'] / 1000:.1f} ms", promised)

    def listener(self, lab):
        lab.mode("server", "open")
        lab.mode("client", "stateful")
        at = ("--central", f"{lab.space('central')}@{natlab.CENTRAL}", "--server", f"{lab.space('server')}@{SERVER}",
              "--client", f"{lab.space('client')}@{CLIENT}")
        for name, jitter, sites in (("even", 0, EVEN), ("even", 5, EVEN), ("uneven", 0, UNEVEN), ("uneven", 5, UNEVEN)):
            lab.wan(50, jitter, **sites)
            got = self.bench("bench_window", *at, "--count", self.count(200, 40))
            self.open_for(f"listener of a pair that has met, RTT 50 ms, {name}, jitter {jitter}", got, 65_000)
        got = self.bench("bench_window", "--count", self.count(2000, 200), "--pause", 5)
        self.open_for("listener of a pair that has met, loopback", got, 150)

    def open_for(self, what, got, most_us):
        exposure = got["exposure"]
        self.line(what, f"{got['windows']} windows, {got['failed']} failed: open for p50 {exposure['median'] / 1000:.3f} "
                  f"p99 {exposure['p99'] / 1000:.3f} ms, {got['first_syn']:.1%} at the first SYN; floor "
                  f"{got['floor']['median'] / 1000:.3f}", exposure["median"] <= most_us and got["first_syn"] >= 0.99)

    def strangers(self, lab):
        lab.mode("server", "open")
        lab.mode("client", "open")
        lab.wan(20)
        for family, server, client, mate in (("IPv4", SERVER, CLIENT, MATE), ("IPv6", SERVER_6, CLIENT_6, MATE_6)):
            at = ("--server", f"{lab.space('server')}@{server}", "--client", f"{lab.space('client')}@{client}",
                  "--stranger", f"{lab.space('mate')}@{mate}", "--count", self.count(500, 30))
            for user, words in (("root", ()), (f"uid {NOBODY}", ("--as", NOBODY))):
                got = self.bench("stranger_probe", *at, *words)
                self.seen(f"stranger, {family}, cloaked windows, {user}", got, got["windows"])
            got = self.bench("stranger_probe", *at, "--as", NOBODY, "--crossing")
            self.seen(f"stranger, {family}, crossings", got, got["crossings"])

    def intruder(self, _):
        """On loopback: he is faster than anybody can be."""
        count = self.count(200, 20)
        got = self.bench("bench_window", "--intruder", "--count", count)
        self.line("somebody at the client's own address, first at every port",
                  f"{count} requests: {got['crossed'] / count:.1%} came by a crossing, after {got['most_ports']} ports at most",
                  got["crossed"] >= 0.99 * count and got["most_ports"] <= 3)

    def seen(self, what, got, count):
        def part(name):
            one = got[name]
            return f"{one['resets']}+{one['accepted']}/{one['syns']}"
        self.line(what, f"{count}, {got['came']} came, cloak {got['cloak']}: resets+accepts/SYNs before {part('before')} "
                  f"during {part('during')} after {part('after')}", got["as_promised"] and got["came"] == count)


def main():
    parser = argparse.ArgumentParser(description="the figures of windows")
    parser.add_argument("benchmarks")
    parser.add_argument("wanlink")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=NAMES)
    options = parser.parse_args()
    if natlab.skips():
        return 77
    figures = Figures(options)
    with natlab.Lab(options.wanlink, ipv6=True) as lab:
        for name in NAMES:
            if options.only in (None, name):
                getattr(figures, name)(lab)
    print(f"{figures.machine}; {figures.missed} missed")
    return 1 if figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
