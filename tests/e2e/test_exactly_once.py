"""Every line once and in order, while files are rotated and both programs are killed again and again."""

import json
import os
import subprocess
import time

import confluent_kafka
import kafka_side
import programs
import pytest
from background import Background
from conftest import is_long

line_count = 1_000_000 if is_long else 60_000
lines_per_second = 12_500 if is_long else 6_000
copied_share = 5  # one line of the copied file for so many of the renamed one
rotation_seconds = 5.0 if is_long else 2.0
kills_of_each = 20 if is_long else 3
loss_topic = "lb.loss"


def line_of(number, mark=b"r"):
    return b"%s%012d %s\n" % (mark, number, b"abcdefghijklmnopqrstuvwxyz0123456789" * (1 + number % 4))


class Writer:
    """An application that writes numbered lines, and opens its log anew a moment after it is told to."""

    def __init__(self, path, mark, count, pace):
        self.path = path
        self.mark = mark
        self.count = count
        self.pace = pace  # lines per second
        self.written = 0  # lines
        self.written_bytes = 0
        self._reopen_at = None

    def rotated(self):
        self._reopen_at = time.monotonic() + 0.2

    def run(self, stop):
        log = open(self.path, "ab", buffering=0)
        began = time.monotonic()
        while self.written < self.count:
            if self._reopen_at is not None and time.monotonic() >= self._reopen_at:
                self._reopen_at = None
                log.close()
                log = open(self.path, "ab", buffering=0)
            due = min(self.count, int((time.monotonic() - began) * self.pace))
            if due > self.written:
                block = b"".join(line_of(number, self.mark) for number in range(self.written, due))
                assert log.write(block) == len(block)
                self.written = due
                self.written_bytes += len(block)
            if stop.wait(0.01):  # sets the pace of the writer
                break
        log.close()


class Rotation:
    """Debian's logrotate; its names for old files are not matched by the agent's paths."""

    def __init__(self, place, path, how):
        self.path = path
        self.count = 0
        self.config = place / f"logrotate-{how}.conf"
        self.state = place / f"logrotate-{how}.state"
        self.config.write_text(f'"{path}" {{\n  rotate 10000\n  size 1\n  nocompress\n  {how}\n  missingok\n}}\n')
        self.config.chmod(0o644)

    def rotate(self):
        subprocess.run(["logrotate", "-f", "-s", self.state, self.config], check=True, capture_output=True, timeout=30)
        self.count += 1

    def kept(self):
        """What logrotate has not destroyed, oldest first: its copies' contents, and the file's own."""
        copies = sorted(self.path.parent.glob(f"{self.path.name}.*"), key=lambda file: -int(file.suffix[1:]))
        return [file.read_bytes() for file in [*copies, self.path]]


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


def wait_for_lines(collector, agent, lines, seconds):
    """Until each of `lines` has arrived, wherever in the topic."""
    settings = {"bootstrap.servers": collector.broker, "group.id": "none", "enable.auto.commit": False}
    consumer = confluent_kafka.Consumer(settings)
    consumer.assign([confluent_kafka.TopicPartition("logs", 0, 0)])
    missing = set(lines)
    deadline = time.monotonic() + seconds
    try:
        while missing:
            agent.check_running()
            assert time.monotonic() < deadline, f"did not arrive within {seconds} s: {missing}"
            for message in consumer.consume(10_000, timeout=0.5):
                if message.error() is None:
                    missing.discard(message.value() + b"\n")
    finally:
        consumer.close()


def losses(collector, path):
    """What loss records say of a file: pairs (from, to), each of one generation; none without that topic."""
    if kafka_side.end_offset(collector.broker, loss_topic) == 0:
        return []
    records = map(json.loads, kafka_side.consume(collector.broker, loss_topic).splitlines())
    return [(record["from"], record["to"]) for record in records if record["path"] == str(path)]


def first_difference(lines, mark, count):
    for number, line in enumerate(lines):
        if line != line_of(number, mark):
            return f"record {number} should be {line_of(number, mark)[:20]}, it is {line[:20]}"
    return None if len(lines) == count else f"{len(lines)} records instead of {count}"


def faults_of_copied(arrived, contents, lost, mark, count):
    """What is wrong with the lines of a copied and cut file, as sentences; how many lines loss records excuse.

    `contents` are what is kept of it, oldest first, each from the first byte of its generation. A line that is
    in none of them was written between logrotate's copy and its cut: it may be missing, but not be there twice.
    """
    wrong = []
    # A copy may end within a block that was being written: the beginning of a line may arrive as one.
    pieces = {content[content.rfind(b"\n") + 1 :] + b"\n" for content in contents if not content.endswith(b"\n")}
    numbers = []
    for line in arrived:
        digits = line[1:13]
        if digits.isdigit() and int(digits) < count and line == line_of(int(digits), mark):
            numbers.append(int(digits))
        elif line not in pieces:
            wrong.append(f"no such line was written: {line[:60]}")
    for before, after in zip(numbers, numbers[1:]):
        if after <= before:
            wrong.append(f"line {after} lies behind line {before}")
    there = set(numbers)
    excused = 0
    unused = list(lost)
    for index, content in enumerate(contents):
        begin = 0
        used = set()
        for line in content.splitlines(keepends=True):
            end = begin + len(line)
            if line.endswith(b"\n") and int(line[1:13]) not in there:
                covering = next((loss for loss in unused if loss[0] <= begin and end <= loss[1]), None)
                if covering is None:
                    wrong.append(f"line {int(line[1:13])} at byte {begin} of copy {index} of {len(contents)} is missing")
                else:
                    used.add(covering)
                    excused += 1
            begin = end
        # A loss record speaks of one generation: it excuses nothing in the next.
        for loss in used:
            unused.remove(loss)
    return wrong, excused


