"""Retention under load: whatever is deleted, an agent and an idempotent producer go on without a duplicate.

The topic is kept small, so that segments go all the time; a load of other records pushes them out. Both programs are
killed again and again meanwhile. A consumer at the end collects what comes, since nothing stays.
"""

import os
import re
import struct
import threading
import time
import urllib.request

import confluent_kafka
import kafka_side
import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from conftest import is_long
from programs import wait_until
from test_idempotence import stays_at_its_port
from test_kafka_edges import Raw, idempotent_batch, produce_body

topic = "logs"
segment_bytes = 128 << 10
# The consumer may be behind by so much: many seconds of the load.
kept_bytes = 4 << 20
line_count = 200_000 if is_long else 40_000
lines_per_second = 2000
kills_of_each = 10 if is_long else 3


def small(stage, retention_bytes=kept_bytes):
    """A collector that keeps little, at ports that stay over restarts."""
    collector = stage.collector(extra=[
        "--set", f"topic_defaults.segment_bytes={segment_bytes}",
        "--set", f"topic_defaults.retention_bytes={retention_bytes}",
        "--set", "storage.retention_interval=200ms",
    ])
    collector.arguments += ["--set", f"listener[1].listen=127.0.0.1:{collector.port('agents')}"]
    return stays_at_its_port(collector)


def watermarks(collector):
    """Where the topic begins and ends; nowhere while there is none."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": collector.broker, "group.id": "none", "log_level": 0})
    try:
        return consumer.get_watermark_offsets(confluent_kafka.TopicPartition(topic, 0), timeout=10)
    except confluent_kafka.KafkaException:
        return 0, 0
    finally:
        consumer.close()


def wait_for_start(collector, offset, alive):
    wait_until(lambda: watermarks(collector)[0] > offset, 120, f"the deletion of all records up to {offset}", alive)


def metric(collector, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{collector.port('http')}/metrics", timeout=10) as answer:
        found = re.search(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found.group(1))


class Repeated:
    """Something that goes on in a thread of its own until the test's `with` ends."""

    def __init__(self):
        self.failure = None
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        self._thread.join()

    def check(self):
        assert self.failure is None, self.failure

    def _run(self):
        try:
            while not self.stopping.is_set():
                self.step()
            self.finish()
        except Exception as failure:  # shown by check()
            self.failure = failure

    def finish(self):
        pass


class Load(Repeated):
    """Other records, which push everything out of the topic. They may come twice."""

    def __init__(self, collector, per_second=300):
        super().__init__()
        self.pause = 1 / per_second
        self.producer = confluent_kafka.Producer({
            "bootstrap.servers": collector.broker, "linger.ms": 5, "log_level": 0, "message.timeout.ms": 300_000,
            "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200,
        })

    def step(self):
        try:
            self.producer.produce(topic, b"load " + os.urandom(1000), partition=0)
        except BufferError:
            pass
        self.producer.poll(self.pause)

    def finish(self):
        self.producer.flush(60)


class Reader(Repeated):
    """A consumer at the end: all values but those of the load, in the order of their offsets."""

    def __init__(self, collector):
        super().__init__()
        self.values = []
        self.offsets = []
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": collector.broker, "group.id": "none", "enable.auto.commit": False, "log_level": 0,
            "auto.offset.reset": "error", "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200,
            "fetch.wait.max.ms": 50,
        })
        self.consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])

    def step(self):
        for message in self.consumer.consume(1000, 0.1):
            error = message.error()
            if error is not None:
                # Out of range: retention was faster than we, and the test could not tell what was in there.
                assert error.code() != confluent_kafka.KafkaError._AUTO_OFFSET_RESET, error
                continue
            if not message.value().startswith(b"load "):
                self.values.append(message.value())
                self.offsets.append(message.offset())

    def finish(self):
        self.consumer.close()


