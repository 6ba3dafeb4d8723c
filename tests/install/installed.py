#!/usr/bin/env python3
"""Install ajar into a temporary folder and build a program against it, as a user would: by Meson, CMake and pkg-config.

installed.py ROOT FOLDER MESON [MESON_ARGUMENT...]   the compiler is CXX; exit 77 where the system lacks what ajar
                                                    stands on. FOLDER is made anew: inside a build folder, so that
                                                    ccache knows what was compiled there before. By pkg-config alone,
                                                    where AJAR_LONG is not set; with it the library too, which is
                                                    compiled for that: the bodies once more
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
# What the library is for: a role, which brings most of it along.
ROLE = """\
#include <ajar/client.hpp>
#include <asio/io_context.hpp>
int main() {
  asio::io_context context;
  ajar::client client(context.get_executor(), ajar::identity::key::generate(), ajar::client_options());
  return client.status().sessions.empty() ? 0 : 1;
}
"""
MESON = """\
project('user', 'cpp', default_options : 'cpp_std=c++20')
ajar_dep = dependency('ajar', version : '>=0.1', method : 'pkg-config')
test('runs', executable('program', 'program.cpp', dependencies : ajar_dep))
"""
CMAKE = """\
cmake_minimum_required(VERSION 3.20)
project(user CXX)
find_package(ajar REQUIRED)
add_executable(program program.cpp)
target_link_libraries(program PRIVATE ajar::ajar)
"""
CMAKE_COMPILED = """\
add_executable(role role.cpp)
target_link_libraries(role PRIVATE ajar::compiled)
"""
SKIPPED = 77
LONG = bool(os.environ.get("AJAR_LONG"))
HOW = "with the headers alone" + (", and with the library" if LONG else "")


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


def install(root, meson, folder):
    prefix = folder / "prefix"
    run(*meson, "setup", folder / "ajar", root, "--prefix", prefix, "-Dwolfssl=system", "-Dtests=disabled",
        "-Dexamples=disabled", "-Dbenchmarks=disabled", "-Dservices=disabled", f"-Dcompiled={str(LONG).lower()}", "-Doptimization=0",
        "-Ddebug=false")
    run(*meson, "install", "-C", folder / "ajar")
    documents = prefix / "share" / "doc" / "ajar"
    expected = [prefix / "include" / "ajar.hpp", prefix / "include" / "ajar" / "tls" / "stream.hpp"]
    expected += [documents / name for name in ("README.md", "CHANGELOG.md", "LICENSE")]
    expected += [documents / "docs" / one.name for one in (root / "docs").glob("*.md")]
    for path in expected:
        if not path.is_file():
            sys.exit(f"not installed: {path.relative_to(prefix)}")
    print(f"installed, {len(expected)} files looked at")
    return prefix


def by_pkg_config(compiler, folder):
    flags = shlex.split(run("pkg-config", "--cflags", "--libs", "ajar"))
    run(*compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", "-", *flags, input="#include <ajar.hpp>\n")
    run(*compiler, "-std=c++20", folder / "program.cpp", "-o", folder / "program", *flags)
    run(folder / "program")
    if LONG:
        flags = shlex.split(run("pkg-config", "--cflags", "--libs", "ajar-compiled"))
        run(*compiler, "-std=c++20", folder / "role.cpp", "-o", folder / "role", *flags)
        run(folder / "role")
    print(f"pkg-config: built, ran; {HOW}")


def by_meson(meson, folder):
    (folder / "meson.build").write_text(MESON)
    run(*meson, "setup", folder / "build", folder)
    run(*meson, "test", "-C", folder / "build")
    print("Meson: built, ran")


def by_cmake(prefix, folder):
    if not shutil.which("cmake"):
        print("CMake: skipped, the cmake command is not here")
        return
    (folder / "CMakeLists.txt").write_text(CMAKE + (CMAKE_COMPILED if LONG else ""))
    run("cmake", "-S", folder, "-B", folder / "build-cmake", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", folder / "build-cmake")
    run(folder / "build-cmake" / "program")
    if LONG:
        run(folder / "build-cmake" / "role")
    print(f"CMake: built, ran; {HOW}")


def main():
    root, folder, meson = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    os.environ.setdefault("CXX", "c++")
    compiler = shlex.split(os.environ["CXX"])
    lacking = missing(compiler)
    if lacking:
        print(f"skipped: the system has no {lacking}")
        return SKIPPED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    prefix = install(root, meson, folder)
    places = [str(one.parent) for one in prefix.rglob("ajar.pc")] + [os.environ.get("PKG_CONFIG_PATH", "")]
    os.environ["PKG_CONFIG_PATH"] = os.pathsep.join(filter(None, places))
    user = folder / "user"
    user.mkdir()
    (user / "program.cpp").write_text(PROGRAM)
    (user / "role.cpp").write_text(ROLE)
    by_pkg_config(compiler, user)
    if LONG:
        by_meson(meson, user)
        by_cmake(prefix, user)
    return 0


if __name__ == "__main__":
    sys.exit(main())
