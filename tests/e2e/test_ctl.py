"""logboomctl against a real collector: topics, tails, filters, terminals, the fleet."""

import json
import os
import pty
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request

import kafka_side
import programs
import pytest
from confluent_kafka import Producer
from programs import wait_until

binary = programs.stage / "logboomctl"
escape = b"\x1b"


def ctl(collector, *arguments, **options):
    command = [binary, "-b", collector.broker, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=60, **options)


def create(collector, *names, partitions=1):
    made = ctl(collector, "topic", "create", *names, "--partitions", partitions)
    assert made.returncode == 0, made.stderr


def produce(collector, records):
    """(topic, partition, milliseconds, value) each, acknowledged."""
    failures = []
    producer = Producer({"bootstrap.servers": collector.broker, "acks": "all"})
    for topic, partition, time_ms, value in records:
        producer.produce(
            topic, value, partition=partition, timestamp=time_ms, on_delivery=lambda error, _: error and failures.append(error)
        )
    assert producer.flush(60) == 0
    assert not failures


class Running:
    """A command whose output is taken as it comes."""

    def __init__(self, collector, *arguments, **options):
        command = [binary, "-b", collector.broker, *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.lines = []
        self.words = b""
        self._threads = [threading.Thread(target=self._take_lines), threading.Thread(target=self._take_words)]
        for thread in self._threads:
            thread.start()

    def _take_lines(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip(b"\n"))

    def _take_words(self):
        for line in self.process.stderr:
            self.words += line

    def wait_for(self, *lines):
        wait_until(lambda: set(lines) <= set(self.lines), 30, f"the arrival of {lines} behind {self.lines[-3:]}")

    def wait_for_words(self, words):
        wait_until(lambda: words in self.words, 30, f"the words {words!r} behind {self.words!r}")

    def end(self, number=signal.SIGINT):
        """The exit status."""
        self.process.send_signal(number)
        status = self.process.wait(30)
        for thread in self._threads:
            thread.join()
        return status


@pytest.fixture
def running(collector):
    started = []

    def start(*arguments, **options):
        started.append(Running(collector, *arguments, **options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)


# Topics


def test_a_topic_is_described_with_offsets_and_settings(collector):
    create(collector, "app", partitions=2)
    produce(collector, [("app", 1, 1000, b"x"), ("app", 1, 2000, b"y")])

    text = ctl(collector, "topic", "describe", "app")
    assert text.returncode == 0, text.stderr
    assert b"topic app, id " in text.stdout
    assert re.search(rb"(?m)^ +1 +1 +\d+ +1 +1 +0 +2 +2$", text.stdout), text.stdout
    assert b"retention.ms" in text.stdout

    (described,) = json.loads(ctl(collector, "topic", "describe", "app", "--json").stdout)
    assert [partition["end"] for partition in described["partitions"]] == [0, 2]
    assert {setting["name"] for setting in described["settings"]} >= {"retention.ms", "segment.bytes"}


def test_a_topic_that_is_not_there_is_told_with_its_nearest_name(collector):
    create(collector, "application")
    for command in (["topic", "describe"], ["topic", "delete", "--yes"], ["topic", "offsets"], ["tail"], ["read"]):
        missing = ctl(collector, *command, "aplication")
        assert missing.returncode == 4, command
        assert b"did you mean 'application'" in missing.stderr, command
        assert missing.stdout == b""


def test_offsets_are_told_for_now_and_for_a_time(collector):
    create(collector, "app", partitions=2)
    produce(collector, [("app", 0, 1_700_000_000_000 + 1000 * number, b"x") for number in range(10)])

    rows = json.loads(ctl(collector, "topic", "offsets", "app", "--at", "1700000005", "--at", "1700000100", "-J").stdout)
    assert [(row["partition"], row["start"], row["end"]) for row in rows] == [(0, 0, 10), (1, 0, 0)]
    assert [at["offset"] for at in rows[0]["at"]] == [5, None]

    text = ctl(collector, "topic", "offsets", "app", "--at", "-1h")
    assert text.returncode == 0, text.stderr
    assert text.stdout.splitlines()[0].split() == [b"TOPIC", b"PARTITION", b"START", b"END", b"RECORDS", b"@-1h"]


def test_deleting_asks_where_somebody_can_be_asked(collector):
    create(collector, "app", "web")

    nobody = ctl(collector, "topic", "delete", "app", stdin=subprocess.DEVNULL)
    assert nobody.returncode == 2
    assert b"--yes" in nobody.stderr
    planned = ctl(collector, "topic", "delete", "app", "--dry-run")
    assert (planned.returncode, b"would be deleted" in planned.stdout) == (0, True)
    assert b"app" in ctl(collector, "topics").stdout

    for answer, status, is_left in ((b"n\n", 1, True), (b"y\n", 0, False)):
        ours, theirs = pty.openpty()
        os.write(ours, answer)
        done = ctl(collector, "topic", "delete", "app", stdin=theirs)
        os.close(ours)
        os.close(theirs)
        assert done.returncode == status, done.stderr
        assert b"[y/N]" in done.stderr
        assert (b"app" in ctl(collector, "topics").stdout) == is_left

    gone = ctl(collector, "topic", "delete", "app", "web", "--yes", "--if-exists", "--json")
    assert gone.returncode == 0, gone.stderr
    assert {row["topic"]: row["state"] for row in json.loads(gone.stdout)} == {"app": "does not exist", "web": "deleted"}


# Tails


def test_a_tail_merges_partitions_and_topics_by_time(collector):
    create(collector, "app", "web", partitions=3)
    records = [("app" if number % 2 else "web", number % 3, 1_700_000_000_000 + number, b"%d" % number) for number in range(300)]
    produce(collector, records)

    merged = ctl(collector, "tail", "app", "web", "-e", "-o", "start", "--format", "raw")
    assert merged.returncode == 0, merged.stderr
    assert merged.stdout.split() == [b"%d" % number for number in range(300)]

    last = ctl(collector, "tail", "-e", "--format", "%v")
    assert last.stdout.split() == [b"%d" % number for number in range(290, 300)]
    one = ctl(collector, "tail", "app", "-p", 1, "-n", 1, "--format", "%t/%p %v")
    assert one.stdout == b"app/1 295\n"
    since = ctl(collector, "tail", "app", "-e", "-S", "1700000000.290"[:10], "--format", "raw")
    assert len(since.stdout.split()) == 150


def test_a_tail_goes_on_with_what_arrives_and_from_where_it_ended(collector, running):
    create(collector, "app", partitions=2)
    kafka_side.produce(collector.broker, "app", [b"before"])
    tail = running("tail", "app", "--format", "raw")
    tail.wait_for(b"before")
    kafka_side.produce(collector.broker, "app", [b"one", b"two"])
    tail.wait_for(b"one", b"two")
    assert tail.end() == 130
    cursor = re.search(rb"3 shown of 3 read; to go on from here: --cursor (\S+)", tail.words).group(1).decode()

    kafka_side.produce(collector.broker, "app", [b"three", b"four"])
    rest = ctl(collector, "tail", "app", "-e", "--cursor", cursor, "--format", "raw")
    assert sorted(rest.stdout.split()) == [b"four", b"three"]


def test_a_tail_survives_its_collector_and_shows_everything_once(collector, running):
    port = collector.port("kafka")
    kafka_side.produce(collector.broker, "app", [b"0"])
    tail = running("tail", "app", "--format", "raw")
    tail.wait_for(b"0")
    collector.arguments += ["--set", f"listener[0].listen=127.0.0.1:{port}"]
    for round in range(1, 4):
        collector.kill()
        wait_until(lambda: tail.words.count(b"trying again") == round, 30, "the tail's notice of the loss")
        collector.start()
        kafka_side.produce(collector.broker, "app", [b"%d" % round])
        tail.wait_for(b"%d" % round)
    assert tail.end(signal.SIGTERM) == 143
    assert tail.lines == [b"0", b"1", b"2", b"3"]
    assert tail.words.count(b"reading again") == 3


def test_a_tail_of_all_follows_topics_that_appear(collector, running):
    tail = running("tail", "--format", "%t %v")
    tail.wait_for_words(b"waiting for one")
    kafka_side.produce(collector.broker, "late", [b"first"])
    tail.wait_for(b"late first")
    assert ctl(collector, "topic", "delete", "late", "--yes").returncode == 0
    tail.wait_for_words(b"topic 'late' was deleted")
    kafka_side.produce(collector.broker, "later", [b"second"])
    tail.wait_for(b"later second")
    assert tail.process.poll() is None


def test_a_limit_ends_a_tail_and_says_where_to_go_on(collector):
    kafka_side.produce(collector.broker, "app", [b"%d" % number for number in range(20)])
    done = ctl(collector, "tail", "app", "-o", "start", "-n", 5, "--strict", "--format", "raw")
    assert (done.returncode, done.stdout.split()) == (8, [b"0", b"1", b"2", b"3", b"4"])
    cursor = re.search(rb"--cursor (\S+)", done.stderr).group(1).decode()
    rest = ctl(collector, "tail", "app", "-e", "--cursor", cursor, "--format", "raw")
    assert rest.stdout.split() == [b"%d" % number for number in range(5, 20)]
    assert ctl(collector, "tail", "app", "-e", "-g", "none", "--fail-empty").returncode == 3


def test_a_damaged_partition_is_told_and_the_others_are_shown(collector):
    create(collector, "app", partitions=2)
    for number in range(8):  # batches of which the start of a collector reads only the end
        produce(collector, [("app", partition, 1000 + number, b"%d " % number + b"x" * 5000) for partition in (0, 1)])
    partition_dir = collector.data_dir / "log" / f"{kafka_side.topic_id(collector.broker, 'app')}-1"
    assert collector.stop() == 0
    (segment,) = partition_dir.glob("*.log")
    with segment.open("r+b") as file:
        file.seek(100)
        byte = file.read(1)[0]
        file.seek(100)
        file.write(bytes([byte ^ 1]))
    collector.start()

    shown = ctl(collector, "tail", "app", "-e", "-o", "start", "--format", "raw")
    assert shown.returncode == 1, shown.stderr
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [b"%d" % number for number in range(8)]
    assert shown.stderr.count(b"app/1@0 cannot be read") == 1
    read = ctl(collector, "read", "app", "-e", "-p", 1)
    assert (read.returncode, b"app/1@0 is damaged" in read.stderr) == (1, True)


@pytest.mark.parametrize("command", [["read", "app"], ["tail", "app", "-o", "start"]])
def test_records_are_chosen_by_text_and_expression(collector, command):
    kafka_side.produce(collector.broker, "app", [b"GET /pay 200", b"get /pay 500", b"POST /pay 200", b"caf\xe9 200"])

    def shown(*filters):
        done = ctl(collector, *command, "-e", "--format", "raw", *filters)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    assert shown("-g", "get") == [b"GET /pay 200", b"get /pay 500"]
    assert shown("-g", "get", "-s") == [b"get /pay 500"]
    assert shown("-g", "get", "-g", "200") == [b"GET /pay 200"]
    assert shown("-G", "^[A-Z]+ .* 200$") == [b"GET /pay 200", b"POST /pay 200"]
    assert shown("-G", "^post", "-i") == [b"POST /pay 200"]
    assert shown("-g", "/pay", "-v") == [b"caf\xe9 200"]
    assert shown("-l", "warning") == []
    wrong = ctl(collector, *command, "-G", "a(")
    assert (wrong.returncode, b"is no regular expression" in wrong.stderr) == (2, True)


# Terminals and pipes


def in_terminal(collector, *arguments, **variables):
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "CLICOLOR_FORCE")}
    command = [binary, "-b", collector.broker, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env={**environment, "TERM": "xterm", **variables})
    os.close(theirs)
    output = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side has ended
            break
        if not piece:
            break
        output += piece
    os.close(ours)
    assert process.wait(30) == 0, process.stderr.read()
    return output


