"""A configuration with ten mistakes is answered with all ten, each at its place."""

import re
import subprocess

import programs
import pytest

agent_text = """\
[agent]
http = "nowhere"
log_level = "loud"
colour = "blue"

[output]
collectors = "lb1:7460"
compression = "lz5"
batch_age_max = "soon"

[[input.file]]
name = "app"
paths = ["var/log/app.log"]
read_from = "begining"
line_bytes_max = "9 elephants"

[[input.fil]]
name = "more"
"""
agent_lines = [2, 3, 4, 7, 8, 9, 13, 14, 15, 17]

collector_text = """\
[node]
shards = "many"
pin = "no"
data_dir = "/var/lib/logboom"
log_level = "loud"

[[listener]]
protocol = "kafka"
listen = "127.0.0.1"

[[listener]]
protocol = "kafak"
listen = "127.0.0.1:7460"

[topic_defaults]
partitions = 0
segment_bytes = "1 GiB"
auto_create = "yes"

[limits]
connections = -1
"""
collector_lines = [2, 3, 4, 5, 9, 12, 16, 17, 18, 21]


@pytest.mark.parametrize(
    "program, text, wrong_lines",
    [("logboom-agent", agent_text, agent_lines), ("logboom-collector", collector_text, collector_lines)],
    ids=["agent", "collector"],
)
def test_all_ten_mistakes_are_reported_with_their_places(program, text, wrong_lines, place):
    file = place / "config.toml"
    file.write_text(text)

    done = subprocess.run(
        [programs.stage / program, "check", "--config", file], capture_output=True, text=True, timeout=60
    )

    reported = re.findall(rf"^{re.escape(str(file))}:(\d+):(\d+): error: ", done.stdout + done.stderr, re.MULTILINE)
    assert [int(line) for line, _ in reported] == wrong_lines, done.stdout + done.stderr
    assert all(int(column) > 0 for _, column in reported)
    assert done.returncode == 78


def test_a_misspelt_key_is_answered_with_the_right_one(place):
    file = place / "agent.toml"
    file.write_text('[[input.file]]\nname = "app"\npaths = ["/var/log/*.log"]\nexlude = ["*.gz"]\n')

    done = subprocess.run([programs.stage / "logboom-agent", "check", "--config", file], capture_output=True, text=True)

    assert re.search(r":4:1: error: .*exlude.*\n.*\|.*\n.*\^~+.*did you mean .exclude.", done.stdout + done.stderr)
    assert done.returncode == 78


def test_an_agent_without_inputs_names_the_table_that_is_missing(place):
    file = place / "agent.toml"
    file.write_text("")

    done = subprocess.run([programs.stage / "logboom-agent", "--config", file], capture_output=True, text=True, timeout=60)

    assert "[[input.file]]" in done.stdout + done.stderr
    assert done.returncode == 78


def test_a_good_configuration_passes(place):
    file = place / "agent.toml"
    file.write_text('[[input.file]]\nname = "app"\npaths = ["/var/log/*.log"]\n')

    done = subprocess.run([programs.stage / "logboom-agent", "check", "--config", file], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
