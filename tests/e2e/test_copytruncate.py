"""Files that are copied and then cut in place, as logrotate's copytruncate does it (T17, T18)."""

import json
import os
import re
import signal
import subprocess
import urllib.request

import kafka_side
import programs
import pytest

topic = "logs"


def lines_of(begin, end, width=100):
    """Each ends with its number: the end of a file is how the agent knows it again."""
    return b"".join(b"%08d %s %08d\n" % (number, b"x" * (number % width), number) for number in range(begin, end))


class Copytruncate:
    """Debian's logrotate, once at each call."""

    def __init__(self, place, path):
        self.config = place / "logrotate.conf"
        self.state = place / "logrotate.state"
        self.config.write_text(f'"{path}" {{\n  rotate 100\n  size 1\n  nocompress\n  copytruncate\n}}\n')
        self.config.chmod(0o644)

    def rotate(self):
        subprocess.run(["logrotate", "-f", "-s", self.state, self.config], check=True, capture_output=True, timeout=30)


@pytest.fixture
def path(place):
    folder = place / "in"
    folder.mkdir(mode=0o755)
    return folder / "app.log"


def append(path, data):
    with open(path, "ab") as log:
        log.write(data)


def metric(agent, name):
    port = re.findall(r"listening: http (\d+)", agent.log.read_text())[-1]
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def losses(collector):
    """The loss records, each as a dictionary."""
    return [json.loads(line) for line in kafka_side.consume(collector.broker, "lb.loss").splitlines()]


# The copies are outside the agent's glob, or within it.
@pytest.mark.parametrize("glob", ["app.log", "app.log*"], ids=["original-only", "copies-too"])
def test_an_agent_that_keeps_up_ships_each_line_once(stage, collector, place, path, glob):
    append(path, lines_of(0, 1000))
    agent = stage.agent([collector], [path.parent / glob])
    kafka_side.wait_for_records(collector.broker, topic, 1000, 60, agent.check_running)
    logrotate = Copytruncate(place, path)

    for number in range(1, 6):
        logrotate.rotate()
        append(path, lines_of(1000 * number, 1000 * (number + 1)))
        kafka_side.wait_for_records(collector.broker, topic, 1000 * (number + 1), 60, agent.check_running)
    agent.stop()

    assert kafka_side.consume(collector.broker, topic) == lines_of(0, 6000)


@pytest.mark.parametrize("glob", ["app.log", "app.log*"], ids=["original-only", "copies-too"])
def test_an_agent_that_is_behind_finds_the_rest_in_the_copy(stage, collector, place, path, glob):
    append(path, lines_of(0, 1000))
    agent = stage.agent([collector], [path.parent / glob])
    kafka_side.wait_for_records(collector.broker, topic, 1000, 60, agent.check_running)
    logrotate = Copytruncate(place, path)

    for number in range(1, 4):
        os.kill(agent.pid, signal.SIGSTOP)
        append(path, lines_of(2000 * number - 1000, 2000 * number))
        logrotate.rotate()
        append(path, lines_of(2000 * number, 2000 * number + 1000))
        os.kill(agent.pid, signal.SIGCONT)
        kafka_side.wait_for_records(collector.broker, topic, 2000 * number + 1000, 60, agent.check_running)
    agent.stop()

    assert kafka_side.consume(collector.broker, topic) == lines_of(0, 7000)


@pytest.mark.parametrize("glob", ["app.log", "app.log*"], ids=["original-only", "copies-too"])
def test_an_agent_that_was_down_finds_the_rest_in_the_copy(stage, collector, place, path, glob):
    append(path, lines_of(0, 1000))
    agent = stage.agent([collector], [path.parent / glob])
    kafka_side.wait_for_records(collector.broker, topic, 1000, 60, agent.check_running)

    agent.kill()
    append(path, lines_of(1000, 2000))
    Copytruncate(place, path).rotate()
    append(path, lines_of(2000, 3000))
    agent.start()
    kafka_side.wait_for_records(collector.broker, topic, 3000, 60, agent.check_running)
    agent.stop()

    assert kafka_side.consume(collector.broker, topic) == lines_of(0, 3000)


