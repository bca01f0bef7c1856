"""Requests that no ordinary client sends: answered within bounded memory, and never the end of the program."""

import socket
import struct
import threading
import time

import confluent_kafka
import kafka_side
from programs import wait_until

resident_bytes_max = 128_000_000


class Raw:
    """One connection that speaks bytes."""

    def __init__(self, collector):
        self.socket = socket.create_connection(("127.0.0.1", collector.port("kafka")), 10)
        self.socket.settimeout(30)
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, api, version, body, flexible=False):
        self.number += 1
        head = struct.pack(">hhih1s", api, version, self.number, 1, b"t") + (b"\0" if flexible else b"")
        self.socket.sendall(struct.pack(">i", len(head) + len(body)) + head + body)

    def receive(self):
        (size,) = struct.unpack(">i", self._exactly(4))
        return self._exactly(size)

    def ask(self, *request, **more):
        self.send(*request, **more)
        return self.receive()

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            assert piece, "the collector closed the connection"
            data += piece
        return data


def text(value):
    return struct.pack(">h", len(value)) + value


def test_a_topic_configuration_with_a_very_long_name_is_refused_with_a_short_message(collector):
    config = text(b"n" * 32_760) + text(b"v")
    body = struct.pack(">i", 1) + text(b"topic") + struct.pack(">ihi", 1, 1, 0) + struct.pack(">i", 1) + config + struct.pack(">i?", 1000, False)

    with Raw(collector) as raw:
        answer = raw.ask(19, 4, body)

    assert len(answer) < 1000
    collector.check_running()


def test_metadata_by_id_in_a_version_without_it_is_answered_with_an_error(collector):
    topic = b"\x11" * 16 + b"\x00" + b"\x00"  # an id nobody has, a null name, no tags
    body = b"\x02" + topic + b"\x01\x00\x00\x00"

    with Raw(collector) as raw:
        for version in (10, 11):
            suffix = b"\x00" if version == 10 else b""
            answer = raw.ask(3, version, body + suffix, flexible=True)
            assert struct.pack(">h", 42) in answer

    collector.check_running()


def test_a_crowd_of_single_records_is_cached_within_its_budget(collector):
    producer = confluent_kafka.Producer({
        "bootstrap.servers": collector.broker, "linger.ms": 0, "batch.num.messages": 1, "queue.buffering.max.messages": 200_000
    })
    for number in range(60_000):
        producer.produce("single", b"%d" % number, partition=0)
        if number % 1000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0

    assert collector.peak_memory_bytes() < resident_bytes_max
    values = kafka_side.consume(collector.broker, "single").splitlines()
    assert values == [b"%d" % number for number in range(60_000)]


def test_a_partition_asked_for_thousands_of_times_in_one_fetch_costs_no_more_than_once(collector):
    lines = [b"x" * 1000 for _ in range(40_000)]  # more than the cache of the newest batches holds
    kafka_side.produce(collector.broker, "cold", lines)
    collector.stop()
    collector.start()
    partition = struct.pack(">iqi", 0, 0, 1 << 20)
    body = struct.pack(">iiiib", -1, 0, 1, 0x7FFFFFFF, 0) + struct.pack(">i", 1) + text(b"cold") + struct.pack(">i", 2000) + partition * 2000

    with Raw(collector) as raw:
        answer = raw.ask(1, 4, body)

    assert len(answer) < 18 << 20
    assert collector.peak_memory_bytes() < resident_bytes_max


def test_a_million_names_are_refused_before_they_are_believed(collector):
    with Raw(collector) as raw:
        raw.send(3, 1, struct.pack(">i", 1_000_000) + b"\0\0" * 1_000_000)
        assert raw.socket.recv(1) == b""  # closed

    collector.check_running()
    assert collector.peak_memory_bytes() < resident_bytes_max


def test_answers_that_nobody_reads_are_not_piled_up(collector):
    kafka_side.produce(collector.broker, "big", [b"x" * 1000 for _ in range(20_000)])
    partition = struct.pack(">iqi", 0, 0, 16 << 20)
    body = struct.pack(">iiiib", -1, 0, 1, 16 << 20, 0) + struct.pack(">i", 1) + text(b"big") + struct.pack(">i", 1) + partition

    crowd = [Raw(collector) for _ in range(4)]
    for raw in crowd:
        for _ in range(32):
            raw.send(1, 4, body)
    # A good client is served meanwhile, which also gives the collector the time to pile up what it would.
    assert len(kafka_side.consume(collector.broker, "big").splitlines()) == 20_000

    assert collector.peak_memory_bytes() < resident_bytes_max
    for raw in crowd:
        raw.__exit__()


def test_connections_that_announce_and_send_nothing_do_not_hold_up_others(collector):
    crowd = [Raw(collector) for _ in range(8)]
    for raw in crowd:
        raw.socket.sendall(struct.pack(">i", 32 << 20))
    began = time.monotonic()

    kafka_side.produce(collector.broker, "good", [b"x" * 200_000])

    assert time.monotonic() - began < 10
    for raw in crowd:
        raw.__exit__()


def test_what_was_appended_before_a_stop_is_answered(stage):
    """A producer without its answer would send the record again."""
    collector = stage.collector()
    kafka_side.produce(collector.broker, "stop", [b"first"])
    producer = confluent_kafka.Producer({
        "bootstrap.servers": collector.broker, "linger.ms": 0, "batch.num.messages": 1, "message.send.max.retries": 0,
        "message.timeout.ms": 5000, "acks": "all",
    })
    answered = [b"first"]
    stopping = threading.Event()

    def on_delivery(error, message):
        if error is None:
            answered.append(message.value())

    def produce():
        number = 0
        while not stopping.is_set():
            producer.produce("stop", b"%d" % number, partition=0, on_delivery=on_delivery)
            number += 1
            producer.poll(0.001 if len(producer) > 50 else 0)
        producer.flush(10)

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        wait_until(lambda: len(answered) > 500, 30, "500 records are acknowledged")
        collector.stop()
    finally:
        stopping.set()
        thread.join()
    collector.start()

    stored = kafka_side.consume(collector.broker, "stop").splitlines()
    assert sorted(stored) == sorted(answered)


def test_several_shards_and_partitions_serve_as_one(stage):
    collector = stage.collector(extra=["--set", "node.shards=2", "--set", "topic_defaults.partitions=6"])
    producer = confluent_kafka.Producer({"bootstrap.servers": collector.broker, "linger.ms": 5})
    for number in range(20_000):
        producer.produce("spread", b"%d" % number, key=b"%d" % (number % 97))
    assert producer.flush(60) == 0

    assert sorted(map(int, kafka_side.consume(collector.broker, "spread").split())) == list(range(20_000))
    partitions = {p for p in range(6) if kafka_side.end_offset(collector.broker, "spread", p) > 0}
    assert len(partitions) == 6
