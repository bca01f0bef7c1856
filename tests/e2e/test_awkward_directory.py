"""A log directory as people leave it: what cannot or must not be read harms nothing else in it."""

import os
import re
import shutil
import socket
import stat
import urllib.request

import counting
import programs
import pytest
from background import Background
from conftest import is_long

# What the agent may hold resident, far below the file with the long line.
memory_bytes_max = 48 << 20
long_line_bytes = 1 << 30 if is_long else 200 << 20
usual_lines = 5000
nobody = 65534


def as_nobody(stage):
    """Root reads every file: the agent runs as somebody who does not."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("another user's agent needs root and setpriv")
    os.chown(stage.folder, nobody, nobody)
    drop = ["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups", "--pdeathsig", "TERM"]
    stage.before_agents = [*drop, *stage.before_agents]


class Followed:
    """The files of which every byte is to arrive, and the topic they arrive in."""

    def __init__(self, collector):
        self.reader = counting.KcatReader(collector.broker, "logs")
        self.trackers = []
        self.paths = set()  # of all records

    def add(self, path):
        self.trackers.append(counting.FileTracker(os.fsencode(path)))

    def wait(self, agent, seconds=120):
        arrivals = counting.Arrivals(self.trackers)

        def all_arrived():
            for record in self.reader.read():
                self.paths.add(record.path)
                arrivals.place(record.path, record.value)
            return arrivals.complete()

        try:
            programs.wait_until(all_arrived, seconds, "the arrival of all files", agent.check_running)
        finally:
            print([(counting.printable(one.path), one.verdict()) for one in self.trackers if one.verdict()])
        assert [one.verdict() for one in self.trackers] == [None] * len(self.trackers)


def write_usual(path, lines=usual_lines):
    with open(path, "wb") as file:
        file.writelines(b"%s line %d\n" % (os.fsencode(path), number) for number in range(lines))


def write_long_line(path, size):
    """One line that does not repeat, and a short one behind it."""
    block = os.urandom(1 << 20).replace(b"\n", b"n").replace(b"\r", b"r")
    with open(path, "wb") as file:
        for number in range(size // len(block)):
            file.write(b"%016d" % number)
            file.write(block[16:])
        file.write(b"\nthe line after it\n")


def metric(agent, name):
    """The sum of a metric's values whose name and labels begin with `name`."""
    port = programs.wait_until(
        lambda: re.findall(r"listening: http (\d+)", agent.log.read_text(errors="replace")), 30, "the agent's start"
    )[-1]
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def start_agent(stage, collector, place, **more):
    return stage.agent([collector], [place / "in" / "**" / "*log*"], extra=["--set", "agent.http=127.0.0.1:0"], **more)


def warnings_about(agent, path):
    return [line for line in agent.log.read_text(errors="replace").splitlines() if " warn" in line and str(path) in line]


@pytest.fixture
def folder(place):
    made = place / "in"
    made.mkdir(mode=0o755)
    return made


def test_what_is_no_log_file_is_left_alone(stage, collector, place, folder):
    followed = Followed(collector)
    outside = place / "outside"
    outside.mkdir()

    for number in range(5):
        write_usual(folder / f"usual-{number}.log")
        followed.add(folder / f"usual-{number}.log")
    (folder / "deep" / "down").mkdir(parents=True)
    write_usual(folder / "deep" / "down" / "usual.log")
    followed.add(folder / "deep" / "down" / "usual.log")
    awkward = os.fsencode(folder) + b"/caf\xe9 \xff\nlb.path=x,.log"
    write_usual(awkward)
    followed.add(awkward)

    # Pipes, one of them with a writer and bytes in it, by their own names and by a link's.
    os.mkfifo(folder / "pipe.log")
    os.mkfifo(folder / "written-pipe.log")
    pipe = os.open(folder / "written-pipe.log", os.O_RDWR | os.O_NONBLOCK)
    os.write(pipe, b"for another reader\n")
    os.symlink("written-pipe.log", folder / "link-to-pipe.log")
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(folder)  # the name of a socket must be short
    listener.bind("socket.log")
    os.chdir(here)
    if os.geteuid() == 0:
        os.mknod(folder / "endless.log", stat.S_IFCHR | 0o644, os.makedev(1, 5))
    (folder / "directory.log").mkdir()
    (folder / "empty.log").touch()
    # Links: into nothing, into each other, up the tree, and to a file elsewhere.
    os.symlink("nowhere", folder / "dangling.log")
    os.symlink("itself.log", folder / "itself.log")
    os.symlink("loop-b.log", folder / "loop-a.log")
    os.symlink("loop-a.log", folder / "loop-b.log")
    os.symlink("..", folder / "deep" / "up")
    os.symlink(folder, folder / "deep" / "down" / "top")
    write_usual(outside / "target.txt")
    os.symlink(outside / "target.txt", folder / "linked.log")
    followed.add(folder / "linked.log")
    # Two names for one file: it is read once.
    write_usual(folder / "first-name.log")
    os.link(folder / "first-name.log", folder / "second-name.log")
    # Compressed, by name and by content.
    (folder / "usual-0.log.1.gz").write_bytes(b"\x1f\x8b\x08" + b"\0" * 100)
    (folder / "disguised.log.2").write_bytes(b"\x28\xb5\x2f\xfd" + b"\1\2\n" * 100)

    agent = start_agent(stage, collector, place)
    followed.wait(agent)
    # What is found later than all of that, and read, shows that nothing hangs.
    os.unlink(folder / "dangling.log")
    write_usual(outside / "late.txt")
    os.symlink(outside / "late.txt", folder / "dangling.log")
    followed.add(folder / "dangling.log")
    followed.trackers = followed.trackers[-1:]
    followed.wait(agent)

    assert os.read(pipe, 100) == b"for another reader\n"
    os.close(pipe)
    listener.close()
    expected = {os.fsencode(folder / f"usual-{number}.log") for number in range(5)}
    expected |= {os.fsencode(folder / name) for name in ("deep/down/usual.log", "linked.log", "dangling.log")}
    expected |= {awkward, os.fsencode(folder / "first-name.log")}
    other_name = os.fsencode(folder / "second-name.log")
    if other_name in followed.paths:  # which of the two is found first is the directory's order
        expected ^= {os.fsencode(folder / "first-name.log"), other_name}
    assert followed.paths == expected
    assert agent.peak_memory_bytes() < memory_bytes_max


