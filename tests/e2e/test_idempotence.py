"""An idempotent producer through twenty kills of the collector: nothing acknowledged is missing, nothing is there
twice, and each partition keeps its order."""

import struct
import threading
from collections import defaultdict

import confluent_kafka
import kafka_side
import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from programs import wait_until
from test_kafka_edges import Raw

kills = 20
partitions = 3


def stays_at_its_port(collector):
    """Producers have one address: it must be the same over restarts."""
    collector.arguments += ["--set", f"listener[0].listen=127.0.0.1:{collector.port('kafka')}"]
    return collector


class Producer:
    """Sends numbers, each to the partition that it belongs to, as fast as the collector takes them."""

    def __init__(self, collector, topic, **settings):
        self.topic = topic
        self.sent = 0
        self.acknowledged = defaultdict(dict)  # partition -> number -> offset
        self.failures = []
        self._stopping = threading.Event()
        self._producer = confluent_kafka.Producer({
            "bootstrap.servers": collector.broker, "enable.idempotence": True, "acks": "all", "linger.ms": 2,
            "batch.num.messages": 50, "queue.buffering.max.messages": 2000, "message.timeout.ms": 300_000,
            "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "retry.backoff.ms": 20, "log_level": 0,
            "error_cb": self._on_error, **settings,
        })
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()

    def count(self):
        return sum(map(len, self.acknowledged.values()))

    def finish(self):
        self._stopping.set()
        self._thread.join()
        assert self._producer.flush(120) == 0
        assert not self.failures

    def _on_error(self, error):
        if error.fatal():
            self.failures.append(error)

    def _on_delivery(self, error, message):
        if error is not None:
            self.failures.append(error)
        else:
            self.acknowledged[message.partition()][int(message.value())] = message.offset()

    def _run(self):
        while not self._stopping.is_set():
            try:
                self._producer.produce(
                    self.topic, b"%d" % self.sent, partition=self.sent % partitions, on_delivery=self._on_delivery
                )
                self.sent += 1
                self._producer.poll(0)
            except BufferError:
                self._producer.poll(0.05)


def stored(collector, topic, partition):
    """The numbers of a partition, by their offsets."""
    return [int(line) for line in kafka_side.consume(collector.broker, topic, "-p", partition).split()]


def create(collector, topic):
    admin = AdminClient({"bootstrap.servers": collector.broker})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)


@pytest.mark.parametrize("in_flight", [1, 5])
def test_nothing_acknowledged_is_missing_or_twice_after_twenty_kills(in_flight, stage):
    collector = stays_at_its_port(stage.collector())
    create(collector, "counted")

    with Producer(collector, "counted", **{"max.in.flight": in_flight, "compression.type": "lz4"}) as producer:
        for _ in range(kills):
            target = producer.count() + 500
            wait_until(lambda: producer.count() >= target or producer.failures, 60, "500 more are acknowledged")
            assert not producer.failures
            collector.kill()
            collector.start()
        producer.finish()

    assert producer.count() == producer.sent
    for partition in range(partitions):
        numbers = stored(collector, "counted", partition)
        assert numbers == list(range(partition, producer.sent, partitions))
        # What each was answered is where it lies, also where the answer is that to a retry.
        assert producer.acknowledged[partition] == {number: offset for offset, number in enumerate(numbers)}


def test_the_kills_of_this_file_make_other_producers_send_twice(stage):
    """Else the test above would prove nothing."""
    collector = stays_at_its_port(stage.collector())
    create(collector, "counted")

    with Producer(collector, "counted", **{"enable.idempotence": False, "max.in.flight": 5}) as producer:
        for _ in range(kills):
            target = producer.count() + 500
            wait_until(lambda: producer.count() >= target, 60, "500 more are acknowledged")
            collector.kill()
            collector.start()
        producer.finish()

    numbers = [number for partition in range(partitions) for number in stored(collector, "counted", partition)]
    assert set(numbers) == set(range(producer.sent))
    assert len(numbers) > producer.sent


def test_a_producer_id_is_given_once_over_kills_and_stops(stage):
    collector = stage.collector()
    given = []
    for life in range(4):
        with Raw(collector) as raw:
            for _ in range(30):
                answer = raw.ask(22, 0, struct.pack(">hi", -1, 60_000))
                _, throttle_ms, error, producer_id, epoch = struct.unpack(">iihqh", answer)
                assert (throttle_ms, error, epoch) == (0, 0, 0)
                given.append(producer_id)
        collector.kill() if life % 2 == 0 else collector.stop()
        collector.start()
    assert min(given) >= 0
    assert len(set(given)) == len(given)


def test_an_idempotent_producer_of_kcat_is_served(collector):
    lines = [b"line %d" % number for number in range(5000)]

    kafka_side.kcat(
        collector.broker, "-P", "-t", "careful", "-X", "enable.idempotence=true", "-z", "zstd",
        data=b"".join(line + b"\n" for line in lines),
    )

    assert kafka_side.consume(collector.broker, "careful").splitlines() == lines
    assert all(batch.producer_id >= 0 and batch.producer_epoch == 0 for batch in kafka_side.stored_batches(collector, "careful"))
