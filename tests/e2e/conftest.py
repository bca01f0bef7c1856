"""What the end-to-end tests share: a folder per test, programs that are stopped whatever happens, corpora.

Every test has its own folder build/e2e/<test>, emptied at its start and kept after it; programs write
their logs there. A program that ends badly, or whose log has a sanitizer's finding, fails the test.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

root = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(root / "packaging"), str(root / "tests" / "support")]

import programs  # noqa: E402  (the path above)

is_long = os.environ.get("LB_LONG", "") not in ("", "0")
# EPERM or ENOSYS: agents find no io_uring; see test_poll_backend.py.
refusal = os.environ.get("LB_REFUSE_IO_URING", "")
sanitizer_words = ("AddressSanitizer", "LeakSanitizer", "UndefinedBehaviorSanitizer", "runtime error:")


@pytest.fixture
def place(request):
    kept = root / "build" / "e2e" / (f"without-io_uring-{refusal}" if refusal else "")
    folder = kept / re.sub(r"[^A-Za-z0-9_-]+", "-", request.node.name)[:120]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def compiled(name):
    """The program of tests/support/<name>.cpp."""
    source = root / "tests" / "support" / f"{name}.cpp"
    program = root / "build" / "e2e" / name
    newest = max(file.stat().st_mtime for file in source.parent.glob("*.*"))
    if not program.exists() or program.stat().st_mtime < newest:
        program.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["g++", "-std=c++20", "-O2", f"-I{root}", "-o", program, source], check=True)
    return program


def without_io_uring(error):
    """What stands before a program's name to run it where io_uring is refused with EPERM or ENOSYS."""
    return [str(compiled("refuse_io_uring")), error]


class Stage:
    """Starts the programs of one test, and ends them in order."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        self.before_agents = without_io_uring(refusal) if refusal else []

    def collector(self, name="collector", **options):
        collector = programs.Collector(self.folder / name, self.folder / f"{name}.log", **options)
        self.started.append(collector)
        collector.start()
        return collector

    def agent(self, collectors, paths, name="agent", exclude=(), topic="logs", extra=(), binaries=programs.stage, **more):
        config = self.folder / f"{name}.toml"
        addresses = [f"127.0.0.1:{one.port('agents')}" for one in collectors]
        text = programs.agent_config(self.folder / name, addresses, [str(path) for path in paths], exclude, topic, **more)
        config.write_text(text)
        agent = programs.Agent(config, self.folder / f"{name}.log", binaries=binaries, extra=extra)
        agent.arguments[:0] = self.before_agents
        self.started.append(agent)
        agent.start()
        return agent

    def end(self):
        """What went wrong, as sentences."""
        wrong = []
        for program in reversed(self.started):
            was_running = program.running()
            status = program.stop()
            if was_running and status != 0:
                wrong.append(f"{program.name} ended with {programs.ending(status)} when asked to stop:\n{program.last_words()}")
            log = program.log.read_text(errors="replace") if program.log.exists() else ""
            if any(word in log for word in sanitizer_words):
                wrong.append(f"a sanitizer spoke in {program.log}:\n{program.last_words(60)}")
        return wrong


@pytest.fixture
def stage(place):
    if not (programs.stage / "logboom-collector").exists():
        pytest.skip("the programs are not staged: run packaging/quickstart --build-only")
    made = Stage(place)
    yield made
    wrong = made.end()
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def collector(stage):
    return stage.collector()


@pytest.fixture(scope="session")
def gencorpus():
    """The generator of log files, as a function: gencorpus(path, kind, megabytes, *flags)."""
    program = compiled("gencorpus")

    def generate(path, kind, megabytes, *flags):
        command = [program, kind, str(megabytes), "--out", path, *map(str, flags)]
        subprocess.run(command, check=True, capture_output=True)
        return Path(path)

    return generate
