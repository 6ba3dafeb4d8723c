#!/usr/bin/env python3
"""Each public header compiles alone: headers_alone.py ROOT BUILD [--entry]

With --entry those alone by which people come in: the headers of the top, and those that the small examples include.
They are declarations then, as for a program that is compiled with the library; ajar.hpp with its bodies is what
all_headers.cpp begins with. A header with which a program of the build begins has been compiled alone there, and is not again.

The compiler and its arguments are those of all_headers.cpp in BUILD/compile_commands.json, but for the optimisation and
the sanitizers. They are files in BUILD, compiled whole, so that ccache knows what was compiled before.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import rooms


BODIES, DECLARATIONS = [], ["-DAJAR_COMPILED_LIB"]


def command_of(commands):
    """The compiler and what it needs to find the headers."""
    for entry in commands:
        if entry["file"].endswith("all_headers.cpp"):
            words = shlex.split(entry["command"])
            break
    else:
        sys.exit("no all_headers.cpp in compile_commands.json")
    for option in ("-o", "-c", "-MF", "-MQ"):
        at = words.index(option)
        del words[at:at + 2]
    dropped = re.compile(r"-MD|-g1?|-O\d|-f(no-)?sanitize.*")
    return [word for word in words if not dropped.fullmatch(word)]


def entries(root, commands):
    include = root / "include"
    found = {one.relative_to(include).as_posix() for one in [*include.glob("*.hpp"), *include.glob("ajar/*.hpp")]}
    for example in (root / "examples").glob("*.cpp"):
        found.update(name for name in rooms.INCLUDE.findall(example.read_text()) if name.startswith("ajar"))
    begun = set()
    for one in commands:
        alone = "-DAJAR_COMPILED_LIB" in one["command"] and "-include" not in shlex.split(one["command"])
        folder = pathlib.Path(one["directory"])
        if alone and one["file"].endswith(".cpp") and (folder / one["output"]).exists():
            begun.update(rooms.INCLUDE.findall((folder / one["file"]).read_text())[:1])
    return sorted(found - begun)


def compile_alone(command, header, options, build):
    folder = build / "headers_alone"
    folder.mkdir(exist_ok=True)
    unit = folder / ("_".join([re.sub(r"\W", "_", header), *(one.strip("-") for one in options)]) + ".cpp")
    unit.write_text(f"#include <{header}>\n")
    done = subprocess.run([*command, *options, "-Werror", "-c", unit, "-o", unit.with_suffix(".o")], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, cwd=build)
    unit.with_suffix(".o").unlink(missing_ok=True)
    return "" if done.returncode == 0 else f"{header} {' '.join(options)}:\n{done.stdout}"


def main():
    root, build = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    commands = json.loads((build / "compile_commands.json").read_text())
    command = command_of(commands)
    # the check itself must be able to fail
    assert compile_alone(command, "ajar/there/is/no/such.hpp", BODIES, build)
    headers = entries(root, commands) if "--entry" in sys.argv else rooms.headers(root)
    tries = [(one, BODIES) for one in headers if "--entry" not in sys.argv]
    tries += [(one, DECLARATIONS) for one in headers]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        failures = [one for one in workers.map(lambda what: compile_alone(command, *what, build), tries) if one]
    print("".join(failures), end="")
    print(f"{len(headers)} headers, {len(failures)} do not compile alone")
    return 1 if failures or not headers else 0


if __name__ == "__main__":
    sys.exit(main())
