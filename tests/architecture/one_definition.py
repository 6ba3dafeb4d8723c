#!/usr/bin/env python3
"""Headers that any number of a program's files may include: one_definition.py ARCHIVE

ARCHIVE has the object of a unit that includes all of them. What it defines for the whole program, but its own main(),
a second such unit would define again (ODR): an `inline` is missing.
"""
import subprocess
import sys


def main():
    symbols = subprocess.run(["nm", "--defined-only", "--extern-only", "--demangle", sys.argv[1]], capture_output=True,
                             text=True, check=True).stdout
    strong = [line.split(None, 2)[2] for line in symbols.splitlines()
              if len(line.split(None, 2)) == 3 and line.split(None, 2)[1] in "TDBRC"]
    assert "main" in strong, "the check itself sees nothing"
    # what keeps the two modes apart is in a group of its own (modes.py); the other marks what AddressSanitizer watches
    expected = {"main", "ajar_is_either_header_only_or_compiled", "___asan_globals_registered"}
    found = [one for one in strong if one not in expected]
    print("".join(f"{one}: defined in a header without inline\n" for one in found), end="")
    print(f"{len(found)} definitions that two files would both have")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
