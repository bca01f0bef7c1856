#define BOOST_TEST_MODULE agent_life
// An agent's beginnings and ends: what a stop waits for, what a lost checkpoint costs, what a copy of the
// machine does, and how what was lost meanwhile is told.
#include "shared/io/shield.h"
#include "tests/sim/programs.h"
#include "tests/unit/agent/ship/agents_door.h"

#include <boost/test/unit_test.hpp>

namespace {

using namespace logboom;       // NOLINT(google-build-using-namespace): a test's own file
using namespace logboom::sim;  // NOLINT(google-build-using-namespace): a test's own file

/// A collector that answers when the test says so.
class DoorProgram final : public Program {
public:
    DoorProgram(Shard& shard, tests::ModelCollector& model)
        : env_(shard.env())
        , door_(shard.env(), model, agents_port) {}

    Task<void> run() override {
        const Result<Ok> started = co_await door_.start();
        LB_ASSERT(started.has_value());
        while (started) {
            const Result<Ok> slept = co_await env_.sleep(1s);
            if (!slept) {
                break;
            }
        }
        co_await io::shielded(env_.scheduler, door_.stop());
    }
    [[nodiscard]] tests::AgentsDoor& door() noexcept { return door_; }

private:
    Env& env_;
    tests::AgentsDoor door_;
};

void make_dir(SimNode& node, const std::string& path) {
    const std::int32_t made = node.disk().make_dir(path, 0755);
    LB_ASSERT(made == 0 || made == -EEXIST);
}

void write(
    SimNode& node,
    const std::string& path,
    const std::string_view text,
    const std::uint32_t flags = O_APPEND
) {
    std::shared_ptr<io::SimOpenFile> file;
    const std::int32_t opened = node.disk().open(path, O_WRONLY | O_CREAT | flags, 0644, file);
    LB_ASSERT(opened == 0);
    const auto put = node.disk().write(*file, as_bytes(text), 0, io::SimDisk::Faults::none);
    LB_ASSERT(put == static_cast<std::int32_t>(text.size()));
    node.disk().close(*file);
}

std::string content(SimNode& node, const std::string& path) {
    std::shared_ptr<io::SimOpenFile> file;
    const std::int32_t opened = node.disk().open(path, O_RDONLY, 0, file);
    LB_ASSERT(opened == 0);
    std::string text = file->inode->data;
    node.disk().close(*file);
    return text;
}

class Life {
public:
    explicit Life(const std::uint64_t seed = 1)
        : world(seed)
        , collector(world.add_node("collector"))
        , agent(world.add_node("agent"))
        , consumer(world.add_node("consumer")) {
        prepare(agent);
    }

    static void prepare(SimNode& machine) {
        for (const char* const path : {"/etc", "/var", "/var/log"}) {
            make_dir(machine, path);
        }
    }
    void start_door() {
        collector.start([this](Shard& shard) { return std::make_unique<DoorProgram>(shard, model); }
        );
    }
    [[nodiscard]] tests::AgentsDoor& door() {
        return dynamic_cast<DoorProgram&>(collector.program()).door();
    }
    void start_collector() {
        collector.start([this](Shard& shard) {
            return std::make_unique<CollectorProgram>(shard, collector_config(collector.host()));
        });
    }
    void start_agent(SimNode& machine) { start_agent(machine, collector.host()); }
    static void start_agent(SimNode& machine, const std::string& collector_host) {
        machine.start([collector_host](Shard& shard) {
            const std::string input =
                "[[input.file]]\nname = \"app\"\npaths = [\"/var/log/*.log\"]\n";
            return std::make_unique<AgentProgram>(shard, agent_config(collector_host, input));
        });
    }
    /// The names of the checks that fail, each with a space behind it.
    [[nodiscard]] std::string failing_checks() {
        std::string names;
        for (const http::ReadyCheck& check : program(agent).agent().ready_checks()) {
            BOOST_TEST((check.ok || !check.detail.empty()), check.name);
            names += check.ok ? "" : check.name + " ";
        }
        return names;
    }
    static AgentProgram& program(SimNode& machine) {
        return dynamic_cast<AgentProgram&>(machine.program());
    }
    void until(const std::function<bool()>& condition, const Nanos at_most = 120s) {
        BOOST_REQUIRE(world.run_until(condition, at_most) == SimWorld::Ended::condition);
    }
    void until_drained(SimNode& machine) {
        until([&machine] { return program(machine).is_drained(); });
    }
    void stop(SimNode& node) {
        node.request_stop();
        until([&node] { return !node.is_running(); });
    }
    /// Records that the collector promised to keep.
    [[nodiscard]] std::int64_t committed(const std::string& topic) {
        auto& running = dynamic_cast<CollectorProgram&>(collector.program());
        const metadata::ImagePtr image = running.is_up() ? running.collector().store().image()
                                                         : nullptr;
        const metadata::TopicImage* const found = image == nullptr ? nullptr : image->find(topic);
        if (found == nullptr) {
            return 0;
        }
        const replica::PartitionPtr partition =
            running.collector().replicas().find(found->id, PartitionIndex(0));
        return partition == nullptr ? 0 : partition->high_watermark().value;
    }
    /// All lines of the topic, sorted.
    std::vector<std::string> consume(const std::string& topic = "logs") {
        std::string text;
        std::string failure = "the consumer did not come to an end";
        consumer.start([&](Shard& shard) {
            return std::make_unique<ConsumerProgram>(shard, collector.host(), topic, text, failure);
        });
        until([this] { return !consumer.is_running(); });
        BOOST_TEST(failure == "");
        std::vector<std::string> lines;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = text.find('\n', at);
            lines.push_back(text.substr(at, end - at));
            at = end + 1;
        }
        std::ranges::sort(lines);
        return lines;
    }
    [[nodiscard]] SteadyTime now() { return world.events().now(); }

