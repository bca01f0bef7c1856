// Accepting when the kernel cannot give a connection, or gives more than are wanted (N2, N4).
#include "shared/io/tcp_server.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>

using namespace logboom;
using namespace logboom::sim;
using test::IoWorld;

namespace {

constexpr std::uint16_t port = 1000;

SocketAddress address() {
    SocketAddress address;
    address.host = "10.0.0.1";
    address.port = port;
    return address;
}

Task<void> serve_until_end(Conn& conn) {
    [[maybe_unused]] const auto ended = co_await conn.peek(1);
}

/// Parts of a machine: they end with it.
using Conns = std::vector<std::unique_ptr<Conn>>;

/// A server and clients that connect and stay.
class AcceptBench {
public:
    explicit AcceptBench(const std::uint32_t connections_max = 1000, const std::uint64_t seed = 1)
        : machine_(SimMachineOptions{seed, 1, {}}) {
        io::TcpServerOptions options;
        options.address = address();
        options.connections_max = connections_max;
        clients_ = &machine_.make<Conns>();
        server_ = &machine_.make<io::TcpServer>(machine_.env(), options, serve_until_end);
        const Result<Ok> started = machine_.run(server_->start());
        BOOST_REQUIRE(started.has_value());
    }

    Result<Ok> connect() {
        const SteadyTime deadline = machine_.env().clock.now() + 5s;
        auto conn = machine_.run(machine_.env().net.connect(address(), deadline));
        if (!conn) {
            return conn.error();
        }
        clients_->push_back(std::move(*conn));
        return Ok{};
    }
    void wait_for(const std::uint32_t connections) {
        machine_.run_until([this, connections] { return server_->connections() == connections; });
    }

    SimMachine machine_;
    io::TcpServer* server_ = nullptr;
    Conns* clients_ = nullptr;
};

/// Ends of connections on another machine, which has descriptors enough.
using Peers = std::vector<std::shared_ptr<io::SimEndpoint>>;

void connect_peer(IoWorld& world, Peers& peers) {
    const std::size_t index = peers.size();
    peers.emplace_back();
    world.the_sim().net.connect(2, address(), [&peers, index](std::int32_t, auto endpoint) {
        peers[index] = std::move(endpoint);
    });
}

Task<Result<Ok>> run_out_of_descriptors(IoWorld& world) {
    Peers peers;
    peers.reserve(10);
    io::TcpServerOptions options;
    options.address = address();
    options.connections_max = 100;
    io::TcpServer server(world.env(), options, serve_until_end);
    LB_CO_CHECK(co_await server.start());
    for (int i = 0; i < 3; ++i) {
        connect_peer(world, peers);
    }
    LB_CO_CHECK(co_await world.env().sleep(50ms));
    BOOST_TEST(server.connections() == 3u);
    for (int i = 0; i < 2; ++i) {
        connect_peer(world, peers);
        LB_CO_CHECK(co_await world.env().sleep(250ms));
        const io::SimEndpoint& shed = *peers.back();
        BOOST_TEST((shed.ended || shed.error != 0));
        BOOST_TEST(server.connections() == 3u);
    }
    world.the_sim().net.close(peers.front());
    LB_CO_CHECK(co_await world.env().sleep(2s));
    BOOST_TEST(server.connections() == 2u);
    connect_peer(world, peers);
    LB_CO_CHECK(co_await world.env().sleep(250ms));
    BOOST_TEST(server.connections() == 3u);
    BOOST_TEST(!peers.back()->ended);
    for (const auto& peer : peers) {
        world.the_sim().net.close(peer);
    }
    co_await server.stop();
    co_return Ok{};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(accept_pressure)

BOOST_AUTO_TEST_CASE(errors_of_the_moment_do_not_end_the_listener) {
    for (const int error : {ECONNABORTED, ENOBUFS, ENOMEM, EPROTO, EPERM, ENETDOWN, EINTR}) {
        AcceptBench bench;
        int failures = 3;
        bench.machine_.judge_ops([&failures, error](const io::Op& op) {
            return op.kind == io::OpKind::accept_multi && failures-- > 0 ? error : OpGate::passes;
        });
        // The accept that is armed already takes one; then come the failures.
        bench.machine_.run_for(1s);
        BOOST_REQUIRE(bench.connect().has_value());
        bench.wait_for(1);
    }
}

BOOST_AUTO_TEST_CASE(accepting_rests_after_an_error) {
    SimMachine machine;
    int accepts = 0;
    machine.judge_ops([&accepts](const io::Op& op) {
        if (op.kind != io::OpKind::accept_multi) {
            return OpGate::passes;
        }
        ++accepts;
        return ENOBUFS;
    });
    io::TcpServerOptions options;
    options.address = address();
    options.connections_max = 10;
    auto& server = machine.make<io::TcpServer>(machine.env(), options, serve_until_end);
    BOOST_REQUIRE(machine.run(server.start()).has_value());
    machine.run_for(1s);
    BOOST_TEST(accepts >= 9);
    BOOST_TEST(accepts <= 11);
    BOOST_TEST(!machine.has_logged("listener ended"));
}

BOOST_AUTO_TEST_CASE(a_socket_that_is_none_ends_the_listener) {
    SimMachine machine;
    machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::accept_multi ? EINVAL : OpGate::passes;
    });
    io::TcpServerOptions options;
    options.address = address();
    auto& server = machine.make<io::TcpServer>(machine.env(), options, serve_until_end);
    BOOST_REQUIRE(machine.run(server.start()).has_value());
    machine.run_for(1s);
    BOOST_TEST(machine.has_logged("listener ended"));
}

