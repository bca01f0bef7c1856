"""Requests that no ordinary client sends: answered within bounded memory, and never the end of the program."""

import socket
import struct
import subprocess
import threading
import time

import confluent_kafka
import kafka_side
import programs
import pytest
from confluent_kafka.admin import AdminClient, NewTopic
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


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = crc_table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def crc_row(value):
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


crc_table = [crc_row(value) for value in range(256)]


def idempotent_batch(producer_id, sequence):
    """A record batch of one empty record."""
    record = bytes([12, 0, 0, 0, 1, 0, 0])  # length, attributes, deltas, null key, empty value, no headers
    epoch = 0 if producer_id >= 0 else -1
    now_ms = int(time.time() * 1000)
    checked = struct.pack(">hiqqqhii", 0, 0, now_ms, now_ms, producer_id, epoch, sequence, 1) + record
    return struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, crc32c(checked)) + checked


def produce_body(topic, batch):
    """Of Produce 3: one batch to partition 0 with acks of all."""
    partition = struct.pack(">ii", 0, len(batch)) + batch
    topics = text(topic.encode()) + struct.pack(">i", 1) + partition
    return struct.pack(">hhii", -1, -1, 30_000, 1) + topics


def test_a_topic_configuration_with_a_very_long_name_is_refused_with_a_short_message(collector):
    config = text(b"n" * 32_760) + text(b"v")
    body = struct.pack(">i", 1) + text(b"topic") + struct.pack(">ihi", 1, 1, 0) + struct.pack(">i", 1) + config + struct.pack(">i?", 1000, False)

    with Raw(collector) as raw:
        answer = raw.ask(19, 4, body)

    assert len(answer) < 1000
    collector.check_running()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def test_a_transactional_producer_is_refused_at_once_and_not_told_to_wait(collector):
    began = time.monotonic()
    producer = confluent_kafka.Producer({"bootstrap.servers": collector.broker, "transactional.id": "tx", "log_level": 0})

    with pytest.raises(confluent_kafka.KafkaException) as refused:
        producer.init_transactions(60)

    assert refused.value.args[0].code() == confluent_kafka.KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    assert time.monotonic() - began < 20


def test_a_crowd_that_asks_for_producer_ids_gets_each_once_and_costs_little(collector):
    with Raw(collector) as raw:
        given = []
        for _ in range(20):
            for _ in range(1000):
                raw.send(22, 1, struct.pack(">hi", -1, 60_000))
            given += [struct.unpack(">iihqh", raw.receive())[3] for _ in range(1000)]

    assert len(set(given)) == 20_000
    assert collector.peak_memory_bytes() < resident_bytes_max


def test_thousands_of_producers_in_one_partition_cost_a_bounded_memory(collector):
    """Each with an id that nobody was given, one record each; the newest are still known."""
    kafka_side.produce(collector.broker, "crowd", [b"first"])
    count = 30_000
    with Raw(collector) as raw:
        def produce(producer_id, sequence):
            raw.send(0, 3, produce_body("crowd", idempotent_batch(producer_id, sequence)))

        for producer_id in range(count):
            produce(producer_id, 0)
            if producer_id % 1000 == 999:
                for _ in range(1000):
                    raw.receive()
        produce(count - 1, 0)
        again = raw.receive()
        produce(count - 1, 7)
        gap = raw.receive()

    # throttle and header around: topic "crowd", partition 0, error, base offset
    assert struct.pack(">ihq", 0, 0, count) in again
    assert struct.pack(">ih", 0, 45) in gap
    assert kafka_side.end_offset(collector.broker, "crowd") == count + 1
    assert collector.peak_memory_bytes() < resident_bytes_max


def test_all_settings_of_very_many_topics_at_once_are_bounded(collector):
    kafka_side.produce(collector.broker, "t", [b"line"])
    resource = struct.pack(">b", 2) + text(b"t") + struct.pack(">i", -1)

    with Raw(collector) as raw:
        answer = raw.ask(32, 1, array([resource] * 20_000) + b"\1")

    assert len(answer) < 32 << 20
    assert collector.peak_memory_bytes() < resident_bytes_max


def test_the_deletion_of_thousands_of_names_that_nobody_has_is_answered(collector):
    names = [text(b"no-such-topic-%d" % number) for number in range(50_000)]

    with Raw(collector) as raw:
        answer = raw.ask(20, 1, array(names) + struct.pack(">i", 1000))

    assert answer.count(b"no-such-topic-") == 50_000
    assert collector.peak_memory_bytes() < resident_bytes_max


def test_topics_are_made_and_deleted_again_and_again_and_leave_nothing(collector):
    admin = AdminClient({"bootstrap.servers": collector.broker})
    for number in range(100):
        name = f"short-lived-{number % 3}"
        admin.create_topics([NewTopic(name, 2, 1)])[name].result(30)
        produce_one(collector, name)
        admin.delete_topics([name])[name].result(30)

    left = [path.name for path in (collector.data_dir / "log").iterdir() if path.is_dir()]
    assert left == []
    collector.stop()
    collector.start()
    assert not any(name.startswith("short") for name in AdminClient({"bootstrap.servers": collector.broker}).list_topics(timeout=10).topics)


