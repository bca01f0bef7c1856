"""Mutated and random frames at every door, under the address sanitizer: no crash, and a good client is served."""

import http.client
import re
import socket
import struct
import threading
import time

import confluent_kafka
import hostile
import kafka_side
import programs
import pytest
from conftest import root

frames = 10_000  # mutated ones; as many random ones
asan_binaries = root / "build" / "debug" / "collector"
asan_environment = {"ASAN_OPTIONS": "halt_on_error=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
resident_bytes_max = 128_000_000


@pytest.fixture(params=["asan", "release"])
def target(request, stage):
    if request.param == "release":
        return stage.collector()
    if not (asan_binaries / "logboom-collector").exists():
        pytest.skip("there is no build/debug; tests/run makes it")
    return stage.collector(binaries=asan_binaries, environment=asan_environment)


def golden_requests():
    """The requests of real clients that the golden tests keep."""
    found = []
    for file in sorted((root / "tests" / "golden" / "kafka").glob("*.txt")):
        found += [bytes.fromhex(text) for text in re.findall(r"^\w+ request \d+ ([0-9a-f]+)$", file.read_text(), re.MULTILINE)]
    requests = [one for one in found if len(one) >= 12 and struct.unpack_from(">i", one)[0] == len(one) - 4]
    assert len(requests) > 10
    return requests


class Regular:
    """A good client that comes again and again while the crowd is there."""

    def __init__(self, visit):
        self.visit = visit
        self.visits = 0
        self.longest = 0.0
        self.failure = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()

    def _run(self):
        while not self._stopped.wait(0.2):
            began = time.monotonic()
            try:
                self.visit()
            except Exception as failure:  # shown by the test
                self.failure = self.failure or failure
            self.visits += 1
            self.longest = max(self.longest, time.monotonic() - began)


def throw_everything(target, protocol, door, visit):
    with Regular(visit) as regular:
        for kind, make_frame in (("mutated", door.mutation), ("random", door.noise)):
            crowd = hostile.Crowd(target.port(protocol), make_frame, frames, seed=frames)
            crowd.run()
            print(f"{protocol}: {crowd.sent} {kind} frames, {crowd.refused} connections refused")
            target.check_running()
        visit()
    assert regular.failure is None, regular.failure
    assert regular.visits >= 1
    assert regular.longest < 15
    if "debug" not in str(target.arguments[0]):
        peak = target.peak_memory_bytes()
        print(f"{protocol}: at most {peak / 1e6:.1f} MB resident")
        assert peak < resident_bytes_max


def test_kafkas_door_stands_hostile_frames(target):
    kafka_side.produce(target.broker, "good", [b"first"])
    producer = confluent_kafka.Producer({"bootstrap.servers": target.broker, "message.timeout.ms": 15000})
    failed = []

    def visit():
        producer.produce("good", b"line", partition=0, on_delivery=lambda error, _: error and failed.append(error))
        assert producer.flush(15) == 0
        assert not failed, failed

    throw_everything(target, "kafka", hostile.KafkaDoor(golden_requests()), visit)


def test_the_agents_door_stands_hostile_frames(target, stage, place):
    victim = place / "victim.log"
    victim.write_bytes(b"".join(b"line %d\n" % number for number in range(2000)))
    good = place / "good.log"
    good.touch()
    recorder = hostile.Recorder(target.port("agents"))
    config = place / "victim.toml"
    config.write_text(programs.agent_config(place / "victim", [f"127.0.0.1:{recorder.port}"], [str(victim)], topic="victim"))
    recorded = programs.Agent(config, place / "victim-agent.log")
    recorded.start()
    try:
        kafka_side.wait_for_records(target.broker, "victim", 2000, 60, recorded.check_running)
    finally:
        recorded.stop()
        recorder.close()
    agent = stage.agent([target], [good], name="good", topic="good")
    written = 0

    def visit():
        nonlocal written
        with good.open("ab") as log:
            log.write(b"line %d\n" % written)
        written += 1
        kafka_side.wait_for_records(target.broker, "good", written, 15, agent.check_running)

    door = hostile.AgentsDoor(bytes(max(recorder.spoken, key=len)))
    assert len(door.seeds) >= 2
    throw_everything(target, "agents", door, visit)

    assert kafka_side.consume(target.broker, "good") == good.read_bytes()


def test_the_http_door_stands_hostile_requests(target):
    def visit():
        connection = http.client.HTTPConnection("127.0.0.1", target.port("http"), timeout=15)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()

    throw_everything(target, "http", hostile.HttpDoor(), visit)


def test_large_claims_of_many_connections_cost_little_memory(collector):
    """Each announces the largest frame it may, sends a part and waits; a large request still gets through."""
    kafka_head = struct.pack(">i", 32 << 20)
    agents_head = hostile.framed(b"LBFR", 1, 0, 2, 1, b"", b"", 100, 4 << 20)
    waiting = []
    for number in range(200):
        for protocol, head in (("kafka", kafka_head), ("agents", agents_head)):
            connection = socket.create_connection(("127.0.0.1", collector.port(protocol)), 10)
            connection.settimeout(0.05)
            try:
                connection.sendall(head + b"\0" * 300_000)
            except OSError:
                pass  # closed, or no room: both are fine
            waiting.append(connection)

    kafka_side.produce(collector.broker, "good", [b"line"])

    assert kafka_side.consume(collector.broker, "good") == b"line\n"
    assert collector.peak_memory_bytes() < resident_bytes_max
    for connection in waiting:
        connection.close()
