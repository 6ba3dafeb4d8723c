#!/usr/bin/env python3
"""Hold the documents against the sources that they tell of.

documents.py ROOT    check, exit 1 with every difference

docs/errors.md is what tools/errors-table prints; docs/configuration.md has the tables that tools/options-table makes of
the tools' options; README.md has the tagged regions of its examples octet for octet;
docs/protocol.md names every message with its number and every domain; every local link leads somewhere.
"""
import difflib
import pathlib
import re
import subprocess
import sys

README_REGIONS = {"examples/ten_lines.cpp": ["server", "client"]}
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def region(text, tag):
    """What stands between two lines `// [tag]`."""
    parts = re.split(rf"^// \[{re.escape(tag)}\]\n", text, flags=re.M)
    return parts[1] if len(parts) == 3 else None


def messages(source):
    """[(name, number)] of the structs that have a kind."""
    return re.findall(r"^struct (\w+) \{\n\s*static constexpr std::uint8_t kind = (\d+);", source, re.M)


def check(root):
    differences = []

    def read(path):
        return (root / path).read_text(encoding="utf-8")

    printed = subprocess.run([sys.executable, str(root / "tools/errors-table"), str(root)], capture_output=True, text=True,
                             encoding="utf-8", check=False)
    if printed.returncode != 0:
        differences.append(printed.stderr.strip() or "tools/errors-table failed")
    elif printed.stdout != read("docs/errors.md"):
        lines = difflib.unified_diff(read("docs/errors.md").splitlines(), printed.stdout.splitlines(), "docs/errors.md",
                                     "tools/errors-table", lineterm="", n=0)
        differences += ["docs/errors.md is stale: run tools/errors-table > docs/errors.md", *lines]

    printed = subprocess.run([sys.executable, str(root / "tools/options-table"), str(root)], capture_output=True, text=True,
                             encoding="utf-8", check=False)
    if printed.returncode != 0:
        differences.append(printed.stderr.strip() or "tools/options-table failed")
    elif printed.stdout != read("docs/configuration.md"):
        differences.append("docs/configuration.md is stale: run tools/options-table --write")

    for path, tags in README_REGIONS.items():
        for tag in tags:
            wanted = region(read(path), tag)
            if not wanted:
                differences.append(f"{path}: has no region [{tag}]")
            elif wanted not in read("README.md"):
                differences.append(f"README.md: is without the region [{tag}] of {path}, or has another text")

    protocol = read("docs/protocol.md")
    for name, number in messages(read("include/ajar/signalling/message.hpp")):
        if not re.search(rf"^\| {number} \| `{name}` \|", protocol, re.M):
            differences.append(f"docs/protocol.md: has no row '| {number} | `{name}` |'")
    for header in sorted((root / "include").rglob("*.hpp")):
        for domain in re.findall(r'std::string_view domain = "([^"]+)"', header.read_text(encoding="utf-8")):
            if f'"{domain}"' not in protocol:
                differences.append(f'docs/protocol.md: does not name the domain "{domain}"')

    version = re.search(r"^project\('ajar'.* version : '([^']+)'", read("meson.build"), re.M)[1]
    if f'version = "{version}";' not in read("include/ajar/core/version.hpp"):
        differences.append(f"include/ajar/core/version.hpp: meson.build says {version}")

    for document in [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").glob("*.md"))]:
        for target in LINK.findall(document.read_text(encoding="utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                differences.append(f"{document.relative_to(root)}: links to {target}, which is not there")
    return differences


def main():
    # the check itself must be able to fail
    assert region("// [a]\nx\n// [a]\n", "a") == "x\n" and region("// [b]\n", "a") is None
    assert messages("struct one {\n  static constexpr std::uint8_t kind = 7;\n") == [("one", "7")]
    differences = check(pathlib.Path(sys.argv[1]))
    for one in differences:
        print(one)
    print(f"{len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
