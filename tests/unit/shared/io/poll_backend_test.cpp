// What is special about epoll and threads; what all backends promise stands in backend_contract_test.cpp.
#include "shared/io/poll_backend.h"

#include "tests/unit/shared/io/op_bench.h"

#include <boost/test/unit_test.hpp>

#include <sys/socket.h>

#include <memory>

using namespace logboom;
using namespace logboom::test;
using io::PollOptions;

namespace {

PollOptions with_threads(const std::size_t count) {
    PollOptions options;
    options.file_threads_max = count;
    return options;
}

/// An open of a FIFO: it hangs until somebody opens the other end.
class HangingOpen {
public:
    HangingOpen(Bench& bench, const std::string& name) : bench_(bench), path_(bench.path(name)) {
        BOOST_REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
        probe.op.path = path_.c_str();
        probe.op.flags = O_RDONLY | O_CLOEXEC;
        bench.submit(probe);
    }
    HangingOpen(const HangingOpen&) = delete;
    HangingOpen& operator=(const HangingOpen&) = delete;
    ~HangingOpen() { end(); }

    /// The thread is inside the call: whoever opens the other end without waiting finds a reader there.
    void wait_until_it_hangs() {
        while (other_end_ < 0) {
            other_end_ = ::open(path_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
            BOOST_REQUIRE((other_end_ >= 0 || errno == ENXIO));
        }
    }
    void end() {
        if (is_over_) {
            return;
        }
        is_over_ = true;
        if (probe.completions == 0) {
            wait_until_it_hangs();
            bench_.wait(probe);
        }
        if (probe.op.res >= 0) {
            ::close(probe.op.res);
        }
        if (other_end_ >= 0) {
            ::close(other_end_);
        }
    }

    OpProbe probe{OpKind::open};

private:
    Bench& bench_;
    std::string path_;
    int other_end_ = -1;
    bool is_over_ = false;
};

void look_at(Bench& b, OpProbe& p) {
    p.op.path = b.world().dir().c_str();
    p.op.out = &p.stat;
}

/// A socket pair of which the bench closes both ends.
Bench::Pair socket_pair(Bench& b) {
    std::array<int, 2> ends{};
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    b.adopt(ends[0]);
    b.adopt(ends[1]);
    return {ends[0], ends[1]};
}

void check_received_later(Bench& b, const Bench::Pair& pair) {
    OpProbe p(OpKind::recv);
    p.op.fd = pair.client;
    p.read_into_room(4);
    b.submit(p);
    b.pass(1ms);
    BOOST_TEST(p.completions == 0);
    BOOST_REQUIRE(::send(pair.server, "text", 4, MSG_NOSIGNAL) == 4);
    BOOST_TEST(b.wait(p) == 4);
    BOOST_TEST(p.room_text() == "text");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(poll_backend)

BOOST_AUTO_TEST_CASE(calls_that_hang_hold_up_no_other_while_a_thread_is_left) {
    const auto world = IoWorld::on_poll(with_threads(3));
    Bench b(*world);
    HangingOpen first(b, "first");
    HangingOpen second(b, "second");
    for (int i = 0; i < 20; ++i) {
        OpProbe p(OpKind::statx);
        look_at(b, p);
        BOOST_TEST(b.run(p) == 0);
    }
    BOOST_TEST(first.probe.completions == 0);
    BOOST_TEST(second.probe.completions == 0);
    first.end();
    second.end();
    BOOST_TEST(first.probe.op.res >= 0);
}

BOOST_AUTO_TEST_CASE(what_waits_behind_a_call_that_hangs_can_be_cancelled) {
    const auto world = IoWorld::on_poll(with_threads(1));
    Bench b(*world);
    HangingOpen hanging(b, "fifo");
    OpProbe p(OpKind::statx);
    look_at(b, p);
    b.submit(p);
    b.pass(2ms);
    BOOST_TEST(p.completions == 0);
    b.cancel(p);
    b.cancel(p);
    BOOST_TEST(b.wait(p) == -ECANCELED);
    hanging.end();
    b.pass_a_while();
    BOOST_TEST(p.completions == 1);
}

BOOST_AUTO_TEST_CASE(a_call_that_a_thread_has_begun_tells_its_result_although_it_was_cancelled) {
    const auto world = IoWorld::on_poll(with_threads(1));
    Bench b(*world);
    HangingOpen hanging(b, "fifo");
    OpProbe made(OpKind::mkdir);
    made.path = b.path("made");
    made.op.path = made.path.c_str();
    made.op.mode = 0700;
    b.submit(made);
    hanging.wait_until_it_hangs();  // and goes on, to the other call
    while (::access(made.path.c_str(), F_OK) != 0) {}
    b.cancel(made);
    BOOST_TEST(b.wait(made) == 0);
    BOOST_TEST(made.completions == 1);
}

BOOST_AUTO_TEST_CASE(a_close_waits_for_the_calls_that_were_begun_and_later_ones_find_nothing) {
    const auto world = IoWorld::on_poll(with_threads(1));
    Bench b(*world);
    const int fd = b.make_file("file", "0123456789");
    HangingOpen hanging(b, "fifo");
    OpProbe before(OpKind::read);
    before.op.fd = fd;
    before.read_into_room(10);
    b.submit(before);
    OpProbe close(OpKind::close);
    close.op.fd = fd;
    b.submit(close);
    for (const OpKind kind : {OpKind::read, OpKind::fdatasync, OpKind::close, OpKind::lock_file}) {
        OpProbe late(kind);
        late.op.fd = fd;
        late.read_into_room(10);
        BOOST_TEST(b.run(late) == -EBADF);
    }
    BOOST_TEST(before.completions == 0);
    BOOST_TEST(close.completions == 0);
    hanging.end();
    BOOST_TEST(b.wait(before) == 10);
    BOOST_TEST(b.wait(close) == 0);
    b.forget(fd);
}

BOOST_AUTO_TEST_CASE(a_close_that_is_cancelled_while_it_waits_leaves_the_descriptor_as_it_was) {
    const auto world = IoWorld::on_poll(with_threads(1));
    Bench b(*world);
    const int fd = b.make_file("file", "0123456789");
    HangingOpen hanging(b, "fifo");
    OpProbe before(OpKind::read);
    before.op.fd = fd;
    before.read_into_room(10);
    b.submit(before);
    OpProbe close(OpKind::close);
    close.op.fd = fd;
    b.submit(close);
    b.cancel(close);
    BOOST_TEST(b.wait(close) == -ECANCELED);
    OpProbe after(OpKind::read);
    after.op.fd = fd;
    after.read_into_room(10);
    b.submit(after);
    hanging.end();
    BOOST_TEST(b.wait(before) == 10);
    BOOST_TEST(b.wait(after) == 10);
}

BOOST_AUTO_TEST_CASE(cancelling_the_last_call_lets_a_close_go_on_that_waited_for_it) {
    const auto world = IoWorld::on_poll(with_threads(1));
    Bench b(*world);
    const int fd = b.make_file("file", "0123456789");
    HangingOpen hanging(b, "fifo");
    OpProbe before(OpKind::read);
    before.op.fd = fd;
    before.read_into_room(10);
    b.submit(before);
    OpProbe close(OpKind::close);
    close.op.fd = fd;
    b.submit(close);
    b.cancel(before);
    BOOST_TEST(b.wait(before) == -ECANCELED);
    hanging.end();
    BOOST_TEST(b.wait(close) == 0);
    b.forget(fd);
}

BOOST_AUTO_TEST_CASE(what_was_to_be_closed_is_closed_when_the_backend_ends) {
    const TempDir dir;
    const std::string path = dir.path() + "/file";
    const int plain = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    const int busy = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    OpProbe read(OpKind::read);
    {
        const auto made = io::PollBackend::make(with_threads(1));
        const auto& backend = *std::get_if<std::unique_ptr<io::PollBackend>>(&made);
        read.op.fd = busy;
        read.read_into_room(10);
        read.op.in_kernel = true;
        backend->submit(read.op);
        backend->close_later(busy);
        backend->close_later(plain);
    }
    BOOST_TEST(::fcntl(plain, F_GETFD) == -1);
    BOOST_TEST(::fcntl(busy, F_GETFD) == -1);
}

BOOST_AUTO_TEST_CASE(a_descriptor_may_be_waited_for_again_and_again) {
    const auto world = IoWorld::on_poll(PollOptions());
    Bench b(*world);
    const Bench::Pair pair = socket_pair(b);
    for (int round = 0; round < 3; ++round) {
        check_received_later(b, pair);
    }
}

BOOST_AUTO_TEST_CASE(a_number_that_others_closed_and_gave_anew_is_waited_for_like_any_other) {
    const auto world = IoWorld::on_poll(PollOptions());
    Bench b(*world);
    const Bench::Pair old = socket_pair(b);
    check_received_later(b, old);
    b.forget(old.client);
    b.forget(old.server);
    ::close(old.client);
    ::close(old.server);
    const Bench::Pair next = socket_pair(b);
    BOOST_REQUIRE(next.client == old.client);
    check_received_later(b, next);
}

BOOST_AUTO_TEST_CASE(bytes_that_nobody_takes_do_not_keep_the_loop_awake) {
    const auto world = IoWorld::on_poll(PollOptions());
    Bench b(*world);
    const Bench::Pair pair = socket_pair(b);
    check_received_later(b, pair);
    BOOST_REQUIRE(::send(pair.server, "unwanted", 8, MSG_NOSIGNAL) == 8);
    int turns = 0;
    const SteadyTime until = b.backend().now() + 20ms;
    while (b.backend().now() < until) {
        b.backend().poll(until);
        ++turns;
    }
    BOOST_TEST(turns < 10);
    BOOST_TEST(b.receive(pair.client, 8) == "unwanted");
}

BOOST_AUTO_TEST_CASE(a_flood_on_one_connection_leaves_the_others_their_turn) {
    const auto world = IoWorld::on_poll(PollOptions{1, 16});
    Bench b(*world);
    const Bench::Pair flood = socket_pair(b);
    const Bench::Pair quiet = socket_pair(b);
    const std::string much(100'000, 'x');
    BOOST_REQUIRE(
        ::send(flood.server, much.data(), much.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 50'000
    );
    BOOST_REQUIRE(::send(quiet.server, "a word", 6, MSG_NOSIGNAL) == 6);
    OpProbe all(OpKind::recv_multi);
    all.op.fd = flood.client;
    OpProbe one(OpKind::recv);
    one.op.fd = quiet.client;
    one.read_into_room(6);
    b.submit(all);
    b.submit(one);
    BOOST_TEST(b.wait(one) == 6);
    BOOST_TEST(all.received.size() < 10'000u);
    b.run_until([&all] { return all.received.size() > 50'000; });
    b.cancel(all);
    b.wait(all);
}

BOOST_AUTO_TEST_CASE(an_owner_may_end_a_multishot_receive_while_he_is_told_of_a_piece) {
    const auto world = IoWorld::on_poll(PollOptions{1, 16});
    Bench b(*world);
    const Bench::Pair pair = socket_pair(b);
    BOOST_REQUIRE(::send(pair.server, "more than one piece of it", 25, MSG_NOSIGNAL) == 25);
    OpProbe p(OpKind::recv_multi);
    p.op.fd = pair.client;
    p.bench = &b;
    p.op.on_multi = [](Op& op, std::int32_t, const ByteView data) {
        auto& self = *static_cast<OpProbe*>(op.owner);
        self.received += as_text(data);
        self.bench->cancel(self);
        BOOST_TEST(self.completions == 0);
    };
    BOOST_TEST(b.run(p) == -ECANCELED);
    BOOST_TEST(p.received == "more than one pi");
    BOOST_TEST(b.receive(pair.client, 9) == "ece of it");
}

BOOST_AUTO_TEST_SUITE_END()
