// Shards on threads of their own, each with a real backend.
#include "shared/io/shard.h"

#include "shared/io/backend_maker.h"
#include "shared/io/shard_threads.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>

namespace logboom::io {

std::ostream& operator<<(std::ostream& out, const BackendKind kind) {
    return out << to_string(kind);
}

}  // namespace logboom::io

using namespace logboom;
using io::BackendKind;
using io::call_on;
using io::ShardThreads;
using io::ShardThreadsOptions;
using test::code_of;
using test::IoWorld;

namespace {

using Shards = std::vector<Shard*>;
using Made = std::variant<std::unique_ptr<io::IoBackend>, std::string>;

/// As a program makes it, of one kind.
Made make_backend(const BackendKind kind) {
    const auto choice = kind == BackendKind::uring ? io::BackendChoice::uring
                                                   : io::BackendChoice::poll;
    io::BackendMaker maker(choice, io::UringOptions::for_agent());
    return maker.make();
}

const std::vector<BackendKind>& kinds() {
    static const std::vector<BackendKind> of_this_machine =
        IoWorld::ring_refusal().empty() ? std::vector{BackendKind::uring, BackendKind::poll}
                                        : std::vector{BackendKind::poll};
    return of_this_machine;
}

struct Threads {
    Threads(const BackendKind kind, const std::size_t shard_count)
        : threads([kind] { return make_backend(kind); }, sink, options(shard_count)) {
        BOOST_REQUIRE(threads.start().empty());
    }
    static ShardThreadsOptions options(const std::size_t shard_count) {
        ShardThreadsOptions made;
        made.shard_count = shard_count;
        return made;
    }
    test::KeptLines sink;
    ShardThreads threads;
};

/// What runs on one shard for those on another. `std::function` bodies are plain calls that make a task.
struct Place {
    explicit Place(const Shards& all) : shards(all) {}

