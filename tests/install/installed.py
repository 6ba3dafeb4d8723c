#!/usr/bin/env python3
"""Install ajar into a temporary folder and build a program against it by pkg-config; consumers.py has the other ways.

installed.py ROOT FOLDER MESON [MESON_ARGUMENT...]   the compiler is CXX; exit 77 where the system lacks what ajar
                                                    stands on. FOLDER is made anew: inside a build folder, so that
                                                    ccache knows what was compiled there before
"""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

PROGRAM = """\
#include <ajar/tls/certificate.hpp>
int main() { return ajar::tls::make_credentials(ajar::crypto::signing_key::generate()).certificate.empty() ? 1 : 0; }
"""
SKIPPED = 77


def run(*command, **more):
    """Run a command; what it says is shown only where it fails."""
    done = subprocess.run([str(one) for one in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **more)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def missing(compiler):
    """What the system lacks for a user's program, or nothing."""
    if not shutil.which("pkg-config"):
        return "pkg-config"
    for package in ("fmt", "wolfssl"):
        if subprocess.run(["pkg-config", "--exists", package]).returncode != 0:
            return package
    for header in ("asio.hpp", "tl/expected.hpp"):
        tried = subprocess.run([*compiler, "-x", "c++", "-std=c++20", "-DASIO_STANDALONE", "-M", "-"], text=True,
                               input=f"#include <{header}>\n", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if tried.returncode != 0:
            return header
    return ""


def install(root, meson, folder, *options):
    """Configure, compile what the options ask for, install; the prefix, where pkg-config looks from now on."""
    prefix = folder / "prefix"
    run(*meson, "setup", folder / "ajar", root, "--prefix", prefix, "-Dwolfssl=system", "-Dtests=disabled",
        "-Dexamples=disabled", "-Dbenchmarks=disabled", "-Doptimization=0", "-Ddebug=false", *options)
    run(*meson, "install", "-C", folder / "ajar")
    documents = prefix / "share" / "doc" / "ajar"
    expected = [prefix / "include" / "ajar.hpp", prefix / "include" / "ajar" / "tls" / "stream.hpp"]
    expected += [documents / name for name in ("README.md", "CHANGELOG.md", "LICENSE", "examples/tools/one_process.hpp")]
    expected += [documents / "examples" / one.name for one in (root / "examples").glob("*.cpp")]
    expected += [documents / "docs" / one.name for one in (root / "docs").glob("*.md")]
    for path in expected:
        if not path.is_file():
            sys.exit(f"not installed: {path.relative_to(prefix)}")
    for name in ("ajarConfig.cmake", "ajarConfigVersion.cmake", "ajar.pc"):
        if not list(prefix.rglob(name)):
            sys.exit(f"not installed: {name}")
    print(f"installed, {len(expected)} files looked at")
    places = [str(one.parent) for one in prefix.rglob("ajar.pc")] + [os.environ.get("PKG_CONFIG_PATH", "")]
    os.environ["PKG_CONFIG_PATH"] = os.pathsep.join(filter(None, places))
    return prefix


def by_pkg_config(compiler, folder):
    needed = run("pkg-config", "--print-requires", "ajar").splitlines()
    if not all(">=" in one for one in needed) or len(needed) < 2:
        sys.exit(f"ajar.pc requires {needed}: each with the least version that will do")
    flags, libraries = (shlex.split(run("pkg-config", what, "ajar")) for what in ("--cflags", "--libs"))
    if any(one.startswith("-DASIO") for one in flags):
        sys.exit(f"{flags}: what Asio is told depends on who compiles (ajar/core/config.hpp)")
    (folder / "everything.cpp").write_text("#include <ajar.hpp>\n")
    run(*compiler, "-std=c++20", *flags, "-M", folder / "everything.cpp")  # all is there; consumers.py compiles it
    # compiled whole before it is linked, so that ccache knows it
    run(*compiler, "-std=c++20", *flags, "-c", folder / "program.cpp", "-o", folder / "program.o")
    run(*compiler, folder / "program.o", "-o", folder / "program", *libraries)
    run(folder / "program")
    print("pkg-config: built, ran")


def main():
    root, folder, meson = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    os.environ.setdefault("CXX", "c++")
    compiler = shlex.split(os.environ["CXX"])
    lacking = missing(compiler)
    if lacking:
        print(f"skipped: the system has no {lacking}")
        return SKIPPED
    shutil.rmtree(folder, ignore_errors=True)
    user = folder / "user"
    user.mkdir(parents=True)
    install(root, meson, folder, "-Dservices=disabled")
    (user / "program.cpp").write_text(PROGRAM)
    by_pkg_config(compiler, user)
    return 0


if __name__ == "__main__":
    sys.exit(main())
