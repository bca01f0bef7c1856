// The ring where it is tight: full queues, operations that meet their own cancelling.
#include "shared/io/uring_backend.h"
#include "tests/support/dies.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <sys/inotify.h>

#include <array>
#include <fstream>

using namespace logboom;
using namespace logboom::test;

namespace {

io::UringOptions tiny_ring(const int rung) {
    io::UringOptions options = io::UringOptions::for_agent();
    options.sq_entries = 8;
    options.cq_entries = 16;
    options.first_rung = rung;
    return options;
}

/// An op by itself; `ends` counts its completions.
struct LoneOp {
    explicit LoneOp(IoWorld& world) {
        op.scheduler = &world.scheduler();
        op.owner = this;
        op.on_done = [](io::Op& done) { ++static_cast<LoneOp*>(done.owner)->ends; };
    }
    void submit(IoWorld& world) {
        op.in_kernel = true;
        world.backend().submit(op);
    }
    io::Op op;
    int ends = 0;
};

void poll_until(IoWorld& world, const std::function<bool()>& condition) {
    for (int turn = 0; turn < 1000 && !condition(); ++turn) {
        world.backend().poll(world.backend().now() + 10ms);
    }
    BOOST_TEST(condition());
}

/// Many more at once than either queue has places, so that the kernel must be asked to take some before
/// others can be told.
void read_much_at_once(IoWorld& world) {
    constexpr std::size_t count = 3000;
    const std::string path = world.path("file");
    std::ofstream(path) << "0123456789";
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    std::array<std::byte, 10> into{};
    std::vector<std::unique_ptr<LoneOp>> reads;
    for (std::size_t i = 0; i < count; ++i) {
        LoneOp& read = *reads.emplace_back(std::make_unique<LoneOp>(world));
        read.op.kind = io::OpKind::read;
        read.op.fd = fd;
        read.op.buf = into.data();
        read.op.len = into.size();
        read.submit(world);
        BOOST_REQUIRE(read.ends == 0);  // never inside `submit`
    }
    poll_until(world, [&reads] {
        return std::ranges::all_of(reads, [](const auto& read) { return read->ends == 1; });
    });
    BOOST_TEST(std::ranges::all_of(reads, [](const auto& read) { return read->op.res == 10; }));
    ::close(fd);
}

void answer_an_op_that_is_over() {
    const auto world = IoWorld::on_ring(0);
    LoneOp op(*world);
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    std::array<std::byte, 1024> into{};
    op.op.kind = io::OpKind::read;
    op.op.fd = fd;
    op.op.off = -1;
    op.op.buf = into.data();
    op.op.len = into.size();
    op.submit(*world);
    world->backend().poll(SteadyTime::min());
    // Its place is used again although the kernel has not answered: a mistake of ours.
    op.submit(*world);
    ::inotify_add_watch(fd, world->dir().c_str(), IN_CREATE);
    std::ofstream(world->path("file")) << "x";
    for (int turn = 0; turn < 10; ++turn) {
        world->backend().poll(world->backend().now() + 10ms);
    }
}

boost::test_tools::assertion_result has_ring(boost::unit_test::test_unit_id /*unit*/) {
    boost::test_tools::assertion_result result(IoWorld::ring_refusal().empty());
    result.message() << IoWorld::ring_refusal();
    return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(uring_pressure, *boost::unit_test::precondition(has_ring))

BOOST_AUTO_TEST_CASE(more_operations_than_the_queues_hold_all_end_once) {
    for (int rung = 0; rung < ring_rungs; ++rung) {
        const auto world = IoWorld::on_ring(tiny_ring(rung));
        BOOST_TEST_CONTEXT(world->name()) {
            read_much_at_once(*world);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_watch_that_finds_nothing_is_not_begun_again_after_it_was_cancelled) {
    io::UringOptions options = io::UringOptions::for_agent();
    options.sq_entries = 512;
    options.cq_entries = 2048;
    const auto world = IoWorld::on_ring(options);
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    BOOST_REQUIRE(::inotify_add_watch(fd, world->dir().c_str(), IN_CREATE) >= 0);
    std::array<std::byte, 1024> into{};
    LoneOp next(*world);
    next.op.kind = io::OpKind::read;
    next.op.fd = fd;
    next.op.off = -1;
    next.op.buf = into.data();
    next.op.len = into.size();
    next.submit(*world);
    world->backend().poll(SteadyTime::min());
    // The descriptor is readable, and its answer waits behind so many others that this turn does not see it.
    for (int i = 0; i < 300; ++i) {
        world->backend().close_later(-1);
    }
    std::ofstream(world->path("file")) << "x";
    world->backend().poll(SteadyTime::min());
    BOOST_REQUIRE(next.ends == 0);
    BOOST_REQUIRE(::read(fd, into.data(), into.size()) > 0);  // somebody else was faster
    next.op.cancel_requested = true;
    world->backend().cancel(next.op);
    poll_until(*world, [&next] { return next.ends == 1; });
    BOOST_TEST(next.op.res == -ECANCELED);
    ::close(fd);
}

BOOST_AUTO_TEST_CASE(an_answer_to_an_op_that_is_over_ends_the_program) {
    BOOST_TEST(dies(answer_an_op_that_is_over));
}

BOOST_AUTO_TEST_SUITE_END()
