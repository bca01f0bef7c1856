"""logboomctl: topics and records, and the exit codes that scripts rely on."""

import json
import subprocess

import kafka_side
import programs

lines = [b"line %d" % number for number in range(100)]


def logboomctl(*arguments):
    command = [programs.stage / "logboomctl", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=60)


def test_topics_are_created_and_listed(collector):
    made = logboomctl("-b", collector.broker, "topic", "create", "app", "--partitions", 3)
    assert made.returncode == 0, made.stderr

    listed = logboomctl("-b", collector.broker, "topic", "list")
    assert listed.returncode == 0
    assert b"app" in listed.stdout
    as_json = logboomctl("-b", collector.broker, "topic", "list", "--json")
    assert "app" in json.dumps(json.loads(as_json.stdout))

    again = logboomctl("-b", collector.broker, "topic", "create", "app")
    assert again.returncode != 0
    assert again.stderr.startswith(b"error: ")


def test_records_are_read_by_offset(collector):
    kafka_side.produce(collector.broker, "app", lines)

    def read(*arguments):
        done = logboomctl("-b", collector.broker, "read", "app", "-e", "--format", "raw", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    assert read() == lines
    assert read("-n", 3) == lines[:3]
    assert read("-o", "-10") == lines[-10:]
    assert read("-o", "20:25") == lines[20:25]
    assert read("-o", "end") == []
    as_json = logboomctl("-b", collector.broker, "read", "app", "-e", "-n", 2, "--json")
    assert [json.loads(line)["offset"] for line in as_json.stdout.splitlines()] == [0, 1]


def test_exit_codes_say_what_went_wrong(collector):
    assert logboomctl("--no-such-flag").returncode == 2
    assert logboomctl("-b", "127.0.0.1:1", "topic", "list").returncode == 6
    missing = logboomctl("-b", collector.broker, "read", "no-such-topic", "-e")
    assert missing.returncode == 4
    assert missing.stdout == b""
    assert b"no-such-topic" in missing.stderr
    kafka_side.produce(collector.broker, "app", lines[:1])
    assert logboomctl("-b", collector.broker, "read", "app", "-o", "end", "-e", "--fail-empty").returncode == 3