def produce_one(collector, topic):
    """One record without the start of another program."""
    with Raw(collector) as raw:
        answer = raw.ask(0, 3, produce_body(topic, idempotent_batch(-1, -1)))
    assert struct.pack(">ihq", 0, 0, 0) in answer


def test_a_consumer_that_waits_is_told_when_its_topic_is_deleted(collector):
    admin = AdminClient({"bootstrap.servers": collector.broker})
    admin.create_topics([NewTopic("doomed", 1, 1)])["doomed"].result(30)
    partition = struct.pack(">iqi", 0, 0, 1 << 20)
    body = struct.pack(">iiiib", -1, 60_000, 1, 1 << 20, 0) + array([text(b"doomed") + array([partition])])

    with Raw(collector) as raw:
        raw.send(1, 4, body)
        began = time.monotonic()
        admin.delete_topics(["doomed"])["doomed"].result(30)
        answer = raw.receive()

    assert time.monotonic() - began < 10
    assert struct.pack(">ih", 0, 3) in answer  # partition 0: UNKNOWN_TOPIC_OR_PARTITION


def test_a_topic_deleted_under_its_producers_is_written_to_no_more(stage):
    collector = stage.collector(extra=["--set", "topic_defaults.auto_create=false"])
    admin = AdminClient({"bootstrap.servers": collector.broker})
    admin.create_topics([NewTopic("doomed", 1, 1)])["doomed"].result(30)
    answers = []
    told = []
    producer = confluent_kafka.Producer({
        "bootstrap.servers": collector.broker, "linger.ms": 0, "enable.idempotence": True, "log_level": 0,
        "topic.metadata.propagation.max.ms": 1000,
    })
    stopping = threading.Event()

    def produce():
        while not stopping.is_set() and not told:
            try:
                producer.produce("doomed", b"x" * 100, partition=0, on_delivery=lambda error, _: answers.append(error))
            except confluent_kafka.KafkaException as failure:
                told.append(failure.args[0].code())
            except BufferError:
                pass  # full of what it has not given up yet
            producer.poll(0.0005)
        producer.flush(30)

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        wait_until(lambda: len(answers) > 200, 30, "200 records are acknowledged")
        admin.delete_topics(["doomed"])["doomed"].result(30)
        wait_until(lambda: told, 60, "the producer learns of it")
    finally:
        stopping.set()
        thread.join()

    collector.check_running()
    assert told == [confluent_kafka.KafkaError._UNKNOWN_TOPIC]
    assert [path for path in (collector.data_dir / "log").iterdir() if path.is_dir()] == []
    assert "doomed" not in AdminClient({"bootstrap.servers": collector.broker}).list_topics(timeout=10).topics


def test_an_agent_whose_topic_is_deleted_goes_on_with_its_next_lines(stage, place):
    source = place / "app.log"
    source.write_bytes(b"".join(b"before %d\n" % number for number in range(1000)))
    collector = stage.collector()
    stage.agent([collector], [source])
    kafka_side.wait_for_records(collector.broker, "logs", 1000, 60)
    admin = AdminClient({"bootstrap.servers": collector.broker})

    admin.delete_topics(["logs"])["logs"].result(30)
    with source.open("ab") as log:
        log.write(b"".join(b"after %d\n" % number for number in range(1000)))

    # It makes its topic anew, and what was acknowledged does not come again.
    kafka_side.wait_for_records(collector.broker, "logs", 1000, 60)
    assert kafka_side.consume(collector.broker, "logs").splitlines() == [b"after %d" % number for number in range(1000)]


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


def test_a_second_collector_does_not_share_the_ports_of_the_first(stage, place):
    """Shards of one collector do, so the kernel alone would let it."""
    first = stage.collector(extra=["--set", "node.shards=2"])
    for index, protocol in enumerate(("kafka", "agents")):
        second = programs.Collector(place / "second", place / "second.log")
        second.arguments += ["--set", "node.shards=2", "--set", f"listener[{index}].listen=127.0.0.1:{first.port(protocol)}"]

        done = subprocess.run(second.arguments, capture_output=True, text=True, timeout=60)

        assert done.returncode == 1
        assert "Address already in use" in done.stdout + done.stderr


def test_several_shards_and_partitions_serve_as_one(stage):
    collector = stage.collector(extra=["--set", "node.shards=2", "--set", "topic_defaults.partitions=6"])
    producer = confluent_kafka.Producer({"bootstrap.servers": collector.broker, "linger.ms": 5})
    for number in range(20_000):
        producer.produce("spread", b"%d" % number, key=b"%d" % (number % 97))
    assert producer.flush(60) == 0

    assert sorted(map(int, kafka_side.consume(collector.broker, "spread").split())) == list(range(20_000))
    partitions = {p for p in range(6) if kafka_side.end_offset(collector.broker, "spread", p) > 0}
    assert len(partitions) == 6
