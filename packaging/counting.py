"""Counts what of each file has arrived, with kcat's eyes, and compares it with the file byte by byte.

A record's value is a line without its end. So the records of a file, in their order and with the line
ends put back, are the file; a FileTracker walks along the file as they come. Paths are bytes throughout.
"""

import collections
import errno
import fcntl
import json
import os
import re
import secrets
import stat
import struct
import subprocess

from programs import ProgramFailed

bom = b"\xef\xbb\xbf"
line_bytes_max = 1 << 20  # [[input.file]] line_bytes_max: a longer line comes in pieces
window_bytes = 4 << 20

# No text, or compressed: the agent is told to leave these alone as well.
excluded_names = ("wtmp*", "btmp*", "lastlog*", "faillog*", "tallylog*", "*.journal", "*.journal~")
compressed_suffixes = (b".gz", b".xz", b".bz2", b".zst", b".lz4", b".lzma", b".Z", b".zip")


def printable(path):
    """A path as people read it: what is no UTF-8 as \\xNN."""
    return path.decode("utf-8", errors="backslashreplace")


class FileTracker:
    """One file as it was when shipping began: the first `limit` bytes behind its descriptor.

    The descriptor stays with the file when it is renamed. Records are taken in order; each must be the
    very bytes at the position reached. The line that crosses the limit is counted, its bytes up to it.
    """

    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        status = os.fstat(self.fd)
        self.identity = (status.st_dev, status.st_ino)
        self.limit = status.st_size
        self.position = 0
        self.lines = 0
        self.records = 0
        self.strays = 0  # records that name this file and are not its next bytes
        self.first_stray = b""
        self.later = 0  # records that came after all of it had arrived
        self.note = ""
        self._window = b""
        self._window_at = 0
        self.lines_expected, self.records_expected = self._survey()
        if self._is_only_bom():
            self.position = self.limit

    def close(self):
        os.close(self.fd)

    @property
    def complete(self):
        return self.position >= self.limit

    @property
    def bytes_arrived(self):
        return min(self.position, self.limit)

    def take(self, value):
        """Whether `value` is the next record of this file; then the position moves behind it and its line end."""
        start = self.position
        if start == 0 and self._matches(0, bom) and not value.startswith(bom):
            start = len(bom)
        if not self._matches(start, value):
            return False
        begins_line = self.position == 0 or self._bytes_at(self.position - 1, 1) == b"\n"
        end = start + len(value)
        tail = self._bytes_at(end, 2)
        if tail.startswith(b"\n"):
            end += 1
        elif tail == b"\r\n":
            end += 2
        elif end == self.position:
            return False  # an empty value where no empty line is
        self.position = end
        self.records += 1
        self.lines += begins_line
        return True

    def stray(self, value):
        self.strays += 1
        self.first_stray = self.first_stray or value[:80]

    def moved(self):
        """Whether its path now leads elsewhere: rotated or removed."""
        try:
            status = os.stat(self.path)
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != self.identity

    def only_an_open_line_is_missing(self):
        """What is left is the beginning of a line that a writer still has open: rightly not shipped."""
        rest = os.pread(self.fd, self.limit - self.position, self.position)
        return b"\n" not in rest and self._has_writer()

    def verdict(self):
        """None if all has arrived, else what is wrong."""
        if self.strays and not (self.complete and self.moved()):
            return f"{self.strays} records are not what the file has at byte {self.position}"
        if not self.complete:
            if os.fstat(self.fd).st_size < self.limit:
                return "the file was truncated meanwhile"
            return f"{self.limit - self.position} bytes are missing"
        if self.later and not self.moved() and os.fstat(self.fd).st_size == self.limit:
            return f"{self.later} records too many"
        if self.lines != self.lines_expected or self.records != self.records_expected:
            return "the count differs"
        return None

    def _survey(self):
        """Counts lines and records up to the limit, apart from what arrives."""
        lines = pieces = at = 0
        start = len(bom) if self._matches(0, bom) else 0  # of the line at hand
        while at < self.limit:
            block = os.pread(self.fd, min(window_bytes, self.limit - at), at)
            if not block:
                break
            parts = block.split(b"\n")
            lines += len(parts) - 1
            if len(parts) > 1 and (at + len(parts[0]) - start > line_bytes_max or max(map(len, parts)) > line_bytes_max):
                end = at
                for part in parts[:-1]:
                    end += len(part)
                    pieces += self._further_pieces(start, end)
                    start = end = end + 1
            if len(parts) > 1:
                start = at + len(block) - len(parts[-1])
            at += len(block)
        if start < self.limit:
            lines += 1
            pieces += self._further_pieces(start, self.limit)
        return lines, lines + pieces

    def _further_pieces(self, start, end):
        """How many records beyond the first the line [start, end) makes: cut after at most a maximum of
        bytes, before a UTF-8 sequence rather than within."""
        pieces = 0
        if self._bytes_at(end - 1, 1) == b"\r":
            end -= 1
        while end - start > line_bytes_max:
            around = self._bytes_at(start + line_bytes_max - 3, 4)
            back = 0
            while back < 3 and 0x80 <= around[3 - back] < 0xC0:
                back += 1
            if 0x80 <= around[3 - back] < 0xC0:
                back = 0  # no UTF-8: nothing to spare
            start += line_bytes_max - back
            pieces += 1
        return pieces

    def _is_only_bom(self):
        return self.limit == len(bom) and self._matches(0, bom)

    def _has_writer(self):
        """The kernel refuses a read lease while anybody has the file open for writing."""
        try:
            fcntl.fcntl(self.fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            return error.errno == errno.EAGAIN
        fcntl.fcntl(self.fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False

    def _bytes_at(self, at, count):
        if not (self._window_at <= at and at + count <= self._window_at + len(self._window)):
            self._window = os.pread(self.fd, max(window_bytes, count), at)
            self._window_at = at
        offset = at - self._window_at
        return self._window[offset : offset + count]

    def _matches(self, at, expected):
        if not (self._window_at <= at and at + len(expected) <= self._window_at + len(self._window)):
            self._window = os.pread(self.fd, max(window_bytes, len(expected)), at)
            self._window_at = at
        return self._window.startswith(expected, at - self._window_at)


class Arrivals:
    """Leads each arriving record to the file it came from."""

    def __init__(self, trackers):
        self.trackers = trackers
        self.later = 0  # records of lines and files that appeared since
        self.nameless = 0
        self._by_path = {}
        self._by_identity = {}
        for tracker in trackers:
            self._by_path[tracker.path] = tracker
            self._by_identity[tracker.identity] = tracker

    def place(self, path, value):
        if path is None:
            self.nameless += 1
            return
        candidates = self._candidates(path)
        waiting = [tracker for tracker in candidates if not tracker.complete]
        if any(tracker.take(value) for tracker in waiting):
            return
        if waiting:
            waiting[0].stray(value)
            return
        self.later += 1
        if candidates:
            candidates[0].later += 1

    def complete(self):
        return all(tracker.complete for tracker in self.trackers)

    def bytes_arrived(self):
        return sum(tracker.bytes_arrived for tracker in self.trackers)

    def _candidates(self, path):
        """The file that had this path, and the one that has got it since by a rename."""
        first = self._by_path.get(path)
        if first is not None and not first.complete and not first.strays:
            return [first]
        try:
            status = os.stat(path)
        except OSError:
            return [first] if first is not None else []
        second = self._by_identity.get((status.st_dev, status.st_ino))
        return [tracker for tracker in dict.fromkeys((first, second)) if tracker is not None]


class Record:
    __slots__ = ("offset", "path", "value")

    def __init__(self, offset, path, value):
        self.offset = offset
        self.path = path
        self.value = value


_path_header = re.compile(rb"(?:^|,)lb\.path=(.*?)(?=,lb\.[a-z0-9_.]+=|$)", re.DOTALL)


class KcatReader:
    """Reads a topic with kcat, each call from where the last one ended up to the topic's end of that moment.

    The end is asked for beforehand: of a log that is written to all the time kcat -e alone finds none.

    kcat's own output is framed by lengths and two random marks, so that values and headers may hold any
    bytes. No consumer group: partitions and offsets are named. kcat checks each batch's CRC.
    """

    def __init__(self, broker, topic):
        self.broker = broker
        self.topic = topic
        self.next_offset = collections.defaultdict(int)
        self._after_value = secrets.token_hex(8)
        self._after_headers = secrets.token_hex(8)
        self._path_of = {}

    def read(self):
        for partition in self._partitions():
            yield from self._read_partition(partition)

    def _partitions(self):
        answer = subprocess.run(
            ["kcat", "-b", self.broker, "-L", "-J", "-t", self.topic, "-m", "10"], capture_output=True, timeout=60
        )
        if answer.returncode != 0:
            raise ProgramFailed("kcat could not list the topic:\n" + answer.stderr.decode(errors="replace"))
        topics = json.loads(answer.stdout)["topics"]
        return sorted(
            partition["partition"]
            for topic in topics
            if topic["topic"] == self.topic and "error" not in topic
            for partition in topic["partitions"]
            if partition.get("leader", -1) >= 0
        )

    def _end_offset(self, partition):
        command = ["kcat", "-Q", "-b", self.broker, "-t", f"{self.topic}:{partition}:-1"]
        answer = subprocess.run(command, capture_output=True, timeout=60)
        offset = answer.stdout.strip().rpartition(b" ")[2]
        if answer.returncode != 0 or not offset.isdigit():
            raise ProgramFailed("kcat could not find the topic's end:\n" + answer.stderr.decode(errors="replace"))
        return int(offset)

    def _read_partition(self, partition):
        count = self._end_offset(partition) - self.next_offset[partition]
        if count <= 0:
            return
        command = ["kcat", "-b", self.broker, "-C", "-t", self.topic, "-p", str(partition), "-e", "-q", "-c", str(count)]
        command += ["-o", str(self.next_offset[partition]), "-X", "check.crcs=true", "-X", "auto.offset.reset=error"]
        command += ["-f", f"%o %R%s{self._after_value}%h{self._after_headers}"]
        kcat = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            held = b""
            while True:
                block = kcat.stdout.read(window_bytes)
                if not block:
                    break
                held += block
                done = 0
                for end, record in self._parse(held):
                    self.next_offset[partition] = record.offset + 1
                    done = end
                    yield record
                held = held[done:]
            words = kcat.stderr.read().decode(errors="replace")
            if kcat.wait() != 0 or held:
                raise ProgramFailed(f"kcat ended with {kcat.returncode}, {len(held)} bytes unread:\n{words}")
        finally:
            if kcat.poll() is None:
                kcat.kill()
                kcat.wait()
            kcat.stdout.close()
            kcat.stderr.close()

    def _parse(self, held):
        after_value = self._after_value.encode()
        after_headers = self._after_headers.encode()
        at = 0
        while True:
            space = held.find(b" ", at, at + 24)
            if space < 0 or space + 5 > len(held):
                return
            (length,) = struct.unpack_from(">i", held, space + 1)
            value_end = space + 5 + max(length, 0)
            if value_end + len(after_value) > len(held):
                return
            if not held.startswith(after_value, value_end):
                raise ProgramFailed(f"kcat's output is not what was asked for near {held[at:at + 40]!r}")
            headers_end = held.find(after_headers, value_end)
            if headers_end < 0:
                return
            headers = held[value_end + len(after_value) : headers_end]
            record = Record(int(held[at:space]), self._path(headers), held[space + 5 : value_end])
            at = headers_end + len(after_headers)
            yield at, record

    def _path(self, headers):
        """`lb.path` of the headers as kcat prints them; nearly all records of a file have the same."""
        known = self._path_of.get(headers)
        if known is None:
            found = _path_header.search(headers)
            known = found.group(1) if found else b""
            if len(self._path_of) < 10000:
                self._path_of[headers] = known
        return known or None


def text_files(folder):
    """The regular text files below `folder`, and what was passed over as [(path, why)]."""
    chosen, passed_over, seen = [], [], set()
    for directory, subdirectories, names in os.walk(os.fsencode(folder)):
        subdirectories[:] = sorted(name for name in subdirectories if name != b"journal")
        for name in sorted(names):
            path = os.path.join(directory, name)
            try:
                status = os.lstat(path)
                if not stat.S_ISREG(status.st_mode):
                    continue
                why = _why_not_text(path, name)
            except OSError as error:
                why = error.strerror
            if why is None and (status.st_dev, status.st_ino) in seen:
                why = "another name of a file listed already"
            if why is None:
                seen.add((status.st_dev, status.st_ino))
                chosen.append(path)
            else:
                passed_over.append((path, why))
    return chosen, passed_over


def _why_not_text(path, name):
    stem = name.split(b".")[0]
    if stem in (b"wtmp", b"btmp", b"lastlog", b"faillog", b"tallylog"):
        return "login records, no text"
    if name.endswith((b".journal", b".journal~")):
        return "a journal"
    if name.endswith(compressed_suffixes):
        return "compressed"
    with open(path, "rb", opener=lambda p, flags: os.open(p, flags | os.O_NONBLOCK)) as file:
        head = file.read(65536)
    # Text in any encoding of one byte, or with some wrong bytes in it, is text still.
    if b"\0" in head:
        return "binary"
    return None


def glob_escaped(path):
    return re.sub(r"([*?\[\]])", r"[\1]", path)


def agent_excludes(passed_over):
    """What the agent is told to pass over, so that only the files chosen are shipped."""
    patterns = list(excluded_names) + ["*.lzma", "*.Z", "*.zip", "/var/log/journal/**"]
    for path, why in passed_over:
        try:
            if why == "binary":
                patterns.append(glob_escaped(path.decode("utf-8")))
        except UnicodeDecodeError:
            pass  # TOML cannot say this name; its records are counted as of no interest
    return patterns
