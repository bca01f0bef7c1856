"""Other people's clients find what they look for, with every codec; what is stored is what was sent."""

import re
import subprocess

import confluent_kafka
import kafka
import kafka_side
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
# Smaller when packed even alone, for a batch of one record stays plain that is not.
lines = [b"line %06d of a text that any compressor makes smaller" % n + b", smaller" * 20 for n in range(2000)]
text = b"".join(line + b"\n" for line in lines)


def consumed_by_confluent_kafka(broker, topic, count):
    """The messages of a partition."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": broker, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])
    messages = []
    while len(messages) < count:
        batch = consumer.consume(500, timeout=20)
        assert batch, f"nothing more after {len(messages)} records"
        messages += batch
    consumer.close()
    assert [message.error() for message in messages if message.error()] == []
    return messages


def consumed_by_kafka_python(broker, topic, count):
    consumer = kafka.KafkaConsumer(bootstrap_servers=broker, auto_offset_reset="earliest", consumer_timeout_ms=20000)
    consumer.assign([kafka.TopicPartition(topic, 0)])
    consumer.seek_to_beginning()
    messages = []
    for message in consumer:
        messages.append(message)
        if len(messages) == count:
            break
    consumer.close()
    return messages


def check_stored(collector, topic, codec):
    """What lies on the disk is in the producer's codec, and nobody has packed it anew."""
    batches = list(kafka_side.stored_batches(collector, topic))
    assert {batch.codec for batch in batches} == {codec}
    assert sum(batch.record_count for batch in batches) == len(lines)


def check_read_by_all(collector, topic):
    """Each client reads what any of them wrote."""
    assert kafka_side.consume(collector.broker, topic) == text
    by_confluent = consumed_by_confluent_kafka(collector.broker, topic, len(lines))
    assert [message.value() for message in by_confluent] == lines
    by_python = consumed_by_kafka_python(collector.broker, topic, len(lines))
    assert [message.value for message in by_python] == lines


@pytest.mark.parametrize("codec", codecs)
def test_kcat_produces_and_everybody_consumes(codec, collector):
    kafka_side.produce(collector.broker, "kcat", lines, codec)

    check_stored(collector, "kcat", codec)
    check_read_by_all(collector, "kcat")


@pytest.mark.parametrize("is_idempotent", [False, True])
@pytest.mark.parametrize("codec", codecs)
def test_confluent_kafka_produces_and_everybody_consumes(codec, is_idempotent, collector):
    failures = []
    producer = confluent_kafka.Producer({
        "bootstrap.servers": collector.broker, "compression.type": codec, "linger.ms": 50, "enable.idempotence": is_idempotent
    })
    for line in lines:
        producer.produce("confluent", line, partition=0, on_delivery=lambda error, _: error and failures.append(error))
    assert producer.flush(30) == 0
    assert not failures

    check_stored(collector, "confluent", codec)
    check_read_by_all(collector, "confluent")
    has_id = {batch.producer_id >= 0 for batch in kafka_side.stored_batches(collector, "confluent")}
    assert has_id == {is_idempotent}


@pytest.mark.parametrize("codec", codecs)
def test_kafka_python_produces_and_everybody_consumes(codec, collector):
    compression = None if codec == "none" else codec
    producer = kafka.KafkaProducer(bootstrap_servers=collector.broker, compression_type=compression, linger_ms=50, acks="all")
    sent = [producer.send("python", value=line, partition=0) for line in lines]
    producer.flush(30)
    assert [future.get(10).offset for future in sent] == list(range(len(lines)))
    producer.close()

    check_stored(collector, "python", codec)
    check_read_by_all(collector, "python")


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


def test_keys_and_headers_come_through(collector):
    producer = confluent_kafka.Producer({"bootstrap.servers": collector.broker, "compression.type": "zstd"})
    headers = [("n", b"7"), ("empty", b""), ("none", None)]
    producer.produce("headers", b"value", key=b"k", partition=0, headers=headers)
    assert producer.flush(30) == 0
    python = kafka.KafkaProducer(bootstrap_servers=collector.broker)
    python.send("headers", value=b"value", key=b"k", partition=0, headers=[("h", b"v")]).get(10)
    python.close()

    first, second = consumed_by_confluent_kafka(collector.broker, "headers", 2)

    assert (first.key(), first.headers()) == (b"k", headers)
    assert (second.key(), second.headers()) == (b"k", [("h", b"v")])


