// The simulated network: windows, resets, links that are cut, machines without power.
#include "shared/io/sim_net.h"

#include "shared/io/sim_events.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>

using namespace logboom;
using io::SimEndpoint;
using io::SimEvents;
using io::SimListener;
using io::SimNet;

namespace {

using EndpointPtr = std::shared_ptr<SimEndpoint>;

/// Two machines, 10.0.0.1 and 10.0.0.2; the second one listens.
class Network {
public:
    explicit Network(const std::uint64_t seed = 1) : events(seed), net(events) {
        net.add_node(1, "10.0.0.1", "one");
        net.add_node(2, "10.0.0.2", "two");
        BOOST_REQUIRE(net.listen(2, SocketAddress{"0.0.0.0", 80}, false, listener) == 0);
    }
    void run_for(const Nanos time) {
        const SteadyTime end = events.now() + time;
        for (;;) {
            while (events.run_one()) {}
            if (events.next_due() > end) {
                break;
            }
            events.advance_to(events.next_due());
        }
        events.advance_to(end);
    }
    /// The error, or 0 and `client`.
    std::int32_t connect(const Nanos within = 10s) {
        std::int32_t outcome = 1;
        net.connect(
            1,
            SocketAddress{"10.0.0.2", 80},
            [this, &outcome](const std::int32_t error, EndpointPtr made) {
                BOOST_TEST(outcome == 1);  // told once
                outcome = error;
                client = std::move(made);
            }
        );
        BOOST_TEST(outcome == 1);  // and later
        run_for(within);
        return outcome;
    }
    void make_pair() {
        BOOST_REQUIRE(connect() == 0);
        BOOST_REQUIRE(listener->backlog.size() == 1u);
        server = listener->backlog.front();
        listener->backlog.pop_front();
    }

    SimEvents events;
    SimNet net;
    std::shared_ptr<SimListener> listener;
    EndpointPtr client;
    EndpointPtr server;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sim_net)

BOOST_AUTO_TEST_CASE(what_cannot_be_listened_on_is_refused) {
    Network n;
    std::shared_ptr<SimListener> other;
    BOOST_TEST(n.net.listen(2, SocketAddress{"10.0.0.2", 80}, false, other) == -EADDRINUSE);
    BOOST_TEST(n.net.listen(2, SocketAddress{"10.0.0.2", 80}, true, other) == -EADDRINUSE);
    BOOST_TEST(n.net.listen(2, SocketAddress{"10.0.0.1", 81}, false, other) == -EADDRNOTAVAIL);
    BOOST_TEST(n.net.listen(1, SocketAddress{"10.0.0.1", 80}, false, other) == 0);
    n.net.close(*n.listener);
    BOOST_TEST(n.net.listen(2, SocketAddress{"10.0.0.2", 80}, false, other) == 0);
}

BOOST_AUTO_TEST_CASE(nobody_listens_nobody_there_or_no_power) {
    Network n;
    n.net.close(*n.listener);
    BOOST_TEST(n.connect() == -ECONNREFUSED);
    n.net.block(1, 2, true);
    BOOST_TEST(n.connect(1h) == -ETIMEDOUT);
    n.net.block(1, 2, false);
    n.net.set_power(2, false);
    BOOST_TEST(n.connect(1h) == -ETIMEDOUT);
    n.net.set_power(2, true);
    BOOST_TEST(n.connect() == -ECONNREFUSED);
}

BOOST_AUTO_TEST_CASE(a_connect_goes_on_when_the_link_is_healed_in_time) {
    Network n;
    n.net.block(1, 2, true);
    std::int32_t outcome = 1;
    n.net.connect(1, SocketAddress{"10.0.0.2", 80}, [&outcome](const std::int32_t error, auto) {
        outcome = error;
    });
    n.run_for(20s);
    BOOST_TEST(outcome == 1);
    n.net.block(1, 2, false);
    n.run_for(1min);
    BOOST_TEST(outcome == 0);
}

BOOST_AUTO_TEST_CASE(a_sender_waits_when_nobody_reads) {
    Network n;
    n.make_pair();
    const std::string much(1u << 20, 'x');
    const auto window = static_cast<std::int32_t>(n.net.options().window_bytes);
    BOOST_TEST(n.net.send(n.client, much) == window);
    BOOST_TEST(n.net.send(n.client, much) == 0);
    n.run_for(10s);
    BOOST_TEST(n.net.send(n.client, much) == 0);
    BOOST_TEST(n.server->inbox.size() == n.net.options().window_bytes);
    bool is_told = false;
    n.client->on_change = [&is_told] { is_told = true; };
    BOOST_TEST(n.net.receive(*n.server, 1000).size() == 1000u);
    n.run_for(1s);
    BOOST_TEST(is_told);
    BOOST_TEST(n.net.send(n.client, much) == 1000);
}

BOOST_AUTO_TEST_CASE(bytes_keep_their_order_and_the_end_comes_behind_them) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Network n(seed);
        n.net.options().spike = 0.2;
        n.make_pair();
        std::string sent;
        for (int i = 0; i < 500; ++i) {
            const std::string text = std::to_string(i) + ' ';
            BOOST_REQUIRE(n.net.send(n.client, text) == static_cast<std::int32_t>(text.size()));
            sent += text;
        }
        n.net.shut_down(n.client, false);
        BOOST_TEST(n.net.send(n.client, "x") == -EPIPE);
        BOOST_TEST(!n.server->ended);
        n.run_for(1min);
        BOOST_TEST(n.server->ended);
        BOOST_TEST((n.net.receive(*n.server, sent.size() + 1) == sent));
    }
}