def test_the_check_of_copied_lines_finds_each_fault():
    """Else the test below would prove little."""
    lines = [line_of(number, b"c") for number in range(6)]
    size = len(lines[0])
    contents = [lines[0] + lines[1], lines[3], lines[4] + lines[5][:20]]

    def faults(arrived, lost=()):
        return faults_of_copied(arrived, contents, lost, b"c", 6)

    assert faults(lines) == ([], 0)
    assert faults([*lines[:2], *lines[3:5], lines[5][:20] + b"\n"]) == ([], 0)
    assert len(faults(lines[1:])[0]) == 1
    assert faults(lines[1:], [(0, size)]) == ([], 1)
    assert len(faults(lines[1:], [(1, size)])[0]) == 1
    assert len(faults(lines[1:], [(0, size - 1)])[0]) == 1
    assert len(faults([lines[1], *lines[4:]], [(0, 1000)])[0]) == 1
    assert len(faults([lines[0], *lines])[0]) == 1
    assert len(faults([lines[1], lines[0], *lines[2:]])[0]) == 1
    assert len(faults([*lines[:5], lines[5][:21] + b"\n"])[0]) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="read leases on other users' files need root")
def test_every_line_arrives_once_and_in_order_through_rotations_and_kills(stage, place):
    test_began = time.monotonic()
    folder = place / "in"
    folder.mkdir(mode=0o755)
    renamed, copied = folder / "renamed.log", folder / "copied.log"
    renamed.touch()
    copied.touch()
    collector = stage.collector()
    # The agent's configuration names the port, so that must stay over the collector's restarts.
    collector.arguments += ["--set", f"listener[1].listen=127.0.0.1:{collector.port('agents')}"]
    agent = stage.agent([collector], [renamed, copied])
    checkpoint = place / "agent" / "checkpoint.log"
    writer = Writer(renamed, b"r", line_count, lines_per_second)
    copied_writer = Writer(copied, b"c", line_count // copied_share, lines_per_second / copied_share)
    renaming = Rotation(place, renamed, "nocreate")
    copying = Rotation(place, copied, "copytruncate")
    position = Position(collector)
    victims = [agent, collector] * kills_of_each
    in_flight = []
    seconds = line_count / lines_per_second
    rotated_while_down = False
    is_checkpoint_deleted = False

    def rotate():
        renaming.rotate()
        writer.rotated()
        copying.rotate()

    with Background(writer.run) as writing, Background(copied_writer.run) as copied_writing:
        began = time.monotonic()
        next_rotation = rotation_seconds
        while writer.written < line_count or victims:
            now = time.monotonic() - began
            if now >= next_rotation and writer.written < line_count:
                rotate()
                next_rotation += rotation_seconds
            done = 2 * kills_of_each - len(victims)
            if victims and now >= seconds * (done + 0.7) / (2 * kills_of_each + 0.5):
                victim = victims.pop(0)
                acknowledged = position.ask()
                written = writer.written + copied_writer.written
                unacknowledged = written - acknowledged
                size = unacknowledged * (writer.written_bytes + copied_writer.written_bytes) // max(written, 1)
                victim.kill()
                in_flight.append(unacknowledged)
                print(f"{now:6.1f} s: {victim.name} killed; {unacknowledged} lines, about {size} bytes, unacknowledged")
                if victim is agent and rotated_while_down and not is_checkpoint_deleted:
                    checkpoint.unlink()
                    checkpoint.with_suffix(".old").unlink(missing_ok=True)
                    is_checkpoint_deleted = True
                    print(f"{now:6.1f} s: checkpoint deleted")
                if victim is agent and not rotated_while_down and renaming.count > 0:
                    rotate()
                    rotated_while_down = True
                    # The agent stays down while the writer opens its new file.
                    programs.wait_until(renamed.exists, 10, "the writer's new file")
                victim.start()
            time.sleep(0.02)  # the pace of the schedule
        writing.join()
        copied_writing.join()

    last = [line_of(one.count - 1, one.mark) for one in (writer, copied_writer)]
    wait_for_lines(collector, agent, last, 180)
    agent.stop()
    lines = kafka_side.consume(collector.broker, "logs").splitlines(keepends=True)
    arrived = [line for line in lines if line.startswith(b"r")]
    arrived_copied = [line for line in lines if not line.startswith(b"r")]
    contents = copying.kept()
    wrong, excused = faults_of_copied(arrived_copied, contents, losses(collector, copied), b"c", copied_writer.count)

    print(
        f"{kills_of_each} + {kills_of_each} kills, in flight {in_flight}; {len(arrived)} of {writer.count} lines renamed "
        f"in {renaming.count} rotations, {len(arrived_copied)} of {copied_writer.count} copied in {copying.count}, of "
        f"which logrotate kept {sum(len(content.splitlines()) for content in contents)} and loss records name {excused}; "
        f"{time.monotonic() - test_began:.1f} s"
    )
    assert rotated_while_down
    assert is_checkpoint_deleted
    assert renaming.count >= 3
    assert sum(count > 0 for count in in_flight) >= len(in_flight) * 8 // 10, in_flight
    assert first_difference(arrived, b"r", line_count) is None
    assert losses(collector, renamed) == []
    assert not wrong, "\n".join(wrong[:20])


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
