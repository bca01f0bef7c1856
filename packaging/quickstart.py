"""The part of packaging/quickstart that runs once Python is there: builds, stages, starts, ships, counts."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import counting
from programs import Agent, Collector, ProgramFailed, agent_config, program_names, release_build, root, stage

log_folder = "/var/log"
topic = "logs"
quiet_seconds_max = 45  # without a new byte: something is wrong. An unended last line alone takes 5 s
whole_seconds_max = 1200


def say(text=""):
    print(text, flush=True)


class Failed(Exception):
    """What failed and what to do, as two texts."""

    def __init__(self, what, advice):
        super().__init__(what)
        self.what = what
        self.advice = advice


# Build and stage


def run(command, what, quiet=False):
    environment = {**os.environ, "CCACHE_BASEDIR": str(root), "CCACHE_NOHASHDIR": "1"}
    outcome = subprocess.run(
        command,
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE if quiet else None,
        stderr=subprocess.STDOUT if quiet else None,
    )
    if outcome.returncode != 0:
        if quiet:
            say(outcome.stdout.decode(errors="replace"))
        raise Failed(
            f"{what} failed: {' '.join(map(str, command))} ended with {outcome.returncode}",
            "Its own words stand above. After a change of compilers or libraries, remove build/release and run this again.",
        )


def configured_prefix():
    """Where build/release will install to; None if it is not configured."""
    if not (release_build / "build.ninja").exists():
        return None
    command = ["/usr/bin/meson", "introspect", "--buildoptions", release_build]
    options = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if options.returncode != 0:
        shutil.rmtree(release_build)  # half configured
        return None
    return {option["name"]: option["value"] for option in json.loads(options.stdout)}["prefix"]


def build():
    say("build: configuring build/release")
    prefix = configured_prefix()
    if prefix is None:
        command = ["/usr/bin/meson", "setup", release_build, "--native-file", ".ci/profiles/release.ini"]
        run([*command, "--prefix=/usr", "-Dtests=false"], "configuring the build", quiet=True)
    elif prefix != "/usr":
        run(["/usr/bin/meson", "configure", release_build, "--prefix=/usr"], "configuring the build", quiet=True)
    say("build: compiling (minutes the first time)")
    targets = [f"{name}:executable" for name in program_names]
    jobs = str(os.cpu_count() or 2)
    run(["/usr/bin/meson", "compile", "-C", release_build, "-j", jobs, *targets], "the build")
    stage_root = stage.parent.parent
    run(
        ["/usr/bin/meson", "install", "-C", release_build, "--no-rebuild", "--quiet", "--destdir", stage_root],
        "staging",
        quiet=True,
    )
    missing = [name for name in program_names if not (stage / name).exists()]
    if missing:
        raise Failed(f"{', '.join(missing)} did not reach {stage}", "Remove build/release and run this again.")
    say(f"build: the programs are in {stage.relative_to(root)}")


# Start and ship


class World:
    """One collector and one agent with their state in one folder."""

    def __init__(self, folder, excludes):
        self.folder = folder
        self.collector = Collector(folder / "collector", folder / "collector.log")
        self.config_file = folder / "agent.toml"
        self.agent = Agent(self.config_file, folder / "agent.log")
        self.excludes = excludes

    def start(self):
        say("collector: starting")
        self.collector.start()
        doors = ", ".join(f"{name} 127.0.0.1:{port}" for name, port in sorted(self.collector.bound.items()))
        say(f"collector: {doors}")
        text = agent_config(
            self.folder / "agent",
            [f"127.0.0.1:{self.collector.port('agents')}"],
            [log_folder + "/**/*"],
            self.excludes,
            topic,
        )
        self.config_file.write_text(text)
        self.agent.start()
        say(f"agent: follows {log_folder}, as {self.config_file.relative_to(root)} says")

    def check(self):
        self.collector.check_running()
        self.agent.check_running()

    def stop(self):
        self.agent.stop()
        self.collector.stop()


def ship_once():
    folder = root / "build" / "quickstart" / "once"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    paths, passed_over = counting.text_files(log_folder)
    for path, why in passed_over:
        say(f"passed over: {counting.printable(path)} ({why})")
    if not paths:
        say(f"There are no text files in {log_folder}: nothing to ship.")
        return 0
    trackers = [counting.FileTracker(path) for path in paths]
    arrivals = counting.Arrivals(trackers)
    wanted = sum(tracker.limit for tracker in trackers)
    say(f"shipping: {len(trackers)} files, {megabytes(wanted)}")

    world = World(folder, counting.agent_excludes(passed_over))
    started = time.monotonic()
    try:
        world.start()
        follow(world, arrivals, wanted)
    finally:
        world.stop()
    say(f"shipping: {megabytes(arrivals.bytes_arrived())} counted by kcat after {time.monotonic() - started:.1f} s")
    return report(arrivals)


def follow(world, arrivals, wanted):
    """Reads what arrives until everything is there, or nothing new comes any more."""
    reader = counting.KcatReader(world.collector.broker, topic)
    began = last_news = last_said = time.monotonic()
    arrived = 0
    while True:
        world.check()
        was_complete = arrivals.complete()  # then this is one look more, for what came twice
        for record in reader.read():
            arrivals.place(record.path, record.value)
        if was_complete:
            return
        now = time.monotonic()
        if arrivals.bytes_arrived() > arrived:
            arrived = arrivals.bytes_arrived()
            last_news = now
        if now - last_said > 3:
            say(f"shipping: {megabytes(arrived)} of {megabytes(wanted)}")
            last_said = now
        if now - last_news > 10 and only_open_lines_are_missing(arrivals):
            return
        if now - last_news > quiet_seconds_max or now - began > whole_seconds_max:
            return
        time.sleep(0.5)  # until the next look; the end is decided by what arrives


def only_open_lines_are_missing(arrivals):
    late = [tracker for tracker in arrivals.trackers if not tracker.complete]
    if not all(tracker.only_an_open_line_is_missing() for tracker in late):
        return False
    for tracker in late:
        tracker.note = "its last line is still being written"
        tracker.limit = tracker.position
        tracker.lines_expected -= 1
        tracker.records_expected -= 1
    return True


def megabytes(count):
    return f"{count / 1e6:.1f} MB"


def report(arrivals):
    width = max(len(counting.printable(tracker.path)) for tracker in arrivals.trackers)
    width = max(width, len("file"))
    head = f"{'file':<{width}}  {'lines':>9} {'arrived':>9}  {'records':>9} {'arrived':>9}  {'bytes':>12} {'arrived':>12}"
    say()
    say(head)
    say("-" * len(head))
    wrong = 0
    for tracker in arrivals.trackers:
        problem = tracker.verdict()
        wrong += problem is not None
        end = "ok" if problem is None else f"WRONG: {problem}"
        say(
            f"{counting.printable(tracker.path):<{width}}  {tracker.lines_expected:>9} {tracker.lines:>9}  "
            f"{tracker.records_expected:>9} {tracker.records:>9}  {tracker.limit:>12} {tracker.bytes_arrived:>12}  "
            f"{end}{', ' + tracker.note if tracker.note else ''}"
        )
        if problem is not None and tracker.strays:
            say(f"{'':<{width}}  the first of them: {counting.printable(tracker.first_stray)!r}")
    say()
    if arrivals.later:
        say(f"{arrivals.later} records were written since the start and are not compared.")
    if arrivals.nameless:
        say(f"WRONG: {arrivals.nameless} records have no lb.path header.")
        wrong += 1
    if wrong:
        say(f"{wrong} of {len(arrivals.trackers)} files do not match.")
        say("See build/quickstart/once/agent.log and collector.log.")
        return 1
    say(f"All {len(arrivals.trackers)} files match: every record and every byte, counted by kcat.")
    return 0


def run_until_interrupted():
    folder = root / "build" / "quickstart" / "run"
    folder.mkdir(parents=True, exist_ok=True)
    _, passed_over = counting.text_files(log_folder)
    world = World(folder, counting.agent_excludes(passed_over))
    try:
        world.start()
        show_first_records(world)
        broker = world.collector.broker
        programs = stage.relative_to(root)
        say()
        say("Look further:")
        say(f"  kcat -b {broker} -C -t {topic} -o -10          the last ten lines, and those to come")
        say(f"  kcat -b {broker} -C -t {topic} -o beginning -e -f '%h: %s\\n'")
        say(f"  {programs}/logboomctl -b {broker} topic list")
        say(f"  {programs}/logboomctl -b {broker} read {topic} -n 10 --json")
        say(f"  logger 'hello'                                 a line of your own, where a syslog daemon runs")
        say(f"Logs of both programs: {folder.relative_to(root)}/*.log. Ctrl-C ends everything; the state stays.")
        while True:
            world.check()
            time.sleep(1)
    finally:
        say()
        say("stopping")
        world.stop()


def show_first_records(world):
    reader = counting.KcatReader(world.collector.broker, topic)
    deadline = time.monotonic() + 30
    shown = 0
    while shown < 10 and time.monotonic() < deadline:
        world.check()
        for record in reader.read():
            if shown == 0:
                say()
                say("The first records, as a Kafka client sees them:")
            line = counting.printable(record.value[:160])
            say(f"  {topic}/0@{record.offset} {counting.printable(record.path or b'')}: {line}")
            shown += 1
            if shown == 10:
                return
        time.sleep(0.2)
    if shown == 0:
        say(f"No record has arrived yet: is there text in {log_folder}?")


def main(arguments):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        build()
        if "--build-only" in arguments:
            return 0
        return ship_once() if "--once" in arguments else run_until_interrupted()
    except KeyboardInterrupt:
        return 130
    except Failed as failure:
        what, advice = failure.what, failure.advice
    except ProgramFailed as failure:
        what, advice = str(failure), "The logs of both programs are below build/quickstart."
    say()
    print(f"quickstart: {what}\n{advice}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
