#!/usr/bin/python3
"""Makes the golden vectors beside this file anew with clients that are not ours.

    record_golden.py kmsg                  needs go; writes kmsg.txt
    record_golden.py kafka-python          needs python3-kafka; writes kafka_python.txt
    record_golden.py librdkafka [PYTHON]   needs go, kcat and python3-confluent-kafka; writes librdkafka.txt.
                                           PYTHON: an interpreter with another confluent-kafka, recorded too

The vectors are committed: this runs when an API or a version is added, never in the test suites.
"""

import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
APIS = {
    0: ("produce", 3, 12, 9),
    1: ("fetch", 4, 16, 12),
    2: ("list_offsets", 1, 10, 6),
    3: ("metadata", 0, 13, 9),
    10: ("find_coordinator", 0, 6, 3),
    18: ("api_versions", 0, 4, 3),
    19: ("create_topics", 2, 7, 5),
    20: ("delete_topics", 1, 6, 4),
    22: ("init_producer_id", 0, 5, 2),
    32: ("describe_configs", 1, 4, 4),
    37: ("create_partitions", 0, 3, 2),
}
NAMES = {name: key for key, (name, *_) in APIS.items()}


def record_kmsg():
    out = subprocess.run(["go", "run", "."], cwd=HERE / "kmsg", check=True, capture_output=True, text=True)
    (HERE / "kmsg.txt").write_text(out.stdout)


# --- kafka-python ------------------------------------------------------------------------------------


