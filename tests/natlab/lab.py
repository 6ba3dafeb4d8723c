# SPDX-License-Identifier: BSL-1.0
"""A server, a client, central and a stranger behind routers of any kind, as network namespaces of this machine.

    192.31.196.0/24   the server's side: home router 'natS', provider 'ispS', a second host 'mate' beside the server
    192.52.193.0/24   the client's side: the same with C
    192.175.48.10     central, and .66 the stranger; 'core' between all of them
    2001:db8:1::/48, 2001:db8:2::/48, 2001:db8:ff::/48   the same in IPv6, which is routed and never translated

Of all networks for special purposes IANA has the three of IPv4 alone as reachable from everywhere (AS112 and AMT, RFC 6890):
to ajar they are the Internet, and no laboratory whose addresses a grant would have to permit.

A mode is BASE or BASE+MODIFIER, see MODES and MODIFIERS. Delay, jitter and loss are those of the four access links and
of each direction: see Lab.wan(). Nothing leaves the namespaces. Needs root and what `missing()` names.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

MODES = {
    "open": "a public address, no filter",
    "stateful": "a public address; lets in what was called, address and port",
    "fullcone": "NAT, port preserving; lets in anybody, once the port was used",
    "arcone": "NAT, port preserving; lets in any port of an address that was called",
    "portpres": "NAT, port preserving; lets in the very address and port that was called",
    "stable": "NAT, another port, the same for all destinations; lets in as portpres",
    "symmetric": "NAT, another random port for each destination; lets in as portpres",
    "symseq": "NAT, the next port for each destination; lets in as portpres",
    "cgnat": "two of portpres, one behind the other",
    "cgnatsym": "portpres behind a provider's symmetric",
}
MODIFIERS = {
    "rst": "who is not let in gets a reset, not silence",
    "egress443": "lets out nothing but TCP to port 443",
    "noicmp": "drops ICMP errors that come in",
    "forward": "passes the ports 40000 to 40099 on to the host behind it",
}
# the thirteen of the matrix
MATRIX = ("open", "stateful", "stateful+rst", "fullcone", "arcone", "portpres", "portpres+rst", "cgnat", "stable",
          "symmetric", "symseq", "cgnatsym", "portpres+egress443")

HOSTS = ("server", "mate", "client", "stranger", "central", "natS", "natC", "ispS", "ispC", "core")
SIDES = {"server": ("natS", "ispS", "192.31.196", 1), "client": ("natC", "ispC", "192.52.193", 2)}
CENTRAL, CENTRAL_6 = "192.175.48.10", "2001:db8:ff::10"
STRANGER, STRANGER_6 = "192.175.48.66", "2001:db8:ff::66"
ACCESS = {"server": "S", "client": "C", "central": "X", "stranger": "Z"}  # the links of wanlink


class LabUnavailable(Exception):
    """This machine cannot have a lab; the text says what to install."""


def missing():
    """What keeps this machine from having a lab; empty where nothing does."""
    lacks = []
    if os.geteuid() != 0:
        lacks.append("root")
    for tool, package in (("ip", "iproute2"), ("nft", "nftables"), ("conntrack", "conntrack"), ("sysctl", "procps")):
        if not shutil.which(tool):
            lacks.append(f"the package {package}")
    if not os.path.exists("/dev/net/tun"):
        lacks.append("/dev/net/tun")
    return lacks


def skips():
    """Say so where this machine can have no lab; the caller exits with 77, which meson reads as skipped."""
    if missing():
        print("skipped: a NAT lab needs " + ", ".join(missing()))
    return bool(missing())


def _run(*words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


class Lab:
    """The namespaces, while it lives. Several labs live side by side."""

    def __init__(self, wanlink, server="open", client="open", ipv6=False):
        if missing():
            raise LabUnavailable("needs " + ", ".join(missing()))
        self.name = f"ajar{os.getpid()}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ajar-lab-"))
        self.ipv6 = ipv6
        self.wanlink = None
        self.made = []
        self.modes = {}
        try:
            self._build(wanlink)
            self.mode("server", server)
            self.mode("client", client)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Remove everything; what still runs in the namespaces was started there by the lab's owner, and is ended."""
        if self.wanlink:
            self.wanlink.terminate()
            self.wanlink.wait()
            self.wanlink = None
        for host in self.made:
            pids = subprocess.run(["ip", "netns", "pids", self.space(host)], capture_output=True, text=True).stdout
            for pid in pids.split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            subprocess.run(["ip", "netns", "del", self.space(host)], capture_output=True)
            shutil.rmtree(f"/etc/netns/{self.space(host)}", ignore_errors=True)
        self.made = []
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- for tests

    def space(self, host):
        """The name of a host's namespace."""
        return f"{self.name}-{host}"

    def prefix(self, host):
        """What a command begins with, to run there."""
        return ["ip", "netns", "exec", self.space(host)]

    def run(self, host, *words, **more):
        """Run to its end; what it printed."""
        return _run(*self.prefix(host), *words, **more)

    def popen(self, host, *words, **more):
        """Start it, for the caller to end."""
        return subprocess.Popen([*self.prefix(host), *map(str, words)], **more)

    def wan(self, rtt_ms=0.0, jitter_ms=0.0, loss_percent=0.0, **sites):
        """Set delays: between any two sites `rtt_ms`, or for single sites (up_ms, down_ms) to the core and from it.

        `jitter_ms` is of a round trip; `loss_percent` of each access link, each way.
        Example: wan(server=(45, 45), client=(45, 45), central=(1, 1)): 90 ms between both, 2 ms from each to nothing.
        """
        lines = []
        for site, link in ACCESS.items():
            up, down = sites.get(site, (rtt_ms / 4, rtt_ms / 4))
            jitter, loss = round(jitter_ms * 250), round(loss_percent * 10_000)
            # from the core to the site, and back
            lines.append(f"{link} {round(down * 1000)} {jitter} {loss} {round(up * 1000)} {jitter} {loss}\n")
        (self.folder / "wan.conf").write_text("".join(lines))
        self.wanlink.send_signal(signal.SIGHUP)

    def mode(self, side, mode):
        """What stands before the server or the client from now on. What was mapped is forgotten."""
        router, provider, public, number = SIDES[side]
        base, *modifiers = mode.split("+")
        unknown = [word for word in modifiers if word not in MODIFIERS]
        if base not in MODES or unknown:
            raise ValueError(f"{mode}: no such mode; bases are {', '.join(MODES)}, modifiers {', '.join(MODIFIERS)}")
        translated = base not in ("open", "stateful")
        for host, last in (("server", 2), ("mate", 3)) if side == "server" else (("client", 2),):
            via = (f"10.{number}.0.1", f"10.{number}.0.{last}") if translated else (
                f"{public}.129", f"{public}.{128 + last}")
            self._ip(host, "route", "replace", "default", "via", via[0], "src", via[1])
            self._ip(host, "-6", "route", "replace" if self.ipv6 else "flush", "default",
                     *(("via", f"2001:db8:{number}::1") if self.ipv6 else ()))
        self._nft(router, _rules(base, modifiers, public, number))
        provided = base in ("cgnat", "cgnatsym")
        self._nft(provider, _provider_rules(public, number, base == "cgnatsym", "rst" in modifiers) if provided else "")
        for host in (router, provider):
            subprocess.run([*self.prefix(host), "conntrack", "-F"], capture_output=True)
        self.modes[side] = mode

    # ---- how it is built

    def _ip(self, host, *words):
        if words[0] == "-6" and words[1] == "route" and words[2] == "flush":
            subprocess.run(["ip", "-n", self.space(host), "-6", "route", "flush", "default"], capture_output=True)
            return
        _run("ip", "-n", self.space(host), *words)

    def _nft(self, host, rules):
        text = f"table inet lab\ndelete table inet lab\n{rules}\n"
        _run(*self.prefix(host), "nft", "-f", "-", input=text)

    def _build(self, wanlink):
        for host in HOSTS:
            _run("ip", "netns", "add", self.space(host))
            self.made.append(host)
            self._ip(host, "link", "set", "lo", "up")
            settings = ["net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
                        "net.ipv4.conf.all.rp_filter=0"]
            if host not in ("server", "mate", "client", "stranger", "central"):
                settings += ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratelimit=0"]
            _run(*self.prefix(host), "sysctl", "-qw", *settings)
        for side, (router, provider, public, number) in SIDES.items():
            self._build_side(side, router, provider, public, number)
        self._build_core(wanlink)

    def _build_side(self, side, router, provider, public, number):
        hosts = [(side, 2), ("mate", 3)] if side == "server" else [(side, 2)]
        self._ip(router, "link", "add", "lan", "type", "bridge")
        for host, last in hosts:
            _run("ip", "link", "add", "eth0", "netns", self.space(host), "type", "veth", "peer", "name", f"p{last}",
                 "netns", self.space(router))
            self._ip(router, "link", "set", f"p{last}", "master", "lan", "up")
            self._ip(host, "addr", "add", f"10.{number}.0.{last}/24", "dev", "eth0")
            self._ip(host, "addr", "add", f"{public}.{128 + last}/28", "dev", "eth0")
            if self.ipv6:
                self._ip(host, "addr", "add", f"2001:db8:{number}::{last}/64", "dev", "eth0")
            self._ip(host, "link", "set", "eth0", "up")
        _run("ip", "link", "add", "ext", "netns", self.space(router), "type", "veth", "peer", "name", "cust", "netns",
             self.space(provider))
        for address in (f"10.{number}.0.1/24", f"{public}.129/28", f"2001:db8:{number}::1/64"):
            self._ip(router, "addr", "add", address, "dev", "lan")
        for address in (f"100.64.{number}.2/24", f"{public}.2/32", f"2001:db8:{number}:f::2/64"):
            self._ip(router, "addr", "add", address, "dev", "ext")
        for address in (f"100.64.{number}.1/24", f"2001:db8:{number}:f::1/64"):
            self._ip(provider, "addr", "add", address, "dev", "cust")
        for device in ("lan", "ext"):
            self._ip(router, "link", "set", device, "up")
        self._ip(provider, "link", "set", "cust", "up")
        self._ip(router, "route", "add", "default", "via", f"100.64.{number}.1", "src", f"{public}.2")
        self._ip(router, "-6", "route", "add", "default", "via", f"2001:db8:{number}:f::1")
        for inside in (f"{public}.2", f"{public}.128/28"):
            self._ip(provider, "route", "add", inside, "via", f"100.64.{number}.2")
        self._ip(provider, "-6", "route", "add", f"2001:db8:{number}::/64", "via", f"2001:db8:{number}:f::2")

    def _build_core(self, wanlink):
        conf, ready = self.folder / "wan.conf", self.folder / "wan.pid"
        conf.write_text("")
        links = []
        for link, device, host in (("S", "s", "ispS"), ("C", "c", "ispC"), ("X", "x", "central"), ("Z", "z", "stranger")):
            links += ["--link", link, self.space("core"), device, self.space(host), "wan"]
        self.wanlink = subprocess.Popen([str(wanlink), "--conf", str(conf), "--ready", str(ready), *links])
        until = time.monotonic() + 10
        while not (ready.exists() and ready.read_text()):
            if self.wanlink.poll() is not None or time.monotonic() > until:
                raise RuntimeError("wanlink did not start")
            time.sleep(0.01)
        for device, via, via_6 in (("s", "192.31.196.0/24", "2001:db8:1::/48"), ("c", "192.52.193.0/24", "2001:db8:2::/48"),
                                   ("x", CENTRAL, CENTRAL_6), ("z", STRANGER, STRANGER_6)):
            self._ip("core", "link", "set", device, "up")
            if device == "s":
                self._ip("core", "addr", "add", "192.175.48.1/32", "dev", "lo")
            self._ip("core", "route", "add", via, "dev", device, "src", "192.175.48.1")
            self._ip("core", "-6", "route", "add", via_6, "dev", device)
        for host, own, own_6 in (("ispS", "192.31.196.9", None), ("ispC", "192.52.193.9", None),
                                 ("central", CENTRAL, CENTRAL_6), ("stranger", STRANGER, STRANGER_6)):
            self._ip(host, "link", "set", "wan", "up")
            self._ip(host, "addr", "add", f"{own}/32", "dev", "wan")
            if own_6:
                self._ip(host, "addr", "add", f"{own_6}/128", "dev", "wan")
            self._ip(host, "route", "add", "default", "dev", "wan", "src", own)
            self._ip(host, "-6", "route", "add", "default", "dev", "wan")
        for host in ("server", "mate", "client"):  # what their DNS would say
            folder = pathlib.Path(f"/etc/netns/{self.space(host)}")
            folder.mkdir(parents=True, exist_ok=True)
            both = f"{CENTRAL_6} central\n" if self.ipv6 else ""
            (folder / "hosts").write_text(f"127.0.0.1 localhost\n{CENTRAL} central central.example\n{both}")


