#!/usr/bin/env python3
"""Build README's program from what is installed, by every way that README tells, with both compilers, and run it.

consumers.py ROOT FOLDER [WORD...]    all of it, or the cases whose names have all of the words: a compiler (g++,
                                      clang++-19), a way (pkg-config, cmake, subproject), a mode (header-only, compiled)

FOLDER is made anew. What is installed is compiled by g++, whoever uses it. The installed examples/ten_lines.cpp is README's
program; examples/streams.cpp is built too where that is quick, with the library: it needs the services as well.
"""
import itertools
import os
import pathlib
import shlex
import shutil
import sys
import time

import installed

COMPILERS = ["g++", "clang++-19"]
MODES = ["header-only", "compiled"]
SAYS = {"ten_lines": "19 octets over", "streams": "echo: "}
PROGRAMS = {"header-only": ["ten_lines"], "compiled": ["ten_lines", "streams"]}
# what each way calls it
PACKAGES = {("ten_lines", "header-only"): "ajar", ("ten_lines", "compiled"): "ajar-compiled",
            ("streams", "compiled"): "ajar-services-compiled"}
TARGETS = {"ajar": "ajar", "ajar-compiled": "compiled", "ajar-services-compiled": "services_compiled"}
LAUNCHER = ["ccache"] if shutil.which("ccache") else []


def packages(mode):
    return [(program, PACKAGES[program, mode]) for program in PROGRAMS[mode]]


def by_pkg_config(compiler, mode, folder, prefix, root):
    for program, package in packages(mode):
        flags = shlex.split(installed.run("pkg-config", "--cflags", "--libs", f"{package} >= 0.1"))
        installed.run(compiler, "-std=c++20", prefix / f"share/doc/ajar/examples/{program}.cpp", "-o", folder / program, *flags)


def by_cmake(compiler, mode, folder, prefix, root):
    components = [TARGETS[package] for _, package in packages(mode)]
    lines = ["cmake_minimum_required(VERSION 3.20)", "project(user CXX)",
             f"find_package(ajar 0.1 REQUIRED COMPONENTS {' '.join(components)})"]
    for program, package in packages(mode):
        lines += [f"add_executable({program} {prefix}/share/doc/ajar/examples/{program}.cpp)",
                  f"target_link_libraries({program} PRIVATE ajar::{TARGETS[package]})"]
    (folder / "CMakeLists.txt").write_text("\n".join(lines) + "\n")
    launcher = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={one}" for one in LAUNCHER]
    installed.run("cmake", "-S", folder, "-B", folder, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={compiler}",
                  *launcher)
    installed.run("cmake", "--build", folder, "--parallel")


def by_subproject(compiler, mode, folder, prefix, root):
    (folder / "subprojects").mkdir()
    (folder / "subprojects" / "ajar").symlink_to(root)
    shutil.copytree(prefix / "share/doc/ajar/examples", folder / "examples")
    options = ["wolfssl=system", f"compiled={str(mode == 'compiled').lower()}"]
    lines = ["project('user', 'cpp', default_options : ['cpp_std=c++20', 'buildtype=plain'])",
             f"subproject('ajar', default_options : {options})"]
    for program, package in packages(mode):
        package = package.removesuffix("-compiled")
        lines.append(f"executable('{program}', 'examples/{program}.cpp', dependencies : dependency('{package}', version : '>=0.1'))")
    (folder / "meson.build").write_text("\n".join(lines) + "\n")
    installed.run("meson", "setup", folder / "build", folder, env={**os.environ, "CXX": shlex.join([*LAUNCHER, compiler])})
    installed.run("ninja", "-C", folder / "build", *PROGRAMS[mode])


WAYS = {"pkg-config": by_pkg_config, "cmake": by_cmake, "subproject": by_subproject}


def refused(prefix, folder):
    """find_package takes this series alone, whatever else is asked for."""
    answers = {"": True, "0.1": True, "0.1.0 EXACT": True, "0.1...<0.3": True, "0.0": False, "0.2": False, "0.1.99": False,
               "1": False, "0.2...<0.4": False}
    folder.mkdir()
    for version, wanted in answers.items():
        (folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.20)\nproject(user CXX)\n"
            f"find_package(ajar {version} QUIET)\nmessage(STATUS \"ajar: ${{ajar_FOUND}}\")\n")
        said = installed.run("cmake", "-S", folder, "-B", folder / "build", "--fresh", f"-DCMAKE_PREFIX_PATH={prefix}")
        if ("ajar: 1" in said or "ajar: TRUE" in said) != wanted:
            sys.exit(f"find_package(ajar {version}) of {(prefix / 'include').parent}: {said}")
    print(f"find_package: {len(answers)} versions asked for, each answered rightly", flush=True)


def main():
    root, folder, words = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3:]
    cases = [one for one in itertools.product(COMPILERS, WAYS, MODES) if set(words) <= set(one)]
    if not cases:
        sys.exit(f"no case has all of {words}")
    lacking = installed.missing(["g++"]) or next((one for one in ["cmake", *COMPILERS] if not shutil.which(one)), "")
    if lacking:
        sys.exit(f"the system has no {lacking}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["CXX"] = shlex.join([*LAUNCHER, "g++"])
    compiled = any(mode == "compiled" for _, _, mode in cases)
    prefix = installed.install(root, ["meson"], folder, f"-Dcompiled={str(compiled).lower()}")
    refused(prefix, folder / "versions")
    for compiler, way, mode in cases:
        begun = time.monotonic()
        place = folder / f"{compiler}-{way}-{mode}"
        place.mkdir()
        WAYS[way](compiler, mode, place, prefix, root)
        for program in PROGRAMS[mode]:
            said = installed.run(next(one for one in (place / "build" / program, place / program) if one.is_file()))
            if SAYS[program] not in said:
                sys.exit(f"{compiler}, {way}, {mode}: {program} said {said!r}, without {SAYS[program]!r}")
        print(f"{compiler}, {way}, {mode}: {', '.join(PROGRAMS[mode])} built, ran; {time.monotonic() - begun:.0f} s", flush=True)
    print(f"{len(cases)} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
