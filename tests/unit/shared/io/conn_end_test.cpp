// How connections end, and what they hold while nothing happens.
#include "shared/io/op_awaiter.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::test;

namespace {

using ConnPtr = std::unique_ptr<Conn>;

/// Both ends of one connection.
struct Pair {
    ConnPtr client;
    ConnPtr server;
    std::unique_ptr<Listener> listener;
};

Task<Result<Pair>> connect(IoWorld& world, io::ConnOptions options = io::ConnOptions()) {
    Pair pair;
    SocketAddress address;
    address.host = world.sim() == nullptr ? "127.0.0.1" : "10.0.0.1";
    LB_CO_TRY(pair.listener, co_await world.net().listen(address, false, options));
    address.port = pair.listener->port();
    const SteadyTime deadline = world.env().clock.now() + 10s;
    LB_CO_TRY(pair.client, co_await world.net().connect(address, deadline, options));
    LB_CO_TRY(pair.server, co_await pair.listener->next());
    co_return std::move(pair);
}

Task<void> close(Pair& pair) {
    pair.client->abort();
    pair.server->abort();
    co_await pair.client->close();
    co_await pair.server->close();
    co_await pair.listener->close();
}

Slice bytes_of(IoWorld& world, const std::uint32_t size) {
    Slice slice = world.env().pool.allocate(size);
    std::memset(slice.mutable_bytes().data(), 'x', size);
    return slice;
}

Task<void> send(Conn& conn, Slice piece, ErrorCode& outcome) {
    const Result<Ok> sent = co_await conn.send(std::move(piece));
    outcome = code_of(sent);
}

Task<void> read(Conn& conn, const std::uint32_t size, ErrorCode& outcome) {
    const Result<Slice> got = co_await conn.read_exact(size);
    outcome = code_of(got);
}

Task<void> close_and_note(IoWorld& world, Conn& conn, SteadyTime& ended) {
    co_await conn.close();
    ended = world.env().clock.now();
}

/// More than the kernel's buffers hold, so that a send is with the kernel when the connection is aborted.
Task<Result<Ok>> send_into_an_aborted_connection(IoWorld& world) {
    LB_CO_TRY(Pair pair, co_await connect(world));
    Scope tasks(world.scheduler());
    ErrorCode first{};
    ErrorCode second{};
    tasks.spawn(send(*pair.client, bytes_of(world, 32u << 20), first));
    LB_CO_CHECK(co_await pair.server->peek(1));
    const std::uint64_t held = world.env().pool.bytes_in_use();
    pair.client->abort();
    tasks.spawn_now(send(*pair.client, bytes_of(world, 10), second));
    BOOST_TEST(second == ErrorCode::closed);
    BOOST_TEST(world.env().pool.bytes_in_use() >= held);  // the kernel may be reading it
    co_await tasks.join();
    BOOST_TEST(first != ErrorCode{});
    co_await close(pair);
    BOOST_TEST(world.env().pool.bytes_in_use() == 0u);
    co_return Ok{};
}

Task<Result<Ok>> close_while_a_body_is_read(IoWorld& world) {
    LB_CO_TRY(Pair pair, co_await connect(world));
    Scope tasks(world.scheduler());
    ErrorCode outcome{};
    tasks.spawn_now(read(*pair.server, 1u << 20, outcome));
    co_await io::yield();
    co_await pair.server->close();
    co_await tasks.join();
    BOOST_TEST(outcome == ErrorCode::closed);
    pair.client->abort();
    co_await pair.client->close();
    co_await pair.listener->close();
    co_return Ok{};
}

/// The peer does not end: the caller waits its second, cancelled or not.
Task<Result<Ok>> close_when_cancelled(IoWorld& world) {
    LB_CO_TRY(Pair pair, co_await connect(world));
    SteadyTime ended{};
    const SteadyTime begun = world.env().clock.now();
    Scope tasks(world.scheduler());
    tasks.cancel();
    tasks.spawn(close_and_note(world, *pair.client, ended));
    co_await tasks.join();
    BOOST_TEST((ended - begun >= 1s));
    BOOST_TEST((ended - begun < 2s));
    pair.server->abort();
    co_await pair.server->close();
    co_await pair.listener->close();
    co_return Ok{};
}

/// The peer takes nothing of what is queued: who was cancelled does not wait for it.
Task<Result<Ok>> close_when_cancelled_with_much_to_send(IoWorld& world) {
    LB_CO_TRY(Pair pair, co_await connect(world));
    Scope sends(world.scheduler());
    ErrorCode outcome{};
    sends.spawn(send(*pair.client, bytes_of(world, 32u << 20), outcome));
    LB_CO_CHECK(co_await pair.server->peek(1));
    SteadyTime ended{};
    const SteadyTime begun = world.env().clock.now();
    Scope tasks(world.scheduler());
    tasks.cancel();
    tasks.spawn(close_and_note(world, *pair.client, ended));
    co_await tasks.join();
    co_await sends.join();
    BOOST_TEST((ended - begun >= 1s));
    BOOST_TEST((ended - begun < 2s));
    BOOST_TEST(outcome == ErrorCode::closed);
    pair.server->abort();
    co_await pair.server->close();
    co_await pair.listener->close();
    co_return Ok{};
}

/// Long bodies and short ones, several on their way at once, in pieces of any size.
Task<void> send_bodies(IoWorld& world, Conn& conn, const std::vector<std::uint32_t> sizes) {
    Scope sends(world.scheduler());
    std::vector<ErrorCode> outcomes(sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        Slice body = world.env().pool.allocate(sizes[i]);
        for (std::uint32_t at = 0; at < sizes[i]; ++at) {
            body.mutable_bytes()[at] = static_cast<std::byte>((i * 31 + at) % 251);
        }
        sends.spawn_now(send(conn, std::move(body), outcomes[i]));
    }
    co_await sends.join();
    for (const ErrorCode outcome : outcomes) {
        BOOST_TEST(outcome == ErrorCode{});
    }
}

Task<Result<Ok>> receive_bodies_of_all_sizes(IoWorld& world) {
    LB_CO_TRY(Pair pair, co_await connect(world));
    const std::vector<std::uint32_t> sizes{
        80'000,
        80'000,
        10,
        80'000,
        4096,
        16'384,
        16'385,
        20'000,
        1u << 20,
        5,
        300'000,
        70'000,
        70'000,
        70'000,
        70'000,
        100,
        40'000,
        1,
        200'000};
    Scope tasks(world.scheduler());
    tasks.spawn(send_bodies(world, *pair.client, sizes));
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (i % 3 == 0) {  // as a frame's head is looked at first
            LB_CO_CHECK(co_await pair.server->peek(1));
        }
        LB_CO_TRY(const Slice body, co_await pair.server->read_exact(sizes[i]));
        BOOST_REQUIRE(body.size() == sizes[i]);
        std::uint32_t wrong = 0;
        for (std::uint32_t at = 0; at < sizes[i]; ++at) {
            wrong += body.view()[at] == static_cast<std::byte>((i * 31 + at) % 251) ? 0U : 1U;
        }
        BOOST_TEST(wrong == 0u);
        BOOST_TEST(pair.server->buffered().size() <= (256u << 10));
    }
    co_await tasks.join();
    // After a long body, too, the end of the stream is seen.
    pair.client->abort();
    const Result<ByteView> end = co_await pair.server->peek(1);
    BOOST_TEST(code_of(end) != ErrorCode{});
    co_await close(pair);
    co_return Ok{};
}

/// After long bodies a connection receives heads only: it holds little while it waits for one.
Task<Result<Ok>> wait_for_a_head(IoWorld& world) {
    LB_CO_TRY(Pair pair, co_await connect(world));
    Scope tasks(world.scheduler());
    ErrorCode outcome{};
    tasks.spawn(send(*pair.client, bytes_of(world, 180u << 10), outcome));
    LB_CO_CHECK(co_await pair.server->read_exact(180u << 10));
    co_await tasks.join();
    const SteadyTime until = world.env().clock.now() + 2ms;
    const Result<ByteView> nothing = co_await pair.server->peek(1, until);
    BOOST_TEST(code_of(nothing) == ErrorCode::timed_out);
    BOOST_TEST(pair.server->input_capacity() <= 4096u);
    tasks.spawn(send(*pair.client, bytes_of(world, 100), outcome));
    LB_CO_TRY(const ByteView head, co_await pair.server->peek(100));
    BOOST_TEST(head.size() == 100u);
    co_await tasks.join();
    co_await close(pair);
    co_return Ok{};
}

Task<Result<Ok>> hold_little_after_much(IoWorld& world) {
    LB_CO_TRY(Pair pair, co_await connect(world));
    for (int round = 0; round < 3; ++round) {
        constexpr std::uint32_t size = 180u << 10;
        ErrorCode outcome{};
        Scope tasks(world.scheduler());
        tasks.spawn(send(*pair.client, bytes_of(world, size), outcome));
        LB_CO_CHECK(co_await pair.server->peek(size));
        BOOST_TEST(pair.server->input_capacity() >= size);
        pair.server->consume(size - 1);
        pair.server->consume(1);
        co_await tasks.join();
        BOOST_TEST(outcome == ErrorCode{});
        BOOST_TEST(pair.server->input_capacity() <= 4096u);
    }
    co_await close(pair);
    co_return Ok{};
}

Task<Result<Ok>> note_when_bytes_leave(IoWorld& world) {
    LB_CO_TRY(Pair pair, co_await connect(world));
    const SteadyTime made = pair.client->last_sent_at();
    LB_CO_CHECK(co_await world.env().sleep(5ms));
    BOOST_TEST((pair.client->last_sent_at() == made));
    LB_CO_CHECK(co_await pair.client->send(bytes_of(world, 10)));
    BOOST_TEST((pair.client->last_sent_at() > made));
    co_await close(pair);
    co_return Ok{};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(conn_end)

BOOST_AUTO_TEST_CASE(a_send_after_an_abort_leaves_alone_what_the_kernel_reads) {
    on_every_backend(send_into_an_aborted_connection);
}

BOOST_AUTO_TEST_CASE(closing_ends_a_body_that_is_being_received) {
    on_every_backend(close_while_a_body_is_read);
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_still_ends_its_connection_in_order) {
    on_every_seed(close_when_cancelled);
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_does_not_wait_for_a_peer_that_takes_nothing) {
    on_every_seed(close_when_cancelled_with_much_to_send);
}

BOOST_AUTO_TEST_CASE(bodies_of_all_sizes_come_whole_and_in_order) {
    on_every_backend(receive_bodies_of_all_sizes);
}

BOOST_AUTO_TEST_CASE(a_connection_that_expects_a_long_body_holds_little) {
    on_every_backend(wait_for_a_head);
}

BOOST_AUTO_TEST_CASE(a_connection_with_nothing_unread_holds_little) {
    on_every_backend(hold_little_after_much);
}

BOOST_AUTO_TEST_CASE(the_time_of_the_last_progress_is_known) {
    on_every_backend(note_when_bytes_leave);
}

BOOST_AUTO_TEST_SUITE_END()
