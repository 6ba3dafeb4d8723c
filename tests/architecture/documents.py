#!/usr/bin/env python3
"""Hold the documents against the sources that they tell of.

documents.py ROOT    check, exit 1 with every difference

docs/errors.md is what tools/errors-table prints, docs/architecture.svg what tools/architecture-picture does;
docs/configuration.md has the tables that tools/options-table makes of the tools' options; README.md has the tagged regions of its examples octet for octet;
docs/protocol.md names every message with its number and every domain; every local link leads somewhere.
"""
import difflib
import pathlib
import re
import subprocess
import sys

# what a command prints, and how it is printed anew
PRINTED = [("docs/errors.md", "tools/errors-table", "> docs/errors.md"),
           ("docs/configuration.md", "tools/options-table", "--write ."),
           ("docs/architecture.svg", "tools/architecture-picture", "> docs/architecture.svg")]
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

    for path, tool, anew in PRINTED:
        printed = subprocess.run([sys.executable, str(root / tool), str(root)], capture_output=True, text=True,
                                 encoding="utf-8", check=False)
        if printed.returncode != 0:
            differences.append(printed.stderr.strip() or f"{tool} failed")
        elif printed.stdout != read(path):
            lines = difflib.unified_diff(read(path).splitlines(), printed.stdout.splitlines(), path, tool, lineterm="", n=0)
            differences += [f"{path} is stale: run {tool} {anew}", *lines]

    told = set(re.findall(r"`(?:\w+\.)?(\w+)`", read("docs/json.md")))
    for path in sorted([*(root / "examples").rglob("*.hpp"), *(root / "examples").rglob("*.cpp")]):
        text = path.read_text(encoding="utf-8")
        if "json_line" not in text or path.name.startswith("json_line"):
            continue
        for key in re.findall(r'\bwith\(\s*(?:plain \? )?"(\w+)"', text):
            if key not in told:
                differences.append(f"docs/json.md: is without the key {key} of {path.relative_to(root)}")

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