def _rules(base, modifiers, public, number):
    """The home router's, as nft takes them."""
    inside, outside = f"10.{number}.0.0/24", f"{public}.2"
    refuse = "meta l4proto tcp reject with tcp reset" if "rst" in modifiers else "drop"
    egress = "tcp dport 443 accept" if "egress443" in modifiers else "accept"
    maps, marks, back, entering, rewrite = "", "", "", "", f"snat ip to {outside}"
    if base in ("open", "stateful"):
        rewrite = ""
    elif base == "symmetric":
        rewrite += " fully-random"
    elif base == "symseq":
        rewrite = f"meta l4proto tcp snat ip to {outside} : numgen inc mod 20000 offset 30000"
    elif base == "stable":
        rewrite = f"meta l4proto tcp snat ip to {outside} : jhash ip saddr . tcp sport mod 20000 offset 30000"
    elif base in ("cgnat", "cgnatsym"):
        rewrite = f"snat ip to 100.64.{number}.2"
    if base in ("fullcone", "arcone"):
        maps = "map used { typeof tcp sport : ip saddr; flags dynamic,timeout; timeout 120s; }\n"
        marks = f"ip saddr {inside} oifname ext tcp flags syn update @used {{ tcp sport : ip saddr }}\n"
        called = ""
        if base == "arcone":
            maps += "set called { type ipv4_addr . inet_service; flags dynamic,timeout; timeout 120s; }\n"
            marks += f"ip saddr {inside} oifname ext tcp flags syn update @called {{ ip daddr . tcp sport }}\n"
            called = "ip saddr . tcp dport @called "
        back = f"iifname ext ip daddr {outside} {called}dnat ip to tcp dport map @used"
        entering = "ct status dnat accept"
    if "forward" in modifiers:
        back += f"\n    iifname ext ip daddr {outside} tcp dport 40000-40099 dnat ip to 10.{number}.0.2"
        entering = "ct status dnat accept"
    if base == "open":
        entering, refuse = "accept", "accept"
    source = f"oifname ext ip saddr {inside} {rewrite}" if rewrite else ""
    errors = "iifname ext meta l4proto { icmp, ipv6-icmp } ct state related drop" if "noicmp" in modifiers else ""
    return f"""table inet lab {{
  {maps}
  chain pre {{ type nat hook prerouting priority dstnat; policy accept; {back}
  }}
  chain marks {{ type filter hook postrouting priority 90; policy accept;
    {marks}
  }}
  chain post {{ type nat hook postrouting priority srcnat; policy accept;
    {source}
  }}
  chain forward {{ type filter hook forward priority 0; policy drop;
    {errors}
    ct state established,related accept
    iifname lan oifname lan accept
    iifname lan {egress}
    iifname ext meta l4proto ipv6-icmp accept
    {entering}
    iifname ext {refuse}
  }}
  chain own {{ type filter hook input priority 0; policy accept;
    ct state established,related accept
    iifname lan accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    iifname ext {refuse}
  }}
}}"""


def _provider_rules(public, number, random, reset):
    refuse = "meta l4proto tcp reject with tcp reset" if reset else "drop"
    return f"""table inet lab {{
  chain post {{ type nat hook postrouting priority srcnat; policy accept;
    oifname wan ip saddr 100.64.{number}.0/24 snat ip to {public}.9{' fully-random' if random else ''}
  }}
  chain forward {{ type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname cust accept
    iifname wan {refuse}
  }}
  chain own {{ type filter hook input priority 0; policy accept;
    ct state established,related accept
    iifname wan {refuse}
  }}
}}"""
