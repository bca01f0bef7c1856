"""An agent with several collectors: it goes on with the next when one is lost, and loses nothing by it (D14)."""

import kafka_side
import programs
import pytest
from background import Background

topic = "logs"
line_count = 30_000
lines_per_step = 100


def line_of(number):
    return b"%08d %s\n" % (number, b"y" * (number % 120))


def numbers_in(collector):
    return [int(line[:8]) for line in kafka_side.consume(collector.broker, topic).splitlines()]


@pytest.fixture
def collectors(stage):
    made = [stage.collector("collector-a"), stage.collector("collector-b")]
    for one in made:
        # The agent's configuration and the test name the ports, so they stay over restarts.
        for index, protocol in enumerate(("kafka", "agents")):
            one.arguments += ["--set", f"listener[{index}].listen=127.0.0.1:{one.port(protocol)}"]
    return made



@pytest.mark.parametrize("down", [0, 1])
def test_a_collector_that_is_down_is_passed_over(stage, collectors, place, down):
    path = place / "app.log"
    path.write_bytes(b"".join(line_of(number) for number in range(1000)))
    collectors[down].stop()
    up = collectors[1 - down]

    agent = stage.agent(collectors, [path])
    kafka_side.wait_for_records(up.broker, topic, 1000, 60, agent.check_running)

    assert kafka_side.consume(up.broker, topic) == path.read_bytes()


def test_a_lost_collector_costs_no_line(stage, collectors, place):
    path = place / "app.log"
    path.touch()
    agent = stage.agent(collectors, [path])
    written = 0

    def write(stop):
        nonlocal written
        with open(path, "ab", buffering=0) as log:
            for begin in range(0, line_count, lines_per_step):
                log.write(b"".join(line_of(number) for number in range(begin, begin + lines_per_step)))
                written = begin + lines_per_step
                if stop.wait(0.02):  # the pace of the writer
                    return

    with Background(write) as writer:
        for round in range(4):
            # Whichever has it now: the one that takes more.
            before = [kafka_side.end_offset(one.broker, topic) for one in collectors]

            def taker(before=before):
                for one, end in zip(collectors, before, strict=True):
                    if kafka_side.end_offset(one.broker, topic) > end:
                        return one
                return None

            victim = programs.wait_until(taker, 60, f"a record in round {round}", agent.check_running)
            other = collectors[1 - collectors.index(victim)]
            end = kafka_side.end_offset(other.broker, topic)
            victim.kill()
            programs.wait_until(
                lambda other=other, end=end: kafka_side.end_offset(other.broker, topic) > end,
                60,
                "the first record at the other collector",
                agent.check_running,
            )
            victim.start()
        writer.join()
    assert written == line_count
    programs.wait_until(lambda: last_line_is_in(collectors), 120, "the last line", agent.check_running)
    agent.stop()

    found = [numbers_in(one) for one in collectors]
    print(f"lines in each collector: {[len(numbers) for numbers in found]}")
    for numbers in found:
        assert numbers == sorted(set(numbers))  # once in each log, and in order
        assert len(numbers) > 0
    # Each collector is told all that it does not have: the one that was last has every line.
    assert list(range(line_count)) in found


def last_line_is_in(collectors):
    last = line_of(line_count - 1)
    return any(kafka_side.kcat(one.broker, "-C", "-t", topic, "-o", "-1", "-e", "-q") == last for one in collectors)
