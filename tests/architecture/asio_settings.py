#!/usr/bin/env python3
"""Asio is told what ajar/core/config.hpp says, and whoever includes it sooner is told so.

asio_settings.py ROOT COMPILER...    exit 1 with each header that reaches an <asio/...> before that, directly or not
"""
import pathlib
import subprocess
import sys

import rooms

CONFIG = "ajar/core/config.hpp"
SETTINGS = ["ASIO_STANDALONE", "ASIO_NO_DEPRECATED", "ASIO_HAS_CO_AWAIT", "ASIO_HAS_STD_COROUTINE"]
ASIO, AJAR = "#include <asio/detail/config.hpp>\n", f"#include <{CONFIG}>\n"


def first_of(name, text_of, seen):
    """CONFIG, or what of Asio comes before it, as a file's includes are read in their order; '' where it has neither."""
    for included in rooms.INCLUDE.findall(text_of(name)):
        if included == CONFIG or included.split("/")[0] in ("asio", "asio.hpp"):
            return included
        if included not in seen:
            seen.add(included)
            found = first_of(included, text_of, seen)
            if found:
                return found
    return ""


def breaches(root):
    include = root / "include"

    def text_of(name):
        path = include / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    for path in sorted(include.rglob("*.[hi]pp")):
        name = path.relative_to(include).as_posix()
        first = first_of(name, text_of, {name})
        if first not in ("", CONFIG):
            yield f"{name}: reaches <{first}> before <{CONFIG}>"


def compile_alone(root, compiler, text, *options):
    done = subprocess.run([*compiler, "-std=c++20", *options, f"-I{root / 'include'}", "-fsyntax-only", "-x", "c++", "-"],
                          input=text, capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def main():
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    # the check itself must be able to fail
    files = {"right": f"#include <vector>\n#include <good>\n{ASIO}", "good": AJAR, "wrong": ASIO + AJAR, "none": ""}
    said = {name: first_of(name, lambda one: files.get(one, ""), {name}) for name in files}
    assert said == {"right": CONFIG, "good": CONFIG, "wrong": "asio/detail/config.hpp", "none": ""}, said
    found = list(breaches(root))

    # each setting is made here, by whatever compiler
    all_set = "".join(f"#if !defined({one})\n#error {one}\n#endif\n" for one in SETTINGS)
    good, why = compile_alone(root, compiler, AJAR + ASIO + all_set)
    if not good:
        found.append(f"ajar, then Asio: {why}")
    # Asio sooner: refused as it is, taken where it was told the same
    good, why = compile_alone(root, compiler, ASIO + AJAR)
    if good or "Asio was included before ajar" not in why:
        found.append(f"Asio, then ajar, is not refused: {why}")
    good, why = compile_alone(root, compiler, ASIO + AJAR, *(f"-D{one}" for one in SETTINGS))
    if not good:
        found.append(f"Asio with the same settings, then ajar: {why}")

    print("".join(f"{one}\n" for one in found) + f"{len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