def kafka_python_messages():
    """(class, fields) for what kafka-python can encode; its fields are positional."""
    from kafka.protocol.admin import (
        ApiVersionRequest_v0, ApiVersionRequest_v1, ApiVersionResponse_v0, ApiVersionResponse_v1,
        CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest_v2, CreateTopicsRequest_v3,
        CreateTopicsResponse_v2, CreateTopicsResponse_v3, DeleteTopicsRequest, DeleteTopicsResponse,
        DescribeConfigsRequest, DescribeConfigsResponse,
    )
    from kafka.protocol.commit import GroupCoordinatorRequest_v0, GroupCoordinatorResponse_v0
    from kafka.protocol.fetch import FetchRequest, FetchResponse
    from kafka.protocol.metadata import MetadataRequest, MetadataResponse
    from kafka.protocol.offset import OffsetRequest, OffsetResponse
    from kafka.protocol.produce import ProduceRequest, ProduceResponse

    keys = [(0, 0, 12), (18, 0, 4)]
    yield "api_versions", 0, ApiVersionRequest_v0()
    yield "api_versions", 1, ApiVersionRequest_v1()
    yield "api_versions", 0, ApiVersionResponse_v0(0, keys)
    yield "api_versions", 1, ApiVersionResponse_v1(35, keys, 17)

    topics = [("logs", 3, 1, [], [("retention.ms", "1000")]), ("other", -1, -1, [(0, [1, 2])], [])]
    for version, request in ((2, CreateTopicsRequest_v2), (3, CreateTopicsRequest_v3)):
        yield "create_topics", version, request(topics, 30000, True)
    for version, response in ((2, CreateTopicsResponse_v2), (3, CreateTopicsResponse_v3)):
        yield "create_topics", version, response(5, [("logs", 0, None), ("other", 37, "no partitions")])

    for version in (1, 2, 3):
        yield "delete_topics", version, DeleteTopicsRequest[version](["logs", "other"], 30000)
        yield "delete_topics", version, DeleteTopicsResponse[version](5, [("logs", 0), ("other", 3)])

    for version in (0, 1):
        partitions = [("logs", (3, None)), ("other", (4, [[1, 2], [2]]))]
        yield "create_partitions", version, CreatePartitionsRequest[version](partitions, 30000, True)
        yield "create_partitions", version, CreatePartitionsResponse[version](
            5, [("logs", 0, None), ("other", 37, "not more")]
        )

    for version in (1, 2):
        resources = [(2, "logs", ["retention.ms"]), (4, "1", None)]
        yield "describe_configs", version, DescribeConfigsRequest[version](resources, True)
        synonyms = [("retention.ms", "1000", 1), ("log.retention.ms", "604800000", 5)]
        described = [("retention.ms", "1000", False, 1, False, synonyms)]
        yield "describe_configs", version, DescribeConfigsResponse[version](
            5, [(0, None, 2, "logs", described), (3, "no topic", 2, "other", [])]
        )

    yield "find_coordinator", 0, GroupCoordinatorRequest_v0("group")
    yield "find_coordinator", 0, GroupCoordinatorResponse_v0(15, 4, "host", 9092)

    records = bytes(range(70))
    for version in range(3, 9):
        yield "produce", version, ProduceRequest[version](
            None, -1, 30000, [("logs", [(0, records), (7, records[:3])]), ("empty", [])]
        )
        partition = (7, 6, 2**40, -1) + ((12,) if version >= 5 else ())
        if version < 8:  # its schema of response 8 puts fields at the wrong level
            yield "produce", version, ProduceResponse[version]([("logs", [partition])], 100)

    for version in range(4, 12):
        partition = (3,) + ((9,) if version >= 9 else ()) + (2**33,) + ((5,) if version >= 5 else ()) + (1048576,)
        fields = (-1, 500, 1, 52428800, 1) + ((77, 2) if version >= 7 else ()) + ([("logs", [partition])],)
        fields += ([],) if version >= 7 else ()  # it cannot encode a forgotten topic
        fields += ("rack-a",) if version >= 11 else ()
        yield "fetch", version, FetchRequest[version](*fields)
        partition = (3, 0, 2**33, 2**33 - 1) + ((5,) if version >= 5 else ()) + ([(11, 12)],)
        partition += ((-1,) if version >= 11 else ()) + (records,)
        fields = (20,) + ((0, 77) if version >= 7 else ()) + ([("logs", [partition])],)
        yield "fetch", version, FetchResponse[version](*fields)

    for version in range(1, 6):
        partition = (4, -2)
        if version < 4:  # it takes the leader epoch of requests 4 and 5 for eight bytes
            yield "list_offsets", version, OffsetRequest[version](
                *((-1,) + ((1,) if version >= 2 else ()) + ([("logs", [partition])],))
            )
        partition = (4, 0, 1700000000000, 99) + ((3,) if version >= 4 else ())
        yield "list_offsets", version, OffsetResponse[version](
            *(((8,) if version >= 2 else ()) + ([("logs", [partition])],))
        )

    for version in range(0, 6):
        yield "metadata", version, MetadataRequest[version](
            *((["logs", "other"],) + ((False,) if version >= 4 else ()))
        )
        broker = (1, "host", 9092) + (("rack",) if version >= 1 else ())
        partition = (5, 2, -1, [1, 2], [1]) + (([2],) if version >= 5 else ())
        topic = (0, "logs") + ((True,) if version >= 1 else ()) + ([partition],)
        fields = ((30,) if version >= 3 else ()) + ([broker],) + (("cluster",) if version >= 2 else ())
        fields += ((1,) if version >= 1 else ()) + ([topic],)
        yield "metadata", version, MetadataResponse[version](*fields)


def record_kafka_python():
    import kafka
    from kafka.protocol.api import Request, RequestHeader

    lines = [f"# kafka-python {kafka.__version__}, its protocol classes, record_golden.py kafka-python"]
    for api, version, message in kafka_python_messages():
        body = message.encode()
        assert message.API_VERSION == version
        if isinstance(message, Request):
            header = RequestHeader(message, correlation_id=9, client_id="golden")
            content = header.encode() + body
            frame = struct.pack(">i", len(content)) + content
            lines.append(f"{api} request {version} {frame.hex()}")
        else:
            lines.append(f"{api} response-body {version} {body.hex()}")
    (HERE / "kafka_python.txt").write_text("\n".join(lines) + "\n")


# --- librdkafka --------------------------------------------------------------------------------------