    Task<std::thread::id> tell_thread() { co_return std::this_thread::get_id(); }
    Task<std::unique_ptr<int>> give(const int number) {
        co_await io::yield();
        co_return std::make_unique<int>(number);
    }
    Task<Result<std::uint64_t>> write(Shard& here, std::string path) {
        std::string content(50'000, 'x');
        LB_CO_CHECK(co_await here.env().fs.replace_file(path, as_bytes(content)));
        LB_CO_TRY(const io::FileStat stat, co_await here.env().fs.stat(path));
        co_return stat.size;
    }
    /// Goes on to the next shard, and the next, and comes back.
    Task<int> hop(const std::size_t here, const int hops) {
        if (hops == 0) {
            co_return 0;
        }
        const std::size_t next = (here + 1) % shards.size();
        const std::function<Task<int>()> body = [this, next, hops] { return hop(next, hops - 1); };
        const int rest = co_await call_on(*shards[here], *shards[next], body);
        co_return rest + 1;
    }

    const Shards& shards;
};

Task<void> look_at_shards(const Shards& shards) {
    Place place(shards);
    std::vector<std::thread::id> threads;
    for (std::size_t i = 0; i < shards.size(); ++i) {
        BOOST_TEST(shards[i]->index() == i);
        const std::function<Task<std::thread::id>()> body = [&place] {
            return place.tell_thread();
        };
        const std::thread::id id = co_await call_on(*shards[0], *shards[i], body);
        threads.push_back(id);
    }
    BOOST_TEST((threads.front() == std::this_thread::get_id()));
    std::ranges::sort(threads);
    BOOST_TEST((std::ranges::adjacent_find(threads) == threads.end()));
}

Task<void> fetch_owned(const Shards& shards) {
    Place place(shards);
    for (int i = 0; i < 50; ++i) {
        const std::function<Task<std::unique_ptr<int>>()> body = [&place, i] {
            return place.give(i);
        };
        const std::unique_ptr<int> got = co_await call_on(*shards[0], *shards[1], body);
        BOOST_TEST(*got == i);
    }
}

Task<void> hop_around(const Shards& shards, const std::size_t from, int& hops) {
    Place place(shards);
    for (int round = 0; round < 20; ++round) {
        const int done = co_await place.hop(from, 30);
        hops += done;
    }
}
Task<void> hop_in_crowds(const Shards& shards, int& hops) {
    Scope tasks(shards[0]->env().scheduler);
    for (int i = 0; i < 10; ++i) {
        tasks.spawn(hop_around(shards, 0, hops));
    }
    co_await tasks.join();
}

Task<void> write_elsewhere(const Shards& shards, std::string path, std::uint64_t& size) {
    Place place(shards);
    Shard& there = *shards[1];
    const std::function<Task<Result<std::uint64_t>>()> body = [&place, &there, &path] {
        return place.write(there, path);
    };
    const Result<std::uint64_t> written = co_await call_on(*shards[0], there, body);
    size = written ? *written : 0;
}

Task<int> say(const int number) {
    co_return number;
}
Task<void> call_myself(const Shards& shards, std::vector<std::string>& seen) {
    const std::function<Task<int>()> body = [&seen] {
        seen.emplace_back("called");
        return say(5);
    };
    const int got = co_await call_on(*shards[0], *shards[0], body);
    seen.push_back(std::to_string(got));
}

Task<std::vector<int>> take(std::vector<int>& numbers) {
    co_return std::move(numbers);
}
Task<void> post_many(const Shards& shards, std::vector<int>& arrived) {
    std::vector<int> there;  // touched by shard 1 only, until it is fetched
    for (int i = 0; i < 2000; ++i) {
        shards[1]->post([&there, i] { there.push_back(i); });
        if (i % 100 == 0) {
            co_await io::yield();
        }
    }
    const std::function<Task<std::vector<int>>()> body = [&there] { return take(there); };
    std::vector<int> got = co_await call_on(*shards[0], *shards[1], body);
    arrived = std::move(got);
}

Task<void> hear_from_a_thread(const Shards& shards, int& heard) {
    io::Event enough(shards[0]->env().scheduler);
    std::thread foreign([&] {
        for (int i = 0; i < 500; ++i) {
            shards[0]->post([&] {
                if (++heard == 500) {
                    enough.set();
                }
            });
        }
    });
    co_await enough.wait_uncancelled();
    foreign.join();
}

Task<int> answer_when_asked(std::atomic<bool>& is_running, io::Event& go) {
    is_running = true;
    co_await go.wait_uncancelled();
    co_return 9;
}
Task<void> call_and_note(
    const Shards& shards, std::atomic<bool>& is_running, std::unique_ptr<io::Event>& go, int& result
) {
    const std::function<Task<int>()> body = [&shards, &is_running, &go] {
        go = std::make_unique<io::Event>(shards[1]->env().scheduler);
        return answer_when_asked(is_running, *go);
    };
    result = co_await call_on(*shards[0], *shards[1], body);
}
Task<void> cancel_a_call(const Shards& shards, int& result, bool& was_waiting) {
    std::atomic<bool> is_running{false};
    std::unique_ptr<io::Event> go;  // belongs to shard 1
    Scope calls(shards[0]->env().scheduler);
    calls.spawn(call_and_note(shards, is_running, go, result));
    while (!is_running) {
        [[maybe_unused]] const Result<Ok> slept = co_await shards[0]->env().sleep(1ms);
    }
    calls.cancel();
    [[maybe_unused]] const Result<Ok> slept = co_await shards[0]->env().sleep(1ms);
    was_waiting = calls.count() == 1;
    shards[1]->post([&go] { go->set(); });
    co_await calls.join();
    const std::function<Task<int>()> body = [&go] {
        go.reset();
        return say(0);
    };
    co_await call_on(*shards[0], *shards[1], body);
}

Task<void> wait_until_cancelled(Env& env, ErrorCode& into) {
    const Result<Ok> ended = co_await env.sleep(std::chrono::hours(24));
    into = code_of(ended);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shard)

BOOST_DATA_TEST_CASE(
    the_first_shard_that_cannot_be_made_ends_the_start_with_its_text, kinds(), kind
) {
    for (int good = 0; good < 3; ++good) {
        std::atomic<int> calls{0};
        const auto factory = [&calls, good, kind]() -> Made {
            if (calls++ == good) {
                return std::string("no more backends");
            }
            return make_backend(kind);
        };
        test::KeptLines sink;
        ShardThreads threads(factory, sink, Threads::options(3));
        BOOST_TEST(threads.start() == "no more backends");
        BOOST_TEST(calls == good + 1);
    }
}

BOOST_DATA_TEST_CASE(shards_that_never_ran_anything_end_too, kinds(), kind) {
    const Threads t(kind, 3);
    BOOST_TEST(t.threads.shards().size() == 3u);
}

BOOST_DATA_TEST_CASE(each_shard_runs_what_it_is_called_for_on_a_thread_of_its_own, kinds(), kind) {
    Threads t(kind, 3);
    t.threads.run(look_at_shards(t.threads.shards()));
}

BOOST_DATA_TEST_CASE(a_result_that_cannot_be_copied_comes_home, kinds(), kind) {
    Threads t(kind, 2);
    t.threads.run(fetch_owned(t.threads.shards()));
}

BOOST_DATA_TEST_CASE(calls_go_to_and_fro_between_all_shards_at_once, kinds(), kind) {
    Threads t(kind, 3);
    int hops = 0;
    t.threads.run(hop_in_crowds(t.threads.shards(), hops));
    BOOST_TEST(hops == 10 * 20 * 30);
}

BOOST_DATA_TEST_CASE(a_call_uses_the_files_of_the_shard_that_it_runs_on, kinds(), kind) {
    const test::TempDir dir;
    Threads t(kind, 2);
    std::uint64_t size = 0;
    t.threads.run(write_elsewhere(t.threads.shards(), dir.path() + "/file", size));
    BOOST_TEST(size == 50'000u);
}

BOOST_DATA_TEST_CASE(a_call_on_the_own_shard_is_a_plain_await, kinds(), kind) {
    Threads t(kind, 1);
    std::vector<std::string> seen;
    t.threads.run(call_myself(t.threads.shards(), seen));
    BOOST_TEST(seen == (std::vector<std::string>{"called", "5"}));
}

BOOST_DATA_TEST_CASE(what_one_sender_posts_arrives_in_its_order, kinds(), kind) {
    Threads t(kind, 2);
    std::vector<int> arrived;
    t.threads.run(post_many(t.threads.shards(), arrived));
    std::vector<int> expected(2000);
    std::iota(expected.begin(), expected.end(), 0);
    BOOST_TEST((arrived == expected));
}

BOOST_DATA_TEST_CASE(any_thread_may_post_and_wakes_a_shard_that_waits, kinds(), kind) {
    Threads t(kind, 1);
    int heard = 0;
    t.threads.run(hear_from_a_thread(t.threads.shards(), heard));
    BOOST_TEST(heard == 500);
}

BOOST_DATA_TEST_CASE(a_call_is_not_cut_short_by_cancellation, kinds(), kind) {
    Threads t(kind, 2);
    int result = 0;
    bool was_waiting = false;
    t.threads.run(cancel_a_call(t.threads.shards(), result, was_waiting));
    BOOST_TEST(was_waiting);
    BOOST_TEST(result == 9);
}

BOOST_DATA_TEST_CASE(a_stop_that_another_thread_requests_cancels_the_main_task, kinds(), kind) {
    Threads t(kind, 2);
    ErrorCode ended{};
    ShardThreads& threads = t.threads;
    std::thread stopper([&threads] { threads.request_stop(); });
    t.threads.run(wait_until_cancelled(t.threads.shards()[0]->env(), ended));
    stopper.join();
    BOOST_TEST(ended == ErrorCode::cancelled);
}

BOOST_AUTO_TEST_SUITE_END()
