"""The command of the README, on this machine's own /var/log."""

import subprocess
import time

from conftest import root


def test_quickstart_once_ships_and_counts_every_file_within_a_minute(stage):
    began = time.monotonic()

    done = subprocess.run([root / "packaging" / "quickstart", "--once"], capture_output=True, text=True, timeout=600)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "files match" in done.stdout or "nothing to ship" in done.stdout
    assert time.monotonic() - began < 60
