// Awaiting one operation, over a backend whose completions the test makes itself, one at a time.
#include "shared/io/op_awaiter.h"

#include "tests/support/dies.h"
#include "tests/unit/shared/io/task_fixture.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

using namespace logboom;
using io::Op;
using io::OpAwaiter;
using test::TaskFixture;

namespace {

class ManualBackend final : public io::IoBackend {
public:
    void submit(Op& op) override { submitted.push_back(&op); }
    void cancel(Op& op) override { asked_to_cancel.push_back(&op); }
    void close_later(int) override {}
    void poll(SteadyTime) override {}
    void wake() noexcept override {}
    SteadyTime now() override { return {}; }
    WallTime wall() override { return {}; }

    /// The oldest one that has not ended.
    void end_next(const std::int32_t res) {
        Op* const op = submitted.at(ended++);
        complete(*op, res);
    }

    std::vector<Op*> submitted;
    std::vector<Op*> asked_to_cancel;
    std::size_t ended = 0;
};

struct Fixture : TaskFixture {
    ManualBackend backend;
    std::vector<std::int32_t> results;

    Task<void> await_op(const OpAwaiter::Cancellable cancellable, const SteadyTime deadline) {
        Op op;
        op.kind = io::OpKind::recv;
        const std::int32_t res = co_await OpAwaiter(backend, op, cancellable, deadline);
        results.push_back(res);
    }
    Task<void> await_plain() {
        Op op;
        const std::int32_t res = co_await OpAwaiter(backend, op);
        results.push_back(res);
    }
    void begin_op(
        const OpAwaiter::Cancellable cancellable = OpAwaiter::Cancellable::yes,
        const SteadyTime deadline = no_deadline
    ) {
        begin(await_op(cancellable, deadline));
    }
    [[nodiscard]] bool has(const std::vector<std::int32_t>& expected) const {
        return results == expected;
    }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(op_awaiter, Fixture)

BOOST_AUTO_TEST_CASE(a_frame_must_not_be_destroyed_while_the_kernel_has_its_op) {
    BOOST_TEST(test::dies([] {
        Fixture f;
        auto inner = std::make_unique<Scope>(f.scheduler);
        inner->spawn(f.await_plain());
        f.turn();
        f.scheduler.begin_crash();  // without the backend's consent
        inner.reset();
    }));
}

BOOST_AUTO_TEST_CASE(an_op_of_a_cancelled_task_is_not_begun) {
    scope.cancel();
    begin_op();
    BOOST_TEST(backend.submitted.empty());
    BOOST_TEST(has({-ECANCELED}));
}

BOOST_AUTO_TEST_CASE(cancelling_asks_once_and_the_task_goes_on_when_the_op_has_ended) {
    begin_op();
    scope.cancel();
    turn();
    BOOST_TEST(backend.asked_to_cancel.size() == 1u);
    BOOST_TEST(results.empty());
    scope.cancel();
    backend.end_next(-ECANCELED);
    BOOST_TEST(results.empty());  // never inside the completion
    turn();
    BOOST_TEST(backend.asked_to_cancel.size() == 1u);
    BOOST_TEST(has({-ECANCELED}));
}

BOOST_AUTO_TEST_CASE(an_op_that_was_faster_than_its_cancellation_keeps_its_result) {
    begin_op();
    scope.cancel();
    backend.end_next(17);
    turn();
    BOOST_TEST(has({17}));
}

BOOST_AUTO_TEST_CASE(nobody_asks_to_cancel_an_op_that_has_ended_and_waits_for_its_turn) {
    begin_op(OpAwaiter::Cancellable::yes, scheduler.now() + 1ms);
    backend.end_next(17);
    scope.cancel();
    scheduler.advance(scheduler.now() + 1s);
    turn();
    BOOST_TEST(backend.asked_to_cancel.empty());
    BOOST_TEST(has({17}));
}

BOOST_AUTO_TEST_CASE(an_op_on_a_file_is_not_cancelled) {
    begin(await_plain());
    scope.cancel();
    turn();
    begin(await_plain());
    BOOST_TEST(backend.submitted.size() == 2u);
    BOOST_TEST(backend.asked_to_cancel.empty());
    backend.end_next(1);
    backend.end_next(2);
    turn();
    BOOST_TEST(has({1, 2}));
}

BOOST_AUTO_TEST_CASE(at_its_deadline_an_op_is_asked_to_end_and_has_timed_out_then) {
    begin_op(OpAwaiter::Cancellable::no, scheduler.now() + 10ms);
    pass(9ms);
    BOOST_TEST(backend.asked_to_cancel.empty());
    pass(1ms);
    BOOST_TEST(backend.asked_to_cancel.size() == 1u);
    pass(1s);
    BOOST_TEST(backend.asked_to_cancel.size() == 1u);
    backend.end_next(-ECANCELED);
    turn();
    BOOST_TEST(has({-ETIMEDOUT}));
}

BOOST_AUTO_TEST_CASE(an_op_that_succeeds_in_the_last_moment_has_not_timed_out) {
    begin_op(OpAwaiter::Cancellable::yes, scheduler.now() + 10ms);
    pass(10ms);
    backend.end_next(5);
    turn();
    BOOST_TEST(has({5}));
}

BOOST_AUTO_TEST_CASE(an_op_that_ended_disarms_its_deadline) {
    begin_op(OpAwaiter::Cancellable::yes, scheduler.now() + 10ms);
    backend.end_next(5);
    turn();
    BOOST_TEST((scheduler.timers().next_due() == SteadyTime::max()));
    BOOST_TEST(has({5}));
}

BOOST_AUTO_TEST_CASE(a_deadline_and_a_cancellation_together_ask_once) {
    begin_op(OpAwaiter::Cancellable::yes, scheduler.now() + 10ms);
    scope.cancel();
    pass(20ms);
    BOOST_TEST(backend.asked_to_cancel.size() == 1u);
    backend.end_next(-ECANCELED);
    turn();
    BOOST_TEST(results.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_kernels_error_becomes_the_code_that_callers_react_to) {
    const auto code = [](const int number) { return io::to_error(-number, "x").code; };
    BOOST_TEST((code(ENOENT) == ErrorCode::not_found));
    BOOST_TEST((code(EEXIST) == ErrorCode::already_exists));
    BOOST_TEST((code(ENOSPC) == ErrorCode::no_space));
    BOOST_TEST((code(EDQUOT) == ErrorCode::no_space));
    BOOST_TEST((code(EPIPE) == ErrorCode::closed));
    BOOST_TEST((code(ECONNRESET) == ErrorCode::closed));
    BOOST_TEST((code(ETIMEDOUT) == ErrorCode::timed_out));
    BOOST_TEST((code(EAGAIN) == ErrorCode::busy));
    BOOST_TEST((code(ECANCELED) == ErrorCode::cancelled));
    BOOST_TEST((code(EIO) == ErrorCode::io));
    BOOST_TEST(io::to_error(-EIO, "x").sys_errno == EIO);
    BOOST_TEST(io::to_error(-EIO, "a step").step == "a step");
}

BOOST_AUTO_TEST_SUITE_END()
