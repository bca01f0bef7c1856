"""Starts and stops the staged programs: for the quickstart and for the end-to-end tests.

Every program gets port 0 and its own folder; it is ended by its process id, and the kernel ends it when
its starter dies. What a program writes goes to a file beside its data.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

root = Path(__file__).resolve().parent.parent
release_build = root / "build" / "release"
stage = root / "build" / "stage" / "usr" / "bin"
program_names = ("logboom-agent", "logboom-collector", "logboomctl")

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class ProgramFailed(Exception):
    """A program did not do what it was started for; the text is for the user."""


def end_with_starter():
    """Runs in the child: its life is bound to its starter's, also when that is killed with -9."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_until(condition, seconds, what, alive=None):
    """Returns the first true value of `condition()`. `alive()` may raise when waiting has become pointless."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if alive is not None:
            alive()
        if time.monotonic() > deadline:
            raise ProgramFailed(f"{what} did not happen within {seconds} s")
        time.sleep(0.05)


class Program:
    """One running program. `log` collects both of its outputs, over restarts."""

    def __init__(self, name, arguments, log, environment=None):
        self.name = name
        self.arguments = [str(argument) for argument in arguments]
        self.log = Path(log)
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches only the starter, which then stops things in order.
            self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
                preexec_fn=end_with_starter,
            )

    def running(self):
        return self.process is not None and self.process.poll() is None

    def check_running(self):
        if not self.running():
            raise ProgramFailed(f"{self.name} ended with {ending(self.process.returncode)}:\n{self.last_words()}")

    def last_words(self, lines=15):
        text = self.log.read_bytes().decode(errors="backslashreplace").splitlines()[-lines:]
        return "\n".join("    " + line for line in text) or "    (it wrote nothing)"

    def kill(self):
        """As a crash would: no goodbye."""
        if self.running():
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds=15):
        """Asks politely, then insists. Returns the exit status; negative: ended by that signal."""
        if self.process is None:
            return None
        if self.running():
            os.kill(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def peak_memory_bytes(self):
        """The most memory this process has had resident since its start."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise ProgramFailed(f"no peak memory is known for {self.name}")


def ending(status):
    if status is not None and status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"


class Collector(Program):
    """One collector for development: a node with one shard, on free ports of the loopback."""

    def __init__(self, data_dir, log, binaries=stage, extra=(), environment=None):
        self.data_dir = Path(data_dir)
        self.ports_file = self.data_dir / "ports.json"
        self.bound = {}
        arguments = [Path(binaries) / "logboom-collector", "--dev", "--data-dir", self.data_dir]
        for index, protocol in enumerate(("kafka", "agents", "http")):
            arguments += ["--set", f"listener[{index}].protocol={protocol}"]
            arguments += ["--set", f"listener[{index}].listen=127.0.0.1:0"]
        arguments += extra
        super().__init__("logboom-collector", arguments, log, environment)

    def start(self, seconds=60):
        """Returns when its doors answer."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.ports_file.unlink(missing_ok=True)
        super().start()
        self.bound = wait_until(self._read_ports, seconds, "the start of logboom-collector", self.check_running)

    def port(self, protocol):
        """`kafka`, `agents` or `http`."""
        return self.bound[protocol]

    @property
    def broker(self):
        return f"127.0.0.1:{self.port('kafka')}"

    def _read_ports(self):
        try:
            found = json.loads(self.ports_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        bound = {name: _port_of(value) for name, value in found.items() if _port_of(value)}
        if "kafka" not in bound or "agents" not in bound:
            return None
        for protocol in ("kafka", "agents"):
            try:
                socket.create_connection(("127.0.0.1", bound[protocol]), 1).close()
            except OSError:
                return None
        return bound


def _port_of(value):
    """A port, or the port of an address such as 127.0.0.1:9092."""
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        return int(value.rsplit(":", 1)[-1])
    return 0


class Agent(Program):
    def __init__(self, config_file, log, binaries=stage, extra=(), environment=None):
        arguments = [Path(binaries) / "logboom-agent", "--config", config_file, *extra]
        super().__init__("logboom-agent", arguments, log, environment)


def toml_text(text):
    """A TOML basic string."""
    escaped = "".join(
        f"\\{char}" if char in '"\\' else char if char.isprintable() else f"\\u{ord(char):04x}" for char in text
    )
    return f'"{escaped.replace("$", "$$")}"'


def toml_list(texts):
    return "[" + ", ".join(toml_text(text) for text in texts) + "]"


def agent_config(state_dir, collectors, paths, exclude=(), topic="logs", more_input="", more_output=""):
    """The text of an agent.toml with one file input."""
    return f"""[agent]
state_dir = {toml_text(str(state_dir))}
http = ""

[output]
collectors = {toml_list(collectors)}
topic = {toml_text(topic)}
{more_output}
[[input.file]]
name = "files"
paths = {toml_list(paths)}
exclude = {toml_list(exclude)}
ignore_older = "0"
{more_input}"""
