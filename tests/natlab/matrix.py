# SPDX-License-Identifier: BSL-1.0
"""The real tools through pairs of NATs and firewalls, against what oracle.txt says of each pair.

    matrix.py TOOLS WANLINK [--cells all|chosen|SERVER/CLIENT,...] [--rtt MS] [--loss PERCENT] [--ipv6] [--full] [--json]

One more row: outbound sessions, with the server behind every mode and an open client. With --ipv6 both ends have IPv6 as
well, which is routed and never translated: then every pair crosses.

Where packets get lost, a pair that the oracle lets connect may do so by a later rung than the oracle's, and what fails
is printed, not counted: nobody can promise more.

Exits 1 where a pair gives something else, 77 where this machine can have no lab.
"""
import argparse
import contextlib
import json
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

# cells that cover every rung, cause and mode: what each change is held against
CHOSEN = ("open/open", "open/portpres", "portpres/open", "stateful/stateful+rst", "stateful+rst/portpres+rst",
          "fullcone/stable", "arcone/cgnat", "portpres/portpres", "cgnat/cgnat", "stable/stable", "symseq/portpres",
          "stable/symseq", "open/symmetric", "arcone/cgnatsym", "fullcone/symmetric", "symmetric/open",
          "cgnatsym/fullcone", "symmetric/portpres", "portpres+egress443/stateful", "portpres+egress443/stable")
PATHS = {"crossing": "X", "window": "L", "window-reverse": "R"}
# where two sites differ in both directions: (up, down) in ms, 50 ms between server and client
UNEQUAL = {"server": (20, 5), "client": (10, 15), "central": (1, 30)}
LINK_PORT, REFLECT_PORT = 443, 8443  # the first one is where egress443 lets out
NO_DIRECT_PATH = "the NATs and firewalls before the two ends let no direct connection through"


def read_oracle():
    """{(server's mode, client's mode): X, L, R, X4 or -}"""
    rows = [line.split() for line in (HERE / "oracle.txt").read_text().splitlines() if not line.startswith("#")]
    columns = rows[0]
    return {(row[0], column): cell for row in rows[1:] for column, cell in zip(columns, row[1:], strict=True)}


def world_in(lab):
    """The three tools, each in its host of the lab."""
    import world

    class LabWorld(world.World):
        wrap_server = ()  # what takes something from the server, before it starts

        def command(self, tool, state, *words):
            wrap = self.wrap_server if tool == "server" else ()
            return [*lab.prefix(tool), *wrap, *super().command(tool, state, *words)]

        def start_central(self):
            self.start("central", "central", "central", "run", "--listen", f"[::]:{LINK_PORT}", "--reflect-port",
                       REFLECT_PORT, "--open", "--name", "central")
            self.wait_for("central", "ajar://")
            self.url = next(word for word in self.log("central").split() if word.startswith("ajar://"))

    return LabWorld()


@contextlib.contextmanager
def running(wanlink, ipv6=False, **wan):
    """(lab, world) with central, and a grant for the client; the server is started by the test, behind some mode."""
    import lab as natlab
    with natlab.Lab(wanlink, ipv6=ipv6) as lab, world_in(lab) as w:
        lab.wan(**wan)
        (w.folder / "notes").write_text("a\n")
        w.start_central()
        w.grant(services=("notes:r",))
        yield lab, w


class Result:
    """What one cell gave."""

    def __init__(self, cell, expected, reports, complaint, lossy):
        self.cell, self.expected, self.complaint = cell, expected, complaint
        self.reports = reports
        if reports:
            paths = {PATHS.get(one["path"], one["path"]) for one in reports}
            self.path = "/".join(sorted(paths))
        else:
            self.path = "-" if NO_DIRECT_PATH in complaint else "!"
        self.direct = self.path in PATHS.values()
        self.good = self.path == expected.removesuffix("4") or (lossy and self.direct and expected != "-")

    @property
    def milliseconds(self):
        return statistics.median(one["connect_us"] for one in self.reports) / 1000 if self.reports else None

    @property
    def exposure_ms(self):
        return statistics.median(one["window"]["exposure_ns"] for one in self.reports) / 1e6 if self.reports else None

    def line(self):
        server, client = self.cell
        if not self.reports:
            outcome = f"{self.path:3} {self.complaint.strip().splitlines()[-1][:90] if self.complaint.strip() else ''}"
        else:
            outcome = f"{self.path:3} session after {self.milliseconds:7.1f} ms, a port open for {self.exposure_ms:6.2f} ms"
        return f"{'ok ' if self.good else 'BAD'} {server:>18} x {client:18} expected {self.expected:3} {outcome}"