def test_colours_are_for_terminals_and_only_where_wanted(collector):
    kafka_side.produce(collector.broker, "app", [b"slow request"])
    look = ("tail", "app", "-e", "-g", "slow")
    assert b"\x1b[7mslow\x1b[0m request" in in_terminal(collector, *look)
    assert escape not in in_terminal(collector, *look, NO_COLOR="1")
    assert escape not in in_terminal(collector, *look, TERM="dumb")
    assert escape not in in_terminal(collector, *look, "--color", "never")
    assert escape in in_terminal(collector, *look, "--color", "always", NO_COLOR="1")
    assert escape not in in_terminal(collector, *look, "--json")
    assert escape not in ctl(collector, *look).stdout
    assert escape in ctl(collector, *look, "--color", "always").stdout
    assert escape in ctl(collector, *look, env={**os.environ, "CLICOLOR_FORCE": "1"}).stdout


def test_what_a_terminal_would_obey_is_shown_and_not_obeyed(collector):
    kafka_side.produce(collector.broker, "app", [b"red \x1b[31m and \xe2\x80\xae back\r"])
    shown = in_terminal(collector, "tail", "app", "-e", NO_COLOR="1")
    assert rb"red \x1b[31m and \u202e back\r" in shown


@pytest.mark.parametrize("command", [["read", "app"], ["tail", "app", "-o", "start"]])
def test_a_reader_that_goes_away_ends_the_command_quietly(collector, command):
    kafka_side.produce(collector.broker, "app", [b"x" * 100] * 50_000)
    words = collector.data_dir.parent / "words"
    with words.open("wb") as to:
        process = subprocess.Popen([binary, "-b", collector.broker, *command, "-e", "--format", "raw"], stdout=subprocess.PIPE, stderr=to)
        assert process.stdout.readline() == b"x" * 100 + b"\n"
        process.stdout.close()
        assert process.wait(30) == 0
    assert words.read_bytes() == b""


