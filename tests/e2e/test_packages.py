"""The Debian packages: what they hold, what their units promise, and what happens to a system that installs them.

Form and units are looked at always; installing, upgrading, booting, removing and purging take a fresh Debian
root, and the static programs a build of their own: with LB_LONG=1.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import programs
import pytest
from conftest import is_long, root
from test_fresh_root import copy_sources, in_fresh_root, mirror

folder = root / "build" / "e2e" / "packages"
daemons = ("logboom-agent", "logboom-collector")


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **options).stdout


def make_packages(output, **environment):
    run(root / "packaging" / "build-deb", "--no-build", "--output", output, env={**os.environ, **environment})
    return {path.name.split("_")[0]: path for path in sorted(output.glob("*.deb"))}


@pytest.fixture(scope="module")
def packages():
    """Package's name to its file, made from build/release as it is."""
    if not (root / "build" / "release" / "build.ninja").exists():
        pytest.skip("the programs are not built: run packaging/quickstart --build-only")
    shutil.rmtree(folder, ignore_errors=True)
    return make_packages(folder / "first")


@pytest.fixture(scope="module")
def unpacked(packages):
    """One tree with the files of all three."""
    tree = folder / "tree"
    for name in (*daemons, "logboom-tools"):
        run("dpkg-deb", "-x", packages[name], tree)
    return tree


# What they hold

common = {
    "logboom-agent": {
        "-rw-r----- /etc/logboom/agent.toml",
        "drwxr-x--- /etc/logboom/agent.d/",
        "drwx------ /etc/logboom/credentials/",
        "-rwxr-xr-x /usr/bin/logboom-agent",
        "-rw-r--r-- /lib/systemd/system/logboom-agent.service",
        "-rw-r--r-- /usr/lib/sysusers.d/logboom-agent.conf",
        "-rw-r--r-- /usr/lib/tmpfiles.d/logboom-agent.conf",
        "-rw-r--r-- /usr/share/doc/logboom-agent/examples/agent.toml",
        "-rw-r--r-- /usr/share/man/man5/logboom-agent.toml.5.gz",
        "-rw-r--r-- /usr/share/man/man8/logboom-agent.8.gz",
    },
    "logboom-collector": {
        "-rw-r----- /etc/logboom/collector.toml",
        "drwxr-x--- /etc/logboom/collector.d/",
        "drwx------ /etc/logboom/credentials/",
        "-rwxr-xr-x /usr/bin/logboom-collector",
        "-rw-r--r-- /lib/systemd/system/logboom-collector.service",
        "-rw-r--r-- /usr/lib/sysusers.d/logboom-collector.conf",
        "-rw-r--r-- /usr/lib/tmpfiles.d/logboom-collector.conf",
        "-rw-r--r-- /usr/share/doc/logboom-collector/examples/collector.toml",
        "-rw-r--r-- /usr/share/man/man5/logboom-collector.toml.5.gz",
        "-rw-r--r-- /usr/share/man/man8/logboom-collector.8.gz",
    },
    "logboom-tools": {
        "-rwxr-xr-x /usr/bin/logboomctl",
        "-rw-r--r-- /usr/share/man/man1/logboomctl.1.gz",
    },
}


def listing(package):
    """"mode path" of everything but plain folders, and the owners that occur."""
    entries, owners = set(), set()
    for line in run("dpkg-deb", "-c", package).splitlines():
        mode, owner, _, _, _, path = line.split(None, 5)
        owners.add(owner)
        if mode != "drwxr-xr-x":
            entries.add(f"{mode} {path.removeprefix('.')}")
    return entries, owners


@pytest.mark.parametrize("name", common)
def test_a_package_holds_these_files_with_these_modes(packages, name):
    entries, owners = listing(packages[name])
    every = {f"-rw-r--r-- /usr/share/doc/{name}/{file}" for file in ("changelog.Debian.gz", "changelog.gz", "copyright")}
    assert entries == common[name] | every | {f"-rw-r--r-- /usr/share/lintian/overrides/{name}"}
    assert owners == {"root/root"}