    tests::ModelCollector model;
    SimWorld world;
    SimNode& collector;
    SimNode& agent;
    SimNode& consumer;
};

/// Stops an agent with a batch that the collector has and has not answered.
SteadyTime stop_with_a_batch_in_flight(Life& life) {
    life.start_door();
    life.start_agent(life.agent);
    life.until([&life] { return Life::program(life.agent).is_shipping(); });
    life.door().hold();
    write(life.agent, "/var/log/a.log", "a line\n");
    life.until([&life] { return life.door().batches_seen() == 1; });
    life.agent.request_stop();
    return life.now();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_life)

BOOST_AUTO_TEST_CASE(a_stop_waits_for_what_is_in_flight) {
    // D19.
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Life life(seed);
        const SteadyTime asked = stop_with_a_batch_in_flight(life);
        life.world.run_for(3s);
        BOOST_TEST(life.agent.is_running());
        life.door().release();
        life.until([&life] { return !life.agent.is_running(); });
        BOOST_TEST((life.now() - asked >= 3s));
        BOOST_TEST((life.now() - asked < 5s));
        // It was heard: the next run sends nothing again.
        life.start_agent(life.agent);
        life.until_drained(life.agent);
        BOOST_TEST(life.door().batches_seen() == 1u);
    }
}

BOOST_AUTO_TEST_CASE(a_stop_waits_no_longer_than_it_is_configured_to) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        Life life(seed);
        const SteadyTime asked = stop_with_a_batch_in_flight(life);
        life.until([&life] { return !life.agent.is_running(); });
        BOOST_TEST((life.now() - asked >= 10s));
        BOOST_TEST((life.now() - asked < 12s));
    }
}

BOOST_AUTO_TEST_CASE(of_a_name_with_several_addresses_the_one_that_answers_is_found) {
    // D15: the first one swallows what is sent to it.
    Life life;
    SimNode& swallowing = life.world.add_node("pair");
    SimNode& answering = life.world.add_node("pair");
    life.world.net().block(life.agent.id(), swallowing.id(), true);
    answering.start([&life](Shard& shard) {
        return std::make_unique<DoorProgram>(shard, life.model);
    });
    const SteadyTime begun = life.now();
    Life::start_agent(life.agent, "pair");
    life.until([&life] { return Life::program(life.agent).is_shipping(); });
    BOOST_TEST((life.now() - begun < 4s));  // of the 5 s for both
    life.stop(life.agent);
    life.stop(answering);
}

BOOST_AUTO_TEST_CASE(an_agent_says_whether_it_is_ready_and_why_not) {
    // O3: never a reason to end it, but never green while nothing moves.
    Life life;
    write(life.agent, "/var/log/a.log", "a line\n");
    life.start_agent(life.agent);
    life.world.run_for(5s);
    BOOST_TEST(life.failing_checks() == "collector ");
    life.world.run_for(100s);
    BOOST_TEST(life.failing_checks() == "collector progress ");
    life.start_door();
    life.until_drained(life.agent);
    BOOST_TEST(life.failing_checks() == "");
    life.door().judge = [](const rpc::BatchEnvelope&) {
        return std::optional(rpc::ReplyStatus::storage_error);
    };
    write(life.agent, "/var/log/a.log", "another line\n");
    life.world.run_for(50s);
    BOOST_TEST(life.failing_checks() == "");
    life.world.run_for(50s);
    BOOST_TEST(life.failing_checks() == "progress ");
    life.door().judge = nullptr;
    life.until_drained(life.agent);
    BOOST_TEST(life.failing_checks() == "");
    life.stop(life.agent);
}

