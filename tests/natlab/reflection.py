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


def told(w, tool, *words):
    one = json.loads(w.text(tool, tool, "network", *words, "--json"))["ipv4"]
    return (one["mapping"], one["filtering"], one["only_443"]) if one else None


def told_in_time(w, expected):
    """A server that has just started learns it within some round trips."""
    until = time.monotonic() + 30
    while (found := told(w, "server")) != expected and time.monotonic() < until:
        time.sleep(0.05)
    return found


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
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
