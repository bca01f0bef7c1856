#!/usr/bin/python3
"""Makes the golden batches beside this file anew with clients that are not ours.

    record_golden.py librdkafka      needs kcat; writes librdkafka.txt
    record_golden.py kafka-python    needs python3-kafka and python3-lz4; writes kafka_python.txt

A line is a codec and the batch as the client sent it. Each batch holds the records of `records()`.
The files are committed: this runs when a client or a codec is added, never in the test suites.
"""

import pathlib
import re
import socket
import struct
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
COUNT = 40
TOPIC = "golden"
API_RANGES = {0: (0, 7), 1: (0, 11), 2: (0, 1), 3: (0, 4), 10: (0, 0), 18: (0, 3)}


def records():
    return [f"golden line {n:04} that packs well, that packs well" for n in range(COUNT)]


# --- A broker that knows just enough to be sent one batch ------------------------------------------------


def read_exactly(conn, n):
    data = b""
    while len(data) < n:
        part = conn.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def string(text):
    return struct.pack(">h", len(text)) + text.encode()


def api_versions(version):
    ranges = [struct.pack(">hhh", key, low, high) for key, (low, high) in API_RANGES.items()]
    if version < 3:
        body = struct.pack(">hi", 0, len(ranges)) + b"".join(ranges)
        return body + (struct.pack(">i", 0) if version > 0 else b"")
    compact = b"".join(entry + b"\0" for entry in ranges)
    return struct.pack(">hB", 0, len(ranges) + 1) + compact + struct.pack(">iB", 0, 0)


def metadata(port):
    brokers = struct.pack(">i", 1) + struct.pack(">i", 1) + string("127.0.0.1") + struct.pack(">ih", port, -1)
    partition = struct.pack(">hiiiiii", 0, 0, 1, 1, 1, 1, 1)
    topic = struct.pack(">h", 0) + string(TOPIC) + b"\0" + struct.pack(">i", 1) + partition
    return struct.pack(">i", 0) + brokers + string("golden") + struct.pack(">i", 1) + struct.pack(">i", 1) + topic


def produced_batch(body):
    """The first partition's records of a Produce request of version 3 to 7."""
    at = 2 + max(0, struct.unpack_from(">h", body)[0])  # transactional id
    at += 2 + 4 + 4  # acks, timeout, count of topics
    at += 2 + struct.unpack_from(">h", body, at)[0]
    at += 4 + 4  # count of partitions, index
    size = struct.unpack_from(">i", body, at)[0]
    return body[at + 4 : at + 4 + size]


def serve(conn, port, batches):
    try:
        while True:
            frame = read_exactly(conn, struct.unpack(">i", read_exactly(conn, 4))[0])
            key, version, correlation, client_bytes = struct.unpack_from(">hhih", frame)
            body = frame[10 + max(0, client_bytes) :]
            if key == 18:
                answer = api_versions(version)
            elif key == 3:
                answer = metadata(port)
            elif key == 0:
                batches.append(produced_batch(body))
                answer = struct.pack(">i", 1) + string(TOPIC) + struct.pack(">iihqqqi", 1, 0, 0, 0, -1, 0, 0)
            else:
                return
            conn.sendall(struct.pack(">ii", len(answer) + 4, correlation) + answer)
    except (EOFError, ConnectionError):
        pass


def accept_all(listener, batches):
    port = listener.getsockname()[1]
    while True:
        try:
            conn, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(conn, port, batches), daemon=True).start()


def batch_of_kcat(codec):
    batches = []
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept_all, args=(listener, batches), daemon=True).start()
    command = ["kcat", "-P", "-b", f"127.0.0.1:{listener.getsockname()[1]}", "-t", TOPIC, "-p", "0", "-K", ":"]
    command += ["-H", "h=v", "-X", "linger.ms=500", "-X", f"compression.codec={codec}"]
    text = "".join(f"k:{value}\n" for value in records())
    subprocess.run(command, input=text, text=True, check=True, timeout=30)
    listener.close()
    assert len(batches) == 1, f"{len(batches)} batches instead of one"
    return batches[0]


def record_librdkafka():
    banner = subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=True).stdout
    kcat, librdkafka = re.search(r"Version (\S+) .*librdkafka (\S+)", banner).groups()
    lines = [f"# kcat {kcat} with librdkafka {librdkafka}, record_golden.py librdkafka"]
    lines += [f"{codec} {batch_of_kcat(codec).hex()}" for codec in ("none", "gzip", "snappy", "lz4", "zstd")]
    (HERE / "librdkafka.txt").write_text("\n".join(lines) + "\n")


# --- kafka-python -------------------------------------------------------------------------------------------


def record_kafka_python():
    import kafka
    from kafka.record.default_records import DefaultRecordBatchBuilder

    lines = [f"# kafka-python {kafka.__version__}, its DefaultRecordBatchBuilder, record_golden.py kafka-python"]
    for name, bits in (("none", 0), ("gzip", 1), ("lz4", 3)):
        builder = DefaultRecordBatchBuilder(2, bits, False, -1, -1, -1, 1 << 20)
        for n, value in enumerate(records()):
            builder.append(n, 1_700_000_000_000 + n, b"k", value.encode(), [("h", b"v")])
        lines.append(f"{name} {bytes(builder.build()).hex()}")
    (HERE / "kafka_python.txt").write_text("\n".join(lines) + "\n")


def main():
    makers = {"librdkafka": record_librdkafka, "kafka-python": record_kafka_python}
    if len(sys.argv) != 2 or sys.argv[1] not in makers:
        sys.exit(__doc__)
    makers[sys.argv[1]]()


if __name__ == "__main__":
    main()
