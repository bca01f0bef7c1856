"""The walks of ARCHITECTURE.md: every `file:Symbol` exists, and each walk's steps stand in order.

A walk is a section with numbered steps, of which each names at least one `file:Symbol`. Numbers count from
1 without gaps, and no file is left and opened again, so that a reader opens the files in order, each once.
"""

import re

from tree import Finding, Sample

_heading = re.compile(r"^#+ (.*)$")
_step = re.compile(r"^(\d+)\. ")
_entry = re.compile(r"`([\w./-]+\.(?:h|cpp|schema|proto|py)):([A-Za-z_~][\w:~]*)(?:\(\))?`")
wanted = ("a line", "a fetch", "a config")


def sections(text):
    """(title, line, [(line, text)]) for each heading."""
    title, at, lines = "", 1, []
    for number, line in enumerate(text.split("\n"), 1):
        match = _heading.match(line)
        if match:
            yield title, at, lines
            title, at, lines = match.group(1), number, []
        else:
            lines.append((number, line))
    yield title, at, lines


def has_symbol(text, symbol):
    if symbol in text:
        return True
    return all(re.search(rf"\b{re.escape(part)}\b", text) for part in symbol.split("::"))


def steps_of(lines):
    """[(number, line, text)]; the lines that follow a step belong to it."""
    steps = []
    for number, line in lines:
        match = _step.match(line)
        if match:
            steps.append([int(match.group(1)), number, line])
        elif steps and line.strip():
            steps[-1][2] += " " + line
    return steps


def check(tree):
    path = "ARCHITECTURE.md"
    text = tree.files.get(path)
    if text is None:
        yield Finding(path, 1, "does not exist")
        return
    walks = []
    for title, at, lines in sections(text):
        entries = _entry.findall(" ".join(line for _, line in lines))
        for file, symbol in entries:
            if file not in tree.files:
                yield Finding(path, at, f"`{file}:{symbol}`: there is no such file")
            elif not has_symbol(tree.files[file], symbol):
                yield Finding(path, at, f"`{file}:{symbol}`: the file does not have it")
        steps = steps_of(lines)
        if steps and entries:
            walks.append(title.lower())
            yield from check_walk(path, title, steps)
    for name in wanted:
        if not any(name in title for title in walks):
            yield Finding(path, 1, f"has no walk of {name}")


def check_walk(path, title, steps):
    visited = []
    for expected, (number, line, text) in enumerate(steps, 1):
        if number != expected:
            yield Finding(path, line, f"walk {title!r}: step {number} stands where {expected} is due")
        entries = _entry.findall(text)
        if not entries:
            yield Finding(path, line, f"walk {title!r}: step {number} names no `file:Symbol`")
        for file, _ in entries:
            if file in visited and visited[-1] != file:
                yield Finding(path, line, f"walk {title!r}: {file} is opened a second time in step {number}")
            visited.append(file)


def _page(line="1. `a/b.cpp:B::run` goes\n2. `a/c.cpp:sing` on\n"):
    rest = "".join(f"## {name}\n\n1. `a/b.cpp:B::run` goes\n\n" for name in ("A fetch", "A config"))
    return {
        "ARCHITECTURE.md": f"# The house\n\n## A line\n\n{line}\n{rest}",
        "a/b.cpp": "void B::run() {}\n",
        "a/c.cpp": "int sing();\n",
    }


samples = [
    Sample("all is well", _page(), None),
    Sample("no page", {"a/b.cpp": ""}, "does not exist"),
    Sample("no file", _page("1. `a/gone.cpp:B` goes\n"), "no such file"),
    Sample("no symbol", _page("1. `a/b.cpp:B::dance` goes\n"), "does not have it"),
    Sample("out of order", _page("2. `a/b.cpp:B` goes\n1. `a/c.cpp:sing` on\n"), "stands where 1 is due"),
    Sample("opened twice", _page("1. `a/b.cpp:B` x\n2. `a/c.cpp:sing` y\n3. `a/b.cpp:run` z\n"), "a second time"),
    Sample("says nothing", _page("1. `a/b.cpp:B` x\n2. and on\n"), "names no"),
    Sample("no walk", {"ARCHITECTURE.md": "# Nothing\n"}, "has no walk of a line"),
]
