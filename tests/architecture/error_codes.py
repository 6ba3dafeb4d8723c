#!/usr/bin/env python3
"""Every error code is produced somewhere: one that nothing gives is a promise that nobody keeps.

error_codes.py ROOT      exit 1 with each code that the library and the tools only ask about
"""
import pathlib
import re
import sys

# where several codes stand together they are asked about
LIST = re.compile(r"\{[^{};]*errc::\w+,[^{};]*\}")
ASKED = re.compile(r"(==|!=|case)\s*(ajar::)?$")


def codes(text):
    listed = text[text.index("enum class errc"):]
    listed = re.sub(r"//.*", "", listed[:listed.index("};")])
    return re.findall(r"^\s*(\w+)(?: = \d+)?,", listed, re.M)


def produced(text):
    """The codes that a source gives to somebody."""
    text = LIST.sub("", re.sub(r"//.*", "", text))
    return {one[1] for one in re.finditer(r"errc::(\w+)", text) if not ASKED.search(text[max(0, one.start() - 20):one.start()])}


def main():
    root = pathlib.Path(sys.argv[1])
    # the check itself must be able to fail
    assert produced("return fail(errc::eof);  // errc::canceled") == {"eof"}
    assert not produced("if (why == errc::eof) for (const auto one : {errc::eof, errc::canceled}) case ajar::errc::eof:")
    error = root / "include/ajar/core/error.hpp"
    given = set()
    for folder in ("include", "examples"):
        for source in (root / folder).rglob("*.[hic]pp"):
            if source not in (error, root / "include/ajar/core/impl/error.ipp"):
                given |= produced(source.read_text())
    missing = [one for one in codes(error.read_text()) if one not in given]
    for one in missing:
        print(f"{one}: nothing produces it")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
