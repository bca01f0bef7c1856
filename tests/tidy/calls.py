"""What product code does not call: it reaches clocks, chance, threads, files and sockets through Env only,
so that the simulator can play the world. The table names the few places that are the way to the world.
"""

import re

from tree import Finding, Sample, code_only, line_of

_system_calls = (
    "open|openat|read|write|readv|writev|pread|pwrite|fsync|fdatasync|ftruncate|socket|bind|listen|accept|accept4|"
    r"connect|send|recv|sendto|recvfrom|sendmsg|recvmsg|close|unlink|rename|renameat2?|mkdir|rmdir|stat|fstat|lstat|"
    r"statx|statfs|poll|epoll_\w+|inotify_\w+|fcntl|ioctl|mmap|munmap|fork|exec\w*|kill|sleep|usleep|nanosleep|"
    r"getaddrinfo|readdir|opendir|getrandom|gethostname|getenv|syscall|flock|sched_\w+|pthread_\w+|signal|sigaction"
)
_world = ("shared/io/", "shared/daemon/", "shared/base/log_", "shared/base/assert.cpp", "shared/config/world.cpp")
_mains = ("agent/main.cpp", "collector/main.cpp", "collector/ctl/")

# What, as people call it -> (pattern, where it may stand).
bans = {
    "a clock": (
        r"\bclock_gettime\b|\bgettimeofday\b|\b(?:system|steady|high_resolution)_clock::now\b|(?<![\w:.>])time\s*\(\s*(?:nullptr|NULL|0)\s*\)",
        ("shared/io/", "shared/base/log_"),
    ),
    "chance": (
        r"\bgetrandom\b|\bstd::random_device\b|\bstd::(?:mt19937|default_random_engine)|(?<![\w:.>])s?rand\s*\(",
        ("shared/io/", "shared/daemon/"),
    ),
    "a thread or a lock": (
        r"\bstd::(?:jthread|thread|mutex|shared_mutex|recursive_mutex|condition_variable\w*|async|call_once|lock_guard|"
        r"unique_lock|scoped_lock|this_thread)\b|\bpthread_\w+\s*\(",
        # The registry is the one thing that shards share: writers are atomics, the lock is for registering.
        ("shared/io/", "shared/base/log_", "shared/daemon/", "shared/metrics/registry"),
    ),
    "a file of the C++ library": (
        r"\bstd::filesystem\b|\bstd::[io]?fstream\b|(?<![\w:.>])f(?:open|read|write|close)\s*\(",
        ("shared/daemon/",),
    ),
    "a system call": (rf"(?<![\w>\])])::(?:{_system_calls})\s*\(", _world + _mains),
    "the environment": (r"\b(?:std::)?(?:getenv|setenv|putenv)\s*\(", ("shared/config/world.cpp", "shared/daemon/") + _mains),
    "the terminal": (
        r"\bstd::c(?:out|err|log|in)\b|(?<![\w:.>])(?:std::)?(?:printf|puts|fprintf|fputs)\s*\(",
        _mains + ("shared/base/assert.cpp", "shared/daemon/"),
    ),
    "assert": (r"(?<!\w)assert\s*\(", ()),
    "throw": (r"\bthrow\b", ()),
    "the end of the process": (
        r"(?<![\w:.>])(?:std::)?(?:exit|_exit|quick_exit|abort|terminate)\s*\(",
        _mains + ("shared/base/", "shared/io/", "shared/daemon/"),
    ),
}
_compiled = {what: (re.compile(pattern), places) for what, (pattern, places) in bans.items()}


def check(tree):
    for path, text in tree.cpp(("shared/", "agent/", "collector/")):
        code = code_only(text)
        for what, (pattern, places) in _compiled.items():
            if path.startswith(places):
                continue
            for match in pattern.finditer(code):
                yield Finding(path, line_of(code, match.start()), f"{match.group(0).strip()}: {what} is not for this place")


samples = [
    Sample("clock", {"agent/source/a.cpp": "auto t = std::chrono::steady_clock::now();\n"}, "a clock"),
    Sample("chance", {"shared/rpc/a.cpp": "std::random_device d;\n"}, "chance"),
    Sample("lock", {"collector/storage/a.h": "std::mutex m_;\n"}, "a thread or a lock"),
    Sample("files", {"collector/storage/a.cpp": "std::ofstream f(p);\n"}, "a file of the C++ library"),
    Sample("call", {"collector/storage/a.cpp": "const int n = ::write(fd, p, n);\n"}, "a system call"),
    Sample("environment", {"agent/a.cpp": 'std::getenv("X");\n'}, "the environment"),
    Sample("terminal", {"agent/ship/a.cpp": "std::cout << 1;\n"}, "the terminal"),
    Sample("throw", {"shared/kafka/a.cpp": "throw 1;\n"}, "throw"),
    Sample("assert", {"shared/kafka/a.cpp": "assert(x);\n"}, "assert"),
    Sample("exit", {"shared/kafka/a.cpp": "std::exit(1);\n"}, "the end of the process"),
    Sample("only talk", {"agent/source/a.cpp": '// ::open( and std::mutex\nlog("std::cout");\n'}, None),
    Sample("members", {"agent/source/a.cpp": "file.open(x); env.fs.read(y); LB_ASSERT(x); static_assert(y);\n"}, None),
    Sample("the place", {"shared/io/uring_backend.cpp": "::clock_gettime(CLOCK_BOOTTIME, &t);\n"}, None),
]
