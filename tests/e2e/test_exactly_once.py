"""Every line once and in order, while the file is rotated and both programs are killed again and again."""

import os
import subprocess
import threading
import time

import confluent_kafka
import kafka_side
import pytest
from conftest import is_long

line_count = 1_000_000 if is_long else 100_000
lines_per_second = 20_000 if is_long else 10_000
rotation_seconds = 5.0 if is_long else 2.5
kills_of_each = 5 if is_long else 3


def line_of(number):
    return b"%012d %s\n" % (number, b"abcdefghijklmnopqrstuvwxyz0123456789" * (1 + number % 4))


class Writer:
    """An application that writes numbered lines, and opens its log anew a moment after each rotation."""

    def __init__(self, path):
        self.path = path
        self.written = 0  # lines
        self.written_bytes = 0
        self.failure = None
        self._reopen_at = None
        self._thread = threading.Thread(target=self._run)

    def start(self):
        self._thread.start()

    def join(self):
        self._thread.join()
        assert self.failure is None, self.failure

    def rotated(self):
        self._reopen_at = time.monotonic() + 0.2

    def _run(self):
        try:
            self._write_all()
        except Exception as failure:  # shown by join()
            self.failure = failure

    def _write_all(self):
        log = open(self.path, "ab", buffering=0)
        began = time.monotonic()
        while self.written < line_count:
            if self._reopen_at is not None and time.monotonic() >= self._reopen_at:
                self._reopen_at = None
                log.close()
                log = open(self.path, "ab", buffering=0)
            due = min(line_count, int((time.monotonic() - began) * lines_per_second))
            if due > self.written:
                block = b"".join(line_of(number) for number in range(self.written, due))
                log.write(block)
                self.written = due
                self.written_bytes += len(block)
            time.sleep(0.01)  # sets the pace of the writer
        log.close()


class Rotation:
    """Debian's logrotate, renaming to names that the agent's glob does not match."""

    def __init__(self, place, path, writer):
        self.writer = writer
        self.count = 0
        self.config = place / "logrotate.conf"
        self.state = place / "logrotate.state"
        self.config.write_text(f'"{path}" {{\n  rotate 10000\n  size 1\n  nocompress\n  nocreate\n  missingok\n}}\n')
        self.config.chmod(0o644)

    def rotate(self):
        subprocess.run(["logrotate", "-f", "-s", self.state, self.config], check=True, capture_output=True, timeout=30)
        self.count += 1
        self.writer.rotated()


class Position:
    """How many lines the collector has acknowledged; asks on one connection, so that it is quick."""

    def __init__(self, collector):
        self.collector = collector
        self.last = 0

    def ask(self):
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.collector.broker, "group.id": "none"})
        try:
            _, self.last = consumer.get_watermark_offsets(confluent_kafka.TopicPartition("logs", 0), timeout=2)
        except confluent_kafka.KafkaException:
            pass  # the collector is young: the last answer is a lower bound
        finally:
            consumer.close()
        return self.last


@pytest.mark.skipif(os.geteuid() != 0, reason="read leases on other users' files need root")
def test_every_line_arrives_once_and_in_order_through_rotations_and_kills(stage, place):
    folder = place / "in"
    folder.mkdir(mode=0o755)
    path = folder / "app.log"
    path.touch()
    collector = stage.collector()
    # The agent's configuration names the port, so that must stay over the collector's restarts.
    collector.arguments += ["--set", f"listener[1].listen=127.0.0.1:{collector.port('agents')}"]
    agent = stage.agent([collector], [path])
    writer = Writer(path)
    rotation = Rotation(place, path, writer)
    position = Position(collector)
    victims = [agent, collector] * kills_of_each
    in_flight = []
    seconds = line_count / lines_per_second

    writer.start()
    began = time.monotonic()
    next_rotation = rotation_seconds
    rotated_while_down = False
    while writer.written < line_count or victims:
        now = time.monotonic() - began
        if now >= next_rotation and writer.written < line_count:
            rotation.rotate()
            next_rotation += rotation_seconds
        done = 2 * kills_of_each - len(victims)
        if victims and now >= seconds * (done + 0.7) / (2 * kills_of_each + 0.5):
            victim = victims.pop(0)
            acknowledged = position.ask()
            unacknowledged = writer.written - acknowledged
            size = unacknowledged * writer.written_bytes // max(writer.written, 1)
            victim.kill()
            in_flight.append(unacknowledged)
            print(f"{now:6.1f} s: {victim.name} killed; {unacknowledged} lines, about {size} bytes, unacknowledged")
            if victim is agent and not rotated_while_down and rotation.count > 0:
                rotation.rotate()
                rotated_while_down = True
                time.sleep(0.5)  # the agent stays down while the writer opens its new file
            victim.start()
        time.sleep(0.02)  # the pace of the schedule
    writer.join()

    kafka_side.wait_for_records(collector.broker, "logs", line_count, 180, agent.check_running)
    lines = kafka_side.consume(collector.broker, "logs").splitlines(keepends=True)

    print(f"{rotation.count} rotations, one of them with the agent down: {rotated_while_down}")
    assert rotated_while_down
    assert rotation.count >= 3
    assert sum(count > 0 for count in in_flight) >= len(in_flight) * 8 // 10, in_flight
    assert first_difference(lines) is None
    assert len(lines) == line_count


def first_difference(lines):
    for number, line in enumerate(lines):
        if line != line_of(number):
            return f"record {number} should be {line_of(number)[:20]}, it is {line[:20]}"
    return None


def test_a_restarted_agent_with_nothing_new_sends_nothing(stage, collector, place):
    path = place / "app.log"
    path.write_bytes(b"".join(line_of(number) for number in range(1000)))
    agent = stage.agent([collector], [path])
    kafka_side.wait_for_records(collector.broker, "logs", 1000, 60, agent.check_running)

    agent.kill()
    agent.start()
    with path.open("ab") as log:
        log.write(line_of(1000))
    kafka_side.wait_for_records(collector.broker, "logs", 1001, 60, agent.check_running)

    assert kafka_side.consume(collector.broker, "logs") == path.read_bytes()


def test_a_collector_that_comes_late_gets_everything(stage, place):
    path = place / "app.log"
    path.write_bytes(b"".join(line_of(number) for number in range(1000)))
    collector = stage.collector()
    collector.stop()
    collector.arguments += ["--set", f"listener[1].listen=127.0.0.1:{collector.port('agents')}"]
    agent = stage.agent([collector], [path])

    collector.start()
    kafka_side.wait_for_records(collector.broker, "logs", 1000, 60, agent.check_running)

    assert kafka_side.consume(collector.broker, "logs") == path.read_bytes()