class Writer(Repeated):
    """An application that writes numbered lines."""

    def __init__(self, path, count):
        super().__init__()
        self.path = path
        self.count = count
        self.written = 0
        self.began = time.monotonic()

    def step(self):
        due = min(self.count, int((time.monotonic() - self.began) * lines_per_second))
        if due > self.written:
            with self.path.open("ab") as log:
                log.write(b"".join(line_of(number) + b"\n" for number in range(self.written, due)))
            self.written = due
        self.stopping.wait(0.01)  # the pace of the writer


def line_of(number):
    return b"%012d %s" % (number, b"abcdefghijklmnopqrstuvwxyz" * (1 + number % 4))


def forget(agent_dir):
    """The agent's checkpoint is lost; who it is, it still knows."""
    for name in ("checkpoint.log", "checkpoint.old"):
        (agent_dir / name).unlink(missing_ok=True)


def first_difference(values):
    for number, value in enumerate(values):
        if value != line_of(number):
            return f"line {number} should be {line_of(number)[:20]}, it is {value[:20]}"
    return None


def test_every_line_arrives_once_while_its_segments_are_deleted_and_both_programs_are_killed(stage, place):
    folder = place / "in"
    folder.mkdir()
    path = folder / "app.log"
    path.touch()
    collector = small(stage)
    with Load(collector) as load:
        wait_until(lambda: watermarks(collector)[1] > 0, 30, "the first record", collector.check_running)
        agent = stage.agent([collector], [path], topic=topic)
        with Reader(collector) as reader, Writer(path, line_count) as writer:
            for round_ in range(kills_of_each):
                for victim in (agent, collector):
                    target = line_count * (2 * round_ + (victim is collector) + 1) // (2 * kills_of_each + 1)
                    wait_until(lambda: writer.written >= target, 120, f"line {target} is written", reader.check)
                    victim.kill()
                    if victim is agent and round_ == 1:
                        forget(place / "agent")
                    victim.start()
            wait_until(lambda: writer.written == line_count, 120, "all lines are written", writer.check)
            wait_until(
                lambda: len(reader.values) >= line_count or reader.failure, 180, "the arrival of all lines",
                agent.check_running,
            )
            # All of them are pushed out. Then the agent is started without its memory, the collector without the
            # batches: what each line's position was stands in the collector's snapshot alone.
            wait_for_start(collector, reader.offsets[-1], load.check)
            agent.kill()
            collector.kill()
            forget(place / "agent")
            collector.start()
            agent.start()
            with path.open("ab") as log:
                log.writelines(line_of(number) + b"\n" for number in range(line_count, line_count + 1000))
            wait_until(
                lambda: len(reader.values) >= line_count + 1000 or reader.failure, 60, "the arrival of the last lines",
                agent.check_running,
            )
            wait_until(lambda: metric(collector, "logboom_collector_storage_deleted_segments_total") > 0, 30, "a deletion")
        for part in (reader, writer):
            part.check()

    assert first_difference(reader.values) is None
    assert len(reader.values) == line_count + 1000
    assert metric(collector, "logboom_collector_storage_corrupt_batches_total") == 0


def test_an_agent_goes_on_after_a_clean_stop_that_left_none_of_its_batches(stage, place):
    path = place / "app.log"
    path.write_bytes(b"".join(line_of(number) + b"\n" for number in range(1000)))
    collector = small(stage, retention_bytes=1)
    with Reader(collector) as reader:
        agent = stage.agent([collector], [path], topic=topic)
        wait_until(lambda: len(reader.values) == 1000, 60, "the arrival of all lines", agent.check_running)
        with Load(collector) as load:
            wait_for_start(collector, reader.offsets[-1], load.check)
            agent.stop()
        collector.stop()
        forget(place / "agent")
        collector.start()
        agent.start()
        with path.open("ab") as log:
            log.write(line_of(1000) + b"\n")
        wait_until(lambda: len(reader.values) > 1000, 60, "the arrival of the last line", agent.check_running)
        end = watermarks(collector)[1]
        wait_until(lambda: reader.consumer.position([confluent_kafka.TopicPartition(topic, 0)])[0].offset == end, 30, "the end")
    reader.check()
    assert first_difference(reader.values) is None
    assert len(reader.values) == 1001