BOOST_AUTO_TEST_CASE(at_most_64_accepted_connections_wait_to_be_taken) {
    SimMachine machine;
    auto listened = machine.run(machine.env().net.listen(address(), false));
    BOOST_REQUIRE(listened.has_value());
    Listener& listener = *machine.make<std::unique_ptr<Listener>>(std::move(*listened));
    Conns& kept = machine.make<Conns>();
    const SteadyTime deadline = machine.env().clock.now() + 1h;
    const auto connect = [&machine, &kept, deadline] {
        auto conn = machine.run(machine.env().net.connect(address(), deadline));
        BOOST_REQUIRE(conn.has_value());
        kept.push_back(std::move(*conn));
    };
    // The first `next` arms the accept, which goes on without anybody who takes.
    connect();
    auto first = machine.run(listener.next());
    BOOST_REQUIRE(first.has_value());
    int accepts = 0;
    machine.judge_ops([&accepts](const io::Op& op) {
        accepts += op.kind == io::OpKind::accept_multi ? 1 : 0;
        return OpGate::passes;
    });
    for (int i = 0; i < 100; ++i) {
        connect();
    }
    machine.run_for(1s);
    BOOST_TEST(accepts == 0);
    for (int i = 0; i < 64; ++i) {
        kept.push_back(std::move(*machine.run(listener.next())));
    }
    BOOST_TEST(accepts == 0);  // these were there
    for (int i = 64; i < 100; ++i) {
        kept.push_back(std::move(*machine.run(listener.next())));
    }
    BOOST_TEST(accepts == 1);  // the kernel's backlog had the others
    kept.push_back(std::move(*first));
}

BOOST_AUTO_TEST_CASE(out_of_descriptors_a_peer_is_told_at_once_and_later_ones_are_served_again) {
    test::SimChoices choices;
    choices.backend.descriptors_max =
        8;  // from 3 on: the listener, the one in reserve, three to serve
    test::on_every_seed(run_out_of_descriptors, choices);
}

BOOST_AUTO_TEST_CASE(a_refused_connection_does_not_hold_up_the_next_one) {
    AcceptBench bench(2);
    const SteadyTime begun = bench.machine_.env().clock.now();
    for (int i = 0; i < 22; ++i) {
        BOOST_REQUIRE(bench.connect().has_value());
    }
    bench.machine_.run_until([&bench] { return bench.server_->refused() == 20; });
    BOOST_TEST((bench.machine_.env().clock.now() - begun < 1s));
    BOOST_TEST(bench.server_->connections() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
