"""Who may include whom, and which library is included by which folder alone.

The order of the house: arrows point down only. A folder may include itself and the rows named here;
`shared` stands for all folders of shared/, `*` for everything.
"""

import re

from tree import Finding, Sample, line_of

may_include = {
    "shared/base": (),
    "shared/codec": ("shared/base",),
    "shared/io": ("shared/base",),
    "shared/metrics": ("shared/base",),
    "shared/config": ("shared/base",),
    "shared/json": ("shared/base",),
    "shared/lbq": ("shared/base",),
    "shared/record": ("shared/base", "shared/codec", "shared/proto"),
    "shared/kafka": ("shared/base", "shared/codec"),
    "shared/kafka/messages": ("shared/base", "shared/codec", "shared/kafka"),
    # Ids and file identities of shared/record stand in rpc's messages (shared/rpc/PROTOCOL.md, Decisions).
    "shared/rpc": ("shared/base", "shared/codec", "shared/io", "shared/metrics", "shared/record", "shared/proto"),
    "shared/http": ("shared/base", "shared/codec", "shared/io", "shared/metrics", "shared/config"),
    "shared/daemon": ("shared/base", "shared/codec", "shared/io", "shared/metrics", "shared/config"),
    # A line's way is source, parse, batch, ship; batch takes what parse makes and hands on to ship.
    "agent/parse": ("shared",),
    "agent/ship": ("shared",),
    "agent/batch": ("shared", "agent/parse", "agent/ship"),
    "agent/source": ("shared", "agent/parse", "agent/batch"),
    "agent": ("*",),
    "collector/storage": ("shared",),
    "collector/metadata": ("shared",),
    "collector/replica": ("shared", "collector/storage", "collector/metadata"),
    "collector/ingest": ("shared", "collector/replica", "collector/metadata"),
    "collector/broker": ("shared", "collector/replica", "collector/metadata", "collector/broker/handlers"),
    "collector/broker/handlers": ("shared", "collector/replica", "collector/metadata", "collector/broker"),
    "collector/ctl": ("shared",),
    "collector": ("*",),
}

# A library's headers, and the only places that include them.
owners = {
    r"liburing": ("shared/io/",),
    r"lz4": ("shared/codec/",),
    r"zstd|zlib|snappy": ("shared/codec/",),
    r"toml\+\+": ("shared/config/",),
    r"spdlog": ("shared/base/",),
    r"boost/(beast|asio)": ("shared/http/",),
    r"google/protobuf|\w+\.pb\.h": (r".*/\w+_codec\.cpp",),
    r"CLI/": (r"agent/main\.cpp", r"collector/main\.cpp", "collector/ctl/", "shared/daemon/"),
    r"xxhash": ("agent/batch/keyed_hash",),
    r"rapidjson": ("shared/json/",),
    r"re2/": ("shared/lbq/",),
    r"openssl": ("shared/tls/",),
    r"sys/inotify|sys/eventfd|sys/epoll": ("shared/io/",),
}

_include = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.MULTILINE)


def folder_of(path):
    return path.rpartition("/")[0]


def may(folder, target):
    """`folder` and `target` are folders. A folder that the table does not know stands under its parent's row."""
    while folder not in may_include and "/" in folder:
        folder = folder_of(folder)
    if folder not in may_include:
        return False
    allowed = may_include[folder]
    return (
        target == folder
        or "*" in allowed
        or target in allowed
        or ("shared" in allowed and target.startswith("shared/"))
        or any(target.startswith(row + "/") for row in (*allowed, folder) if row not in ("shared", "*"))
    )


def check(tree):
    for path, text in tree.cpp(("shared/", "agent/", "collector/")):
        for match in _include.finditer(text):
            kind, target = match.groups()
            line = line_of(text, match.start())
            yield from check_library(path, target, line)
            if kind == '"' and "/" not in target and not target.endswith(".pb.h"):
                yield Finding(path, line, f'"{target}" is not written from the repository root')
            elif kind == '"' and "/" in target and not may(folder_of(path), folder_of(target)):
                yield Finding(path, line, f"{folder_of(path)} may not include {folder_of(target)} ({target})")
    for folder in sorted({folder_of(path) for path, _ in tree.cpp(("shared/", "agent/", "collector/"))}):
        row = folder
        while row not in may_include and "/" in row:
            row = folder_of(row)
        if row not in may_include:
            yield Finding(folder, 1, "has no row in the layering table")


def check_library(path, target, line):
    for library, places in owners.items():
        if re.match(library, target) and not any(re.match(place, path) for place in places):
            yield Finding(path, line, f"only {' or '.join(places)} includes <{target}>".replace("\\", ""))


samples = [
    Sample("upwards", {"shared/base/a.h": '#include "shared/io/env.h"\n'}, "shared/base may not include shared/io"),
    Sample(
        "between doors", {"collector/ingest/a.h": '#include "collector/broker/b.h"\n'}, "may not include collector/broker"
    ),
    Sample("agent knows collector", {"agent/ship/a.h": '#include "collector/storage/log.h"\n'}, "may not include"),
    Sample("no row", {"shared/odds/a.h": "\n"}, "no row in the layering table"),
    Sample("ring elsewhere", {"agent/source/a.cpp": "#include <liburing.h>\n"}, "only shared/io/ includes"),
    Sample("protobuf elsewhere", {"shared/rpc/frame.h": '#include "agents.pb.h"\n'}, "only .*/w+_codec.cpp"),
    Sample("relative", {"shared/io/a.cpp": '#include "env.h"\n'}, "not written from the repository root"),
    Sample("downwards", {"collector/replica/a.h": '#include "collector/storage/log.h"\n#include <vector>\n'}, None),
    Sample("the joint", {"agent/agent.h": '#include "agent/source/tailer.h"\n'}, None),
    Sample("a codec", {"shared/rpc/agent_codec.cpp": '#include "agents.pb.h"\n'}, None),
]
