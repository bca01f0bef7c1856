"""Files' names, and what must stand beside a file: its header, its test, its row in the table of tests."""

import re

from tree import Finding, Sample

_snake = re.compile(r"^[a-z][a-z0-9]*(?:_[a-z0-9]+)*\.(?:h|cpp)$")
_class = re.compile(r"^(?:template\s*<[^;{]*>\s*)?class\s+(?:\[\[\w+\]\]\s+)?(\w+)[^;{()]*\{", re.MULTILINE)
# A header with other things at its top level is a family, not one type's home.
_others = re.compile(r"^(?:using\s+\w+\s*=|struct\s+\w+[^;(]*\{|enum\s)", re.MULTILINE)

# Folders with code and without unit tests of their own, and why.
untested_folders = {
    "agent": "joined parts; the simulator runs them",
    "collector": "joined parts; the simulator runs them",
    "collector/broker/handlers": "tested through collector/broker",
}
columns_max = 110  # the formatter keeps code to 100 and leaves comments alone


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def stem_of(path):
    return path.rpartition("/")[2].rpartition(".")[0]


def check(tree):
    for path, text in tree.cpp():
        yield from check_file(tree, path, text)
    yield from check_tests(tree)
    yield from check_folders(tree)


def check_file(tree, path, text):
    folder, _, name = path.rpartition("/")
    stem = stem_of(path)
    if not _snake.match(name):
        yield Finding(path, 1, "a file's name is snake_case")
    if name.endswith(".h") and "#pragma once" not in text:
        yield Finding(path, 1, "has no #pragma once")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > columns_max and '"' not in line and "http" not in line:
            yield Finding(path, number, f"{len(line)} columns; {columns_max} are the most")
    if path.startswith("tests/"):
        return
    types = _class.findall(text) if name.endswith(".h") and not _others.search(text) else []
    if len(types) == 1 and not alike(snake(types[0]), stem):
        yield Finding(path, 1, f"holds {types[0]} and should be {snake(types[0])}.h")
    if name.endswith(".cpp") and name != "main.cpp" and not has_header(tree, path):
        yield Finding(path, 1, f"has no header: neither {stem}.h nor another of its folder is included")


def alike(first, second):
    """One is named after the other: same, a part of it, or sharing a whole word (a group of small types)."""
    return first in second or second in first or bool(set(first.split("_")) & set(second.rstrip("s").split("_")))


def has_header(tree, path):
    """A header of its own name, or another of its folder: it is the rest of a class, or one of many leaves."""
    folder, _, name = path.rpartition("/")
    if f"{folder}/{stem_of(path)}.h" in tree.files:
        return True
    included = re.findall(r'#include "([^"]+)"', tree.files[path])
    return any(header.rpartition("/")[0] == folder for header in included)


def check_tests(tree):
    table = tree.files.get("tests/unit/meson.build", "")
    for path, _ in tree.cpp(("tests/unit/",)):
        folder = path[len("tests/unit/") :].rpartition("/")[0]
        stem = stem_of(path)
        if not any(other.startswith(folder + "/") for other in tree.files):
            yield Finding(path, 1, f"mirrors {folder}, which does not exist")
        if path.endswith("_test.cpp"):
            name = stem[: -len("_test")]
            row = re.search(rf"'{re.escape(folder)}':\s*\{{(.*?)\n?\s*\}}", table, re.DOTALL)
            if row is None or f"'{name}'" not in row.group(1):
                yield Finding(path, 1, "is not in the table of tests/unit/meson.build")


def check_folders(tree):
    with_code = {path.rpartition("/")[0] for path, _ in tree.cpp(("shared/", "agent/", "collector/")) if path.endswith(".cpp")}
    with_tests = {path[len("tests/unit/") :].rpartition("/")[0] for path, _ in tree.cpp(("tests/unit/",)) if path.endswith("_test.cpp")}
    for folder in sorted(with_code - with_tests - set(untested_folders)):
        yield Finding(folder, 1, f"has code and no test in tests/unit/{folder}")
    for folder in tree.folders:
        inside = [path for path in tree.files if path.startswith(folder + "/")]
        if inside and all(path == f"{folder}/meson.build" for path in inside) and not is_kept(tree, folder):
            yield Finding(folder, 1, "an empty room")


def is_kept(tree, folder):
    """Golden bytes are no texts, so their folders look empty here."""
    return folder.startswith("tests/golden")


_ok = {
    "shared/io/task.h": "#pragma once\nclass Task {\n};\n",
    "shared/io/task.cpp": "",
    "tests/unit/shared/io/task_test.cpp": "",
    "tests/unit/meson.build": "unit_suites = {\n  'shared/io': {'files': ['task'], 'deps': []},\n}\n",
}

samples = [
    Sample("all is well", _ok, None),
    Sample("camel", {**_ok, "shared/io/TaskList.cpp": ""}, "snake_case"),
    Sample("pragma", {**_ok, "shared/io/task.h": "class Task {\n};\n"}, "no #pragma once"),
    Sample("other type", {**_ok, "shared/io/task.h": "#pragma once\nclass Scope {\n};\n"}, "should be scope.h"),
    Sample("no header", {**_ok, "shared/io/odd.cpp": ""}, "has no header"),
    Sample("no test", {**_ok, "shared/rpc/frame.h": "#pragma once\n", "shared/rpc/frame.cpp": ""}, "no test in"),
    Sample("not in the table", {**_ok, "tests/unit/shared/io/scope_test.cpp": ""}, "not in the table"),
    Sample("mirrors nothing", {**_ok, "tests/unit/shared/gone/a_test.cpp": ""}, "does not exist"),
    Sample("too wide", {**_ok, "shared/io/task.cpp": "// " + "x" * 110 + "\n"}, "columns"),
]
