#include "shared/io/net.h"

#include "shared/base/rng.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>

using namespace logboom;
using test::code_of;
using test::IoWorld;
using test::on_every_backend;
using test::on_every_seed;
using test::SimChoices;

namespace {

using ConnPtr = std::unique_ptr<Conn>;
using ListenerPtr = std::unique_ptr<io::Listener>;

SteadyTime soon(IoWorld& w) {
    return w.backend().now() + 30s;
}
SocketAddress loopback(const std::uint16_t port) {
    return SocketAddress{"127.0.0.1", port};
}

Task<Result<ListenerPtr>> listen(IoWorld& w, const std::uint16_t port = 0) {
    const SocketAddress address = loopback(port);
    co_return co_await w.net().listen(address, false);
}
Task<Result<ConnPtr>> connect(IoWorld& w, const std::uint16_t port) {
    const SocketAddress address = loopback(port);
    co_return co_await w.net().connect(address, soon(w));
}

Task<void> end(ConnPtr& conn) {
    conn->abort();
    co_await conn->close();
    conn.reset();
}

Task<void> note_end_of_accepting(io::Listener& listener, ErrorCode& into) {
    Result<ConnPtr> next = co_await listener.next();
    into = code_of(next);
    if (next) {
        co_await end(*next);
    }
}

Task<void> note_end_of_connect(IoWorld& w, const SocketAddress address, ErrorCode& into) {
    Result<ConnPtr> made = co_await w.net().connect(address, no_deadline);
    into = code_of(made);
    if (made) {
        co_await end(*made);
    }
}

Task<void> accept_into(io::Listener& listener, std::vector<ConnPtr>& into) {
    for (;;) {
        Result<ConnPtr> next = co_await listener.next();
        if (!next) {
            co_return;
        }
        into.push_back(std::move(*next));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(net)

BOOST_AUTO_TEST_CASE(an_address_is_written_with_its_port) {
    BOOST_TEST(io::to_string(SocketAddress{"127.0.0.1", 9092}) == "127.0.0.1:9092");
    BOOST_TEST(io::to_string(SocketAddress{"::1", 9092}) == "[::1]:9092");
}

// --- Listening -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_port_that_is_taken_is_refused_and_free_again_after_closing) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(const ListenerPtr first, co_await listen(w));
        const auto second = co_await listen(w, first->port());
        BOOST_TEST(code_of(second) == ErrorCode::io);
        BOOST_TEST(second.error().sys_errno == EADDRINUSE);
        const std::uint16_t port = first->port();
        co_await first->close();
        LB_CO_TRY(const ListenerPtr third, co_await listen(w, port));
        BOOST_TEST(third->port() == port);
        co_await third->close();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(an_address_that_is_not_ours_or_none_at_all_is_refused) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        for (const char* const host : {"203.0.113.7", "a.host.name", ""}) {
            const SocketAddress address{host, 0};
            const auto listener = co_await w.net().listen(address, false);
            BOOST_TEST(code_of(listener) == ErrorCode::io);
            BOOST_TEST(listener.error().sys_errno == EADDRNOTAVAIL);
        }
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(port_zero_is_any_free_one) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(const ListenerPtr first, co_await listen(w));
        LB_CO_TRY(const ListenerPtr second, co_await listen(w));
        BOOST_TEST(first->port() != 0u);
        BOOST_TEST(first->port() != second->port());
        co_await first->close();
        co_await second->close();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(listeners_that_share_a_port_get_each_connection_once) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        SocketAddress address = loopback(0);
        LB_CO_TRY(const ListenerPtr first, co_await w.net().listen(address, true));
        address.port = first->port();
        LB_CO_TRY(const ListenerPtr second, co_await w.net().listen(address, true));
        const auto third = co_await w.net().listen(address, false);
        BOOST_TEST(code_of(third) == ErrorCode::io);
        std::vector<ConnPtr> accepted;
        std::vector<ConnPtr> clients;
        Scope accepting(w.scheduler());
        accepting.spawn(accept_into(*first, accepted));
        accepting.spawn(accept_into(*second, accepted));
        for (int i = 0; i < 12; ++i) {
            LB_CO_TRY(ConnPtr client, co_await connect(w, address.port));
            clients.push_back(std::move(client));
        }
        while (accepted.size() < 12) {
            LB_CO_CHECK(co_await w.env().sleep(1ms));
        }
        for (ConnPtr& conn : clients) {
            co_await end(conn);
        }
        accepting.cancel();
        co_await accepting.join();
        BOOST_TEST(accepted.size() == 12u);
        for (ConnPtr& conn : accepted) {
            co_await end(conn);
        }
        co_await first->close();
        co_await second->close();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_cancelled_wait_for_a_connection_loses_none) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(const ListenerPtr listener, co_await listen(w));
        ErrorCode ended{};
        Scope accepting(w.scheduler());
        accepting.spawn(note_end_of_accepting(*listener, ended));
        LB_CO_CHECK(co_await w.env().sleep(1ms));
        accepting.cancel();
        co_await accepting.join();
        BOOST_TEST(ended == ErrorCode::cancelled);
        LB_CO_TRY(ConnPtr client, co_await connect(w, listener->port()));
        LB_CO_TRY(ConnPtr server, co_await listener->next());
        co_await end(client);
        co_await end(server);
        co_await listener->close();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(closing_a_listener_ends_who_waits_and_closes_what_nobody_took) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(const ListenerPtr idle, co_await listen(w));
        ErrorCode ended{};
        Scope accepting(w.scheduler());
        accepting.spawn(note_end_of_accepting(*idle, ended));
        LB_CO_CHECK(co_await w.env().sleep(1ms));
        co_await idle->close();
        co_await accepting.join();
        BOOST_TEST((ended == ErrorCode::closed || ended == ErrorCode::cancelled), ended);

        LB_CO_TRY(const ListenerPtr busy, co_await listen(w));
        LB_CO_TRY(ConnPtr first, co_await connect(w, busy->port()));
        LB_CO_TRY(ConnPtr taken, co_await busy->next());
        LB_CO_TRY(ConnPtr second, co_await connect(w, busy->port()));
        LB_CO_CHECK(co_await w.env().sleep(2ms));
        co_await busy->close();
        const auto read = co_await second->peek(1, soon(w));
        BOOST_TEST(code_of(read) == ErrorCode::closed);
        const auto late = co_await connect(w, busy->port());
        BOOST_TEST(late.error().sys_errno == ECONNREFUSED);
        co_await end(first);
        co_await end(second);
        co_await end(taken);
        co_return Ok{};
    });
}

