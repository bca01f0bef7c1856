#!/usr/bin/python3
"""Reads batches that our builder made with kafka-python and python3-lz4: read_ours.py WRITE_BATCHES"""

import struct
import subprocess
import sys

import lz4.frame
from kafka.record import MemoryRecords


def check_frame(name, batch):
    """An LZ4 payload is one frame of independent blocks that the reference library decodes."""
    payload = batch[61:]
    info = lz4.frame.get_frame_info(payload)
    assert not info["block_linked"] and not info["content_checksum"], name
    decoder = lz4.frame.LZ4FrameDecompressor()
    decoder.decompress(payload)
    assert decoder.eof and not decoder.unused_data, name


def check_records(name, count, batch):
    batches = MemoryRecords(batch)
    parsed = batches.next_batch()
    assert parsed.validate_crc(), name
    values = 0
    for n, record in enumerate(parsed):
        headers = [key for key, _ in record.headers]
        assert record.offset == n and record.key is None, (name, n)
        assert record.value == f"line {n}".encode() and record.timestamp == 1_700_000_000_000 + n, (name, n)
        assert headers[-2:] == ["lb.host", "lb.path"], (name, n)
        assert ("lb.cur" in headers) == (name == "marked" and n == 0), (name, n)
        values += 1
    assert values == count and not batches.has_next(), (name, values)


def main():
    out = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    names = []
    for line in out.splitlines():
        name, count, text = line.split(" ")
        batch = bytes.fromhex(text)
        if struct.unpack_from(">h", batch, 21)[0] & 7 == 3:
            check_frame(name, batch)
        else:
            assert name == "plain", name
        check_records(name, int(count), batch)
        names.append(name)
    assert names == ["plain", "lz4", "lz4-of-many-blocks", "marked"], names


if __name__ == "__main__":
    main()
