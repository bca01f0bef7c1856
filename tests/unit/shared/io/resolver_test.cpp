#include "shared/io/resolver.h"

#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <future>
#include <semaphore>

using namespace logboom;
using namespace logboom::test;

namespace {

/// A resolver whose look-ups wait until the test lets them go.
struct SlowNames {
    struct Gates {
        std::counting_semaphore<> begun{0};
        std::counting_semaphore<> may_end{0};
        std::counting_semaphore<> answers{0};
    };
    /// Outlives the resolver, whose thread may be in a look-up.
    std::shared_ptr<Gates> gates = std::make_shared<Gates>();
    std::unique_ptr<io::Resolver> resolver = std::make_unique<io::Resolver>(
        [gates = gates] { gates->answers.release(); },
        [gates = gates](const std::string& host) {
            gates->begun.release();
            gates->may_end.acquire();
            return host == "unknown" ? std::vector<std::string>()
                                     : std::vector<std::string>{"10.0.0.1", host};
        }
    );
};

/// A question, and where its answer goes.
struct Asked {
    explicit Asked(const char* const host) {
        op.kind = io::OpKind::resolve;
        op.path = host;
        op.out = &found;
    }
    io::Op op;
    std::vector<std::string> found;
};

Task<Result<Ok>> look_up_a_name_of_this_machine(IoWorld& world) {
    const SteadyTime deadline = world.env().clock.now() + 30s;
    const std::string name = world.sim() == nullptr ? "localhost" : "two";
    LB_CO_TRY(const std::vector<std::string> found, co_await world.net().resolve(name, deadline));
    BOOST_TEST(!found.empty());
    co_return Ok{};
}

Task<Result<Ok>> look_up_for_a_moment(IoWorld& world) {
    const SteadyTime before = world.env().clock.now();
    const auto found = co_await world.net().resolve("two", before + 20ms);
    BOOST_TEST(code_of(found) == ErrorCode::timed_out);
    BOOST_TEST((world.env().clock.now() - before < 30ms));
    co_return Ok{};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(resolver)

BOOST_AUTO_TEST_CASE(an_op_is_taken_back_while_its_name_is_being_looked_up) {
    SlowNames names;
    auto first = std::make_unique<Asked>("first");
    Asked second("second");
    names.resolver->submit(first->op);
    names.gates->begun.acquire();
    BOOST_TEST(names.resolver->withdraw(first->op));
    BOOST_TEST(!names.resolver->withdraw(first->op));
    first.reset();  // nothing is written to it any more
    names.resolver->submit(second.op);
    names.gates->may_end.release(2);
    names.gates->answers.acquire();
    const auto answers = names.resolver->collect();
    BOOST_REQUIRE(answers.size() == 1u);
    BOOST_TEST(answers[0].first == &second.op);
    BOOST_TEST(answers[0].second == 0);
    BOOST_TEST(second.found.at(1) == "second");
}

BOOST_AUTO_TEST_CASE(an_op_that_waits_for_its_turn_is_taken_back) {
    SlowNames names;
    Asked first("first");
    Asked second("second");
    names.resolver->submit(first.op);
    names.resolver->submit(second.op);
    names.gates->begun.acquire();
    BOOST_TEST(names.resolver->withdraw(second.op));
    names.gates->may_end.release();
    names.gates->answers.acquire();
    BOOST_TEST(names.resolver->collect().size() == 1u);
    BOOST_TEST(second.found.empty());
}

BOOST_AUTO_TEST_CASE(its_end_does_not_wait_for_a_server_that_is_silent) {
    SlowNames names;
    Asked asked("first");
    names.resolver->submit(asked.op);
    names.gates->begun.acquire();
    names.resolver.reset();
    names.gates->may_end.release();
    BOOST_TEST(asked.found.empty());
}

BOOST_AUTO_TEST_CASE(a_name_that_nobody_knows_is_an_error) {
    SlowNames names;
    Asked asked("unknown");
    names.resolver->submit(asked.op);
    names.gates->may_end.release();
    names.gates->answers.acquire();
    const auto answers = names.resolver->collect();
    BOOST_REQUIRE(answers.size() == 1u);
    BOOST_TEST(answers[0].second == -ENOENT);
}

BOOST_AUTO_TEST_CASE(a_name_gives_addresses) {
    on_every_backend(look_up_a_name_of_this_machine);
}

BOOST_AUTO_TEST_CASE(the_deadline_ends_a_look_up) {
    SimChoices slow;
    slow.backend.file_min = slow.backend.file_max = 10s;
    slow.backend.spike = 0;
    on_every_seed(look_up_for_a_moment, slow);
}

BOOST_AUTO_TEST_CASE(localhost_is_the_loopback_whatever_the_system_knows) {
    const std::vector<std::string> loopback = {"127.0.0.1", "::1"};
    BOOST_TEST((io::Resolver::ask_system("localhost") == loopback));
}

BOOST_AUTO_TEST_SUITE_END()