def test_the_configurations_are_files_that_dpkg_does_not_overwrite(packages):
    for name, file in (("logboom-agent", "agent"), ("logboom-collector", "collector")):
        assert run("dpkg-deb", "-I", packages[name], "conffiles").split() == [f"/etc/logboom/{file}.toml"]


def test_the_packages_depend_on_debians_libraries(packages):
    for name in common:
        depends = run("dpkg-deb", "-f", packages[name], "Depends")
        for library in ("libc6", "libstdc++6", "liburing2", "liblz4-1"):
            assert library in depends


def test_two_builds_make_the_same_packages_byte_for_byte(packages):
    again = make_packages(folder / "again", TZ="Pacific/Auckland", LC_ALL="C", HOME="/nonexistent")
    assert again.keys() == packages.keys()
    for name, first in packages.items():
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, again[name])]
        assert digests[0] == digests[1], name


def test_a_build_from_scratch_elsewhere_makes_the_same_packages(packages):
    if not is_long:
        pytest.skip("compiles everything once more: only with LB_LONG=1")
    source = folder / "elsewhere" / "deeper"
    copy_sources(source)
    build = source / "build" / "release"
    options = ("--native-file", source / ".ci/profiles/release.ini", "--prefix=/usr", "-Dtests=false")
    run("/usr/bin/meson", "setup", build, *options, cwd=source)
    run("/usr/bin/ninja", "-C", build, env={**os.environ, "CCACHE_DISABLE": "1"})
    epoch = run("git", "log", "-1", "--format=%ct", cwd=root).strip()
    run(source / "packaging/build-deb", "--no-build", env={**os.environ, "SOURCE_DATE_EPOCH": epoch})
    for name, first in packages.items():
        (second,) = (source / "build/packages").glob(f"{name}_*.deb")
        assert first.read_bytes() == second.read_bytes(), name


def test_lintian_has_nothing_to_say(packages):
    files = [packages[name] for name in common]
    done = subprocess.run(
        ["lintian", "--allow-root", "--pedantic", "--fail-on", "error,warning,pedantic", *files],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_shipped_configurations_are_good_and_follow_this_machines_logs(unpacked):
    for program, file in (("agent", "agent.toml"), ("collector", "collector.toml")):
        binary = unpacked / "usr" / "bin" / f"logboom-{program}"
        assert "is good" in run(binary, "--config", unpacked / "etc/logboom" / file, "check")
    example = unpacked / "usr/share/doc/logboom-collector/examples/collector.toml"
    assert "is good" in run(unpacked / "usr/bin/logboom-collector", "--config", example, "check")
    followed = run(unpacked / "usr/bin/logboom-agent", "--config", unpacked / "etc/logboom/agent.toml", "config", "dump")
    assert "/var/log/**/*.log" in followed and "/var/log/syslog" in followed


def flags_of(binary, *commands):
    """Every long flag of a program and its commands, as its help names them."""
    text = "".join(run(binary, *command.split(), "--help") for command in ("", *commands))
    return set(re.findall(r"--[a-z][a-z-]+", text))


@pytest.mark.parametrize(
    "program, page, commands",
    [
        ("logboom-agent", "man8/logboom-agent.8.gz", ("check", "config dump")),
        ("logboom-collector", "man8/logboom-collector.8.gz", ("check", "config dump")),
        (
            "logboomctl",
            "man1/logboomctl.1.gz",
            ("read", "tail", "topic create", "topic describe", "topic delete", "topic offsets", "agent list"),
        ),
    ],
)
def test_a_page_names_every_flag(unpacked, program, page, commands):
    text = run("man", "--local-file", unpacked / "usr/share/man" / page, env={**os.environ, "MANWIDTH": "1000"})
    text = text.replace("\N{HYPHEN}", "-")
    assert flags_of(unpacked / "usr/bin" / program, *commands) <= set(re.findall(r"--[a-z][a-z-]+", text))


def test_every_page_is_sound(unpacked):
    pages = sorted((unpacked / "usr/share/man").rglob("*.gz"))
    assert len(pages) == 5
    for page in pages:
        done = subprocess.run(
            ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page)],
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""},
        )
        assert (done.returncode, done.stderr) == (0, ""), page.name