def test_an_idempotent_producer_goes_on_while_its_segments_are_deleted_and_the_collector_is_killed(stage):
    collector = small(stage)
    sent = 0
    failures = []
    with Load(collector) as load:
        wait_until(lambda: watermarks(collector)[1] > 0, 30, "the first record", collector.check_running)
        producer = confluent_kafka.Producer({
            "bootstrap.servers": collector.broker, "enable.idempotence": True, "linger.ms": 1, "batch.num.messages": 20,
            "message.timeout.ms": 300_000, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200,
            "retry.backoff.ms": 20, "log_level": 0,
            "error_cb": lambda error: failures.append(error) if error.fatal() else None,
        })
        with Reader(collector) as reader:
            for _ in range(2 * kills_of_each):
                until = time.monotonic() + 2
                while time.monotonic() < until:
                    producer.produce(topic, line_of(sent), partition=0)
                    sent += 1
                    producer.poll(0.001)
                collector.kill()
                collector.start()
            assert producer.flush(120) == 0
            wait_until(lambda: len(reader.values) >= sent or reader.failure, 60, "the arrival of all records", load.check)
            wait_for_start(collector, reader.offsets[-1], load.check)
            end = watermarks(collector)[1]
            wait_until(lambda: reader.consumer.position([confluent_kafka.TopicPartition(topic, 0)])[0].offset >= end, 30, "the end")
        reader.check()
    assert not failures
    assert first_difference(reader.values) is None
    assert len(reader.values) == sent


@pytest.mark.parametrize("ending", ["kill", "stop"])
def test_a_retry_of_a_batch_that_is_deleted_is_answered_with_its_offset_and_not_appended(ending, stage):
    collector = small(stage, retention_bytes=1)
    kafka_side.produce(collector.broker, topic, [b"so that there is the topic"])

    def produce(raw, sequence):
        answer = raw.ask(0, 3, produce_body(topic, idempotent_batch(producer_id, sequence)))
        error, base_offset = struct.unpack_from(">hq", answer, 4 + 4 + 2 + len(topic) + 4 + 4)
        assert error == 0
        return base_offset

    with Raw(collector) as raw:
        _, _, error, producer_id, _ = struct.unpack(">iihqh", raw.ask(22, 0, struct.pack(">hi", -1, 60_000)))
        assert error == 0
        offsets = [produce(raw, sequence) for sequence in range(3)]
    with Load(collector) as load:
        wait_for_start(collector, offsets[-1], load.check)
    getattr(collector, ending)()
    collector.start()

    _, end = watermarks(collector)
    with Raw(collector) as raw:
        assert [produce(raw, sequence) for sequence in range(3)] == offsets
        assert watermarks(collector)[1] == end
        assert produce(raw, 3) == end


def test_records_are_deleted_by_their_age_and_consumers_are_told(stage):
    collector = small(stage)
    admin = AdminClient({"bootstrap.servers": collector.broker})
    settings = {"retention.ms": "3000"}
    admin.create_topics([NewTopic(topic, 1, 1, config=settings)])[topic].result(30)
    kafka_side.produce(collector.broker, topic, [b"old"] * 100)
    assert watermarks(collector) == (0, 100)

    wait_until(lambda: watermarks(collector)[0] == 100, 60, "the deletion of all records", collector.check_running)
    kafka_side.produce(collector.broker, topic, [b"new"])

    assert kafka_side.consume(collector.broker, topic) == b"new\n"
    refused = confluent_kafka.Consumer({
        "bootstrap.servers": collector.broker, "group.id": "none", "auto.offset.reset": "error", "log_level": 0,
    })
    refused.assign([confluent_kafka.TopicPartition(topic, 0, 5)])
    answered = wait_until(lambda: refused.poll(1), 30, "an answer")
    assert answered.error().code() == confluent_kafka.KafkaError._AUTO_OFFSET_RESET
    refused.close()
    collector.kill()
    collector.start()
    assert watermarks(collector)[0] >= 100
