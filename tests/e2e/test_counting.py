"""The quickstart's counting is a measuring instrument: it must see a line lost, doubled or changed."""

import os

import counting
import pytest

line_max = counting.line_bytes_max


@pytest.fixture
def track(place):
    """A function: file content -> FileTracker."""

    def make(data, name=b"app.log"):
        path = os.fsencode(place) + b"/" + name
        with open(path, "wb") as file:
            file.write(data)
        return counting.FileTracker(path)

    return make


def verdict_after(tracker, values):
    arrivals = counting.Arrivals([tracker])
    for value in values:
        arrivals.place(tracker.path, value)
    return tracker.verdict()


@pytest.mark.parametrize(
    "data, values",
    [
        (b"a\nb\n", [b"a", b"b"]),
        (b"a\n\n\nb\n", [b"a", b"", b"", b"b"]),
        (b"a\r\n\r\nb\r\r\n", [b"a", b"", b"b\r"]),
        (b"\xef\xbb\xbfa\nb", [b"a", b"b"]),
        (b"\xef\xbb\xbf", []),
        (b"", []),
        (b"\xff\0\n\xc3\n", [b"\xff\0", b"\xc3"]),
        (b"x" * (2 * line_max + 5) + b"\ny\n", [b"x" * line_max, b"x" * line_max, b"x" * 5, b"y"]),
        (b"x" * line_max + b"\r\n", [b"x" * line_max]),
        ("é".encode() * line_max + b"\n", ["é".encode() * (line_max // 2)] * 2),
        (b"a" + "é".encode() * (line_max // 2) + b"\n", [b"a" + "é".encode() * (line_max // 2 - 1), "é".encode()]),
    ],
    ids=[
        *("two-lines", "empty-lines", "crlf", "bom", "only-a-bom", "nothing", "wrong-bytes"),
        *("in-three-pieces", "just-not-too-long", "two-byte-characters", "cut-before-a-character"),
    ],
)
def test_what_arrives_whole_is_found_whole(track, data, values):
    tracker = track(data)

    assert verdict_after(tracker, values) is None
    assert tracker.bytes_arrived == len(data)
    assert tracker.records == tracker.records_expected == len(values)


@pytest.mark.parametrize(
    "values, complaint",
    [
        ([b"one", b"two"], "6 bytes are missing"),
        ([b"one", b"three"], "not what the file has"),
        ([b"one", b"one", b"two", b"three"], "not what the file has"),
        ([b"two", b"one", b"three"], "not what the file has"),
        ([b"one", b"two", b"three", b"three"], "too many"),
        ([b"one", b"twO", b"three"], "not what the file has"),
        ([b"one", b"tw", b"o", b"three"], "the count differs"),
        ([b"one", b"", b"two", b"three"], "not what the file has"),
        ([], "14 bytes are missing"),
    ],
    ids=["end-lost", "line-lost", "doubled", "swapped", "last-doubled", "changed", "torn", "line-added", "all-lost"],
)
def test_what_is_wrong_is_seen(track, values, complaint):
    tracker = track(b"one\ntwo\nthree\n")

    assert complaint in verdict_after(tracker, values)


def test_lines_written_after_the_start_are_not_counted(track):
    tracker = track(b"one\ntw")
    with open(tracker.path, "ab") as file:
        file.write(b"o\nthree\n")

    assert verdict_after(tracker, [b"one", b"two", b"three"]) is None
    assert tracker.lines == 2


def test_a_rotated_file_is_followed_under_both_names(track, place):
    tracker = track(b"one\ntwo\nthree\n")
    arrivals = counting.Arrivals([tracker])
    arrivals.place(tracker.path, b"one")
    os.rename(tracker.path, tracker.path + b".1")
    with open(tracker.path, "wb") as successor:
        successor.write(b"next\n")

    arrivals.place(tracker.path + b".1", b"two")
    arrivals.place(tracker.path, b"three")
    arrivals.place(tracker.path, b"next")

    assert tracker.verdict() is None
    assert arrivals.later == 1


def test_text_files_are_told_from_others(place):
    (place / "deep").mkdir()
    (place / "journal").mkdir()
    files = {
        b"app.log": b"text\n",
        b"caf\xe9.log": b"\xff\xfe is text with wrong bytes\n",
        b"empty.log": b"",
        b"deep/more": b"text\n",
        b"wtmp": b"text\n",
        b"app.log.1.gz": b"text\n",
        b"blob": b"a\0b",
        b"journal/x": b"text\n",
    }
    folder = os.fsencode(place)
    for name, data in files.items():
        with open(folder + b"/" + name, "wb") as file:
            file.write(data)
    os.symlink(folder + b"/app.log", folder + b"/link")

    chosen, passed_over = counting.text_files(place)

    names = {path[len(folder) + 1 :] for path in chosen}
    assert names == {b"app.log", b"caf\xe9.log", b"empty.log", b"deep/more"}
    assert dict((path[len(folder) + 1 :], why) for path, why in passed_over)[b"blob"] == "binary"