# Units


@pytest.mark.parametrize("name", daemons)
def test_a_unit_is_sound(unpacked, tmp_path, name):
    """With the program where it is unpacked; pages are looked at above."""
    unit = (unpacked / "lib/systemd/system" / f"{name}.service").read_text()
    copy = tmp_path / f"{name}.service"
    copy.write_text(unit.replace("ExecStart=/usr", f"ExecStart={unpacked}/usr"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", daemons)
def test_a_units_exposure_is_at_most_two(unpacked, name):
    unit = unpacked / "lib/systemd/system" / f"{name}.service"
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert "Overall exposure" in done.stdout


class ServiceManager:
    """Listens as systemd does."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(20)
        self.heard = []

    def environment(self, **more):
        return {"NOTIFY_SOCKET": self.path, **more}

    def wait_for(self, line):
        while line not in self.heard:
            self.heard += self.socket.recv(4096).decode().splitlines()
        self.heard = self.heard[self.heard.index(line) + 1 :]


def test_a_collector_says_that_it_is_ready_lives_and_stops(stage, tmp_path):
    manager = ServiceManager(tmp_path / "notify")
    collector = stage.collector(environment=manager.environment(WATCHDOG_USEC="4000000"))
    manager.wait_for("READY=1")
    for _ in range(3):
        manager.wait_for("WATCHDOG=1")
    assert collector.stop() == 0
    manager.wait_for("STOPPING=1")


def test_an_agent_says_that_it_is_ready_before_any_collector_answers(stage, tmp_path, place):
    manager = ServiceManager(tmp_path / "notify")
    (place / "one.log").write_text("a line\n")
    config = place / "agent.toml"
    nobody = socket.socket()
    nobody.bind(("127.0.0.1", 0))  # and does not listen: connections are refused
    config.write_text(programs.agent_config(place / "agent", [f"127.0.0.1:{nobody.getsockname()[1]}"], [str(place / "*.log")]))
    agent = programs.Agent(config, place / "agent.log", environment=manager.environment(WATCHDOG_USEC="4000000"))
    stage.started.append(agent)
    agent.start()
    manager.wait_for("READY=1")
    manager.wait_for("STATUS=no collector answers: is [output] collectors right?")
    for _ in range(3):
        manager.wait_for("WATCHDOG=1")


def test_an_agent_says_that_it_ships(stage, tmp_path, place):
    manager = ServiceManager(tmp_path / "notify")
    (place / "one.log").write_text("a line\n")
    collector = stage.collector()
    config = place / "agent.toml"
    config.write_text(programs.agent_config(place / "agent", [f"127.0.0.1:{collector.port('agents')}"], [str(place / "*.log")]))
    agent = programs.Agent(config, place / "agent.log", environment=manager.environment())
    stage.started.append(agent)
    agent.start()
    manager.wait_for("STATUS=shipping")
    assert agent.stop() == 0
    manager.wait_for("STOPPING=1")
    assert "WATCHDOG=1" not in manager.heard


# Static programs


@pytest.fixture(scope="module")
def portable():
    """The folder of the static programs."""
    if not is_long:
        pytest.skip("needs a build of its own: only with LB_LONG=1")
    if os.geteuid() != 0:
        pytest.skip("chroot needs root")
    build = root / "build" / "portable"
    if not (build / "build.ninja").exists():
        options = ("--native-file", root / ".ci/profiles/release.ini", "--prefix=/usr", "-Dtests=false", "-Dportable=true")
        run("/usr/bin/meson", "setup", build, *options, cwd=root)
    environment = {**os.environ, "CCACHE_BASEDIR": str(root), "CCACHE_NOHASHDIR": "1"}
    subprocess.run(["/usr/bin/ninja", "-C", build], check=True, env=environment)
    return build


portable_programs = ("agent/logboom-agent", "collector/logboom-collector", "collector/ctl/logboomctl")


def test_portable_programs_need_no_library(portable):
    for program in portable_programs:
        assert "INTERP" not in run("readelf", "--program-headers", "--wide", portable / program)
        assert "NEEDED" not in run("readelf", "--dynamic", "--wide", portable / program)


def test_a_portable_agent_ships_a_file_from_an_empty_root(portable, stage, place):
    collector = stage.collector()
    jail = place / "jail"
    jail.mkdir()
    shutil.copy(portable / "agent/logboom-agent", jail / "logboom-agent")
    lines = [f"line {number} of a root without anything else" for number in range(1000)]
    (jail / "app.log").write_text("".join(line + "\n" for line in lines))
    text = programs.agent_config("/state", [f"localhost:{collector.port('agents')}"], ["/app.log"])
    (jail / "agent.toml").write_text(text)

    done = subprocess.run(
        ["chroot", jail, "/logboom-agent", "--config", "/agent.toml", "--once"], capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert set(os.listdir(jail)) == {"logboom-agent", "app.log", "agent.toml", "state"}
    read = run(portable / "collector/ctl/logboomctl", "-b", collector.broker, "read", "logs", "-e", "--format", "raw")
    assert read.splitlines() == lines


# A system that installs them

boot_script = """
mount -t tmpfs tmpfs /run && mount -t cgroup2 none /sys/fs/cgroup || exit 99
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --register=no --keep-unit --private-network --console=pipe --boot --directory "$1"
"""
test_unit = """
[Unit]
Description=what a test does in this system
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash /lb-test
ExecStopPost=/bin/systemctl poweroff --no-block
[Install]
WantedBy=multi-user.target
"""
helpers = """
exec >/lb-out 2>&1
wait_for() {  # until a command succeeds, a minute at most
    local i
    for i in $(seq 300); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.2
    done
    echo "FAILED: $* did not succeed"
    return 1
}
pid_of() { systemctl show --value -p MainPID "$1"; }
restarts_of() { systemctl show --value -p NRestarts "$1"; }
shipped() { logboomctl read logs -e --format raw | grep -qF "$1"; }
wait_for systemctl is-active logboom-agent logboom-collector
"""


class System:
    """A Debian root: commands in it, and boots of it."""

    def __init__(self, path):
        self.path = path

    def run(self, *command):
        process = in_fresh_root(self.path, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        output, _ = process.communicate()
        assert process.returncode == 0, output
        return output

    def boot(self, script, seconds=300):
        """Boots, runs `script` when everything is up, powers off; what the script wrote."""
        (self.path / "lb-test").write_text(helpers + script)
        (self.path / "lb-out").unlink(missing_ok=True)
        log = folder / "boot.log"
        with log.open("ab") as out:
            done = subprocess.run(
                ["unshare", "--mount", "--propagation", "private", "bash", "-c", boot_script, "boot", str(self.path)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=seconds,
            )
        assert (self.path / "lb-out").exists(), f"exit status {done.returncode}; see {log}"
        output = (self.path / "lb-out").read_text(errors="replace")
        assert "FAILED" not in output, output
        return output

    def stat(self, path):
        return self.run("stat", "-c", "%A %U:%G", path).strip()


@pytest.fixture(scope="module")
def system(packages):
    if not is_long:
        pytest.skip("makes a Debian root and boots it: only with LB_LONG=1")
    if os.geteuid() != 0:
        pytest.skip("chroot and mounts need root")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    made = System(folder / "root")
    include = "--include=systemd,systemd-sysv,dbus,rsyslog"
    subprocess.run(["debootstrap", "--variant=minbase", include, "bookworm", made.path, mirror], check=True)
    shutil.copy("/etc/resolv.conf", made.path / "etc/resolv.conf")
    (made.path / "etc/systemd/system/lb-test.service").write_text(test_unit)
    made.run("systemctl", "enable", "lb-test.service")
    made.run("apt-get", "update", "-q")
    return made


@pytest.fixture(scope="module")
def installed(system, packages):
    for name in common:
        shutil.copy(packages[name], system.path / f"{name}.deb")
    files = [f"./{name}.deb" for name in common]
    system.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y", "--no-install-recommends", *files)
    return system


def newer(package, version, changes):
    """The same package with another version and changed files; the path of the new one."""
    tree = folder / f"{package.name}-{version}"
    shutil.rmtree(tree, ignore_errors=True)
    run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    for path, text in changes.items():
        (tree / path).write_text((tree / path).read_text() + text)
    made = folder / f"{package.name.split('_')[0]}_{version}.deb"
    run("dpkg-deb", "--root-owner-group", "-b", tree, made)
    return made


def test_installing_makes_users_and_enables_units(installed):
    groups = installed.run("id", "-nG", "logboom-agent").split()
    assert set(groups) == {"logboom-agent", "adm", "systemd-journal"}
    assert installed.run("id", "-nG", "logboom-collector").split() == ["logboom-collector"]
    for name in daemons:
        assert installed.run("systemctl", "is-enabled", name).strip() == "enabled"
    assert installed.stat("/etc/logboom/agent.toml") == "-rw-r----- root:logboom-agent"
    assert installed.stat("/etc/logboom/collector.toml") == "-rw-r----- root:logboom-collector"
    assert installed.stat("/etc/logboom/credentials") == "drwx------ root:root"


def lines_of(system, path):
    return (system.path / path.lstrip("/")).read_bytes().decode(errors="replace").splitlines()


def test_a_booted_system_ships_its_own_logs(installed):
    output = installed.boot(
        """
        logger "hello from the booted root"
        wait_for shipped "hello from the booted root"
        systemctl show -p NRestarts logboom-agent logboom-collector
        systemctl --failed --no-legend
        systemd-analyze security --threshold=20 logboom-agent >/dev/null || echo "FAILED: the agent's exposure"
        systemd-analyze security --threshold=20 logboom-collector >/dev/null || echo "FAILED: the collector's exposure"
        systemd-analyze verify --man=no logboom-agent.service logboom-collector.service || echo "FAILED: verify"
        logboomctl read logs -e --json >/lb-records
        cp /var/log/syslog /lb-syslog
        journalctl -u logboom-agent -u logboom-collector -p warning -o cat --no-pager
        """
    )
    assert output.count("NRestarts=0") == 2, output
    by_path = {}
    for line in lines_of(installed, "/lb-records"):
        record = json.loads(line)
        by_path.setdefault(record["path"], []).append(record["msg"])
    assert by_path["/var/log/dpkg.log"] == lines_of(installed, "/var/log/dpkg.log")
    syslog = lines_of(installed, "/lb-syslog")
    shipped = by_path["/var/log/syslog"]
    assert shipped == syslog[: len(shipped)]
    assert any(line.endswith("hello from the booted root") for line in shipped)
    assert installed.stat("/var/lib/logboom-agent") == "drwxr-x--- logboom-agent:logboom-agent"
    assert installed.stat("/var/lib/logboom-collector") == "drwxr-x--- logboom-collector:logboom-collector"


def test_a_program_that_hangs_is_started_anew_and_nothing_is_lost(installed):
    installed.boot(
        """
        for unit in logboom-agent logboom-collector; do
            mkdir -p /run/systemd/system/$unit.service.d
            printf '[Service]\\nWatchdogSec=4s\\nTimeoutAbortSec=1s\\n' >/run/systemd/system/$unit.service.d/test.conf
        done
        systemctl daemon-reload
        systemctl restart logboom-agent logboom-collector
        for unit in logboom-agent logboom-collector; do
            kill -STOP $(pid_of $unit)
            logger -p local3.info "said while $unit hung"  # of this facility nothing goes to a second file
            again() { [ "$(restarts_of $unit)" -ge 1 ]; }
            wait_for again
            wait_for shipped "said while $unit hung"
            [ "$(logboomctl read logs -e --format raw | grep -cF "said while $unit hung")" = 1 ] || echo "FAILED: not once"
        done
        """
    )


def test_an_upgrade_keeps_an_edited_configuration_and_takes_a_new_one_otherwise(installed, packages):
    edited = installed.path / "etc/logboom/agent.toml"
    edited.write_text(edited.read_text() + "# a line of the operator\n")
    agent = newer(packages["logboom-agent"], "0.1.0-7", {"etc/logboom/agent.toml": "# a new default\n"})
    collector = newer(packages["logboom-collector"], "0.1.0-7", {"etc/logboom/collector.toml": "# a new default\n"})
    shutil.copy(agent, installed.path / "agent.deb")
    shutil.copy(collector, installed.path / "collector.deb")

    output = installed.boot(
        """
        agent=$(pid_of logboom-agent) collector=$(pid_of logboom-collector)
        DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold -i /agent.deb /collector.deb
        wait_for systemctl is-active logboom-agent
        [ "$(pid_of logboom-agent)" != "$agent" ] || echo "FAILED: the agent still runs the old program"
        [ "$(pid_of logboom-collector)" = "$collector" ] || echo "FAILED: the collector was restarted"
        logger "after the upgrade"
        wait_for shipped "after the upgrade"
        """
    )

    assert "systemctl restart logboom-collector" in output
    assert "a line of the operator" in edited.read_text() and "a new default" not in edited.read_text()
    assert "a new default" in (installed.path / "etc/logboom/agent.toml.dpkg-dist").read_text()
    assert "a new default" in (installed.path / "etc/logboom/collector.toml").read_text()
    assert installed.stat("/etc/logboom/agent.toml") == "-rw-r----- root:logboom-agent"
    assert installed.run("dpkg-query", "-W", "-f", "${Version}", "logboom-agent") == "0.1.0-7"


def test_removing_stops_the_programs_and_keeps_configuration_and_data(installed):
    installed.boot(
        """
        DEBIAN_FRONTEND=noninteractive dpkg --remove logboom-agent logboom-collector
        pgrep -x logboom-agent && echo "FAILED: the agent still runs"
        pgrep -x logboom-collect && echo "FAILED: the collector still runs"
        true
        """
    )
    assert "a line of the operator" in (installed.path / "etc/logboom/agent.toml").read_text()
    assert (installed.path / "var/lib/logboom-agent/agent.id").exists()
    assert (installed.path / "var/lib/logboom-collector/log").exists()
    assert not (installed.path / "usr/bin/logboom-agent").exists()


def test_purging_takes_all_but_users_logs_and_these_when_told(installed, packages):
    output = installed.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--purge", *daemons)
    assert "the logs stay in /var/lib/logboom-collector" in output
    left = {path for path in ("etc/logboom", "var/lib/logboom-agent") if (installed.path / path).exists()}
    assert not left
    assert (installed.path / "var/lib/logboom-collector/log").exists()
    symlinks = (installed.path / "etc/systemd/system/multi-user.target.wants").iterdir()
    assert not [link for link in symlinks if "logboom" in link.name]
    assert "logboom-agent" in installed.run("getent", "passwd", "logboom-agent")

    answer = "logboom-collector logboom-collector/purge_data boolean true"
    installed.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "-i", "/logboom-collector.deb")
    installed.run("sh", "-c", f"echo {answer} | debconf-set-selections")
    installed.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--purge", "logboom-collector")
    assert not (installed.path / "var/lib/logboom-collector").exists()
