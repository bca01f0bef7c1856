#include "shared/base/rng.h"
#include "shared/io/net.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace logboom;
using io::ConnOptions;
using test::code_of;
using test::IoWorld;
using test::SimChoices;

namespace {

/// Both ends of one connection.
struct Pair {
    std::unique_ptr<io::Listener> listener;
    std::unique_ptr<Conn> client;
    std::unique_ptr<Conn> server;
};

Task<void> close(std::unique_ptr<Conn>& conn) {
    co_await conn->close();
    conn.reset();
}
Task<void> abort_and_close(std::unique_ptr<Conn>& conn) {
    if (conn != nullptr) {
        conn->abort();
        co_await close(conn);
    }
}

Task<Result<Ok>> make_pair(IoWorld& w, Pair& pair, const ConnOptions options) {
    const SocketAddress any{"127.0.0.1", 0};
    LB_CO_TRY(pair.listener, co_await w.net().listen(any, false, options));
    const SocketAddress there{"127.0.0.1", pair.listener->port()};
    const SteadyTime deadline = w.backend().now() + 30s;
    LB_CO_TRY(pair.client, co_await w.net().connect(there, deadline, options));
    LB_CO_TRY(pair.server, co_await pair.listener->next());
    co_return Ok{};
}

using Body = Task<Result<Ok>> (*)(IoWorld&, Pair&);

/// Ends what the body did not end itself.
Task<Result<Ok>> run_with_pair(IoWorld& w, const Body body, const ConnOptions options) {
    Pair pair;
    Result<Ok> outcome = co_await make_pair(w, pair, options);
    if (outcome) {
        outcome = co_await body(w, pair);
    }
    co_await abort_and_close(pair.client);
    co_await abort_and_close(pair.server);
    if (pair.listener != nullptr) {
        co_await pair.listener->close();
    }
    co_return outcome;
}

void on_every_pair(const Body body, const ConnOptions options = ConnOptions()) {
    const auto act = [body, options](IoWorld& w) { w.run(run_with_pair(w, body, options)); };
    test::with_every_real(act);
    test::with_every_seed(act);
}
void on_simulated_pairs(
    const Body body,
    const ConnOptions options = ConnOptions(),
    const SimChoices choices = SimChoices()
) {
    const auto act = [body, options](IoWorld& w) { w.run(run_with_pair(w, body, options)); };
    test::with_every_seed(act, choices);
}

Slice slice_of(IoWorld& w, const std::string_view text) {
    return w.env().pool.copy_of(as_bytes(text));
}
Task<Result<Ok>> send(IoWorld& w, Conn& conn, std::string text) {
    Slice slice = slice_of(w, text);
    co_return co_await conn.send(std::move(slice));
}
Task<void> send_and_note(IoWorld& w, Conn& conn, std::string text, ErrorCode& into) {
    const Result<Ok> sent = co_await send(w, conn, std::move(text));
    into = code_of(sent);
}
Task<void> peek_and_note(Conn& conn, const std::uint32_t size, ErrorCode& into) {
    const Result<ByteView> got = co_await conn.peek(size);
    into = code_of(got);
}
Task<void> read_and_note(Conn& conn, const std::uint32_t size, ErrorCode& into) {
    const Result<Slice> got = co_await conn.read_exact(size);
    into = code_of(got);
}

std::string numbers(const std::size_t size, const std::uint64_t first = 0) {
    std::string text;
    for (std::uint64_t i = first; text.size() < size; ++i) {
        text += std::to_string(i) + ' ';
    }
    text.resize(size);
    return text;
}

/// More than the buffers between two ends take, or a good part of that: simulated ones are small.
std::size_t much(IoWorld& w, const std::size_t real_bytes) {
    return w.sim() == nullptr ? real_bytes : std::max<std::size_t>(real_bytes >> 6, 70'001);
}

/// Sends `text` in slices and calls of random sizes.
Task<void> send_in_pieces(IoWorld& w, Conn& conn, std::string text, const std::uint64_t seed) {
    Rng rng(seed);
    std::size_t done = 0;
    while (done < text.size()) {
        std::vector<Slice> pieces;
        for (std::uint64_t n = rng.below(100); n != 0; --n) {
            const std::size_t size = rng.below(rng.chance(0.1) ? 20'000 : 300);
            pieces.push_back(slice_of(w, std::string_view(text).substr(done, size)));
            done += pieces.back().size();
            if (done == text.size()) {
                break;
            }
        }
        const Result<Ok> sent = co_await conn.send(std::move(pieces));
        BOOST_TEST(code_of(sent) == ErrorCode{});
        if (!sent) {
            co_return;
        }
    }
}

/// Reads `size` bytes in all the ways there are.
Task<void> read_in_pieces(Conn& conn, std::string& into, const std::size_t size, Rng& rng) {
    while (into.size() < size) {
        const std::size_t left = size - into.size();
        if (rng.chance(0.5)) {
            const Result<ByteView> some = co_await conn.peek(1);
            BOOST_TEST(code_of(some) == ErrorCode{});
            if (!some) {
                co_return;
            }
            const std::size_t taken = std::min<std::size_t>(left, 1 + rng.below(some->size()));
            into += as_text(some->first(taken));
            conn.consume(static_cast<std::uint32_t>(taken));
        } else {
            const std::size_t wanted = std::min(left, rng.below(rng.chance(0.3) ? 80'000 : 500));
            const Result<Slice> exact = co_await conn.read_exact(static_cast<std::uint32_t>(wanted)
            );
            BOOST_TEST(code_of(exact) == ErrorCode{});
            if (!exact) {
                co_return;
            }
            into += as_text(exact->view());
        }
    }
}

Task<void> send_frame(IoWorld& w, Conn& conn, const int number, const std::size_t size) {
    std::vector<Slice> pieces;
    pieces.push_back(slice_of(w, '<' + std::to_string(number) + ':'));
    pieces.push_back(slice_of(w, std::string(size, 'x')));
    pieces.push_back(slice_of(w, ">"));
    const Result<Ok> sent = co_await conn.send(std::move(pieces));
    BOOST_TEST(code_of(sent) == ErrorCode{});
}

Task<void> close_when_all_is_sent(std::unique_ptr<Conn>& conn, bool& is_closed) {
    co_await close(conn);
    is_closed = true;
}

/// Of a peer that does not notice.
Task<void> send_now_and_then(IoWorld& w, Conn& conn, int& sends) {
    for (;;) {
        const Result<Ok> sent = co_await send(w, conn, std::string(10'000, 'x'));
        if (!sent) {
            co_return;
        }
        ++sends;
        [[maybe_unused]] const Result<Ok> slept = co_await w.env().sleep(5ms);
    }
}

Task<void> send_for_ever(IoWorld& w, Conn& conn, std::uint64_t& sent_bytes) {
    for (;;) {
        const Result<Ok> sent = co_await send(w, conn, std::string(1000, 'x'));
        if (!sent) {
            co_return;
        }
        sent_bytes += 1000;
    }
}

ConnOptions small_room() {
    ConnOptions options;
    options.receive_bytes_max = 20'000;
    return options;
}
ConnOptions short_patience() {
    ConnOptions options;
    options.send_timeout = 50ms;
    return options;
}

}  // namespace

// --- What goes wrong -----------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(conn)

BOOST_AUTO_TEST_CASE(at_the_end_of_the_stream_what_is_there_stays_visible) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await send(w, *p.client, "rest"));
        Scope closing(w.scheduler());
        closing.spawn(close(p.client));
        const Result<ByteView> more = co_await p.server->peek(5);
        BOOST_TEST(code_of(more) == ErrorCode::closed);
        BOOST_TEST(as_text(p.server->buffered()) == "rest");
        LB_CO_TRY(const ByteView all, co_await p.server->peek(4));
        BOOST_TEST(as_text(all) == "rest");
        p.server->consume(4);
        const Result<ByteView> again = co_await p.server->peek(1);
        BOOST_TEST(code_of(again) == ErrorCode::closed);
        co_await close(p.server);
        co_await closing.join();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(an_end_inside_a_frame_is_an_error_whatever_the_frames_size) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await send(w, *p.client, "only this"));
        Scope closing(w.scheduler());
        closing.spawn(close(p.client));
        const Result<Slice> small = co_await p.server->read_exact(10);
        BOOST_TEST(code_of(small) == ErrorCode::closed);
        const Result<Slice> large = co_await p.server->read_exact(1'000'000);
        BOOST_TEST(code_of(large) == ErrorCode::closed);
        co_await close(p.server);
        co_await closing.join();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(an_end_inside_a_body_that_is_received_in_place_is_an_error) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        ErrorCode ended{};
        Scope reading(w.scheduler());
        Scope closing(w.scheduler());
        reading.spawn(read_and_note(*p.server, 1'000'000, ended));
        LB_CO_CHECK(co_await send(w, *p.client, std::string(50'000, 'x')));
        closing.spawn(close(p.client));
        co_await reading.join();
        BOOST_TEST(ended == ErrorCode::closed);
        co_await close(p.server);
        co_await closing.join();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_wait_for_bytes_that_timed_out_or_was_cancelled_can_be_repeated) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        const Result<ByteView> late = co_await p.server->peek(4, w.backend().now() + 3ms);
        BOOST_TEST(code_of(late) == ErrorCode::timed_out);
        const Result<Slice> exact = co_await p.server->read_exact(4, w.backend().now() + 3ms);
        BOOST_TEST(code_of(exact) == ErrorCode::timed_out);
        ErrorCode ended{};
        Scope readers(w.scheduler());
        readers.spawn(peek_and_note(*p.server, 4, ended));
        LB_CO_CHECK(co_await w.env().sleep(2ms));
        readers.cancel();
        co_await readers.join();
        BOOST_TEST(ended == ErrorCode::cancelled);
        LB_CO_CHECK(co_await send(w, *p.client, "here"));
        LB_CO_TRY(const Slice bytes, co_await p.server->read_exact(4));
        BOOST_TEST(as_text(bytes.view()) == "here");
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_body_that_does_not_come_in_time_ends_the_reading) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await send(w, *p.client, "a part"));
        const SteadyTime deadline = w.backend().now() + 20ms;
        const Result<Slice> late = co_await p.server->read_exact(1'000'000, deadline);
        BOOST_TEST(code_of(late) == ErrorCode::timed_out);
        BOOST_TEST((w.backend().now() >= deadline));
        const Result<ByteView> after = co_await p.server->peek(1);
        BOOST_TEST(code_of(after) == ErrorCode::timed_out);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_body_whose_reader_is_cancelled_ends_the_reading) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        ErrorCode ended{};
        Scope readers(w.scheduler());
        readers.spawn(read_and_note(*p.server, 1'000'000, ended));
        LB_CO_CHECK(co_await send(w, *p.client, std::string(30'000, 'x')));
        LB_CO_CHECK(co_await w.env().sleep(2ms));
        readers.cancel();
        co_await readers.join();
        BOOST_TEST(ended == ErrorCode::cancelled);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_peer_that_resets_the_connection_closes_it_for_reader_and_writer) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        // Bytes that the peer has not read when it closes make the kernel send a reset.
        LB_CO_CHECK(co_await send(w, *p.server, std::string(10'000, 'x')));
        LB_CO_CHECK(co_await w.env().sleep(3ms));
        co_await abort_and_close(p.client);
        const Result<ByteView> read = co_await p.server->peek(1);
        BOOST_TEST(code_of(read) == ErrorCode::closed);
        Result<Ok> sent = Ok{};
        while (sent) {
            sent = co_await send(w, *p.server, std::string(100'000, 'x'));
        }
        BOOST_TEST(code_of(sent) == ErrorCode::closed);
        const Result<Ok> again = co_await send(w, *p.server, "x");
        BOOST_TEST(code_of(again) == ErrorCode::closed);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(an_abort_ends_everybody_who_waits_on_the_connection) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        ErrorCode read{};
        ErrorCode first{};
        ErrorCode second{};
        Scope tasks(w.scheduler());
        tasks.spawn(peek_and_note(*p.client, 1, read));
        // More than any buffer takes.
        tasks.spawn(send_and_note(w, *p.client, std::string(much(w, 64u << 20), 'x'), first));
        tasks.spawn(send_and_note(w, *p.client, "behind", second));
        LB_CO_CHECK(co_await w.env().sleep(3ms));
        BOOST_TEST(tasks.count() == 3u);
        p.client->abort();
        p.client->abort();
        co_await tasks.join();
        BOOST_TEST(read == ErrorCode::closed);
        BOOST_TEST(first == ErrorCode::closed);
        BOOST_TEST(second == ErrorCode::closed);
        const Result<ByteView> later = co_await p.client->peek(1);
        BOOST_TEST(code_of(later) == ErrorCode::closed);
        const Result<Slice> body = co_await p.client->read_exact(1'000'000);
        BOOST_TEST(code_of(body) == ErrorCode::closed);
        const Result<Ok> sent = co_await send(w, *p.client, "x");
        BOOST_TEST(code_of(sent) == ErrorCode::closed);
        co_await close(p.client);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(an_abort_ends_the_receiving_of_a_body) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        ErrorCode read{};
        Scope tasks(w.scheduler());
        tasks.spawn(read_and_note(*p.server, 1'000'000, read));
        LB_CO_CHECK(co_await send(w, *p.client, std::string(50'000, 'x')));
        LB_CO_CHECK(co_await w.env().sleep(2ms));
        p.server->abort();
        co_await tasks.join();
        BOOST_TEST(read == ErrorCode::closed);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_peer_that_takes_nothing_is_given_up_after_the_time_for_sending) {
    const auto body = [](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        const SteadyTime begin = w.backend().now();
        const Result<Ok> sent = co_await send(w, *p.client, std::string(1u << 20, 'x'));
        BOOST_TEST(code_of(sent) == ErrorCode::timed_out);
        BOOST_TEST((w.backend().now() - begin >= 50ms));
        BOOST_TEST((w.backend().now() - begin < 200ms));
        const Result<Ok> again = co_await send(w, *p.client, "x");
        BOOST_TEST(code_of(again) == ErrorCode::timed_out);
        co_return Ok{};
    };
    SimChoices choices;
    choices.backend.short_send = 0;
    on_simulated_pairs(body, short_patience(), choices);
}

BOOST_AUTO_TEST_CASE(a_peer_that_takes_little_by_little_is_not_given_up) {
    const auto body = [](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        ErrorCode sent{};
        Scope tasks(w.scheduler());
        tasks.spawn(send_and_note(w, *p.client, std::string(1u << 20, 'x'), sent));
        const SteadyTime begin = w.backend().now();
        std::size_t received = 0;
        while (received < 1u << 20) {
            LB_CO_CHECK(co_await w.env().sleep(20ms));
            LB_CO_TRY(const ByteView bytes, co_await p.server->peek(1));
            received += bytes.size();
            p.server->consume(static_cast<std::uint32_t>(bytes.size()));
        }
        co_await tasks.join();
        BOOST_TEST(sent == ErrorCode{});
        BOOST_TEST((w.backend().now() - begin > 100ms));
        co_return Ok{};
    };
    ConnOptions options = short_patience();
    options.receive_bytes_max = 20'000;
    on_simulated_pairs(body, options);
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_cut_is_closed_for_both_ends) {
    const auto body = [](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        w.the_sim().net.cut_all(1);
        const Result<ByteView> read = co_await p.server->peek(1);
        BOOST_TEST(code_of(read) == ErrorCode::closed);
        const Result<Ok> sent = co_await send(w, *p.client, "x");
        BOOST_TEST(code_of(sent) == ErrorCode::closed);
        co_return Ok{};
    };
    on_simulated_pairs(body);
}

// --- Bytes ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(bytes_arrive_in_order_however_they_are_sent_and_read_both_ways_at_once) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        const std::string there = numbers(much(w, 2'000'000));
        const std::string back = numbers(much(w, 1'700'000), 7'000'000);
        std::string read_there;
        std::string read_back;
        Rng rng(3);
        Scope tasks(w.scheduler());
        tasks.spawn(send_in_pieces(w, *p.client, there, 1));
        tasks.spawn(send_in_pieces(w, *p.server, back, 2));
        tasks.spawn(read_in_pieces(*p.server, read_there, there.size(), rng));
        tasks.spawn(read_in_pieces(*p.client, read_back, back.size(), rng));
        co_await tasks.join();
        BOOST_TEST((read_there == there));
        BOOST_TEST((read_back == back));
        BOOST_TEST(p.server->buffered().empty());
        BOOST_TEST(p.client->queued_bytes() == 0u);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_large_body_follows_a_small_head_and_is_followed_by_another) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        const std::string body = numbers(much(w, 3'000'007));
        ErrorCode sent{};
        Scope tasks(w.scheduler());
        for (int round = 0; round < 2; ++round) {
            tasks.spawn(send_and_note(w, *p.client, "head" + body + "tail", sent));
            LB_CO_TRY(const Slice head, co_await p.server->read_exact(4));
            BOOST_TEST(as_text(head.view()) == "head");
            LB_CO_TRY(
                const Slice whole,
                co_await p.server->read_exact(static_cast<std::uint32_t>(body.size()))
            );
            BOOST_TEST((as_text(whole.view()) == body));
            LB_CO_TRY(const Slice tail, co_await p.server->read_exact(4));
            BOOST_TEST(as_text(tail.view()) == "tail");
            co_await tasks.join();
            BOOST_TEST(sent == ErrorCode{});
        }
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_frame_larger_than_the_room_for_unread_bytes_is_read_too) {
    on_every_pair(
        [](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
            const std::string body = numbers(33'000);  // also larger than the room by little
            ErrorCode sent{};
            Scope tasks(w.scheduler());
            tasks.spawn(send_and_note(w, *p.client, body + body, sent));
            LB_CO_CHECK(co_await p.server->peek(20'000));
            for (int round = 0; round < 2; ++round) {
                LB_CO_TRY(const Slice whole, co_await p.server->read_exact(33'000));
                BOOST_TEST((as_text(whole.view()) == body));
            }
            co_await tasks.join();
            co_return Ok{};
        },
        small_room()
    );
}

BOOST_AUTO_TEST_CASE(reading_nothing_does_not_wait) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        LB_CO_TRY(const Slice nothing, co_await p.server->read_exact(0));
        BOOST_TEST(nothing.empty());
        LB_CO_TRY(const ByteView none, co_await p.server->peek(0));
        BOOST_TEST(none.empty());
        std::vector<Slice> empty(3);
        LB_CO_CHECK(co_await p.client->send(std::move(empty)));
        LB_CO_CHECK(co_await send(w, *p.client, ""));
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(what_was_shown_and_not_consumed_is_shown_again) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await send(w, *p.client, "0123456789"));
        LB_CO_TRY(const ByteView ten, co_await p.server->peek(10));
        BOOST_TEST(as_text(ten) == "0123456789");
        p.server->consume(3);
        LB_CO_TRY(const ByteView again, co_await p.server->peek(1));
        BOOST_TEST(as_text(again) == "3456789");
        LB_CO_TRY(const Slice exact, co_await p.server->read_exact(2));
        BOOST_TEST(as_text(exact.view()) == "34");
        BOOST_TEST(as_text(p.server->buffered()) == "56789");
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(sends_of_several_tasks_go_out_whole_and_in_the_order_of_the_calls) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        Scope tasks(w.scheduler());
        std::string expected;
        for (int i = 0; i < 60; ++i) {
            const std::size_t size = i % 12 == 0 ? 70'000 : 10;
            tasks.spawn_now(send_frame(w, *p.client, i, size));
            expected += '<' + std::to_string(i) + ':' + std::string(size, 'x') + '>';
        }
        BOOST_TEST(p.client->queued_bytes() != 0u);
        Rng rng(1);
        std::string received;
        co_await read_in_pieces(*p.server, received, expected.size(), rng);
        co_await tasks.join();
        BOOST_TEST((received == expected));
        BOOST_TEST(p.client->queued_bytes() == 0u);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(who_is_cancelled_while_sending_does_not_stop_what_was_queued) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        const std::string text = numbers(much(w, 6u << 20));
        ErrorCode ended{};
        Scope senders(w.scheduler());
        senders.spawn(send_and_note(w, *p.client, text, ended));
        LB_CO_CHECK(co_await p.server->peek(1));
        senders.cancel();
        Rng rng(1);
        std::string received;
        co_await read_in_pieces(*p.server, received, text.size(), rng);
        co_await senders.join();
        BOOST_TEST((received == text));
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_reader_that_stops_makes_its_peer_wait_and_holds_little) {
    on_every_pair(
        [](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
            std::uint64_t sent_bytes = 0;
            Scope tasks(w.scheduler());
            tasks.spawn(send_for_ever(w, *p.client, sent_bytes));
            std::uint64_t received = 0;
            for (int round = 0; round < 20; ++round) {
                LB_CO_TRY(const ByteView bytes, co_await p.server->peek(15'000));
                // What was under way in shared buffers when the room was full comes on top.
                BOOST_TEST(bytes.size() <= 20'000u + (64u << 10));
                LB_CO_CHECK(co_await w.env().sleep(1ms));
                const std::size_t held = p.server->buffered().size();
                BOOST_TEST(held <= 20'000u + (64u << 10));
                received += held;
                p.server->consume(static_cast<std::uint32_t>(held));
            }
            if (w.sim() != nullptr) {
                LB_CO_CHECK(co_await w.env().sleep(100ms));
                const std::uint64_t before = sent_bytes;
                LB_CO_CHECK(co_await w.env().sleep(100ms));
                BOOST_TEST(sent_bytes == before);
                BOOST_TEST(sent_bytes <= received + 3 * (64u << 10));
            }
            p.client->abort();
            co_await tasks.join();
            co_return Ok{};
        },
        small_room()
    );
}

// --- The end -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(closing_sends_what_is_queued_first) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        const std::string text = numbers(much(w, 5u << 20));
        ErrorCode sent{};
        bool is_closed = false;
        Scope tasks(w.scheduler());
        tasks.spawn_now(send_and_note(w, *p.client, text, sent));
        tasks.spawn_now(close_when_all_is_sent(p.client, is_closed));
        LB_CO_TRY(
            const Slice whole,
            co_await p.server->read_exact(static_cast<std::uint32_t>(text.size()))
        );
        BOOST_TEST((as_text(whole.view()) == text));
        const Result<ByteView> end = co_await p.server->peek(1);
        BOOST_TEST(code_of(end) == ErrorCode::closed);
        co_await close(p.server);
        co_await tasks.join();
        BOOST_TEST(sent == ErrorCode{});
        BOOST_TEST(is_closed);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(closing_waits_a_little_for_a_peer_that_goes_on_and_throws_away_what_it_sends) {
    const auto body = [](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        int sends = 0;
        Scope tasks(w.scheduler());
        tasks.spawn(send_now_and_then(w, *p.server, sends));
        const SteadyTime begin = w.backend().now();
        co_await close(p.client);
        BOOST_TEST((w.backend().now() - begin < 2s));
        BOOST_TEST(sends > 50);
        co_await tasks.join();  // its sends fail then
        co_return Ok{};
    };
    on_simulated_pairs(body);
}

BOOST_AUTO_TEST_CASE(both_sides_may_close_at_once) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await send(w, *p.client, "unread"));
        Scope tasks(w.scheduler());
        tasks.spawn(close(p.client));
        tasks.spawn(close(p.server));
        co_await tasks.join();
        BOOST_TEST(p.client == nullptr);
        BOOST_TEST(p.server == nullptr);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(after_closing_nothing_is_read_or_sent) {
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        p.server->abort();
        co_await p.server->close();
        const Result<ByteView> read = co_await p.server->peek(1);
        BOOST_TEST(code_of(read) == ErrorCode::closed);
        const Result<Ok> sent = co_await send(w, *p.server, "x");
        BOOST_TEST(code_of(sent) == ErrorCode::closed);
        p.server->abort();
        p.server.reset();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_connection_closes_wherever_its_operations_stand) {
    // Some milliseconds of traffic, then the end at another moment each time.
    on_every_pair([](IoWorld& w, Pair& p) -> Task<Result<Ok>> {
        for (int round = 0; round < 6; ++round) {
            std::uint64_t there = 0;
            std::uint64_t back = 0;
            ErrorCode read{};
            Scope tasks(w.scheduler());
            tasks.spawn(send_for_ever(w, *p.client, there));
            tasks.spawn(send_for_ever(w, *p.server, back));
            tasks.spawn(read_and_note(*p.server, round % 2 == 0 ? 100 : 300'000, read));
            for (int turn = 0; turn < round * 3; ++turn) {
                co_await io::yield();
            }
            if (round % 3 == 0) {
                LB_CO_CHECK(co_await w.env().sleep(Nanos(round * 150'000)));
            }
            p.server->abort();
            p.client->abort();
            Scope closing(w.scheduler());
            closing.spawn(close(p.client));
            closing.spawn(close(p.server));
            co_await closing.join();
            co_await tasks.join();
            co_await p.listener->close();
            p.listener.reset();
            LB_CO_CHECK(co_await make_pair(w, p, ConnOptions()));
        }
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_crash_destroys_connections_wherever_their_operations_stand) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const auto world = IoWorld::simulated(seed);
        IoWorld& w = *world;
        Pair pair;
        std::uint64_t sent_bytes = 0;
        ErrorCode read{};
        auto scope = std::make_unique<Scope>(w.scheduler());
        const auto make = [](IoWorld& there, Pair& p) -> Task<void> {
            [[maybe_unused]] const Result<Ok> made = co_await make_pair(there, p, ConnOptions());
        };
        w.run(make(w, pair));
        BOOST_REQUIRE(pair.server != nullptr);
        scope->spawn(send_for_ever(w, *pair.client, sent_bytes));
        scope->spawn(read_and_note(*pair.server, 1'000'000, read));
        const SteadyTime end = w.backend().now() + Nanos(static_cast<std::int64_t>(seed * 300'000));
        while (w.backend().now() < end) {
            w.scheduler().run_ready(100);
            w.backend().poll(end);
        }
        w.sim_backend().drop_all(io::SimBackend::Descriptors::lost);
        w.scheduler().begin_crash();
        scope.reset();
        BOOST_TEST(w.sim_backend().ops_in_flight() == 0u);
    }
}

BOOST_AUTO_TEST_CASE(both_ends_know_their_peer) {
    on_every_pair([](IoWorld&, Pair& p) -> Task<Result<Ok>> {
        BOOST_TEST(p.client->peer().host == "127.0.0.1");
        BOOST_TEST(p.client->peer().port == p.listener->port());
        BOOST_TEST(p.server->peer().host == "127.0.0.1");
        BOOST_TEST(p.server->peer().port != 0u);
        BOOST_TEST(p.server->peer().port != p.listener->port());
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_SUITE_END()
