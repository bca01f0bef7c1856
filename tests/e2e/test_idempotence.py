"""Idempotent producers through kills of the collector: nothing acknowledged is missing, nothing is there
twice, and each partition keeps the order of each producer."""

import struct
import time
from collections import defaultdict

import confluent_kafka
import kafka_side
from background import Background
from confluent_kafka.admin import AdminClient, NewTopic
from conftest import is_long
from programs import wait_until
from test_kafka_edges import Raw

kills = 100 if is_long else 5
partitions = 3


def stays_at_its_port(collector):
    """Producers have one address: it must be the same over restarts."""
    collector.arguments += ["--set", f"listener[0].listen=127.0.0.1:{collector.port('kafka')}"]
    return collector


class Producer:
    """Sends numbers, each to the partition that it belongs to, as fast as the collector takes them."""

    def __init__(self, collector, topic, name=0, **settings):
        self.topic = topic
        self.name = name
        self.sent = 0
        self.acknowledged = defaultdict(dict)  # partition -> number -> offset
        self.failures = []
        self._producer = confluent_kafka.Producer({
            "bootstrap.servers": collector.broker, "enable.idempotence": True, "acks": "all", "linger.ms": 2,
            "batch.num.messages": 50, "queue.buffering.max.messages": 2000, "message.timeout.ms": 0,
            "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 200, "retry.backoff.ms": 20, "log_level": 0,
            "message.send.max.retries": 2**31 - 1, "error_cb": self._on_error, **settings,
        })
        self._sending = Background(self._run)

    def __enter__(self):
        self._sending.__enter__()
        return self

    def __exit__(self, *failure):
        self._sending.__exit__(*failure)

    def count(self):
        return sum(map(len, self.acknowledged.values()))

    def in_flight(self):
        return self.sent - self.count()

    def finish(self):
        """Once its block has ended."""
        assert self._producer.flush(120) == 0
        assert not self.failures

    def _on_error(self, error):
        if error.fatal():
            self.failures.append(error)

    def _on_delivery(self, error, message):
        if error is not None:
            self.failures.append(error)
        else:
            self.acknowledged[message.partition()][int(message.value().split()[1])] = message.offset()

    def _run(self, stop):
        while not stop.is_set():
            value = b"%d %d" % (self.name, self.sent)
            partition = self.sent % partitions
            try:
                self._producer.produce(self.topic, value, partition=partition, on_delivery=self._on_delivery)
                self.sent += 1
                self._producer.poll(0)
            except BufferError:
                self._producer.poll(0.05)


def stored(collector, topic, partition):
    """What lies in a partition, by offset: (name of the producer, number)."""
    lines = kafka_side.consume(collector.broker, topic, "-p", partition).splitlines()
    return [tuple(map(int, line.split())) for line in lines]


def create(collector, topic):
    admin = AdminClient({"bootstrap.servers": collector.broker})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)


def test_nothing_acknowledged_is_missing_or_twice_after_kills(stage):
    began = time.monotonic()
    collector = stays_at_its_port(stage.collector())
    create(collector, "counted")
    kinds = [{"max.in.flight": 1, "compression.type": "lz4"}, {"max.in.flight": 5, "compression.type": "lz4"}, {}]
    producers = [Producer(collector, "counted", name, **kind) for name, kind in enumerate(kinds)]
    in_flight = []

    with producers[0], producers[1], producers[2]:
        for _ in range(kills):
            targets = [one.count() + 500 for one in producers]
            wait_until(
                lambda targets=targets: all(one.count() >= end for one, end in zip(producers, targets, strict=True))
                or any(one.failures for one in producers),
                60,
                "500 more of each are acknowledged",
                collector.check_running,
            )
            assert not any(one.failures for one in producers)
            in_flight.append(sum(one.in_flight() for one in producers))
            collector.kill()
            collector.start()
    for one in producers:
        one.finish()

    sent = sum(one.sent for one in producers)
    print(
        f"{kills} kills, records in flight {in_flight}; {sent} records of {len(producers)} producers in {partitions} "
        f"partitions; {time.monotonic() - began:.1f} s"
    )
    assert sum(count > 0 for count in in_flight) >= kills * 8 // 10
    assert [one.count() for one in producers] == [one.sent for one in producers]
    for partition in range(partitions):
        found = stored(collector, "counted", partition)
        for one in producers:
            numbers = [(number, offset) for offset, (name, number) in enumerate(found) if name == one.name]
            assert [number for number, _ in numbers] == list(range(partition, one.sent, partitions))
            # What each was answered is where it lies, also where the answer is that to a retry.
            assert one.acknowledged[partition] == dict(numbers)


def test_the_kills_of_this_file_make_other_producers_send_twice(stage):
    """Else the test above would prove nothing."""
    collector = stays_at_its_port(stage.collector())
    create(collector, "counted")

    with Producer(collector, "counted", **{"enable.idempotence": False, "max.in.flight": 5}) as producer:
        for _ in range(20):
            target = producer.count() + 500
            wait_until(lambda: producer.count() >= target, 60, "500 more are acknowledged")
            collector.kill()
            collector.start()
    producer.finish()

    numbers = [number for partition in range(partitions) for _, number in stored(collector, "counted", partition)]
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
