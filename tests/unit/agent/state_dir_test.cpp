#include "agent/state_dir.h"

#include "shared/codec/crc32c.h"
#include "shared/codec/endian.h"
#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

#include <array>

using namespace logboom;
using namespace logboom::agent;

namespace {

const std::string id_file = "/state/agent.id";

/// A state directory in which an agent was at work.
struct UsedState {
    UsedState() {
        auto& first = machine.make<StateDir>(machine.env(), "/state");
        const Result<Ok> opened = machine.run(first.open());
        BOOST_REQUIRE(opened.has_value());
        agent_id = first.agent().agent_id;
        machine.run(first.close());
        machine.end_program();
        machine.start();
    }
    [[nodiscard]] Result<Ok> open_again() {
        state = &machine.make<StateDir>(machine.env(), "/state");
        return machine.run(state->open());
    }

    sim::SimMachine machine;
    record::Id128 agent_id{};
    StateDir* state = nullptr;
};

/// The same frame as a program of another version would have written it.
std::string as_of_version(const char version, std::string frame) {
    constexpr std::size_t version_at = 4;
    constexpr std::size_t checksum_at = 12;
    constexpr std::size_t value_at = 16;
    frame[version_at] = version;
    const ByteView bytes = as_bytes(frame);
    const ByteView checked = bytes.subspan(version_at, checksum_at - version_at);
    const std::uint32_t checksum = codec::crc32c(bytes.subspan(value_at), codec::crc32c(checked));
    std::array<std::byte, sizeof checksum> stored{};
    codec::store_be(stored.data(), checksum);
    return frame.replace(checksum_at, stored.size(), as_text(stored));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(state_dir)

BOOST_AUTO_TEST_CASE(a_machine_whose_id_cannot_be_read_now_is_not_taken_for_one_without) {
    sim::SimMachine machine;
    static_cast<void>(machine.disk().make_dir("/etc", 0755));
    machine.set_content("/etc/machine-id", "this one\n");
    StateDir& first = machine.make<StateDir>(machine.env(), "/state");
    machine.judge_ops([](const io::Op& op) {
        const bool is_asked = op.path != nullptr && std::string_view(op.path) == "/etc/machine-id";
        return is_asked ? EIO : sim::OpGate::passes;
    });
    BOOST_TEST((machine.run(first.open()).code() == ErrorCode::io));
    BOOST_TEST(machine.has_logged("/etc/machine-id"));
    machine.run(first.close());
    machine.judge_ops({});
    StateDir& second = machine.make<StateDir>(machine.env(), "/state");
    BOOST_REQUIRE(machine.run(second.open()).has_value());
    BOOST_TEST(second.machine_id() == std::string("this one\n"));
}

BOOST_AUTO_TEST_CASE(a_second_agent_is_refused_while_the_first_is_at_work) {
    // D6.
    UsedState used;
    BOOST_REQUIRE(used.open_again().has_value());
    StateDir& first = *used.state;

    const Result<Ok> refused = used.open_again();

    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.code() == ErrorCode::busy));
    // It has left alone what is the first one's, and lets go of what it took.
    used.machine.run(used.state->close());
    const Result<Ok> raised = used.machine.run(first.raise_epoch(7));
    BOOST_TEST(raised.has_value());
    BOOST_TEST(!used.open_again().has_value());
    used.machine.run(used.state->close());
    used.machine.run(first.close());
    BOOST_REQUIRE(used.open_again().has_value());
    BOOST_TEST((used.state->agent().agent_id == used.agent_id));
    BOOST_TEST(used.state->agent().agent_epoch == 7u);
}

BOOST_AUTO_TEST_CASE(a_killed_agent_leaves_no_lock_behind) {
    // D6: a lock of the open file, not of a file's existence.
    for (const auto kind : {sim::CrashKind::killed, sim::CrashKind::power_loss}) {
        UsedState used;
        BOOST_REQUIRE(used.open_again().has_value());
        used.machine.restart_after(kind);
        BOOST_TEST(used.open_again().has_value());
        BOOST_TEST((used.state->agent().agent_id == used.agent_id));
    }
}

BOOST_AUTO_TEST_CASE(an_epoch_that_was_raised_survives_a_power_loss) {
    for (std::uint64_t epoch = 1; epoch <= 10; ++epoch) {
        UsedState used;
        BOOST_REQUIRE(used.open_again().has_value());
        const auto raised = static_cast<std::uint32_t>(epoch);
        BOOST_REQUIRE(used.machine.run(used.state->raise_epoch(raised)).has_value());
        used.machine.restart_after(sim::CrashKind::power_loss);
        BOOST_REQUIRE(used.open_again().has_value());
        BOOST_TEST(used.state->agent().agent_epoch == raised);
        BOOST_TEST((used.state->agent().agent_id == used.agent_id));
    }
}

BOOST_AUTO_TEST_CASE(an_identity_of_another_version_stops_the_start_and_is_left_as_it_is) {
    UsedState used;
    const std::string content = as_of_version(9, used.machine.content(id_file));
    used.machine.set_content(id_file, content);

    const Result<Ok> opened = used.open_again();

    BOOST_REQUIRE(!opened.has_value());
    BOOST_TEST((opened.code() == ErrorCode::unsupported));
    BOOST_TEST(used.machine.has_logged("version_found=9"));
    BOOST_TEST(used.machine.has_logged("version_known=1"));
    BOOST_TEST(used.machine.content(id_file) == content);
    BOOST_TEST(!used.machine.exists(id_file + ".bad"));
}

BOOST_AUTO_TEST_CASE(a_damaged_identity_is_kept_aside_and_a_new_one_is_made) {
    UsedState used;
    used.machine.flip_bit(id_file, 20, 3);

    const Result<Ok> opened = used.open_again();

    BOOST_TEST(opened.has_value());
    BOOST_TEST((used.state->agent().agent_id != used.agent_id));
    BOOST_TEST(used.machine.exists(id_file + ".bad"));
}

BOOST_AUTO_TEST_CASE(an_identity_stays_over_restarts) {
    UsedState used;
    const Result<Ok> opened = used.open_again();
    BOOST_TEST(opened.has_value());
    BOOST_TEST((used.state->agent().agent_id == used.agent_id));
}

BOOST_AUTO_TEST_SUITE_END()
