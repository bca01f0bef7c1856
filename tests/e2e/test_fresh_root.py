"""The README's command on a Debian 12 that has nothing yet: in a fresh root, with logs of every awkward kind.

Takes long (packages are downloaded and everything is built twice over), so only with LB_LONG=1.
"""

import os
import shutil
import subprocess
import threading
import time

import pytest
from conftest import is_long, root

mirror = "http://deb.debian.org/debian"
# Inside a mount namespace of its own, so that the mounts go when the command ends, whatever happens.
enter_script = """
mount -t proc proc "$1/proc" && mount --rbind /sys "$1/sys" && mount --rbind /dev "$1/dev" || exit 99
fresh=$1; shift
exec chroot "$fresh" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
"""


def in_fresh_root(fresh, *command, **options):
    unshare = ["unshare", "--mount", "--propagation", "private", "bash", "-c", enter_script, "enter", str(fresh)]
    return subprocess.Popen([*unshare, *command], stdin=subprocess.DEVNULL, **options)


@pytest.fixture(scope="module")
def fresh():
    if not is_long:
        pytest.skip("takes half an hour: only with LB_LONG=1")
    if os.geteuid() != 0:
        pytest.skip("chroot and mounts need root")
    if shutil.which("debootstrap") is None:
        pytest.skip("debootstrap is not installed")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    folder = root / "build" / "fresh"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    subprocess.run(["debootstrap", "--variant=minbase", "bookworm", folder / "root", mirror], check=True)
    shutil.copy("/etc/resolv.conf", folder / "root" / "etc" / "resolv.conf")
    copy_sources(folder / "root" / "src")
    return folder / "root"


def copy_sources(target):
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=root, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)


def fill(folder, gencorpus):
    """Twelve files, 200 MB: four kinds, and everything that is awkward about log files."""
    folder.mkdir(exist_ok=True)
    gencorpus(folder / "nginx.log", "nginx", 40, "--seed", 1)
    gencorpus(folder / "app.json", "json", 40, "--seed", 2)
    gencorpus(folder / "java.log", "java", 40, "--seed", 3)
    gencorpus(folder / "syslog", "rfc3164", 30, "--seed", 4)
    gencorpus(folder / "blank.log", "mixed", 10, "--seed", 5, "--blank-lines")
    gencorpus(folder / "windows.log", "mixed", 10, "--seed", 6, "--crlf", "--blank-lines")
    gencorpus(folder / "open-end.log", "nginx", 5, "--seed", 7, "--no-final-newline")
    gencorpus(folder / "long.log", "json", 10, "--seed", 8, "--long-line", 3_000_000)
    gencorpus(folder / "appended.log", "nginx", 5, "--seed", 10)
    gencorpus(folder / "rotated.log", "rfc5424", 5, "--seed", 11)
    (folder / "deep").mkdir()
    gencorpus(folder / "deep" / "bom.log", "java", 4, "--seed", 12)
    marked = folder / "deep" / "bom.log"
    marked.write_bytes(b"\xef\xbb\xbf" + marked.read_bytes())
    made = gencorpus(folder / "plain.log", "rfc3164", 2, "--seed", 9)
    os.rename(made, os.fsencode(folder) + b"/caf\xe9 \xff.log")


class Meanwhile:
    """What happens to the logs while they are shipped: one is written to, one is rotated."""

    def __init__(self, folder):
        self.folder = folder
        self.rotated = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._append)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join()

    def rotate(self):
        if not self.rotated:
            self.rotated = True
            os.rename(self.folder / "rotated.log", self.folder / "rotated.log.1")
            (self.folder / "rotated.log").write_bytes(b"the first line of the next file\n")

    def _append(self):
        with open(self.folder / "appended.log", "ab", buffering=0) as log:
            while not self._stopped.wait(0.05):
                log.write(b"one more line\n")


def run_once(fresh):
    """(exit status, output, seconds from its start)"""
    began = time.monotonic()
    process = in_fresh_root(fresh, "/src/packaging/quickstart", "--once", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    with Meanwhile(fresh / "var" / "log") as meanwhile:
        for line in process.stdout:
            lines.append(line)
            print(line, end="", flush=True)
            if line.startswith("agent: follows") and (fresh / "var/log/rotated.log.1").exists() is False:
                meanwhile.rotate()
    return process.wait(), "".join(lines), time.monotonic() - began


def test_quickstart_once_on_a_bare_debian(fresh, gencorpus):
    fill(fresh / "var" / "log", gencorpus)

    status, output, _ = run_once(fresh)
    assert status == 0, output[-4000:]
    for name in ("nginx.log", "windows.log", "long.log", r"caf\xe9 \xff.log", "rotated.log", "appended.log", "bom.log"):
        assert name in output

    status, output, seconds = run_once(fresh)
    assert status == 0, output[-4000:]
    assert seconds < 60


def test_all_tests_pass_on_a_bare_debian(fresh):
    process = in_fresh_root(fresh, "/src/tests/run", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in process.stdout:
        lines.append(line)
        print(line, end="", flush=True)

    assert process.wait() == 0, "".join(lines[-60:])