class Recorder:
    """A proxy in front of a broker; keeps the first frame of each (API, kind, version)."""

    def __init__(self, port, broker_port):
        self.broker_port = broker_port
        self.broker_port_bytes = struct.pack(">i", broker_port)
        self.port_bytes = struct.pack(">i", port)
        self.frames = {}
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            broker = socket.create_connection(("127.0.0.1", self.broker_port))
            asked = {}
            threading.Thread(target=self.pump, args=(client, broker, asked, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(broker, client, asked, False), daemon=True).start()

    def pump(self, source, sink, asked, is_request):
        stream = source.makefile("rb")
        while len(prefix := stream.read(4)) == 4:
            content = stream.read(struct.unpack(">i", prefix)[0])
            try:
                self.keep(prefix + content, content, asked, is_request)
                # The broker names its own port; clients are to come back through here.
                sink.sendall(prefix + content.replace(self.broker_port_bytes, self.port_bytes))
            except OSError:
                break
        sink.close()

    def keep(self, frame, content, asked, is_request):
        if is_request:
            key, version, correlation = struct.unpack(">hhi", content[:8])
            asked[correlation] = (key, version)
            kind = "request"
        else:
            key, version = asked[struct.unpack(">i", content[:4])[0]]
            kind = "response"
        name, first, last, _ = APIS.get(key, (None, 0, -1, 0))
        if name and first <= version <= last:
            self.frames.setdefault((name, kind, version), frame)


CLIENT = """
import sys
import confluent_kafka
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic
if len(sys.argv) == 1:
    print(confluent_kafka.libversion()[0])
    sys.exit(0)
base = {"bootstrap.servers": sys.argv[1], "client.id": "golden", "log_level": 1}
admin = AdminClient(base)
for made in admin.create_topics([NewTopic("made", 2, 1, config={"retention.ms": "1000"})]).values():
    made.result(10)
for asked in admin.create_partitions([NewPartitions("made", 3)]).values():
    asked.result(10)
for asked in admin.describe_configs([ConfigResource("topic", "made")]).values():
    asked.result(10)
for asked in admin.delete_topics(["made"]).values():
    asked.result(10)
careful = Producer({**base, "enable.idempotence": True})
careful.produce("golden", b"a line")
careful.flush(2)
producer = Producer(base)
producer.produce("golden", b"a line")
producer.flush(2)  # kfake refuses the batch; that is an answer too
consumer = Consumer({**base, "group.id": "golden", "isolation.level": "read_uncommitted"})
consumer.get_watermark_offsets(TopicPartition("golden", 0), 10)
consumer.assign([TopicPartition("golden", 0, 0)])
consumer.poll(2)
try:
    consumer.committed([TopicPartition("golden", 0)], 10)
except confluent_kafka.KafkaException:
    pass  # kfake knows no group before someone joins
consumer.close()
"""


def librdkafka_lines(python, broker_program):
    port, broker_port = 39092, 39093
    recorder = Recorder(port, broker_port)
    command = [broker_program, str(broker_port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as broker:
        broker.stdout.readline()
        version = subprocess.run([python, "-c", CLIENT], check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run([python, "-c", CLIENT, f"127.0.0.1:{port}"], check=True, timeout=60)
        broker.stdin.close()
    recorder.listener.close()
    lines = [
        f"# librdkafka {version} (confluent-kafka for Python) asking, franz-go kfake answering, "
        "record_golden.py librdkafka"
    ]
    for (name, kind, number), frame in sorted(recorder.frames.items()):
        lines.append(f"{name} {kind} {number} {frame.hex()}")
    return lines


def record_librdkafka(pythons):
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/kfake"
        subprocess.run(["go", "build", "-o", program, "."], cwd=HERE / "kfake", check=True)
        lines = []
        for python in pythons:
            run = subprocess.run(
                [sys.executable, __file__, "librdkafka-run", python, program], check=True, stdout=subprocess.PIPE, text=True
            )
            lines.append(run.stdout)
        (HERE / "librdkafka.txt").write_text("".join(lines))


def main(arguments):
    if arguments[:1] == ["kmsg"]:
        record_kmsg()
    elif arguments[:1] == ["kafka-python"]:
        record_kafka_python()
    elif arguments[:1] == ["librdkafka"]:
        record_librdkafka(["/usr/bin/python3", *arguments[1:]])
    elif arguments[:1] == ["librdkafka-run"]:
        print("\n".join(librdkafka_lines(*arguments[1:])))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
