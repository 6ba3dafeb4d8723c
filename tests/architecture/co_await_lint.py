#!/usr/bin/env python3
"""Find co_await expressions that gcc 12.2 miscompiles (docs/compilers.md).

co_await_lint.py ROOT         check include/, examples/, tests/, benchmarks/
co_await_lint.py --self-test  check that each bad sample is found and no good one
"""
import pathlib
import re
import sys

BLANK = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
LAMBDA = re.compile(r'(?<![\w\)\]])\[\s*([^\]\s][^\]]*)\]\s*(?:\(|\{|mutable\b|->)')
RULES = [
    ("a capturing lambda in a co_await expression", lambda before, after: LAMBDA.search(after)),
    ("a designated aggregate in a co_await expression", lambda before, after: re.search(r"\{\s*\.\w+\s*=", after)),
    ("a braced list in a co_await expression", lambda before, after: re.search(r"[(,]\s*\{", after)),
    ("an array or list temporary in a co_await expression",
     lambda before, after: re.search(r"std::(array|initializer_list)\s*(<[^;]*?>)?\s*\{", after)),
    ("co_await in a condition", lambda before, after: re.search(r"\b(if|switch)\s*(constexpr\s*)?\([^;]*$", before)
     or re.search(r"\bwhile\s*\(\s*!?\s*\(*$", before)),
    ("co_await under ?:", lambda before, after: "?" in before or "?" in after),
    ("co_await inside throw", lambda before, after: re.search(r"\bthrow\b", before)),
    ("co_await inside the braces of an initialiser", lambda before, after: re.search(r"[\w>]\s*\{[^{};]*$", before)
     and not re.search(r"\b(else|do|try|return)\s*\{[^{};]*$", before)),
    ("a second co_await in one statement", lambda before, after: "co_await" in after),
]


def blanked(text):
    """The text with comments and literals as blanks of the same length."""
    return BLANK.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def statement_around(text, at):
    """What stands before and after a co_await in its statement."""
    begin, depth = at, 0
    while begin > 0:
        c = text[begin - 1]
        if c in ")]":
            depth += 1
        elif c in "([":
            depth -= 1
        elif c == ";" and depth <= 0 and not re.search(r"\bfor\s*\([^()]*$", text[max(0, begin - 200):begin - 1]):
            break
        elif c in "{}" and depth <= 0 and re.search(r"(^|[;{}):]|\belse|\bdo|\btry|\bconst|\bnoexcept|>|\w)\s*$",
                                                    text[:begin - 1][-80:]) is not None:
            if c == "{" and re.search(r"(\w|>)\s*$", text[:begin - 1][-40:]) and not re.search(
                    r"\b(else|do|try|const|noexcept|override|mutable)\s*$|->\s*[\w:<>&\s]*$", text[:begin - 1][-120:]):
                begin -= 1  # the brace of an initialiser belongs to the statement
                continue
            break
        begin -= 1
    end, depth = at + len("co_await"), 0
    while end < len(text):
        c = text[end]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
            if depth < -8:
                break
        elif c == ";" and depth <= 0:
            break
        end += 1
    return text[begin:at], text[at + len("co_await"):end]


def findings(text):
    clean = blanked(text)
    for match in re.finditer(r"\bco_await\b", clean):
        before, after = statement_around(clean, match.start())
        for name, breaks in RULES:
            if breaks(before, after):
                yield clean.count("\n", 0, match.start()) + 1, name
                break


BAD = ["auto x = co_await f({.a = 1});", "co_await f([p] { return p; });", "auto y = ok ? co_await f() : 0;",
       "if (co_await f()) return;", "switch (co_await f()) { }", "throw g(co_await f());", 'co_await f({"a", "b"});',
       "do { } while (co_await f());", "auto r = reply{co_await f()};", "co_await f(std::array<int, 2>{1, 2});",
       "co_await co_spawn(ex, [p]() -> awaitable<int> { co_return p; }, token);", "auto z = co_await f() + co_await g();"]
GOOD = ["auto x = co_await f(named);", "while (auto p = co_await f()) { g(); }", "n += co_await f();",
        "for (auto& x : co_await f()) g(x);", "auto [error] = co_await t.async_wait(use_values);",
        "co_await f(options().with(3));", "if (ready) { auto x = co_await f(table[3]); }", "co_return co_await f(x);",
        "awaitable<void> f() { co_await g(); }", "for (;;) { auto c = co_await f(d[i]); if (c) continue; }",
        "auto f(int a) -> awaitable<int> { auto v = co_await g(a); co_return v; }"]


def self_test():
    failed = [f"not found: {sample}" for sample in BAD if not list(findings("void f() {\n" + sample + "\n}"))]
    failed += [f"wrongly found: {sample}: {list(findings('void f() {' + sample + '}'))}" for sample in GOOD
               if list(findings("void f() {\n" + sample + "\n}"))]
    print("\n".join(failed + [f"{len(BAD) + len(GOOD)} samples, {len(failed)} wrong"]))
    return 1 if failed else 0


def main():
    if sys.argv[1] == "--self-test":
        return self_test()
    count = 0
    for folder in ("include", "examples", "tests", "benchmarks"):
        for path in sorted((pathlib.Path(sys.argv[1]) / folder).rglob("*.[chi]pp")):
            for line, name in findings(path.read_text()):
                print(f"{path.relative_to(sys.argv[1])}:{line}: {name}")
                count += 1
    print(f"{count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
