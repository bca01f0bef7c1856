"""Frames as an enemy or a broken program would send them, and a crowd that throws them at a door."""

import random
import socket
import struct
import threading
import time

_crc_table = []
for _byte in range(256):
    for _ in range(8):
        _byte = (_byte >> 1) ^ (0x82F63B78 if _byte & 1 else 0)
    _crc_table.append(_byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _crc_table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


_extremes = (0, 1, -1, 0x7FFF, -0x8000, 0x7FFFFFFF, -0x80000000, 0x01000000, 0x00FFFFFF)


def mutated(rng, seed, others):
    """`seed` with one to four things done to it."""
    data = bytearray(seed)
    for _ in range(rng.randrange(1, 5)):
        kind = rng.randrange(7)
        at = rng.randrange(len(data)) if data else 0
        if kind == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and data:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 64))
        elif kind == 4 and len(data) >= 4:
            at = rng.randrange(len(data) - 3)
            struct.pack_into(">i", data, at, rng.choice(_extremes))
        elif kind == 5:
            del data[at : at + rng.randrange(1, 32)]
        elif others:
            other = rng.choice(others)
            cut = rng.randrange(len(other) + 1)
            data[at:] = other[cut:]
    return bytes(data)


class KafkaDoor:
    """Frames of Kafka's protocol: a size, then the request."""

    def __init__(self, requests):
        self.seeds = [request[4:] for request in requests]

    def mutation(self, rng):
        body = mutated(rng, rng.choice(self.seeds), self.seeds)
        size = len(body) if rng.random() < 0.8 else rng.choice(_extremes)
        return struct.pack(">i", size) + body

    def noise(self, rng):
        body = rng.randbytes(rng.randrange(0, 400))
        return struct.pack(">i", len(body)) + body if rng.random() < 0.5 else body


class AgentsDoor:
    """Frames of the agents' door (shared/rpc/PROTOCOL.md). Checksums are made right again for most, so that
    what lies behind them is reached."""

    head = struct.Struct(">4sBBHIIIII")

    def __init__(self, recorded):
        self.seeds = list(split_agent_frames(recorded))

    def mutation(self, rng):
        seed = rng.choice(self.seeds)
        magic, version, kind, method, correlation, header_size, _, _, _ = self.head.unpack_from(seed)
        header = seed[28 : 28 + header_size]
        payload = seed[28 + header_size :]
        if rng.random() < 0.3:
            return mutated(rng, seed, self.seeds)
        if rng.random() < 0.7:
            header = mutated(rng, header, [other[28:] for other in self.seeds]) if header else rng.randbytes(20)
        if rng.random() < 0.5 and payload:
            payload = mutated(rng, payload, [])
        if rng.random() < 0.1:
            method = rng.randrange(65536)
        header_size, payload_size = len(header), len(payload)
        if rng.random() < 0.1:
            payload_size = rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF))
        return framed(magic, version, kind, method, correlation, header, payload, header_size, payload_size)

    def noise(self, rng):
        body = rng.randbytes(rng.randrange(0, 400))
        return framed(b"LBFR", 1, 0, rng.randrange(4), 1, body, b"", len(body), 0) if rng.random() < 0.5 else body


def framed(magic, version, kind, method, correlation, header, payload, header_size, payload_size):
    head = struct.pack(">4sBBHIIII", magic, version, kind, method, correlation, header_size, payload_size, crc32c(header))
    return head + struct.pack(">I", crc32c(head)) + header + payload


def split_agent_frames(recorded):
    at = 0
    while at + 28 <= len(recorded):
        header_size, payload_size = struct.unpack_from(">II", recorded, at + 12)
        end = at + 28 + header_size + payload_size
        if recorded[at : at + 4] != b"LBFR" or end > len(recorded):
            return
        yield recorded[at:end]
        at = end


class HttpDoor:
    seeds = [
        b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"POST /readyz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HEAD /x?y=%41 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + b"X: y\r\n" * 50 + b"\r\n",
    ]

    def mutation(self, rng):
        return mutated(rng, rng.choice(self.seeds), self.seeds)

    def noise(self, rng):
        return rng.randbytes(rng.randrange(1, 400))


class Crowd:
    """Throws frames at a port from several threads, some tens on each connection."""

    def __init__(self, port, make_frame, count, seed, threads=4):
        self.port = port
        self.make_frame = make_frame
        self.sent = 0
        self.refused = 0
        self._lock = threading.Lock()
        shares = [count // threads] * threads
        self._threads = [threading.Thread(target=self._run, args=(share, seed + i)) for i, share in enumerate(shares)]

    def run(self):
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()

    def _run(self, count, seed):
        rng = random.Random(seed)
        done = 0
        while done < count:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
                    done += self._throw(connection, rng, min(count - done, rng.randrange(1, 30)))
            except OSError:
                with self._lock:
                    self.refused += 1
                done += 1
        with self._lock:
            self.sent += done

    def _throw(self, connection, rng, count):
        connection.settimeout(0.5)
        thrown = 0
        try:
            while thrown < count:
                thrown += 1
                connection.sendall(self.make_frame(rng))
                self._drain(connection)
            connection.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + 0.3
            connection.settimeout(0.1)
            while time.monotonic() < deadline and connection.recv(65536):
                pass
        except (OSError, TimeoutError):
            pass  # the door has closed, as it should
        return max(thrown, 1)

    @staticmethod
    def _drain(connection):
        try:
            while connection.recv(65536, socket.MSG_DONTWAIT):
                pass
        except BlockingIOError:
            pass


class Recorder:
    """Stands between a client and a door for a while and keeps what the client says."""

    def __init__(self, door_port):
        self.door_port = door_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.spoken = []  # one bytearray for each connection
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._closing = True
        self._listener.close()

    def _accept(self):
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            door = socket.create_connection(("127.0.0.1", self.door_port))
            said = bytearray()
            self.spoken.append(said)
            threading.Thread(target=self._pump, args=(client, door, said), daemon=True).start()
            threading.Thread(target=self._pump, args=(door, client, None), daemon=True).start()

    @staticmethod
    def _pump(source, sink, kept):
        try:
            while data := source.recv(65536):
                if kept is not None:
                    kept += data
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
