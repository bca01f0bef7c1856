"""The Kafka side of a test: kcat, end offsets, and the batches as they lie on the collector's disk."""

import base64
import json
import struct
import subprocess
from collections import namedtuple
from pathlib import Path

import programs
from programs import ProgramFailed, wait_until

codec_names = {0: "none", 1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
StoredBatch = namedtuple("StoredBatch", "base_offset codec record_count producer_id producer_epoch")


def kcat(broker, *arguments, data=None, seconds=120):
    """kcat's standard output. Fails with its own words."""
    command = ["kcat", "-b", broker, *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, timeout=seconds)
    if done.returncode != 0:
        raise ProgramFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')}")
    return done.stdout


def produce(broker, topic, lines, codec="none", acks=-1):
    """Each of `lines` (bytes without LF) as one record."""
    # A little waiting for company makes batches in which compression shows.
    options = ["-X", f"acks={acks}", "-X", "linger.ms=50", "-z", codec]
    kcat(broker, "-P", "-t", topic, *options, data=b"".join(line + b"\n" for line in lines))


def consume(broker, topic, *arguments, seconds=300):
    """All values, each with LF behind it."""
    return kcat(broker, "-C", "-t", topic, "-o", "beginning", "-e", "-q", *arguments, seconds=seconds)


def end_offset(broker, topic, partition=0):
    """One past the last record that consumers may see; 0 while there is no such topic."""
    command = ["kcat", "-b", broker, "-Q", "-t", f"{topic}:{partition}:-1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    found = done.stdout.split()
    return int(found[-1]) if done.returncode == 0 and found else 0


def wait_for_records(broker, topic, count, seconds, alive=None):
    """Until the topic has `count` records; says how far it came otherwise."""
    try:
        wait_until(lambda: end_offset(broker, topic) >= count, seconds, f"the arrival of {count} records", alive)
    except ProgramFailed as failure:
        raise ProgramFailed(f"{failure}; there are {end_offset(broker, topic)}") from None


def topic_id(broker, topic):
    """The topic's id in hexadecimal digits, which its directories are named by."""
    command = [programs.stage / "logboomctl", "-b", broker, "topic", "list", "--json"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    found = [row["topic_id"] for row in json.loads(listed) if row["topic"] == topic]
    return base64.urlsafe_b64decode(found[0] + "==").hex()


def stored_batches(collector, topic):
    """The batch headers of a topic's log files (record batch format v2), in order."""
    folder = topic_id(collector.broker, topic)
    for file in sorted(Path(collector.data_dir).rglob(f"{folder}-*/*.log")):
        data = file.read_bytes()
        at = 0
        while at + 61 <= len(data):
            base_offset, length = struct.unpack_from(">qi", data, at)
            if length <= 0 or at + 12 + length > len(data):
                break
            (attributes,) = struct.unpack_from(">h", data, at + 21)
            producer_id, producer_epoch = struct.unpack_from(">qh", data, at + 43)
            (count,) = struct.unpack_from(">i", data, at + 57)
            yield StoredBatch(base_offset, codec_names[attributes & 7], count, producer_id, producer_epoch)
            at += 12 + length
