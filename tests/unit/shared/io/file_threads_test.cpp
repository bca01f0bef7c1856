#include "shared/io/file_threads.h"

#include "tests/support/refuse_calls.h"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <semaphore>

using namespace logboom;
using namespace logboom::test;
using io::FileThreads;
using io::Op;
using io::OpKind;

namespace {

/// Its answers, and waiting for them.
struct Shard {
    explicit Shard(const std::size_t threads_max)
        : threads([this] { answered.release(); }, threads_max) {}

    std::pair<Op*, std::int32_t> next() {
        while (known.empty()) {
            answered.acquire();
            known = threads.collect();
        }
        const auto first = known.front();
        known.erase(known.begin());
        return first;
    }

    std::counting_semaphore<> answered{0};
    std::vector<std::pair<Op*, std::int32_t>> known;
    FileThreads threads;
};

Op look_at_root(struct statx& into) {
    Op op;
    op.kind = OpKind::statx;
    op.path = "/";
    op.out = &into;
    return op;
}

/// 0 if an op is answered although no thread can be started.
int answers_without_threads() {
    Shard shard(2);
    struct statx stat {};
    Op op = look_at_root(stat);
    shard.threads.submit(op);
    const auto [answered, res] = shard.next();
    return answered == &op && res == -ENOMEM ? 0 : 1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(file_threads)

BOOST_AUTO_TEST_CASE(all_that_is_submitted_is_answered_once) {
    for (const std::size_t threads_max : {1u, 4u}) {
        Shard shard(threads_max);
        std::vector<struct statx> stats(200);
        std::vector<Op> ops;
        for (struct statx& stat : stats) {
            ops.push_back(look_at_root(stat));
        }
        for (Op& op : ops) {
            shard.threads.submit(op);
        }
        for (std::size_t i = 0; i < ops.size(); ++i) {
            const auto [op, res] = shard.next();
            BOOST_TEST(res == 0);
            BOOST_TEST(S_ISDIR(static_cast<struct statx*>(op->out)->stx_mode));
            op->kind = OpKind::open;  // a second answer would not be that of a look
        }
        BOOST_TEST(shard.threads.collect().empty());
    }
}

BOOST_AUTO_TEST_CASE(what_was_submitted_is_done_before_the_threads_end) {
    std::vector<struct statx> stats(50);
    std::vector<Op> ops;
    for (struct statx& stat : stats) {
        ops.push_back(look_at_root(stat));
    }
    {
        Shard shard(2);
        for (Op& op : ops) {
            shard.threads.submit(op);
        }
    }
    for (const struct statx& stat : stats) {
        BOOST_TEST(S_ISDIR(stat.stx_mode));
    }
}

BOOST_AUTO_TEST_CASE(an_op_of_somebody_else_cannot_be_withdrawn) {
    Shard shard(1);
    Op op;
    BOOST_TEST(!shard.threads.withdraw(op));
}

BOOST_AUTO_TEST_CASE(signals_are_not_for_the_threads) {
    sigset_t seen;
    std::thread thread = io::start_helper([&seen] {
        ::pthread_sigmask(SIG_SETMASK, nullptr, &seen);
    });
    thread.join();
    BOOST_TEST(::sigismember(&seen, SIGTERM) == 1);
    sigset_t ours;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &ours);
    BOOST_TEST(::sigismember(&ours, SIGTERM) == 0);
}

BOOST_AUTO_TEST_CASE(a_host_that_refuses_threads_gets_an_answer_and_no_crash) {
    BOOST_TEST(failures_without({SYS_clone, SYS_clone3}, EAGAIN, answers_without_threads) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