BOOST_AUTO_TEST_CASE(
    a_lost_checkpoint_costs_nothing_when_there_are_more_streams_than_one_answer_holds
) {
    Life life;
    constexpr std::size_t file_count = limits::agent_streams_per_hello + 150;
    std::vector<std::string> written;
    for (std::size_t i = 0; i < file_count; ++i) {
        const std::string number = std::to_string(10'000 + i);
        write(life.agent, "/var/log/" + number + ".log", number + "\n");
        written.push_back(number);
    }
    life.start_collector();
    life.start_agent(life.agent);
    life.until_drained(life.agent);
    life.stop(life.agent);
    BOOST_REQUIRE(life.agent.disk().unlink("/state/checkpoint.log", false) == 0);
    static_cast<void>(life.agent.disk().unlink("/state/checkpoint.old", false));
    life.start_agent(life.agent);
    life.until_drained(life.agent);
    life.world.run_for(5s);
    BOOST_TEST(life.consume() == written, boost::test_tools::per_element());
    life.stop(life.agent);
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_machine_is_another_agent_and_begins_with_all_files) {
    Life life;
    write(life.agent, "/etc/machine-id", "first\n");
    write(life.agent, "/var/log/a.log", "a line\n");
    life.start_collector();
    life.start_agent(life.agent);
    life.until_drained(life.agent);
    const record::Id128 first = Life::program(life.agent).agent().identity().agent_id;
    life.stop(life.agent);

    life.start_agent(life.agent);
    life.until_drained(life.agent);
    BOOST_TEST((Life::program(life.agent).agent().identity().agent_id == first));
    life.stop(life.agent);

    BOOST_REQUIRE(life.agent.disk().unlink("/etc/machine-id", false) == 0);
    write(life.agent, "/etc/machine-id", "second\n");
    life.start_agent(life.agent);
    life.until_drained(life.agent);
    BOOST_TEST((Life::program(life.agent).agent().identity().agent_id != first));
    life.stop(life.agent);
    const std::vector<std::string> twice{"a line", "a line"};
    BOOST_TEST(life.consume() == twice, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(of_two_machines_with_one_identity_the_later_one_takes_a_new_one) {
    Life life;
    SimNode& copy = life.world.add_node("copy");
    Life::prepare(copy);
    write(life.agent, "/etc/machine-id", "first\n");
    write(life.agent, "/var/log/a.log", "a line\n");
    write(copy, "/var/log/a.log", "a line\nof the copy\n");
    life.start_collector();
    life.start_agent(life.agent);
    life.until_drained(life.agent);
    const record::Id128 first = Life::program(life.agent).agent().identity().agent_id;
    make_dir(copy, "/state");
    write(copy, "/state/agent.id", content(life.agent, "/state/agent.id"));
    life.start_agent(copy);  // it has no machine-id of its own, by which it would know
    life.until([&copy] { return Life::program(copy).is_drained(); });
    BOOST_TEST((Life::program(copy).agent().identity().agent_id != first));
    BOOST_TEST(Life::program(life.agent).is_shipping());
    const std::vector<std::string> all{"a line", "a line", "of the copy"};
    BOOST_TEST(life.consume() == all, boost::test_tools::per_element());
    life.stop(copy);
    life.stop(life.agent);
}

BOOST_AUTO_TEST_CASE(what_is_cut_unread_while_the_agent_is_down_is_told_once_and_to_the_byte) {
    // O6, rule 5: also by an agent that is killed as soon as anything of it is with the collector.
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        for (const bool is_killed : {false, true}) {
            Life life(seed);
            std::vector<std::string> expected;
            std::size_t from = 0;
            for (int i = 1000; i < 1100; ++i) {
                expected.push_back("line " + std::to_string(i));
                write(life.agent, "/var/log/a.log", expected.back() + "\n");
                from += expected.back().size() + 1;
            }
            life.start_collector();
            life.start_agent(life.agent);
            life.until_drained(life.agent);
            life.world.run_for(3s);

            life.collector.crash(CrashKind::killed);
            const std::string lost = "lost 1\nlost 2\nlost 3\n";
            write(life.agent, "/var/log/a.log", lost);
            life.world.run_for(5s);
            life.agent.crash(CrashKind::killed);
            write(life.agent, "/var/log/a.log", "new line\n", O_TRUNC);
            expected.emplace_back("new line");
            life.start_collector();
            life.start_agent(life.agent);
            if (is_killed) {
                life.until([&life] {
                    return life.committed("logs") > 100 || life.committed("lb.loss") > 0;
                });
                life.agent.crash(CrashKind::killed);
                life.start_agent(life.agent);
            }
            life.until_drained(life.agent);
            life.world.run_for(5s);

            BOOST_TEST(life.consume() == expected, boost::test_tools::per_element());
            const std::vector<std::string> told = life.consume("lb.loss");
            BOOST_TEST(told.size() == 1u, "seed " << seed << ": " << told.size());
            const std::string range = "\"generation\":0,\"from\":" + std::to_string(from)
                                    + ",\"to\":" + std::to_string(from + lost.size())
                                    + ",\"bytes\":" + std::to_string(lost.size()) + ",";
            for (const std::string& one : told) {
                BOOST_TEST((one.find(range) != std::string::npos), one);
            }
            life.stop(life.agent);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
