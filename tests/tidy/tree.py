"""The source tree as the lints see it: texts by path. Self-tests make small trees of their own."""

import os
import re
from collections import namedtuple
from pathlib import Path

Finding = namedtuple("Finding", "path line text")

# A lint proves itself on samples: a small tree, and a piece of the finding it must give; None: no finding.
Sample = namedtuple("Sample", "name files expected")

product = ("shared/", "agent/", "collector/")


class Tree:
    def __init__(self, files, folders=()):
        self.files = files
        self.folders = folders

    @classmethod
    def of(cls, root):
        files, folders = {}, []
        for directory, subdirectories, names in os.walk(root):
            here = Path(directory).relative_to(root)
            hidden = {".git", "build", "__pycache__", "node_modules"} if here == Path(".") else {"__pycache__"}
            subdirectories[:] = sorted(name for name in subdirectories if name not in hidden)
            if here != Path("."):
                folders.append(str(here))
            for name in sorted(names):
                path = Path(directory, name)
                if path.is_symlink():
                    continue
                try:
                    files[str(here / name)] = path.read_text("utf-8")
                except UnicodeDecodeError:
                    pass  # golden bytes and the like
        return cls(files, folders)

    def cpp(self, under=product + ("tests/",)):
        """(path, text) of C++ files below the folders given."""
        for path, text in sorted(self.files.items()):
            if path.startswith(under) and path.endswith((".h", ".cpp")):
                yield path, text


_noise = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s\\]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)


def code_only(text):
    """The text with comments and the insides of literals blanked; every line stays where it is."""

    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found[0] + re.sub(r"[^\n]", " ", found[1:-1]) + found[-1]

    return _noise.sub(blank, text)


def line_of(text, index):
    return text.count("\n", 0, index) + 1


def closing(text, opening):
    """Index of the bracket that closes the one at `opening`; the text's end if none does."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    depth = 0
    for index in range(opening, len(text)):
        if text[index] in pairs:
            depth += 1
        elif text[index] in pairs.values():
            depth -= 1
            if depth == 0:
                return index
    return len(text)