def test_what_a_cut_destroys_is_counted_to_the_byte(stage, collector, place, path):
    """Cut without a copy, while the collector does not answer and the agent can read no more."""
    append(path, lines_of(0, 1))
    settings = ["agent.http=127.0.0.1:0", "agent.memory_max=24MiB", "output.compression=none"]
    agent = stage.agent([collector], [path], extra=[word for setting in settings for word in ("--set", setting)])
    kafka_side.wait_for_records(collector.broker, topic, 1, 60, agent.check_running)
    os.kill(collector.pid, signal.SIGSTOP)
    try:
        append(path, lines_of(1, 800_000))
        size = path.stat().st_size
        throttled = "logboom_agent_throttled_seconds_total"
        programs.wait_until(lambda: metric(agent, throttled) >= 1, 60, "waiting for the collector", agent.check_running)
        path.write_bytes(b"")
        append(path, lines_of(800_000, 801_000))
    finally:
        os.kill(collector.pid, signal.SIGCONT)

    last = lines_of(800_999, 801_000)
    programs.wait_until(
        lambda: kafka_side.kcat(collector.broker, "-C", "-t", topic, "-o", "-1", "-e", "-q") == last,
        60,
        "the arrival of what was written after the cut",
        agent.check_running,
    )
    arrived = kafka_side.consume(collector.broker, topic)
    lost = metric(agent, 'logboom_agent_loss_bytes_total{reason="truncated_unread"}')
    new = lines_of(800_000, 801_000)
    assert arrived.endswith(new)
    before = arrived[: -len(new)]
    print(f"{size} bytes; {len(before)} of them arrived, {lost:.0f} were lost by the cut")

    assert lost > 0
    assert len(before) + lost == size
    assert lines_of(0, 800_000).startswith(before)
    assert metric(agent, 'logboom_agent_loss_events_total{reason="truncated_unread"}') == 1

    told = losses(collector)
    assert sum(record["bytes"] for record in told) == lost
    (record,) = told
    assert (record["from"], record["to"], record["generation"]) == (len(before), size, 0)
    assert (record["path"], record["topic"], record["reason"]) == (str(path), topic, "truncated_unread")


def test_what_was_cut_while_the_agent_was_down_is_told_once(stage, collector, path):
    """Seen and not shipped, for there was no collector; the agent is killed when it has just told."""
    append(path, lines_of(0, 1000))
    collector.arguments += ["--set", f"listener[1].listen=127.0.0.1:{collector.port('agents')}"]
    settings = ["agent.http=127.0.0.1:0", "agent.shutdown_timeout=100ms"]
    agent = stage.agent([collector], [path], extra=[word for setting in settings for word in ("--set", setting)])
    kafka_side.wait_for_records(collector.broker, topic, 1000, 60, agent.check_running)
    begin = path.stat().st_size
    collector.kill()
    append(path, lines_of(1000, 1010))
    end = path.stat().st_size
    behind = "logboom_agent_source_bytes_behind"
    programs.wait_until(lambda: metric(agent, behind) == end - begin, 60, "a look at the file", agent.check_running)
    agent.stop()
    path.write_bytes(lines_of(1010, 1020))
    collector.start()
    agent.start()
    programs.wait_until(
        lambda: kafka_side.end_offset(collector.broker, "lb.loss") > 0, 60, "the loss record", agent.check_running
    )
    agent.kill()
    agent.start()
    kafka_side.wait_for_records(collector.broker, topic, 1010, 60, agent.check_running)
    agent.stop()

    assert kafka_side.consume(collector.broker, topic) == lines_of(0, 1000) + lines_of(1010, 1020)
    told = [(record["from"], record["to"], record["bytes"]) for record in losses(collector)]
    assert told == [(begin, end, end - begin)]
