"""Hosts that refuse io_uring: the agent goes on with epoll and threads, the collector says what is wrong and ends.

A seccomp filter answers the three calls with EPERM, as a container's profile does, or with ENOSYS, as an old
kernel does. With LB_LONG=1 all tests that start agents run once more under each.
"""

import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import kafka_side
import programs
import pytest
from conftest import is_long, refusal, root, without_io_uring

refusals = {name: f"{os.strerror(number)} (errno {number})" for name, number in (("EPERM", 1), ("ENOSYS", 38))}
here = Path(__file__)


@pytest.fixture(params=sorted(refusals))
def error(request, stage):
    stage.before_agents = without_io_uring(request.param)
    return request.param


def block_of(begin, end):
    return b"".join(b"%08d %s\n" % (number, b"x" * (number % 200)) for number in range(begin, end))


def test_every_line_arrives_once_through_rotation_and_kills(stage, collector, place, error):
    path = place / "app.log"
    path.write_bytes(block_of(0, 2000))
    agent = stage.agent([collector], [path])
    kafka_side.wait_for_records(collector.broker, "logs", 2000, 60, agent.check_running)

    written = 2000
    for round in range(3):
        with path.open("ab") as log:
            log.write(block_of(written, written + 3000))
        path.rename(place / f"app.log.{round}")
        path.write_bytes(block_of(written + 3000, written + 6000))
        agent.kill()
        agent.start()
        # It knows the new file then, and has not necessarily sent all of it.
        kafka_side.wait_for_records(collector.broker, "logs", written + 3001, 60, agent.check_running)
        written += 6000
    kafka_side.wait_for_records(collector.broker, "logs", written, 60, agent.check_running)
    agent.stop()

    assert kafka_side.consume(collector.broker, "logs") == block_of(0, written)
    log = agent.log.read_text()
    warnings = [line for line in log.splitlines() if "io_uring cannot be used" in line]
    assert len(warnings) == 4, log  # one for each start
    assert all("epoll" in line and refusals[error] in line for line in warnings), warnings


def test_the_agent_tells_which_backend_it_stands_on(stage, collector, place, error):
    path = place / "app.log"
    path.write_bytes(block_of(0, 10))

    def metrics(*settings):
        agent = stage.agent([collector], [path], extra=["--set", "agent.http=127.0.0.1:0", *settings])
        port = programs.wait_until(
            lambda: re.findall(r"listening: http (\d+)", agent.log.read_text()), 30, "the agent's start", agent.check_running
        )[-1]
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
        agent.stop()
        agent.log.unlink()
        return text

    assert f'logboom_agent_runtime_backend{{kind="poll",reason="io_uring_setup: {refusals[error]}"}} 1' in metrics()
    stage.before_agents = []
    assert 'logboom_agent_runtime_backend{kind="io_uring",reason="available"} 1' in metrics()
    assert 'logboom_agent_runtime_backend{kind="poll",reason="configured"} 1' in metrics("--set", "io.backend=poll")


def check_causes(text, error):
    """Which call, which error, and the three usual causes in their order, each with what to do."""
    for part in (
        "io_uring_setup: " + refusals[error],
        "1. a container's seccomp profile",
        "--security-opt seccomp=unconfined",
        "2. sysctl kernel.io_uring_disabled",
        "sysctl -w kernel.io_uring_disabled=0",
        "3. the kernel is older than",
        "install a newer one",
    ):
        assert part in text, text
        text = text[text.index(part) :]


def test_an_agent_that_must_have_io_uring_refuses_to_start(stage, place, error):
    config = place / "agent.toml"
    config.write_text(programs.agent_config(place / "state", ["127.0.0.1:1"], [str(place / "app.log")]))
    command = [programs.stage / "logboom-agent", "--config", config, "--set", "io.backend=uring"]

    done = subprocess.run([*without_io_uring(error), *command], capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    check_causes(done.stderr, error)
    assert not (place / "state").exists()


def test_the_collector_refuses_to_start(stage, place, error):
    command = [programs.stage / "logboom-collector", "--dev", "--data-dir", place / "data"]

    done = subprocess.run([*without_io_uring(error), *command], capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert done.stderr.startswith("logboom-collector: io_uring_setup: ")
    check_causes(done.stderr, error)
    assert "listening" not in done.stdout
    assert not (place / "data").exists()


def test_the_collector_serves_without_io_uring_when_it_is_told_to(stage, place, error):
    collector = programs.Collector(place / "collector", place / "collector.log", extra=["--set", "io.backend=poll"])
    collector.arguments[:0] = without_io_uring(error)
    stage.started.append(collector)
    collector.start()
    path = place / "app.log"
    path.write_bytes(block_of(0, 20_000))
    agent = stage.agent([collector], [path])

    kafka_side.wait_for_records(collector.broker, "logs", 20_000, 60, agent.check_running)
    collector.kill()
    collector.start()

    assert kafka_side.consume(collector.broker, "logs") == path.read_bytes()
    assert collector.log.read_text().count("as [io] backend says") == 2  # one for each start
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{collector.port('http')}/metrics", timeout=10).read().decode()
    assert 'logboom_collector_runtime_backend{kind="poll",reason="configured"} 1' in metrics


def test_logboomctl_needs_no_io_uring(stage, collector, error):
    kafka_side.produce(collector.broker, "made", [b"a line"])
    command = [programs.stage / "logboomctl", "-b", collector.broker, "read", "made", "-o", "beginning", "-e"]

    done = subprocess.run([*without_io_uring(error), *command], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "a line" in done.stdout


@pytest.mark.skipif(not is_long, reason="every test of the agent once more: only with LB_LONG=1")
@pytest.mark.skipif(refusal != "", reason="this is such a run")
@pytest.mark.parametrize("error", sorted(refusals))
def test_every_test_of_the_agent_passes_without_io_uring(error):
    # Hostile frames are thrown at the collector; its agent is a bystander.
    files = [file for file in sorted(here.parent.glob("test_*.py")) if file != here and "hostile" not in file.name]
    files = [file for file in files if "stage.agent(" in file.read_text()]
    assert files

    command = [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-ra", *files]
    done = subprocess.run(
        command, cwd=root, env={**os.environ, "LB_REFUSE_IO_URING": error}, capture_output=True, text=True, timeout=3600
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
