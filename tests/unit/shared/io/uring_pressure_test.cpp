// The ring where it is tight: full queues, operations that meet their own cancelling, kernels that refuse.
#include "shared/io/net.h"
#include "shared/io/op_awaiter.h"
#include "shared/io/uring_backend.h"
#include "tests/support/dies.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

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

Task<Result<Ok>> look_at_user_timeout(IoWorld& world) {
    SocketAddress address;
    address.host = "127.0.0.1";
    io::ConnOptions options;
    options.peer_timeout = 20s;
    LB_CO_TRY(auto listener, co_await world.net().listen(address, false, options));
    address.port = listener->port();
    const SteadyTime deadline = world.env().clock.now() + 10s;
    io::Op op;
    op.kind = io::OpKind::connect_tcp;
    op.address = &address;
    op.length = 12'345;
    const int fd = co_await io::OpAwaiter(world.backend(), op);
    BOOST_REQUIRE(fd >= 0);
    int value = 0;
    socklen_t size = sizeof value;
    BOOST_REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size) == 0);
    BOOST_TEST(value == 12'345);
    ::close(fd);
    LB_CO_TRY(auto client, co_await world.net().connect(address, deadline, io::ConnOptions()));
    client->abort();
    co_await client->close();
    co_await listener->close();
    co_return Ok{};
}

/// From here on the kernel answers io_uring_setup with EPERM, as a container's profile makes it.
bool forbid_rings() {
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    sock_fprog filter{};
    filter.len = program.size();
    filter.filter = program.data();
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
        && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
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

BOOST_AUTO_TEST_CASE(the_kernels_patience_with_a_peer_is_an_option_of_the_connection) {
    on_every_ring(look_at_user_timeout);
}

BOOST_AUTO_TEST_CASE(an_answer_to_an_op_that_is_over_ends_the_program) {
    BOOST_TEST(dies(answer_an_op_that_is_over));
}

BOOST_AUTO_TEST_CASE(a_refusal_names_the_call_the_error_and_what_to_do) {
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
        if (!forbid_rings()) {
            ::_exit(77);
        }
        const auto made = io::UringBackend::make(io::UringOptions::for_agent());
        const std::string* const text = std::get_if<std::string>(&made);
        int missing = 0;
        for (const char* const part :
             {"io_uring_setup",
              "Operation not permitted",
              "errno 1",
              "seccomp",
              "--security-opt",
              "kernel.io_uring_disabled",
              "set it to 0",
              "older than",
              "install a newer one"}) {
            missing += text == nullptr || text->find(part) == std::string::npos ? 1 : 0;
        }
        ::_exit(missing);
    }
    int status = 0;
    BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
    BOOST_REQUIRE(WIFEXITED(status));
    BOOST_TEST((WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
}

BOOST_AUTO_TEST_SUITE_END()