// --- Connecting ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_connect_without_a_listener_is_refused) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(const ListenerPtr listener, co_await listen(w));
        co_await listener->close();
        const auto refused = co_await connect(w, listener->port());
        BOOST_TEST(code_of(refused) == ErrorCode::io);
        BOOST_TEST(refused.error().sys_errno == ECONNREFUSED);
        const SocketAddress no_address{"a.host.name", 80};
        const auto nowhere = co_await w.net().connect(no_address, soon(w));
        BOOST_TEST(code_of(nowhere) == ErrorCode::io);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_connect_that_nobody_answers_ends_at_its_deadline) {
    on_every_seed([](IoWorld& w) -> Task<Result<Ok>> {
        w.the_sim().net.block(1, 2, true);
        const SocketAddress there{"10.0.0.2", 80};
        const SteadyTime deadline = w.backend().now() + 5s;
        const auto late = co_await w.net().connect(there, deadline);
        BOOST_TEST(code_of(late) == ErrorCode::timed_out);
        BOOST_TEST((w.backend().now() >= deadline));
        BOOST_TEST((w.backend().now() < deadline + 10ms));
        // The kernel's own patience.
        const auto given_up = co_await w.net().connect(there, no_deadline);
        BOOST_TEST(code_of(given_up) == ErrorCode::timed_out);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_connect_is_cancelled_with_its_scope) {
    on_every_seed([](IoWorld& w) -> Task<Result<Ok>> {
        w.the_sim().net.block(1, 2, true);
        ErrorCode ended{};
        Scope connecting(w.scheduler());
        const SocketAddress there{"10.0.0.2", 80};
        connecting.spawn(note_end_of_connect(w, there, ended));
        LB_CO_CHECK(co_await w.env().sleep(1s));
        BOOST_TEST(connecting.count() == 1u);
        connecting.cancel();
        co_await connecting.join();
        BOOST_TEST(ended == ErrorCode::cancelled);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(connects_that_ended_early_leave_no_descriptor_behind) {
    SimChoices choices;
    choices.backend.descriptors_max = 12;
    on_every_seed(
        [](IoWorld& w) -> Task<Result<Ok>> {
            LB_CO_TRY(const ListenerPtr listener, co_await listen(w));
            Rng rng(1);
            for (int round = 0; round < 100; ++round) {
                const SteadyTime deadline = w.backend().now()
                                          + Nanos(static_cast<std::int64_t>(rng.below(2'000'000)));
                const SocketAddress there = loopback(listener->port());
                Result<ConnPtr> made = co_await w.net().connect(there, deadline);
                if (made) {
                    co_await end(*made);
                } else {
                    BOOST_TEST(code_of(made) == ErrorCode::timed_out);
                }
            }
            co_await listener->close();
            co_return Ok{};
        },
        choices
    );
}

BOOST_AUTO_TEST_CASE(many_connections_at_once_are_all_made) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(const ListenerPtr listener, co_await listen(w));
        std::vector<ErrorCode> made(100, ErrorCode::internal);
        std::vector<ConnPtr> accepted;
        Scope accepting(w.scheduler());
        accepting.spawn(accept_into(*listener, accepted));
        Scope connecting(w.scheduler());
        const SocketAddress there = loopback(listener->port());
        for (ErrorCode& code : made) {
            connecting.spawn(note_end_of_connect(w, there, code));
        }
        co_await connecting.join();
        BOOST_TEST(std::ranges::count(made, ErrorCode{}) == 100);
        while (accepted.size() < 100) {
            LB_CO_CHECK(co_await w.env().sleep(1ms));
        }
        std::set<std::uint16_t> ports;
        for (ConnPtr& conn : accepted) {
            ports.insert(conn->peer().port);
            co_await end(conn);
        }
        BOOST_TEST(ports.size() >= 90u);  // of one that is gone already the kernel tells none
        accepting.cancel();
        co_await accepting.join();
        co_await listener->close();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(addresses_of_the_sixth_version_work_too) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        SocketAddress address{"::1", 0};
        Result<ListenerPtr> listener = co_await w.net().listen(address, false);
        if (!listener && w.sim() == nullptr) {
            BOOST_TEST(listener.error().sys_errno == EADDRNOTAVAIL);
            BOOST_TEST_MESSAGE("skipped: this machine has no IPv6");
            co_return Ok{};
        }
        BOOST_TEST(code_of(listener) == ErrorCode{});
        if (!listener) {
            co_return listener.error();
        }
        address.port = (*listener)->port();
        LB_CO_TRY(ConnPtr client, co_await w.net().connect(address, soon(w)));
        LB_CO_TRY(ConnPtr server, co_await (*listener)->next());
        BOOST_TEST(client->peer().host == "::1");
        BOOST_TEST(server->peer().port != 0u);
        co_await end(client);
        co_await end(server);
        co_await (*listener)->close();
        co_return Ok{};
    });
}

// --- Names ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_name_that_cannot_be_is_not_found) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        const std::string too_long(300, 'a');
        const auto found = co_await w.net().resolve(too_long, soon(w));
        BOOST_TEST(code_of(found) == ErrorCode::not_found);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_numeric_address_is_its_own_answer) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        for (const char* const host : {"192.0.2.1", "::1", "fe80::1"}) {
            LB_CO_TRY(
                const std::vector<std::string> found, co_await w.net().resolve(host, soon(w))
            );
            BOOST_TEST(found == std::vector<std::string>{host});
        }
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_name_becomes_numeric_addresses) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(
            const std::vector<std::string> found, co_await w.net().resolve("localhost", soon(w))
        );
        BOOST_TEST(!found.empty());
        for (const std::string& host : found) {
            BOOST_TEST((host == "::1" || host.starts_with("127.")), host);
        }
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_SUITE_END()
