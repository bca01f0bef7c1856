"""A file's bytes come out of kcat as they went into the agent."""

import hashlib
import threading

import confluent_kafka
import counting
import kafka_side
from conftest import is_long


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def test_a_mixed_corpus_read_by_kcat_has_the_sha256_of_its_file(stage, collector, gencorpus, place):
    (place / "in").mkdir()
    file = gencorpus(place / "in" / "mixed.log", "mixed", 200 if is_long else 20, "--seed", 7, "--blank-lines")
    data = file.read_bytes()
    assert b"\n\n" in data
    agent = stage.agent([collector], [file])

    kafka_side.wait_for_records(collector.broker, "logs", data.count(b"\n"), 300, agent.check_running)
    output = kafka_side.consume(collector.broker, "logs", "-u")

    assert sha256(output) == sha256(data)


def test_lines_of_every_kind_arrive_as_they_are(stage, collector, place):
    (place / "in").mkdir()
    cases = {
        "crlf": (b"one\r\n\r\ntwo\r\n", [b"one", b"", b"two"]),
        "bom": (b"\xef\xbb\xbfone\ntwo\n", [b"one", b"two"]),
        "nul": (b"a\0b\n\0\n", [b"a\0b", b"\0"]),
        "no-utf8": (b"\xff\xfe\n\xc3\n", [b"\xff\xfe", b"\xc3"]),
        "carriage": (b"a\rb\r\r\n", [b"a\rb\r"]),
        "open-end": (b"one\ntwo", [b"one", b"two"]),
    }
    for name, (data, values) in cases.items():
        (place / "in" / f"{name}.log").write_bytes(data)
    agent = stage.agent([collector], [place / "in" / "*.log"])
    count = sum(len(values) for _, values in cases.values())

    kafka_side.wait_for_records(collector.broker, "logs", count, 60, agent.check_running)

    arrived = {name: [] for name in cases}
    for record in counting.KcatReader(collector.broker, "logs").read():
        arrived[record.path.decode().rpartition("/")[2][: -len(".log")]].append(record.value)
    assert arrived == {name: values for name, (_, values) in cases.items()}


def test_lines_written_later_arrive_in_order(stage, collector, place):
    file = place / "app.log"
    file.write_bytes(b"first\n")
    agent = stage.agent([collector], [file])
    kafka_side.wait_for_records(collector.broker, "logs", 1, 60, agent.check_running)

    with file.open("ab") as log:
        for number in range(100):
            log.write(b"line %d\n" % number)
            log.flush()
    kafka_side.wait_for_records(collector.broker, "logs", 101, 60, agent.check_running)

    assert kafka_side.consume(collector.broker, "logs") == file.read_bytes()


class Writer:
    """Keeps a topic's end moving."""

    def __init__(self, broker, topic):
        self._producer = confluent_kafka.Producer({"bootstrap.servers": broker, "linger.ms": 0})
        self._topic = topic
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()
        self._producer.flush(10)

    def _write(self):
        while not self._stopped.wait(0.02):
            self._producer.produce(self._topic, b"more", partition=0)
            self._producer.poll(0)


def test_counting_ends_though_records_keep_coming(collector):
    kafka_side.produce(collector.broker, "busy", [b"line %d" % number for number in range(1000)])
    with Writer(collector.broker, "busy"):
        kafka_side.wait_for_records(collector.broker, "busy", 1010, 60)

        read = []
        thread = threading.Thread(target=lambda: read.extend(counting.KcatReader(collector.broker, "busy").read()))
        thread.start()
        thread.join(20)
        ended_by_itself = not thread.is_alive()
    thread.join()

    assert ended_by_itself
    assert len(read) >= 1010
