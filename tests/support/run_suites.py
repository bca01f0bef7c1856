"""The part of tests/run that runs once Python is there: builds, runs the suites, counts single tests.

Boost's test programs are asked for their short report, of which meson keeps the text; pytest writes its
results as XML; tests/tidy/run prints a last line of its own. A suite that cannot be built counts as one
failure, with the reason above.
"""

import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path

root = Path(__file__).resolve().parent.parent.parent
whole_seconds_max = 70 * 60
is_long = os.environ.get("LB_LONG", "") not in ("", "0")
meson_suites = ("unit", "golden", "sim", "fuzz")
known_suites = (*meson_suites, "e2e", "bench", "tidy")
default_suites = ("tidy", "unit", "golden", "sim", "fuzz", "e2e")
# What the second compiler builds, sanitized: the folders that read foreign bytes, and the runtime.
clang_folders = ("shared/base", "shared/io", "shared/record", "shared/kafka", "shared/codec", "agent/parse")
# The folders with threads in them.
tsan_folders = ("shared/base", "shared/io")
jobs = str(os.cpu_count() or 2)
started = time.monotonic()


class OutOfTime(Exception):
    pass


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.skips = []

    def add(self, name, passed, failed, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        if failed:
            self.failures.append(name)

    def skip(self, name, reason, count=1):
        self.skipped += count
        self.skips.append(f"{name}: {reason}")


def say(text):
    print(text, flush=True)


def seconds_left():
    left = whole_seconds_max - (time.monotonic() - started)
    if left <= 0:
        raise OutOfTime
    return left


def run(command, **options):
    """Runs with what is left of the time. A program that outlives it is ended, and so is the run."""
    environment = {**os.environ, "CCACHE_BASEDIR": str(root), "CCACHE_NOHASHDIR": "1", **options.pop("env", {})}
    try:
        return subprocess.run(command, cwd=root, env=environment, timeout=seconds_left(), **options)
    except subprocess.TimeoutExpired:
        raise OutOfTime from None


# Building


def configure(folder, profile, *options):
    command = ["/usr/bin/meson", "setup", folder, "--native-file", f".ci/profiles/{profile}.ini", *options]
    if (root / folder / "build.ninja").exists():
        command = ["/usr/bin/meson", "configure", folder, *options]
        if not options:
            return True
    done = run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        say(done.stdout.decode(errors="replace"))
    return done.returncode == 0


def compile_targets(folder, targets=()):
    return run(["/usr/bin/ninja", "-C", folder, "-j", jobs, *targets]).returncode == 0


class Builds:
    """Each build is made once, when the first suite asks for it."""

    def __init__(self):
        self._done = {}

    def debug(self):
        return self._once("debug", lambda: configure("build/debug", "debug") and compile_targets("build/debug"))

    def release(self):
        def build():
            configured = configure("build/release", "release", "--prefix=/usr", "-Dtests=true")
            return configured and run(["packaging/quickstart", "--build-only"]).returncode == 0

        return self._once("release", build)

    def second(self, profile, executables):
        folder = f"build/{profile}"

        def build():
            return configure(folder, profile) and compile_targets(folder, executables)

        return self._once(profile, build)

    def _once(self, name, build):
        if name not in self._done:
            began = time.monotonic()
            self._done[name] = build()
            say(f"-- build/{name}: {'built' if self._done[name] else 'FAILED'} in {minutes(began)}")
        return self._done[name]


def minutes(began):
    return f"{(time.monotonic() - began) / 60:.1f} min"


# Suites that meson runs

_cases = re.compile(r"(\d+) test cases? out of (\d+) (passed|failed|skipped|aborted)")


def count_report(text):
    """(passed, failed, skipped) of Boost's short report, None without one."""
    head = text.rfind('Test module "')
    if head < 0:
        return None
    counts = {kind: int(number) for number, _, kind in _cases.findall(text[head:])}
    failed = counts.get("failed", 0)
    total = max((int(whole) for _, whole, _ in _cases.findall(text[head:])), default=0)
    passed = counts.get("passed", 0)
    skipped = counts.get("skipped", 0)
    if not counts and "has passed" in text[head:]:
        return 0, 0, 0
    return passed, max(failed, total - passed - skipped), skipped


def run_meson(tally, label, folder, arguments):
    log = root / folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    command = ["/usr/bin/meson", "test", "-C", folder, "--no-rebuild", "--num-processes", jobs, *arguments]
    environment = {
        "BOOST_TEST_REPORT_LEVEL": "short",
        "BOOST_TEST_COLOR_OUTPUT": "no",
        "ASAN_OPTIONS": "halt_on_error=1:abort_on_error=0:detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "TSAN_OPTIONS": "halt_on_error=1",
    }
    done = run(command, env=environment)
    if not log.exists():
        if done.returncode == 0:
            say(f"{label}: there are no tests")
        else:
            tally.add(label, 0, 1)
        return
    counted = 0
    for line in log.read_text().splitlines():
        counted += 1
        count_meson_test(tally, label, json.loads(line))
    if done.returncode != 0 and not any(name.startswith(label) for name in tally.failures):
        tally.add(f"{label}: meson test ended with {done.returncode}", 0, 1)


def count_meson_test(tally, label, result):
    name = f"{label}: {result['name']}"
    text = result.get("stdout", "") + result.get("stderr", "")
    report = count_report(text)
    if result["result"] in ("SKIP",):
        tally.skip(name, text.strip().splitlines()[-1] if text.strip() else "no reason given")
        return
    succeeded = result["result"] in ("OK", "EXPECTEDFAIL")
    if report is None:
        tally.add(name, int(succeeded), int(not succeeded))
    else:
        passed, failed, skipped = report
        tally.add(name, passed, failed if succeeded else max(failed, 1), skipped)
    if not succeeded:
        say(f"== {name}: {result['result']} after {result.get('duration', 0):.1f} s")
        say("\n".join(text.splitlines()[-60:]))


def listed_tests(folder):
    done = run(["/usr/bin/meson", "introspect", "--tests", folder], stdout=subprocess.PIPE)
    return json.loads(done.stdout) if done.returncode == 0 else []


def run_suite_of_meson(tally, builds, suite):
    if not builds.debug():
        tally.add(f"{suite}: build/debug", 0, 1)
        return
    if not any(suite in "".join(test["suite"]) for test in listed_tests("build/debug")):
        say(f"{suite}: there are no tests")
        return
    run_meson(tally, suite, "build/debug", ["--suite", suite])
    if suite == "unit":
        second_compiler(tally, builds, "clang", clang_folders)
        if is_long:
            second_compiler(tally, builds, "tsan", tsan_folders)
    if suite == "sim":
        run_many_seeds(tally, builds)


def run_many_seeds(tally, builds):
    """The simulator's seeds, where they are fast."""
    if not builds.release() or not compile_targets("build/release", ["tests/sim/sim-chaos"]):
        tally.add("sim: build/release", 0, 1)
        return
    run_meson(tally, "sim, optimised", "build/release", ["sim chaos"])


def second_compiler(tally, builds, profile, folders):
    label = f"unit with {profile}"
    if not configure(f"build/{profile}", profile):
        tally.add(f"{label}: configuring", 0, 1)
        return
    tests = [test for test in listed_tests(f"build/{profile}") if test["name"] in {f"unit {f}" for f in folders}]
    executables = [os.path.relpath(test["cmd"][0], root / "build" / profile) for test in tests]
    if not tests:
        say(f"{label}: there are no tests")
        return
    if not builds.second(profile, executables):
        tally.add(f"{label}: build/{profile}", 0, 1)
        return
    run_meson(tally, label, f"build/{profile}", [test["name"] for test in tests])


# Other suites


def run_tidy(tally, builds):
    done = run(["/usr/bin/python3", "tests/tidy/run.py"], stdout=subprocess.PIPE, text=True)
    say(done.stdout.rstrip())
    last = re.search(r"(\d+) passed, (\d+) failed\s*$", done.stdout)
    passed, failed = (int(last.group(1)), int(last.group(2))) if last else (0, 1)
    tally.add("tidy", passed, failed if done.returncode == 0 else max(failed, 1))


def run_e2e(tally, builds):
    if not builds.release():
        tally.add("e2e: build/release", 0, 1)
        return
    if not builds.debug():
        tally.add("e2e: build/debug", 0, 1)
        return
    results = root / "build" / "e2e" / "results.xml"
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    command = ["/usr/bin/python3", "-B", "-m", "pytest", "-p", "no:cacheprovider", "-ra", "-v", "tests/e2e"]
    done = run([*command, f"--junitxml={results}"])
    if not results.exists():
        tally.add(f"e2e: pytest ended with {done.returncode}", 0, 1)
        return
    before = tally.failed
    for case in xml.etree.ElementTree.parse(results).iter("testcase"):
        name = f"e2e: {case.get('name')}"
        if case.find("skipped") is not None:
            tally.skip(name, case.find("skipped").get("message", ""))
        else:
            bad = case.find("failure") is not None or case.find("error") is not None
            tally.add(name, int(not bad), int(bad))
    if done.returncode not in (0, 5) and tally.failed == before:
        tally.add(f"e2e: pytest ended with {done.returncode}", 0, 1)


def run_bench(tally, builds):
    """Whether the benchmarks run; their figures are looked at by people."""
    if not builds.release():
        tally.add("bench: build/release", 0, 1)
        return
    for name in ("agent", "produce"):
        done = run(["/usr/bin/python3", "tests/bench/run", name])
        tally.add(f"bench: {name}", int(done.returncode == 0), int(done.returncode != 0))


def run_suite(tally, builds, suite):
    if suite in meson_suites:
        run_suite_of_meson(tally, builds, suite)
    else:
        {"tidy": run_tidy, "e2e": run_e2e, "bench": run_bench}[suite](tally, builds)


def main(arguments):
    unknown = [suite for suite in arguments if suite not in known_suites]
    if unknown:
        say(f"unknown suite {', '.join(unknown)}; there are: {' '.join(known_suites)}")
        say("0 passed, 1 failed")
        return 2
    tally = Tally()
    builds = Builds()
    times = []
    suites = arguments or default_suites
    for index, suite in enumerate(suites):
        say(f"== {suite}")
        began = time.monotonic()
        try:
            run_suite(tally, builds, suite)
        except OutOfTime:
            tally.add(f"{suite}: out of time after {whole_seconds_max // 60} min", 0, 1)
            for later in suites[index + 1 :]:
                tally.skip(later, "out of time")
            break
        finally:
            times.append(f"{suite} {minutes(began)}")
    say("")
    say(f"time: {', '.join(times)}; together {minutes(started)}")
    for skip in tally.skips:
        say(f"skipped: {skip}")
    for failure in tally.failures:
        say(f"FAILED: {failure}")
    last = f"{tally.passed} passed, {tally.failed} failed"
    say(last + (f", {tally.skipped} skipped" if tally.skipped else ""))
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