def test_confluent_kafka_administers_topics(collector):
    admin = AdminClient({"bootstrap.servers": collector.broker})

    def result_of(futures):
        (future,) = futures.values()
        return future.result(30)

    result_of(admin.create_topics([NewTopic("made", 2, 1, config={"retention.ms": "1000", "segment.bytes": "65536"})]))
    assert len(admin.list_topics("made", 10).topics["made"].partitions) == 2
    topic = ConfigResource("topic", "made")
    configs = result_of(admin.describe_configs([topic]))
    assert (configs["retention.ms"].value, configs["retention.ms"].source) == ("1000", 1)
    assert [synonym.value for synonym in configs["retention.ms"].synonyms.values()] != []
    assert (configs["cleanup.policy"].value, configs["cleanup.policy"].source) == ("delete", 5)
    assert len(configs) >= 30
    result_of(admin.create_partitions([NewPartitions("made", 3)]))
    kafka_side.kcat(collector.broker, "-P", "-t", "made", "-p", 2, data=b"a line\n")
    assert kafka_side.consume(collector.broker, "made", "-p", 2) == b"a line\n"
    node = result_of(admin.describe_configs([ConfigResource("broker", "1")]))
    assert node["num.partitions"].value == "1"
    result_of(admin.delete_topics(["made"]))
    assert "made" not in admin.list_topics(timeout=10).topics

    for wrong in ({"retention.ms": "soon"}, {"no.such.setting": "1"}, {"cleanup.policy": "compact"}):
        with pytest.raises(confluent_kafka.KafkaException) as refused:
            result_of(admin.create_topics([NewTopic("wrong", 1, 1, config=wrong)]))
        assert refused.value.args[0].code() == confluent_kafka.KafkaError.INVALID_CONFIG
        assert next(iter(wrong)) in refused.value.args[0].str()


def test_the_nodes_configuration_is_told_and_stands_behind_the_topics(stage):
    settings = ["topic_defaults.retention_time=1h", "topic_defaults.partitions=2", "limits.producer_expiration=2h"]
    collector = stage.collector(extra=[word for setting in settings for word in ("--set", setting)])
    kafka_side.produce(collector.broker, "t", [b"line"])
    admin = AdminClient({"bootstrap.servers": collector.broker})

    topic, node = ConfigResource("topic", "t"), ConfigResource("broker", "1")
    told = {resource: future.result(30) for resource, future in admin.describe_configs([topic, node]).items()}

    assert (told[topic]["retention.ms"].value, told[topic]["retention.ms"].source) == ("3600000", 4)
    assert [synonym.value for synonym in told[topic]["retention.ms"].synonyms.values()] != []
    assert told[node]["log.retention.hours"].value == "1"
    assert told[node]["num.partitions"].value == "2"
    assert told[node]["producer.id.expiration.ms"].value == "7200000"
    assert told[node]["advertised.listeners"].value == f"PLAINTEXT://{collector.broker}"
    assert told[node]["log.dirs"].value == str(collector.data_dir / "log")


def test_kafka_python_administers_topics(collector):
    admin = kafka.KafkaAdminClient(bootstrap_servers=collector.broker)
    admin.create_topics([kafka.admin.NewTopic("made", 2, 1, topic_configs={"retention.ms": "1000"})])
    resource = kafka.admin.ConfigResource(kafka.admin.ConfigResourceType.TOPIC, "made")
    (answer,) = admin.describe_configs([resource], include_synonyms=True)
    (described,) = answer.resources
    assert {row[0]: row[1] for row in described[4]}["retention.ms"] == "1000"
    admin.create_partitions({"made": kafka.admin.NewPartitions(3)})
    (told,) = admin.describe_topics(["made"])
    assert len(told["partitions"]) == 3
    admin.delete_topics(["made"])
    assert "made" not in admin.list_topics()
    admin.close()


def test_records_survive_a_restart_of_the_collector(collector):
    kafka_side.produce(collector.broker, "kept", lines, "lz4")

    collector.kill()
    collector.start()

    assert kafka_side.consume(collector.broker, "kept") == text
    kafka_side.produce(collector.broker, "kept", lines, "lz4")
    assert kafka_side.consume(collector.broker, "kept") == text + text
