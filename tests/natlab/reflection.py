# SPDX-License-Identifier: BSL-1.0
"""What 'ajar-client network' and 'ajar-server network' tell behind each kind of NAT and firewall.

    reflection.py TOOLS WANLINK

Exits 1 where they tell something else than is there, 77 where this machine can have no lab.
"""
import json
import sys
import time

import matrix

# mapping, filtering, and whether only port 443 is let out; written by hand. Central has one address, so behind a NAT
# "anybody" is seen as "anybody at that address"; who is not asked is unknown.
EXPECTED = {
    "open": ("none", "endpoint-independent", False),
    "stateful": ("none", "port-dependent", False),
    "stateful+rst": ("none", "port-dependent", False),
    "fullcone": ("preserving", "address-dependent", False),
    "arcone": ("preserving", "address-dependent", False),
    "portpres": ("preserving", "port-dependent", False),
    "portpres+rst": ("preserving", "port-dependent", False),
    "cgnat": ("preserving", "port-dependent", False),
    "stable": ("stable", "port-dependent", False),
    "symmetric": ("random", "unknown", False),
    "symseq": ("step", "port-dependent", False),
    "cgnatsym": ("random", "unknown", False),
    "portpres+egress443": ("preserving", "unknown", True),
}


# By IPv6 nothing is translated: a firewall before the host, or none. Each has the address that others see.
EXPECTED_6 = {
    "open": ("none", "endpoint-independent", False),
    "stateful": ("none", "port-dependent", False),
    "symmetric": ("none", "port-dependent", False),
}
OUTSIDE_6 = {"server": "2001:db8:1::2", "client": "2001:db8:2::2"}


def answer(w, tool, family="ipv4", *words):
    return json.loads(w.text(tool, tool, "network", *words, "--json"))[family]


def told(w, tool, *words, family="ipv4"):
    one = answer(w, tool, family, *words)
    return (one["mapping"], one["filtering"], one["only_443"]) if one else None


def told_in_time(w, expected, family="ipv4"):
    """A server that has just started learns it within some round trips."""
    until = time.monotonic() + 30
    while (found := told(w, "server", family=family)) != expected and time.monotonic() < until:
        time.sleep(0.05)
    return found


class Findings:
    def __init__(self):
        self.wrong = 0

    def check(self, side, mode, found, expected):
        self.wrong += found != expected
        print(f"{'ok ' if found == expected else 'BAD'} {side} {mode:20} {found}", flush=True)


def both_families(wanlink):
    """With IPv6 as well, where central's name has both: each family is measured for itself."""
    of = Findings()
    with matrix.running(wanlink, ipv6=True, rtt_ms=20) as (lab, w):
        for mode, expected in EXPECTED_6.items():
            lab.mode("client", mode)
            of.check("client", f"{mode} IPv4", told(w, "client", "home"), EXPECTED[mode])
            of.check("client", f"{mode} IPv6", told(w, "client", "home", family="ipv6"), expected)
            of.check("client", f"{mode} address", answer(w, "client", "ipv6", "home")["outside"], OUTSIDE_6["client"])
            lab.mode("server", mode)
            w.start_server({"notes": w.folder / "notes"})
            of.check("server", f"{mode} IPv6", told_in_time(w, expected, "ipv6"), expected)
            of.check("server", f"{mode} address", answer(w, "server", "ipv6")["outside"], OUTSIDE_6["server"])
            w.stop("server")
        table = w.text("client", "client", "network", "home")
        of.check("client", "table for a person", ["IPv4" in table, "IPv6" in table, "no NAT" in table], [True] * 3)
    return of.wrong


def main():
    import lab as natlab
    tools, wanlink = sys.argv[1:3]
    sys.argv[1:] = [tools]  # as world.py takes it
    if natlab.skips():
        return 77
    wrong = 0
    with matrix.running(wanlink, rtt_ms=20) as (lab, w):
        for mode, expected in EXPECTED.items():
            lab.mode("client", mode)
            found = told(w, "client", "home")
            wrong += found != expected
            print(f"{'ok ' if found == expected else 'BAD'} client {mode:20} {found}", flush=True)
        for mode in ("open", "stable", "portpres+egress443"):
            lab.mode("server", mode)
            w.start_server({"notes": w.folder / "notes"})
            found = told_in_time(w, EXPECTED[mode])
            wrong += found != EXPECTED[mode]
            print(f"{'ok ' if found == EXPECTED[mode] else 'BAD'} server {mode:20} {found}", flush=True)
            w.stop("server")
    wrong += both_families(wanlink)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