def run_cell(lab, w, cell, expected, lossy):
    for side, mode in zip(("server", "client"), cell):
        lab.mode(side, mode)
    w.start_server({"notes": w.folder / "notes"})
    w.wait_for_network()
    done = w.run("client", "client", "ping", "home", "--json", "--count", 1, "--explain", timeout=60)
    w.stop("server")
    reports = []
    for line in done.stdout.decode().splitlines():
        one = json.loads(line)
        if "path" in one:
            reports.append(one)
    return Result(cell, expected, reports if done.returncode == 0 else [], done.stderr, lossy)


def run_outbound(lab, w, mode):
    """A server that dials, from behind that mode; @return whether it reached an open client."""
    lab.mode("server", mode)
    lab.mode("client", "open")
    w.start_server({"notes": w.folder / "notes"}, "--mode", "outbound")
    door = f"192.52.193.130:{LINK_PORT if 'egress443' in mode else 7000}"
    done = w.run("client", "client", "ping", "home", "--by", "outbound", "--door", door, "--json", "--within", "20s",
                 timeout=60)
    w.stop("server")
    return done.returncode == 0 and b'"path":"outbound"' in done.stdout, done.stderr


def run_cells(options, cells, wan, ipv6, outbound):
    oracle = read_oracle()
    results, unreached = [], []
    with running(options.wanlink, ipv6, **wan) as (lab, w):
        for cell in cells:
            result = run_cell(lab, w, cell, "X" if ipv6 else oracle[cell], wan.get("loss_percent", 0) > 0)
            results.append(result)
            if options.json:
                print(json.dumps({"server": cell[0], "client": cell[1], "expected": result.expected, "path": result.path,
                                  "connect_ms": result.milliseconds, "exposure_ms": result.exposure_ms}), flush=True)
            else:
                print(result.line(), flush=True)
                if not result.good and options.verbose:
                    print(result.complaint)
        for mode in outbound:
            reached, complaint = run_outbound(lab, w, mode)
            if not reached:
                unreached.append(mode)
                print(complaint)
    if outbound:
        print(f"outbound sessions, from behind {', '.join(outbound)}: {len(outbound) - len(unreached)} of {len(outbound)} "
              "reach an open client")
    return results, unreached


def print_matrix(results):
    from lab import MATRIX
    found = {one.cell: one for one in results}
    print(f"\n{'server / client':18} " + " ".join(f"{mode[:8]:8}" for mode in MATRIX))
    for server in MATRIX:
        cells = [found.get((server, client)) for client in MATRIX]
        print(f"{server:18} " + " ".join(f"{(one.path + ('' if one.good else ' BAD')) if one else '':8}" for one in cells))


def main():
    import lab as natlab
    parser = argparse.ArgumentParser(description="the real tools through pairs of NATs and firewalls")
    parser.add_argument("tools")
    parser.add_argument("wanlink")
    parser.add_argument("--cells", default="all")
    parser.add_argument("--rtt", type=float, default=50)
    parser.add_argument("--loss", type=float, default=0)
    parser.add_argument("--ipv6", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    sys.argv[1:] = [options.tools]  # as world.py takes it
    if natlab.skips():
        return 77
    oracle = read_oracle()
    cells = list(oracle)
    if options.cells == "chosen":
        cells = [tuple(name.split("/")) for name in CHOSEN]
    elif options.cells != "all":
        cells = [tuple(name.split("/")) for name in options.cells.split(",")]
    def even(rtt, loss):
        return f"RTT {rtt:g} ms", {"rtt_ms": rtt, "loss_percent": loss, "central": (rtt / 8, rtt / 8)}

    runs = [(*even(options.rtt, options.loss), options.ipv6)]
    if options.full:
        runs = [(*even(rtt, loss), False) for rtt in (5, 50, 200) for loss in (0, 2, 10)]
        runs += [("RTT 50 ms, unequal ways", UNEQUAL, False), (*even(50, 0), True)]
    bad = 0
    for number, (name, wan, ipv6) in enumerate(runs):
        loss = wan.get("loss_percent", 0)
        print(f"{name}, loss {loss:g} % of each access link, each way{', IPv6 at both ends' if ipv6 else ''}")
        outbound = natlab.MATRIX if number == 0 and len(cells) > len(CHOSEN) else ()
        results, unreached = run_cells(options, cells, wan, ipv6, outbound)
        if len(cells) > len(CHOSEN):
            print_matrix(results)
        direct = sum(one.direct for one in results)
        wrong = sum(not one.good for one in results)
        print(f"{len(results)} pairs: {direct} connected directly, {wrong} differ from the oracle\n")
        if loss == 0:
            bad += wrong + len(unreached)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