def test_a_very_long_line_comes_in_pieces(stage, collector, place, folder):
    followed = Followed(collector)
    write_long_line(folder / "long.log", long_line_bytes)
    write_usual(folder / "usual.log")
    write_usual(folder / "growing.log", 1)
    followed.add(folder / "long.log")
    followed.add(folder / "usual.log")

    def keep_writing(stop):
        with open(folder / "growing.log", "ab", buffering=0) as log:
            for number in range(1, 1000):
                log.write(b"%s line %d\n" % (os.fsencode(folder / "growing.log"), number))
                if stop.wait(0.002):  # the pace of the writer
                    break

    with Background(keep_writing) as writer:
        agent = start_agent(stage, collector, place)
        followed.wait(agent, 300)
        writer.join()
    followed.add(folder / "growing.log")
    # Its records came and went with the others: read once more.
    followed.reader = counting.KcatReader(collector.broker, "logs")
    followed.trackers = followed.trackers[-1:]
    followed.wait(agent)

    peak = agent.peak_memory_bytes()
    print(f"{long_line_bytes >> 20} MiB in one line: the agent had {peak / 1e6:.1f} MB resident at most")
    assert peak < memory_bytes_max


def test_what_may_not_be_read_is_said_once_and_read_later(stage, collector, place, folder):
    followed = Followed(collector)
    write_usual(folder / "usual.log")
    followed.add(folder / "usual.log")
    write_usual(folder / "secret.log")
    os.chmod(folder / "secret.log", 0o600)
    (folder / "closed").mkdir()
    write_usual(folder / "closed" / "hidden.log")
    os.chmod(folder / "closed", 0o700)
    as_nobody(stage)

    agent = start_agent(stage, collector, place, more_input='rescan_interval = "500ms"\n')
    followed.wait(agent)
    programs.wait_until(lambda: metric(agent, "logboom_agent_rescans_total") >= 3, 30, "three rescans", agent.check_running)

    assert metric(agent, 'logboom_agent_files{state="unreadable"}') == 2
    said = warnings_about(agent, folder / "secret.log")
    assert len(said) == 1, said
    for part in ("cannot be read", "Permission denied", "uid 0 gid 0 mode 0600", "CAP_DAC_READ_SEARCH"):
        assert part in said[0]
    said = warnings_about(agent, folder / "closed")
    assert len(said) == 1, said
    for part in ("cannot be listed", "Permission denied", "CAP_DAC_READ_SEARCH"):
        assert part in said[0]
    assert followed.paths == {os.fsencode(folder / "usual.log")}

    os.chmod(folder / "secret.log", 0o644)
    os.chmod(folder / "closed", 0o755)
    followed.add(folder / "secret.log")
    followed.add(folder / "closed" / "hidden.log")
    followed.trackers = followed.trackers[-2:]
    followed.wait(agent)
    programs.wait_until(
        lambda: metric(agent, 'logboom_agent_files{state="unreadable"}') == 0, 30, "the end of unreadable files", agent.check_running
    )
