"""Words that do not belong into the tree: unfinished work, the place where it was written, loose ends."""

import re

from tree import Finding, Sample

_stray = {
    "unfinished": r"\bFIXME\b|\bXXX\b|\bHACK\b",
    "a TODO that does not name in brackets what makes it due": r"\bTODO\b(?!\([^)]+\))",
    "unfinished talk": r"(?i)\bfor now\b|\bnot (?:yet )?implemented\b|\bplaceholder\b",
    "the number of an issue": r"(?i)\bissues? #?\d+|\bacceptance point\b|\(A[1-7]\)",
    "a path of one machine": r"/work/|/root/|/home/\w",
    "a way of working": r"(?i)\b(?:claude|chatgpt|copilot|llm|sub-?agent)\b|\bbrief\.md\b|\bother (?:helpers?|sessions?)\b",
}
_compiled = {what: re.compile(pattern) for what, pattern in _stray.items()}
# Long texts from elsewhere, and the table above.
_spared = ("tests/tidy/words.py", "tests/golden/")
_texts = (".h", ".cpp", ".md", ".py", ".build", ".txt", ".schema", ".proto", ".ini", ".toml", ".sh")


def is_text_of_ours(path):
    name = path.rpartition("/")[2]
    return not path.startswith(_spared) and (name.endswith(_texts) or "." not in name)


def check(tree):
    for path, text in sorted(tree.files.items()):
        if not is_text_of_ours(path):
            continue
        for what, pattern in _compiled.items():
            for match in pattern.finditer(text):
                yield Finding(path, text.count("\n", 0, match.start()) + 1, f"{match.group(0)!r}: {what}")
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield Finding(path, number, "white space at the end of the line")
            if "\t" in line:
                yield Finding(path, number, "a tabulator")
        if text and not text.endswith("\n"):
            yield Finding(path, text.count("\n") + 1, "the last line has no end")


samples = [
    Sample("fixme", {"agent/a.h": "// FIXME later\n"}, "unfinished"),
    Sample("todo", {"agent/a.h": "// TODO: write\n"}, "what makes it due"),
    Sample("due todo", {"agent/a.h": "// TODO(when Debian 13 is the oldest): drop\n"}, None),
    Sample("talk", {"agent/README.md": "This is good enough for now.\n"}, "unfinished talk"),
    Sample("issue", {"agent/a.cpp": "// see issue 12\n"}, "number of an issue"),
    Sample("machine", {"agent/a.cpp": "// /work/shared\n"}, "one machine"),
    Sample("space", {"agent/a.cpp": "int a; \n"}, "white space"),
    Sample("tabulator", {"agent/a.cpp": "\tint a;\n"}, "a tabulator"),
    Sample("no end", {"agent/a.cpp": "int a;"}, "no end"),
    Sample("plain", {"agent/a.cpp": "// The session of an agent.\nint a;\n"}, None),
]
