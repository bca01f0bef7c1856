#include "shared/io/tcp_server.h"

#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace logboom;
using io::TcpServer;
using io::TcpServerOptions;
using test::code_of;
using test::IoWorld;
using test::on_every_backend;

namespace {

TcpServerOptions some_options(const std::uint32_t connections_max = 100) {
    TcpServerOptions options;
    options.address = SocketAddress{"127.0.0.1", 0};
    options.connections_max = connections_max;
    return options;
}

/// Sends back what comes, byte for byte, until the peer ends; a `!` ends the connection.
class Echo {
public:
    explicit Echo(IoWorld& w, TcpServerOptions options = some_options())
        : server(w.env(), std::move(options), [this](Conn& conn) { return serve(conn); }) {}

    TcpServer server;
    int begun = 0;
    std::vector<ErrorCode> ends;

private:
    Task<void> serve(Conn& conn) {
        ++begun;
        for (;;) {
            const Result<ByteView> bytes = co_await conn.peek(1);
            if (!bytes) {
                ends.push_back(bytes.code());
                co_return;
            }
            Slice answer = conn.pool().copy_of(*bytes);
            conn.consume(answer.size());
            const bool is_last = as_text(answer.view()).ends_with('!');
            const Result<Ok> sent = co_await conn.send(std::move(answer));
            if (is_last || !sent) {
                ends.push_back(code_of(sent));
                co_return;
            }
        }
    }
};

Task<Result<std::unique_ptr<Conn>>> connect(IoWorld& w, const TcpServer& server) {
    const SocketAddress address{"127.0.0.1", server.port()};
    co_return co_await w.net().connect(address, w.backend().now() + 30s);
}

Task<Result<std::string>> ask(IoWorld& w, Conn& conn, std::string text) {
    Slice question = w.env().pool.copy_of(as_bytes(text));
    const std::uint32_t size = question.size();
    LB_CO_CHECK(co_await conn.send(std::move(question)));
    LB_CO_TRY(const Slice answer, co_await conn.read_exact(size, w.backend().now() + 30s));
    co_return std::string(as_text(answer.view()));
}

Task<void> end(std::unique_ptr<Conn>& conn) {
    conn->abort();
    co_await conn->close();
    conn.reset();
}

Task<Result<Ok>> talk(IoWorld& w, const TcpServer& server, const int number) {
    LB_CO_TRY(std::unique_ptr<Conn> conn, co_await connect(w, server));
    Result<Ok> outcome = Ok{};
    for (int round = 0; round < 5 && outcome; ++round) {
        const std::string text = std::to_string(number)
                               + std::string(static_cast<std::size_t>(number * 37), 'x');
        const Result<std::string> answer = co_await ask(w, *conn, text);
        if (!answer) {
            outcome = answer.error();
        } else if (*answer != text) {
            outcome = Error{ErrorCode::corrupt, 0, "echo"};
        }
    }
    co_await end(conn);
    co_return outcome;
}
Task<void> talk_and_note(IoWorld& w, const TcpServer& server, const int number, int& good) {
    const Result<Ok> outcome = co_await talk(w, server, number);
    BOOST_TEST(code_of(outcome) == ErrorCode{});
    good += outcome ? 1 : 0;
}

Task<Result<Ok>> wait_for_connections(IoWorld& w, const TcpServer& server, const unsigned count) {
    while (server.connections() != count) {
        LB_CO_CHECK(co_await w.env().sleep(1ms));
    }
    co_return Ok{};
}

Task<void> start_and_connect(IoWorld& w, Echo& echo, std::vector<std::unique_ptr<Conn>>& conns) {
    const Result<Ok> started = co_await echo.server.start();
    BOOST_TEST(started.has_value());
    for (int i = 0; i < 3; ++i) {
        Result<std::unique_ptr<Conn>> conn = co_await connect(w, echo.server);
        BOOST_TEST(conn.has_value());
        if (conn) {
            conns.push_back(std::move(*conn));
        }
    }
    [[maybe_unused]] const Result<Ok> all = co_await wait_for_connections(w, echo.server, 3);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tcp_server)

BOOST_AUTO_TEST_CASE(a_server_whose_address_is_taken_says_so_and_can_be_stopped) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        Echo first(w);
        LB_CO_CHECK(co_await first.server.start());
        TcpServerOptions same = some_options();
        same.address.port = first.server.port();
        Echo second(w, same);
        const Result<Ok> started = co_await second.server.start();
        BOOST_TEST(code_of(started) == ErrorCode::io);
        BOOST_TEST(started.error().sys_errno == EADDRINUSE);
        co_await second.server.stop();
        co_await first.server.stop();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(connections_above_the_limit_are_closed_and_counted) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        Echo echo(w, some_options(2));
        LB_CO_CHECK(co_await echo.server.start());
        LB_CO_TRY(std::unique_ptr<Conn> first, co_await connect(w, echo.server));
        LB_CO_TRY(std::unique_ptr<Conn> second, co_await connect(w, echo.server));
        LB_CO_CHECK(co_await wait_for_connections(w, echo.server, 2));
        LB_CO_TRY(std::unique_ptr<Conn> third, co_await connect(w, echo.server));
        const Result<ByteView> refused = co_await third->peek(1, w.backend().now() + 30s);
        BOOST_TEST(code_of(refused) == ErrorCode::closed);
        BOOST_TEST(echo.server.refused() == 1u);
        BOOST_TEST(echo.begun == 2);
        LB_CO_TRY(const std::string answer, co_await ask(w, *first, "still there"));
        BOOST_TEST(answer == "still there");
        co_await end(third);

