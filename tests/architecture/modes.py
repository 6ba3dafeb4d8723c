#!/usr/bin/env python3
"""A program is header-only or compiled: files of the two modes do not link together. modes.py ROOT COMPILER..."""
import pathlib
import subprocess
import sys
import tempfile

MODES = {"header_only": [], "compiled": ["-DAJAR_COMPILED_LIB"]}
UNIT = "#include <ajar/core/config.hpp>\nint {name}() {{ return 0; }}\n"


def main():
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for mode, options in MODES.items():
            for unit in ("main", "other"):
                source = folder / f"{unit}.cpp"
                source.write_text(UNIT.format(name=unit))
                subprocess.run([*compiler, "-std=c++20", *options, f"-I{root / 'include'}", "-c", source, "-o",
                                folder / f"{mode}.{unit}.o"], check=True)
        for first in MODES:
            for second in MODES:
                linked = subprocess.run([*compiler, folder / f"{first}.main.o", folder / f"{second}.other.o", "-o",
                                         folder / "program"], capture_output=True, text=True)
                said = "ajar_is_either_header_only_or_compiled" in linked.stderr
                if (linked.returncode == 0, said) != (first == second, first != second):
                    sys.exit(f"{first} with {second}: {linked.returncode} {linked.stderr}")
    print("two of one mode link, two of different modes are refused")


if __name__ == "__main__":
    main()
