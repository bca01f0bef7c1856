"""Other people's clients find what they look for, with every codec; what is stored is what was sent."""

import re
import subprocess

import kafka_side
import pytest

lines = [b"line %06d of a text that any compressor makes smaller, smaller, smaller" % n for n in range(2000)]
text = b"".join(line + b"\n" for line in lines)


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_kcat_produces_and_consumes_with(codec, collector):
    topic = f"codec-{codec}"

    kafka_side.produce(collector.broker, topic, lines, codec)

    assert kafka_side.consume(collector.broker, topic) == text
    batches = list(kafka_side.stored_batches(collector, topic))
    assert {batch.codec for batch in batches} == {codec}
    assert sum(batch.record_count for batch in batches) == len(lines)


@pytest.mark.parametrize("acks", [0, 1, -1])
def test_kcat_produces_with_acks(acks, collector):
    kafka_side.produce(collector.broker, "acks", lines[:100], acks=acks)

    kafka_side.wait_for_records(collector.broker, "acks", 100, 30)
    assert kafka_side.consume(collector.broker, "acks") == b"".join(line + b"\n" for line in lines[:100])


def test_librdkafka_finds_the_features_it_looks_for(collector):
    """Versions left out of ApiVersions make it silently drop compression or fall back to old formats."""
    command = ["kcat", "-b", collector.broker, "-L", "-d", "feature,broker"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    found = set()
    for listed in re.findall(r"Updated enabled protocol features[^:]*? to ([\w,]+)", done.stderr):
        found |= set(listed.split(","))
    assert {"MsgVer2", "ApiVersion", "LZ4", "ZSTD", "OffsetTime"} <= found, done.stderr


def test_kcat_seeks_by_offset_and_time(collector):
    kafka_side.produce(collector.broker, "seek", lines[:100])

    assert kafka_side.kcat(collector.broker, "-C", "-t", "seek", "-o", "-3", "-e", "-q").splitlines() == lines[97:100]
    assert kafka_side.kcat(collector.broker, "-C", "-t", "seek", "-o", 50, "-c", 2, "-q").splitlines() == lines[50:52]
    assert kafka_side.kcat(collector.broker, "-C", "-t", "seek", "-o", "s@0", "-e", "-q").splitlines() == lines[:100]


def test_confluent_kafka_produces_and_consumes(collector):
    confluent_kafka = pytest.importorskip("confluent_kafka")
    failures = []
    producer = confluent_kafka.Producer({"bootstrap.servers": collector.broker, "compression.type": "zstd", "linger.ms": 20})
    for number, line in enumerate(lines):
        headers = [("n", str(number).encode()), ("empty", b""), ("none", None)]
        producer.produce("confluent", line, key=b"k", partition=0, headers=headers, on_delivery=lambda e, _: e and failures.append(e))
    assert producer.flush(30) == 0
    assert not failures

    consumer = confluent_kafka.Consumer({"bootstrap.servers": collector.broker, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition("confluent", 0, confluent_kafka.OFFSET_BEGINNING)])
    messages = []
    while len(messages) < len(lines):
        batch = consumer.consume(500, timeout=20)
        assert batch, f"nothing more after {len(messages)} records"
        messages += batch
    consumer.close()

    assert [message.error() for message in messages if message.error()] == []
    assert [message.value() for message in messages] == lines
    assert [message.offset() for message in messages] == list(range(len(lines)))
    assert messages[7].headers() == [("n", b"7"), ("empty", b""), ("none", None)]


def test_kafka_python_produces_and_consumes(collector):
    kafka = pytest.importorskip("kafka")
    producer = kafka.KafkaProducer(bootstrap_servers=collector.broker, compression_type="lz4", linger_ms=20, acks="all")
    sent = [producer.send("python", value=line, key=b"k", partition=0, headers=[("h", b"v")]) for line in lines]
    producer.flush(30)
    assert [future.get(10).offset for future in sent] == list(range(len(lines)))
    producer.close()

    consumer = kafka.KafkaConsumer(bootstrap_servers=collector.broker, auto_offset_reset="earliest", consumer_timeout_ms=20000)
    consumer.assign([kafka.TopicPartition("python", 0)])
    consumer.seek_to_beginning()
    values = []
    for message in consumer:
        values.append(message.value)
        if len(values) == len(lines):
            break
    consumer.close()

    assert values == lines


def test_records_survive_a_restart_of_the_collector(collector):
    kafka_side.produce(collector.broker, "kept", lines, "lz4")

    collector.kill()
    collector.start()

    assert kafka_side.consume(collector.broker, "kept") == text
    kafka_side.produce(collector.broker, "kept", lines, "lz4")
    assert kafka_side.consume(collector.broker, "kept") == text + text
