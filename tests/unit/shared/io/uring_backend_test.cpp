// What is special about the real ring; what all backends promise stands in backend_contract_test.cpp.
#include "shared/io/uring_backend.h"

#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace logboom;
using io::UringBackend;
using io::UringOptions;
using test::IoWorld;

namespace {

boost::test_tools::assertion_result has_ring(boost::unit_test::test_unit_id) {
    return boost::test_tools::assertion_result(IoWorld::ring_refusal().empty());
}

std::string refusal_of(const UringOptions& options) {
    const auto made = UringBackend::make(options);
    const auto* const refused = std::get_if<io::UringRefusal>(&made);
    return refused == nullptr ? std::string() : refused->text;
}

struct Pair {
    std::unique_ptr<Conn> client;
    std::unique_ptr<Conn> server;
};

Task<void> end(std::unique_ptr<Conn>& conn) {
    conn->abort();
    co_await conn->close();
}
Task<void> read_all(Conn& conn, const std::size_t size, std::string& into) {
    while (into.size() < size) {
        const Result<ByteView> bytes = co_await conn.peek(1);
        BOOST_TEST(bytes.has_value());
        if (!bytes) {
            co_return;
        }
        into += as_text(*bytes);
        conn.consume(static_cast<std::uint32_t>(bytes->size()));
    }
}

/// More connections have bytes than there are shared buffers.
Task<Result<Ok>> receive_much_with_few_buffers(IoWorld& w) {
    constexpr std::size_t count = 6;
    constexpr std::size_t size = 60'000;
    const SocketAddress any{"127.0.0.1", 0};
    LB_CO_TRY(const std::unique_ptr<io::Listener> listener, co_await w.net().listen(any, false));
    const SocketAddress there{"127.0.0.1", listener->port()};
    std::vector<Pair> pairs(count);
    std::vector<std::string> received(count);
    std::vector<std::string> sent(count);
    for (std::size_t i = 0; i < count; ++i) {
        LB_CO_TRY(pairs[i].client, co_await w.net().connect(there, no_deadline));
        LB_CO_TRY(pairs[i].server, co_await listener->next());
        for (std::size_t n = i * 1'000'000; sent[i].size() < size; ++n) {
            sent[i] += std::to_string(n) + ' ';
        }
        Slice slice = w.env().pool.copy_of(as_bytes(sent[i]));
        LB_CO_CHECK(co_await pairs[i].client->send(std::move(slice)));
    }
    // All of it waits in the kernel when the first receive is armed.
    Scope readers(w.scheduler());
    for (std::size_t i = 0; i < count; ++i) {
        readers.spawn(read_all(*pairs[i].server, sent[i].size(), received[i]));
    }
    co_await readers.join();
    BOOST_TEST((received == sent));
    BOOST_TEST(w.ring_backend().stats().receive_starved != 0u);
    for (Pair& pair : pairs) {
        co_await end(pair.client);
        co_await end(pair.server);
    }
    co_await listener->close();
    co_return Ok{};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(uring_backend, *boost::unit_test::precondition(has_ring))

BOOST_AUTO_TEST_CASE(a_ring_that_cannot_be_made_says_which_call_failed) {
    UringOptions options;
    options.sq_entries = 0;
    BOOST_TEST(refusal_of(options).find("io_uring_setup: Invalid argument") == 0u);
    options = UringOptions();
    options.cq_entries = 1;  // fewer than submissions
    BOOST_TEST(refusal_of(options).find("io_uring_setup: Invalid argument") == 0u);
    options = UringOptions();
    options.receive_buffers = 3;  // no power of two
    BOOST_TEST(refusal_of(options).find("receive buffers") != std::string::npos);
    options = UringOptions();
    options.first_rung = test::ring_rungs;
    BOOST_TEST(!refusal_of(options).empty());
}

BOOST_AUTO_TEST_CASE(the_ladder_begins_where_it_is_told_to) {
    int last = -1;
    for (int rung = 0; rung < test::ring_rungs; ++rung) {
        UringOptions options = UringOptions::for_agent();
        options.first_rung = rung;
        const auto world = IoWorld::on_ring(options);
        const int used = world->ring_backend().stats().rung;
        BOOST_TEST(used >= rung);  // an older kernel goes further down
        BOOST_TEST(used >= last);
        last = used;
    }
    BOOST_TEST(last == test::ring_rungs - 1);
}

BOOST_AUTO_TEST_CASE(an_agents_ring_is_smaller_than_a_collectors) {
    const UringOptions agent = UringOptions::for_agent();
    const UringOptions collector;
    BOOST_TEST(agent.sq_entries < collector.sq_entries);
    BOOST_TEST(agent.cq_entries < collector.cq_entries);
    BOOST_TEST(
        agent.receive_buffers * agent.receive_buffer_bytes
        < collector.receive_buffers * collector.receive_buffer_bytes
    );
    BOOST_TEST(refusal_of(collector).empty());
}

BOOST_AUTO_TEST_CASE(connections_share_few_receive_buffers_and_lose_nothing) {
    for (int rung = 0; rung < test::ring_rungs; ++rung) {
        UringOptions options = UringOptions::for_agent();
        options.first_rung = rung;
        options.receive_buffers = 2;
        const auto world = IoWorld::on_ring(options);
        BOOST_TEST_CONTEXT(world->name()) {
            world->run(receive_much_with_few_buffers);
        }
    }
}

BOOST_AUTO_TEST_CASE(rings_of_one_thread_do_not_disturb_each_other) {
    const auto first = IoWorld::on_ring(0);
    const auto second = IoWorld::on_ring(0);
    const IoWorld::Body body = [](IoWorld& w) -> Task<Result<Ok>> {
        for (int round = 0; round < 5; ++round) {
            const std::string text = std::to_string(round);
            LB_CO_CHECK(co_await w.fs().replace_file(w.path("file"), as_bytes(text)));
            LB_CO_TRY(const std::string back, co_await w.fs().read_file(w.path("file"), 100));
            BOOST_TEST(back == text);
        }
        co_return Ok{};
    };
    first->run(body);
    second->run(body);
    first->run(body);
    BOOST_TEST(first->ring_backend().stats().completions > 50u);
    BOOST_TEST(first->ring_backend().stats().overflows == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
