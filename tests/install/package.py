#!/usr/bin/env python3
"""Make Debian's packages, look at them with lintian, and try them in a clean Debian: install, use, remove.

package.py ROOT FOLDER    FOLDER is made anew; what is there when it ends well are the packages and their log

Needs root, debhelper, lintian and debootstrap; the system is fetched from where this machine has its packages from.
"""
import os
import pathlib
import shutil
import subprocess
import sys

import installed

SUITE = "bookworm"
PACKAGES = ("ajar-tools", "libajar-dev")
# what somebody who installed both looks for
EXPECTED = ("usr/bin/ajar-central", "usr/bin/ajar-server", "usr/bin/ajar-client", "usr/share/man/man1/ajar-server.1.gz",
            "usr/share/bash-completion/completions/ajar-client", "usr/include/ajar.hpp", "usr/share/doc/ajar/README.md")


def mirror():
    """Where this machine has bookworm from."""
    found = installed.run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages", "Origin: Debian",
                          f"Codename: {SUITE}", "Component: main").split()
    if not found:
        sys.exit(f"this machine has no source of {SUITE}'s packages")
    return found[0]


def build(root, folder):
    source = folder / "ajar"
    source.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", root, "archive", "HEAD"], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)
    installed.run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=source)
    shutil.rmtree(source)
    made = {name: next(folder.glob(f"{name}_*.deb")) for name in PACKAGES}
    told = installed.run("lintian", "--fail-on", "error", *folder.glob("*.changes"))
    print(f"made {', '.join(one.name for one in made.values())}; lintian: no error, "
          f"{sum(line.startswith('W:') for line in told.splitlines())} warnings", flush=True)
    return made


class Clean:
    """A Debian that has nothing but its base."""

    def __init__(self, at):
        self.at = at
        installed.run("debootstrap", "--variant=minbase", SUITE, at, mirror())
        shutil.copytree("/etc/apt/apt.conf.d", at / "etc/apt/apt.conf.d", dirs_exist_ok=True)
        # what has a path out here has it in there
        (at / at.parent.relative_to("/")).mkdir(parents=True)
        (at / at.relative_to("/")).symlink_to("/")
        self.prefix = ["unshare", "--mount", "sh", "-c", f"mount -t proc proc {at}/proc && exec chroot {at} \"$@\"", "in"]

    def run(self, *command):
        return installed.run(*self.prefix, *command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"})

    def files(self):
        """All that packages have put there, under any name with ajar in it."""
        told = self.run("find", "/usr", "/etc", "/lib", "/var", "-xdev", "-name", "*ajar*", "-not", "-path", "/var/cache/*")
        return sorted(told.split())


def share_a_file(clean):
    """The three tools, as they are installed there."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
    sys.argv[1:] = ["/usr/bin"]
    import tempfile
    import world
    tempfile.tempdir = str(clean.at / "tmp")
    with world.World(clean.prefix) as w:
        w.start_central("--open")
        there = w.file("file", 1_000_000)
        w.start_server({"file": there})
        w.grant()
        for way in ("window", "crossing"):
            done = w.run("client", "client", "cat", "home:file", "--by", way)
            if done.stdout != there.read_bytes():
                sys.exit(f"by {way} the file did not come: {done.stderr}")
    print("the tools share a file there, by a window and by a crossing", flush=True)


def main():
    root, folder = (pathlib.Path(one).resolve() for one in sys.argv[1:3])
    if os.geteuid() != 0:
        sys.exit("a clean Debian needs root: debootstrap, chroot")
    shutil.rmtree(folder, ignore_errors=True)
    made = build(root, folder)
    clean = Clean(folder / "clean")
    for one in made.values():
        shutil.copy(one, clean.at / "tmp")
    clean.run("apt-get", "-qq", "update")
    clean.run("apt-get", "-qq", "-y", "--no-install-recommends", "install", *(f"/tmp/{one.name}" for one in made.values()),
              "g++", "pkg-config")
    lacking = [one for one in EXPECTED if not (clean.at / one).exists()]
    if lacking:
        sys.exit(f"installed, but not there: {lacking}")
    share_a_file(clean)
    clean.run("sh", "-ec", "g++ -std=c++20 /usr/share/doc/ajar/examples/ten_lines.cpp -o /tmp/ten_lines "
                           "$(pkg-config --cflags --libs ajar-compiled)")
    said = clean.run("/tmp/ten_lines")
    if "19 octets over" not in said:
        sys.exit(f"README's program says: {said}")
    print("README's program is compiled there, and runs", flush=True)
    clean.run("apt-get", "-qq", "-y", "purge", *PACKAGES)
    if clean.files():
        sys.exit(f"removed, but still there: {clean.files()}")
    print("removed, and nothing of it is left")
    shutil.rmtree(clean.at)


if __name__ == "__main__":
    main()