        // One that ends makes room for another.
        co_await end(first);
        LB_CO_CHECK(co_await wait_for_connections(w, echo.server, 1));
        LB_CO_TRY(std::unique_ptr<Conn> fourth, co_await connect(w, echo.server));
        LB_CO_TRY(const std::string later, co_await ask(w, *fourth, "hello"));
        BOOST_TEST(later == "hello");
        co_await end(second);
        co_await end(fourth);
        co_await echo.server.stop();
        BOOST_TEST(echo.server.connections() == 0u);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(every_connection_is_served_by_a_task_of_its_own) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        Echo echo(w);
        LB_CO_CHECK(co_await echo.server.start());
        int good = 0;
        Scope clients(w.scheduler());
        for (int i = 0; i < 30; ++i) {
            clients.spawn(talk_and_note(w, echo.server, i, good));
        }
        co_await clients.join();
        BOOST_TEST(good == 30);
        LB_CO_CHECK(co_await wait_for_connections(w, echo.server, 0));
        BOOST_TEST(echo.begun == 30);
        BOOST_TEST(std::ranges::count(echo.ends, ErrorCode::closed) == 30);
        co_await echo.server.stop();
        BOOST_TEST(echo.server.refused() == 0u);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_connection_is_closed_when_its_handler_has_ended_and_all_is_sent) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        Echo echo(w);
        LB_CO_CHECK(co_await echo.server.start());
        LB_CO_TRY(std::unique_ptr<Conn> conn, co_await connect(w, echo.server));
        LB_CO_TRY(const std::string answer, co_await ask(w, *conn, "goodbye!"));
        BOOST_TEST(answer == "goodbye!");
        const Result<ByteView> after = co_await conn->peek(1, w.backend().now() + 30s);
        BOOST_TEST(code_of(after) == ErrorCode::closed);
        co_await end(conn);
        LB_CO_CHECK(co_await wait_for_connections(w, echo.server, 0));
        co_await echo.server.stop();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(stopping_ends_every_connection_and_frees_the_port) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        Echo echo(w);
        std::vector<std::unique_ptr<Conn>> conns;
        co_await start_and_connect(w, echo, conns);
        const std::uint16_t port = echo.server.port();
        Scope stopping(w.scheduler());
        stopping.spawn(echo.server.stop());
        for (std::unique_ptr<Conn>& conn : conns) {
            const Result<ByteView> read = co_await conn->peek(1, w.backend().now() + 30s);
            BOOST_TEST(code_of(read) == ErrorCode::closed);
            co_await conn->close();
        }
        co_await stopping.join();
        BOOST_TEST(std::ranges::count(echo.ends, ErrorCode::cancelled) == 3);
        BOOST_TEST(echo.server.connections() == 0u);

        const SocketAddress address{"127.0.0.1", port};
        const auto late = co_await w.net().connect(address, w.backend().now() + 30s);
        BOOST_TEST(late.error().sys_errno == ECONNREFUSED);
        TcpServerOptions same = some_options();
        same.address.port = port;
        Echo again(w, same);
        LB_CO_CHECK(co_await again.server.start());
        co_await again.server.stop();
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_server_that_nobody_called_stops) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        Echo started(w);
        LB_CO_CHECK(co_await started.server.start());
        co_await started.server.stop();
        Echo never_started(w);
        co_await never_started.server.stop();
        BOOST_TEST(w.log_lines().empty());
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_crash_destroys_a_server_with_its_connections) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const auto world = IoWorld::simulated(seed);
        IoWorld& w = *world;
        auto echo = std::make_unique<Echo>(w);
        std::vector<std::unique_ptr<Conn>> conns;
        w.run(start_and_connect(w, *echo, conns));
        BOOST_TEST(conns.size() == 3u);
        w.sim_backend().drop_all(io::SimBackend::Descriptors::lost);
        w.scheduler().begin_crash();
        echo.reset();
        conns.clear();
        BOOST_TEST(w.sim_backend().ops_in_flight() == 0u);
    }
}

BOOST_AUTO_TEST_SUITE_END()