# The fleet


def test_the_fleet_is_listed_while_agents_are_here_and_after(stage, place):
    collector = stage.collector()
    (place / "a.log").write_text("a line\n")
    agent = stage.agent([collector], [place / "a.log"])
    api = f"http://127.0.0.1:{collector.port('http')}"

    def listed(*arguments):
        done = ctl(collector, "--api", api, "agent", "list", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    wait_until(lambda: json.loads(listed("-J")), 30, "the agent's arrival", agent.check_running)
    (row,) = json.loads(listed("--json"))
    assert (row["host"], row["state"], row["connections"]) == (os.uname().nodename, "ok", 1)
    assert row["agent"] in json.loads(urllib.request.urlopen(f"{api}/api/v1/agents").read())[0]["agent"]
    assert listed("--problem").splitlines()[1:] == []
    assert b"ok" in listed().splitlines()[1].split()

    assert agent.stop() == 0
    wait_until(lambda: b"offline" in listed("--problem"), 30, "the agent's leaving")
    (row,) = json.loads(listed("--json"))
    assert (row["state"], row["connections"]) == ("offline", 0)


def test_an_api_that_does_not_answer_is_told(collector):
    nobody = ctl(collector, "--api", "http://127.0.0.1:1", "agent", "list")
    assert (nobody.returncode, b"connection refused" in nobody.stderr) == (6, True)
    other = ctl(collector, "--api", f"127.0.0.1:{collector.port('kafka')}", "--timeout", "3s", "agent", "list")
    assert other.returncode == 6
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{collector.port('http')}/api/v1/agents?colour=red")
    assert refused.value.code == 400
    assert json.loads(refused.value.read())["type"] == "/problems/bad-parameter"