BOOST_AUTO_TEST_CASE(closing_with_unread_bytes_resets_the_peer) {
    Network n;
    n.make_pair();
    BOOST_TEST(n.net.send(n.client, "unread") == 6);
    n.run_for(1s);
    n.net.close(n.server);
    n.run_for(1s);
    BOOST_TEST(n.client->error == -ECONNRESET);
    BOOST_TEST(n.net.send(n.client, "x") == -ECONNRESET);
}

BOOST_AUTO_TEST_CASE(sending_to_one_who_has_closed_is_answered_by_a_reset) {
    Network n;
    n.make_pair();
    n.net.close(n.server);
    n.run_for(1s);
    BOOST_TEST(n.client->ended);
    BOOST_TEST(n.client->error == 0);
    BOOST_TEST(n.net.send(n.client, "x") == 1);
    n.run_for(1s);
    BOOST_TEST(n.client->error == -ECONNRESET);
}

BOOST_AUTO_TEST_CASE(a_blocked_link_delays_bytes_and_breaks_no_connection) {
    Network n;
    n.make_pair();
    n.net.block(2, 1, true);
    BOOST_TEST(n.net.send(n.client, "late") == 4);
    n.run_for(30s);
    BOOST_TEST(n.server->inbox.empty());
    n.net.block(1, 2, false);
    n.run_for(1s);
    BOOST_TEST(n.net.receive(*n.server, 100) == "late");
    BOOST_TEST(n.client->error == 0);
}

BOOST_AUTO_TEST_CASE(a_machine_that_lost_its_power_leaves_a_half_open_connection) {
    Network n;
    n.make_pair();
    n.net.set_power(2, false);
    n.net.forget_node(2);
    n.run_for(30s);
    BOOST_TEST(n.client->error == 0);
    n.run_for(31s);
    BOOST_TEST(n.client->error == -ETIMEDOUT);  // keepalive
}

BOOST_AUTO_TEST_CASE(a_machine_that_came_back_answers_old_connections_with_a_reset) {
    Network n;
    n.make_pair();
    n.net.set_power(2, false);
    n.net.forget_node(2);
    n.run_for(1s);
    n.net.set_power(2, true);
    BOOST_TEST(n.net.send(n.client, "x") == 1);
    n.run_for(1s);
    BOOST_TEST(n.client->error == -ECONNRESET);
}

BOOST_AUTO_TEST_CASE(all_connections_of_a_machine_can_be_cut) {
    Network n;
    n.make_pair();
    n.net.cut_all(2);
    BOOST_TEST(n.client->error == -ECONNRESET);
    BOOST_TEST(n.server->error == -ECONNRESET);
}

BOOST_AUTO_TEST_CASE(a_link_that_cuts_sometimes_cuts_both_ends) {
    int cut = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Network n(seed);
        n.make_pair();
        n.net.options().cut = 0.05;
        for (int i = 0; i < 20; ++i) {
            static_cast<void>(n.net.send(n.client, "some bytes"));
        }
        n.run_for(1min);
        BOOST_TEST((n.client->error != 0) == (n.server->error != 0));
        cut += n.server->error != 0 ? 1 : 0;
    }
    BOOST_TEST(cut > 5);
    BOOST_TEST(cut < 40);
}

BOOST_AUTO_TEST_CASE(names_are_resolved_to_the_hosts_of_machines) {
    Network n;
    BOOST_TEST(n.net.resolve("two") == std::vector<std::string>{"10.0.0.2"});
    BOOST_TEST(n.net.resolve("localhost") == std::vector<std::string>{"127.0.0.1"});
    BOOST_TEST(n.net.resolve("three").empty());
}

BOOST_AUTO_TEST_SUITE_END()
