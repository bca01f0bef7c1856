// What an IoBackend promises, asked of the ring on each rung, of epoll and threads, and of the simulated
// kernel: an operation ends exactly once, never inside the call that began or cancelled it, with the same
// results and errors. What is special about one of them stands in a test of its own.
#include "shared/base/rng.h"
#include "tests/unit/shared/io/contract_tables.h"
#include "tests/unit/shared/io/op_bench.h"

#include <boost/test/unit_test.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <csignal>
#include <thread>

using namespace logboom;
using namespace logboom::test;

namespace {

void in_every_world(void (*const act)(Bench&)) {
    const auto on_bench = [act](IoWorld& world) {
        Bench bench(world);
        act(bench);
    };
    with_every_real(on_bench);
    with_every_seed(on_bench);
}

/// Of an operation that was cancelled at some moment.
void check_cancelled(Bench& b, const Case& c, OpProbe& p) {
    b.wait(p);
    b.pass_a_while();
    BOOST_TEST(p.completions == 1);
    if (c.gives_descriptor && p.op.res >= 0) {
        b.adopt(p.op.res);
    }
    if (p.op.res != -ECANCELED) {
        BOOST_TEST(c.is_right(b, p), "result " << p.op.res);
    }
}

/// Who may end in which way is asked elsewhere: here only that it ends.
void check_ends_once(Bench& b, OpProbe& p) {
    if (p.completions == 0) {
        b.cancel(p);
    }
    b.wait(p);
    b.pass_a_while();
    BOOST_TEST(p.completions == 1);
}

void cancel_after(Bench& world_bench, const Case& c, const Nanos delay) {
    BOOST_TEST_CONTEXT(to_string(c.kind)) {
        Bench b(world_bench.world());
        OpProbe p(c.kind);
        c.prepare(b, p);
        b.submit(p);
        const SteadyTime until = b.backend().now() + delay;
        while (p.completions == 0 && b.backend().now() < until) {
            b.backend().poll(until);
        }
        if (p.completions == 0) {
            b.cancel(p);
        }
        check_cancelled(b, c, p);
    }
}

struct WriteOutcome {
    std::int32_t part;
    std::int32_t refused;
};
WriteOutcome write_beyond_4096(Bench& b, const int fd) {
    OpProbe first(OpKind::writev);
    first.op.fd = fd;
    first.write_from(std::string(10'000, 'x'));
    const std::int32_t part = b.run(first);
    OpProbe second(OpKind::writev);
    second.op.fd = fd;
    second.op.off = 4096;
    second.write_from("yy");
    return {part, b.run(second)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(backend_contract)

BOOST_AUTO_TEST_CASE(the_tables_know_every_kind) {
    for (int number = 0; number <= static_cast<int>(OpKind::inotify_remove); ++number) {
        const auto kind = static_cast<OpKind>(number);
        const auto is_it = [kind](const auto& row) { return row.kind == kind; };
        BOOST_TEST_CONTEXT(to_string(kind)) {
            BOOST_TEST(
                (std::ranges::any_of(cases(), is_it) || std::ranges::any_of(waiting(), is_it))
            );
            const bool fails = std::ranges::any_of(failures(), is_it)
                            || std::ranges::find(kinds_on_descriptors, kind)
                                   != kinds_on_descriptors.end();
            // One that needs nothing fails only where no descriptor is left.
            BOOST_TEST((fails || kind == OpKind::inotify_open));
        }
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_done_ends_once_with_the_same_error_everywhere) {
    in_every_world([](Bench& world_bench) {
        for (const Failure& failure : failures()) {
            BOOST_TEST_CONTEXT(failure.what) {
                Bench b(world_bench.world());
                OpProbe p(failure.kind);
                failure.prepare(b, p);
                const std::int32_t res = b.run(p);
                BOOST_TEST(res == failure.expected);
                b.pass_a_while();
                BOOST_TEST(p.completions == 1);
                if (res >= 0
                    && (failure.kind == OpKind::open || failure.kind == OpKind::listen_tcp)) {
                    b.adopt(res);
                }
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_not_open_is_told_by_every_kind_that_takes_one) {
    in_every_world([](Bench& b) {
        for (const OpKind kind : kinds_on_descriptors) {
            BOOST_TEST_CONTEXT(to_string(kind)) {
                OpProbe p(kind);
                on_missing_descriptor(b, p);
                BOOST_TEST(b.run(p) == -EBADF);
                BOOST_TEST(p.events.empty());
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(every_kind_does_its_work_and_ends_once_and_never_inside_submit) {
    in_every_world([](Bench& world_bench) {
        for (const Case& c : cases()) {
            BOOST_TEST_CONTEXT(to_string(c.kind)) {
                Bench b(world_bench.world());
                OpProbe p(c.kind);
                c.prepare(b, p);
                const std::int32_t res = b.run(p);
                if (c.gives_descriptor) {
                    b.adopt(res);
                }
                BOOST_TEST(c.is_right(b, p), "result " << res);
                BOOST_TEST((c.kind != OpKind::recv || res == 8), "a whole receive");
                b.pass_a_while();
                BOOST_TEST(p.completions == 1);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(every_kind_that_is_cancelled_at_once_ends_once_and_never_inside_the_call) {
    in_every_world([](Bench& b) {
        for (const Case& c : cases()) {
            cancel_after(b, c, Nanos::zero());
        }
    });
}

BOOST_AUTO_TEST_CASE(every_kind_that_is_cancelled_some_time_later_ends_once) {
    in_every_world([](Bench& b) {
        Rng rng(1);
        for (const Case& c : cases()) {
            for (int round = 0; round < 4; ++round) {
                cancel_after(b, c, Nanos(static_cast<std::int64_t>(rng.below(200'000))));
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(every_kind_that_is_cancelled_when_its_answer_waits_to_be_told_ends_once) {
    in_every_world([](Bench& world_bench) {
        for (const Case& c : cases()) {
            BOOST_TEST_CONTEXT(to_string(c.kind)) {
                Bench b(world_bench.world());
                // Both cancel the one between them: one that is done at once, one that takes time.
                OpProbe before(OpKind::local_port);
                before.op.fd = b.listen();
                OpProbe after(OpKind::statx);
                after.path = b.world().dir();
                after.op.path = after.path.c_str();
                after.op.out = &after.stat;
                OpProbe p(c.kind);
                c.prepare(b, p);
                before.then = after.then = [&b, &p] { b.cancel(p); };
                b.submit(before);
                b.submit(p);
                b.submit(after);
                b.wait(before);
                b.wait(after);
                check_cancelled(b, c, p);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(what_waits_for_somebody_ends_when_he_has_come_and_not_before) {
    in_every_world([](Bench& world_bench) {
        for (const Waiting& w : waiting()) {
            BOOST_TEST_CONTEXT(to_string(w.kind)) {
                Bench b(world_bench.world());
                OpProbe p(w.kind);
                w.prepare(b, p);
                b.submit(p);
                b.pass_a_while();
                const bool is_partial = w.kind == OpKind::sendmsg && !b.is_real();
                BOOST_TEST((p.completions == 0 || is_partial));
                w.satisfy(b, p);
                // A simulated multishot receive runs out of buffers now and then.
                b.run_until([&] { return p.completions != 0 || w.is_satisfied(b, p); });
                BOOST_TEST((p.op.res == -ENOBUFS || w.is_satisfied(b, p)), p.op.res);
                check_ends_once(b, p);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(what_waits_for_somebody_ends_when_it_is_cancelled_and_not_before) {
    in_every_world([](Bench& world_bench) {
        for (const Waiting& w : waiting()) {
            BOOST_TEST_CONTEXT(to_string(w.kind)) {
                Bench b(world_bench.world());
                OpProbe p(w.kind);
                w.prepare(b, p);
                if (w.kind == OpKind::sendmsg && !b.is_real()) {
                    continue;  // a simulated send ends with a part at any time
                }
                b.submit(p);
                b.pass_a_while();
                BOOST_TEST(p.completions == 0);
                b.cancel(p);
                b.cancel(p);
                const std::int32_t res = b.wait(p);
                const bool is_part = w.kind == OpKind::sendmsg && res > 0;
                BOOST_TEST((res == -ECANCELED || is_part), res);
                b.pass_a_while();
                BOOST_TEST(p.completions == 1);
                BOOST_TEST(p.events.empty());
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(what_is_cancelled_when_somebody_comes_ends_once_and_loses_nothing) {
    in_every_world([](Bench& world_bench) {
        for (const Waiting& w : waiting()) {
            if (w.kind == OpKind::sendmsg) {
                continue;  // its peer never knows how much will come
            }
            BOOST_TEST_CONTEXT(to_string(w.kind)) {
                Bench b(world_bench.world());
                OpProbe p(w.kind);
                w.prepare(b, p);
                b.submit(p);
                b.pass(50us);
                w.satisfy(b, p);
                b.cancel(p);
                b.wait(p);
                const bool has_nothing = p.events.empty() && p.op.res <= 0;
                if (has_nothing && w.kind == OpKind::recv) {
                    BOOST_TEST(b.receive(p.op.fd, 100).size() == 100u);
                } else if (has_nothing && w.kind == OpKind::recv_some) {
                    BOOST_TEST(b.receive(p.op.fd, 1) == "x");
                } else if (!has_nothing) {
                    BOOST_TEST(w.is_satisfied(b, p));
                }
                b.pass_a_while();
                BOOST_TEST(p.completions == 1);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(
    a_connect_that_nobody_answers_ends_when_it_is_cancelled_and_leaves_no_descriptor
) {
    with_every_real([](IoWorld& world) {
        Bench b(world);
        // One place in the backlog, which two connections fill: the next one's call is not answered.
        const int listener = b.listen();
        BOOST_REQUIRE(::listen(listener, 0) == 0);
        const SocketAddress address = b.address_of(listener);
        b.connect(address);
        OpProbe p(OpKind::connect_tcp);
        p.address = address;
        p.op.address = &p.address;
        const int next_fd = b.open(b.world().dir(), O_RDONLY);
        b.close(next_fd);
        b.submit(p);
        b.pass(20ms);
        BOOST_REQUIRE(p.completions == 0);
        b.cancel(p);
        BOOST_TEST(b.wait(p) == -ECANCELED);
        BOOST_TEST(b.open(b.world().dir(), O_RDONLY) == next_fd);
    });
}

BOOST_AUTO_TEST_CASE(what_waits_survives_the_closing_of_its_descriptor_and_ends_once) {
    in_every_world([](Bench& world_bench) {
        for (const Waiting& w : waiting()) {
            for (const Nanos begun_before : {0us, 50us}) {
                BOOST_TEST_CONTEXT(to_string(w.kind)) {
                    Bench b(world_bench.world());
                    OpProbe p(w.kind);
                    w.prepare(b, p);
                    b.submit(p);
                    if (begun_before != Nanos::zero()) {
                        b.pass(begun_before);
                    }
                    b.close(p.op.fd);
                    check_ends_once(b, p);
                }
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(every_kind_on_a_descriptor_that_is_closed_at_the_same_time_ends_once) {
    in_every_world([](Bench& world_bench) {
        for (const Case& c : cases()) {
            BOOST_TEST_CONTEXT(to_string(c.kind)) {
                Bench b(world_bench.world());
                OpProbe p(c.kind);
                c.prepare(b, p);
                if (p.op.fd < 0) {
                    continue;  // it is on a path
                }
                OpProbe close(OpKind::close);
                close.op.fd = p.op.fd;
                b.submit(p);
                b.submit(close);
                b.wait(close);
                b.forget(p.op.fd);
                check_ends_once(b, p);
                const bool is_late = p.op.res == -EBADF || p.op.res == -ECANCELED
                                  || p.op.res == -EPIPE;
                const bool is_closing = c.kind == OpKind::close;
                BOOST_TEST(
                    (close.op.res == 0 || (is_closing && close.op.res == -EBADF)), close.op.res
                );
                BOOST_TEST((p.op.res >= 0 || is_late || b.is_real()), p.op.res);
                BOOST_TEST(close.completions == 1);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(what_was_begun_before_a_close_never_meets_the_next_file_of_the_number) {
    in_every_world([](Bench& b) {
        b.make_file("next", "the next file");
        const int fd = b.make_file("old", "the old file!", O_RDONLY);
        std::vector<std::unique_ptr<OpProbe>> reads;
        for (int i = 0; i < 50; ++i) {
            auto& p = *reads.emplace_back(std::make_unique<OpProbe>(OpKind::read));
            p.op.fd = fd;
            p.read_into_room(13);
            b.submit(p);
        }
        b.close(fd);
        const int next = b.open(b.path("next"), O_RDONLY);
        BOOST_TEST((next == fd || !b.is_real()));
        for (const auto& p : reads) {
            const std::int32_t res = b.wait(*p);
            BOOST_TEST((res == 13 || (res == -EBADF && !b.is_real())), res);
            BOOST_TEST((res < 0 || p->room_text() == "the old file!"));
        }
    });
}

BOOST_AUTO_TEST_CASE(a_receive_whose_descriptor_was_closed_takes_nothing_of_the_next_connection) {
    in_every_world([](Bench& b) {
        for (const OpKind kind : {OpKind::recv, OpKind::recv_some, OpKind::recv_multi}) {
            const Bench::Pair old = b.make_pair();
            OpProbe stale(kind);
            stale.op.fd = old.client;
            stale.read_into_room(100);
            b.submit(stale);
            b.pass(50us);
            b.close(old.client);
            const Bench::Pair next = b.make_pair();
            for (const auto& [from, to] :
                 {std::pair(next.client, next.server), std::pair(next.server, next.client)}) {
                b.send(from, "bytes of the next connection");
                BOOST_TEST(b.receive(to, 28) == "bytes of the next connection");
            }
            check_ends_once(b, stale);
            BOOST_TEST(stale.events.empty());
        }
    });
}

BOOST_AUTO_TEST_CASE(out_of_descriptors_every_kind_that_gives_one_says_so) {
    const auto act = [](IoWorld& world) {
        Bench b(world);
        const int listener = b.listen();
        OpProbe client(OpKind::connect_tcp);  // waits in the backlog
        client.address = b.address_of(listener);
        client.op.address = &client.address;
        b.adopt(b.run(client));
        for (const Case& c : cases()) {
            if (!c.gives_descriptor || c.kind == OpKind::connect_tcp) {
                continue;
            }
            BOOST_TEST_CONTEXT(to_string(c.kind)) {
                OpProbe p(c.kind);
                c.prepare(b, p);
                b.use_up_descriptors();
                const std::int32_t res = b.run(p);
                b.give_descriptors_back();
                BOOST_TEST(res == -EMFILE);
            }
        }
        OpProbe accept(OpKind::accept_multi);
        accept.op.fd = listener;
        OpProbe connect(OpKind::connect_tcp);
        connect.address = client.address;
        connect.op.address = &connect.address;
        b.use_up_descriptors();
        b.submit(accept);
        b.submit(connect);
        b.wait(accept);
        b.wait(connect);
        b.give_descriptors_back();
        BOOST_TEST(accept.op.res == -EMFILE);
        BOOST_TEST(accept.events.empty());
        BOOST_TEST(connect.op.res == -EMFILE);
    };
    with_every_real(act);
    SimChoices choices;
    choices.backend.descriptors_max = 20;
    with_every_seed(act, choices);
}

BOOST_AUTO_TEST_CASE(shutting_down_ends_what_waits_on_a_connection) {
    in_every_world([](Bench& world_bench) {
        for (const Waiting& w : waiting()) {
            if (w.kind == OpKind::recv || w.kind == OpKind::recv_some
                || w.kind == OpKind::recv_multi || w.kind == OpKind::sendmsg) {
                BOOST_TEST_CONTEXT(to_string(w.kind)) {
                    Bench b(world_bench.world());
                    OpProbe p(w.kind);
                    w.prepare(b, p);
                    b.submit(p);
                    b.pass(50us);
                    b.shut_down(p.op.fd, SHUT_RDWR);
                    const std::int32_t res = b.wait(p);
                    const bool is_send = w.kind == OpKind::sendmsg;
                    BOOST_TEST((is_send ? res > 0 || res == -EPIPE : res == 0), res);
                    b.pass_a_while();
                    BOOST_TEST(p.completions == 1);
                }
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(a_read_at_the_end_of_a_file_is_short_and_behind_it_empty) {
    in_every_world([](Bench& b) {
        const int fd = b.make_file("short", "0123456789");
        for (const auto& [offset, expected] :
             std::vector<std::pair<std::int64_t, std::string>>{{7, "789"}, {10, ""}, {5000, ""}}) {
            OpProbe p(OpKind::read);
            p.op.fd = fd;
            p.op.off = offset;
            p.read_into_room(100);
            BOOST_TEST(b.run(p) == static_cast<std::int32_t>(expected.size()));
            BOOST_TEST(p.room_text() == expected);
        }
    });
}

BOOST_AUTO_TEST_CASE(a_receive_that_the_stream_ends_is_short) {
    in_every_world([](Bench& b) {
        const Bench::Pair pair = b.make_pair();
        OpProbe p(OpKind::recv);
        p.op.fd = pair.client;
        p.read_into_room(100);
        b.submit(p);
        b.send(pair.server, "only this");
        b.shut_down(pair.server, SHUT_WR);
        BOOST_TEST(b.wait(p) == 9);
        BOOST_TEST(p.room_text() == "only this");
        OpProbe next(OpKind::recv);
        next.op.fd = pair.client;
        next.read_into_room(100);
        BOOST_TEST(b.run(next) == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_receive_that_is_cancelled_half_way_tells_what_it_has) {
    in_every_world([](Bench& b) {
        const Bench::Pair pair = b.make_pair();
        OpProbe p(OpKind::recv);
        p.op.fd = pair.client;
        p.read_into_room(100);
        b.submit(p);
        b.send(pair.server, "half");
        b.pass_a_while();
        b.pass(10ms);
        BOOST_TEST(p.completions == 0);
        b.cancel(p);
        BOOST_TEST(b.wait(p) == 4);
        BOOST_TEST(p.room_text() == "half");
    });
}

BOOST_AUTO_TEST_CASE(a_write_that_meets_a_limit_is_short_and_then_fails) {
    with_every_real([](IoWorld& world) {
        Bench b(world);
        const int fd = b.make_file("limited", "");
        const auto handler = std::signal(SIGXFSZ, SIG_IGN);
        rlimit old{};
        BOOST_REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
        const rlimit small{4096, old.rlim_max};
        BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
        const WriteOutcome outcome = write_beyond_4096(b, fd);
        BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
        std::signal(SIGXFSZ, handler);
        BOOST_TEST(outcome.part == 4096);
        BOOST_TEST(outcome.refused == -EFBIG);
    });
    SimChoices choices;
    choices.disk.capacity_bytes = 4096;
    const auto world = IoWorld::simulated(1, choices);
    Bench b(*world);
    const WriteOutcome outcome = write_beyond_4096(b, b.make_file("limited", ""));
    BOOST_TEST(outcome.part == 4096);
    BOOST_TEST(outcome.refused == -ENOSPC);
}

BOOST_AUTO_TEST_CASE(a_multishot_receive_gives_pieces_in_order_and_then_the_end) {
    in_every_world([](Bench& b) {
        const Bench::Pair pair = b.make_pair();
        std::string sent;
        for (int i = 0; i < 20'000; ++i) {
            sent += std::to_string(i) + ' ';
        }
        std::string received;
        bool has_ended = false;
        OpProbe send(OpKind::sendmsg);
        send.op.fd = pair.server;
        std::size_t begun = 0;
        while (!has_ended) {
            OpProbe p(OpKind::recv_multi);
            p.op.fd = pair.client;
            b.submit(p);
            if (begun == 0) {
                b.send(pair.server, sent.substr(0, 10'000));
                begun = 10'000;
            }
            while (p.completions == 0) {
                if (received.size() + p.received.size() >= begun && begun < sent.size()) {
                    b.send(pair.server, sent.substr(begun, 10'000));
                    begun += 10'000;
                    if (begun >= sent.size()) {
                        b.shut_down(pair.server, SHUT_WR);
                    }
                }
                b.pass(10ms);
            }
            // Out of shared buffers: it is armed again.
            BOOST_REQUIRE((p.op.res == 0 || p.op.res == -ENOBUFS));
            received += p.received;
            has_ended = p.op.res == 0;
        }
        BOOST_TEST((received == sent));
    });
}

BOOST_AUTO_TEST_CASE(a_multishot_accept_gives_each_connection_once) {
    in_every_world([](Bench& b) {
        const int listener = b.listen();
        const SocketAddress address = b.address_of(listener);
        OpProbe accept(OpKind::accept_multi);
        accept.op.fd = listener;
        b.submit(accept);
        std::set<int> clients;
        for (int i = 0; i < 20; ++i) {
            clients.insert(b.connect(address));
        }
        b.run_until([&accept] { return accept.events.size() == 20; });
        std::set<int> descriptors = clients;
        for (const std::int32_t fd : accept.events) {
            b.adopt(fd);
            descriptors.insert(fd);
        }
        BOOST_TEST(descriptors.size() == 40u);
        b.cancel(accept);
        BOOST_TEST(b.wait(accept) == -ECANCELED);
        BOOST_TEST(accept.events.size() == 20u);
    });
}

BOOST_AUTO_TEST_CASE(a_watch_tells_what_happened_in_whole_events) {
    in_every_world([](Bench& b) {
        OpProbe p(OpKind::read);
        p.op.fd = b.watch(b.world().dir());
        p.op.off = -1;
        p.read_into_room(4096);
        b.submit(p);
        b.make_file("appeared", "x");
        const std::int32_t res = b.wait(p);
        BOOST_REQUIRE(res > static_cast<std::int32_t>(sizeof(inotify_event)));
        inotify_event head{};
        std::memcpy(&head, p.room.data(), sizeof head);
        BOOST_TEST(head.wd == 1);
        BOOST_TEST(head.mask == static_cast<std::uint32_t>(IN_CREATE));
        BOOST_TEST(sizeof head + head.len == static_cast<std::size_t>(res));
        const std::string name(p.room_text().c_str() + sizeof head);
        BOOST_TEST(b.world().path(name) == b.path("appeared"));
    });
}

BOOST_AUTO_TEST_CASE(more_operations_than_any_queue_has_room_for_all_end_once) {
    in_every_world([](Bench& b) {
        const int fd = b.make_file("many", "0123456789");
        std::vector<std::unique_ptr<OpProbe>> probes;
        for (int i = 0; i < 3000; ++i) {
            auto& p = *probes.emplace_back(std::make_unique<OpProbe>(OpKind::read));
            p.op.fd = fd;
            p.op.off = i % 10;
            p.read_into_room(1);
            b.submit(p);
        }
        for (std::size_t i = 0; i < probes.size(); ++i) {
            BOOST_TEST(b.wait(*probes[i]) == 1);
            BOOST_TEST(probes[i]->room_text() == std::to_string(i % 10));
        }
        b.pass_a_while();
        BOOST_TEST(std::ranges::all_of(probes, [](const auto& p) { return p->completions == 1; }));
    });
}

BOOST_AUTO_TEST_CASE(closing_later_closes) {
    in_every_world([](Bench& b) {
        const int fd = b.make_file("closed", "x");
        b.backend().close_later(fd);
        b.forget(fd);
        const auto is_closed = [&b, fd] {
            OpProbe p(OpKind::fdatasync);
            p.op.fd = fd;
            return b.run(p) == -EBADF;
        };
        b.run_until(is_closed);
    });
}

BOOST_AUTO_TEST_CASE(waking_from_another_thread_ends_a_poll) {
    with_every_real([](IoWorld& w) {
        for (int round = 0; round < 50; ++round) {
            const SteadyTime give_up = w.backend().now() + 30s;
            std::thread waker([&w] { w.backend().wake(); });
            w.backend().poll(give_up);
            waker.join();
            BOOST_TEST((w.backend().now() < give_up));
            w.backend().poll(SteadyTime::min());
        }
    });
}

BOOST_AUTO_TEST_CASE(a_wake_before_the_poll_is_not_lost) {
    with_every_real([](IoWorld& w) {
        const SteadyTime give_up = w.backend().now() + 30s;
        w.backend().wake();
        w.backend().wake();
        w.backend().poll(give_up);
        BOOST_TEST((w.backend().now() < give_up));
    });
}

BOOST_AUTO_TEST_CASE(connections_have_the_options_that_were_asked_for) {
    with_every_real([](IoWorld& world) {
        Bench b(world);
        const int listener = b.listen();
        OpProbe accept(OpKind::accept_multi);
        accept.op.fd = listener;
        accept.op.length = 54'321;
        OpProbe connect(OpKind::connect_tcp);
        connect.address = b.address_of(listener);
        connect.op.address = &connect.address;
        connect.op.length = 12'345;
        b.submit(accept);
        b.adopt(b.run(connect));
        b.run_until([&accept] { return !accept.events.empty(); });
        b.adopt(accept.events.front());
        const auto option = [](const int fd, const int name) {
            int value = 0;
            socklen_t size = sizeof value;
            BOOST_REQUIRE(::getsockopt(fd, IPPROTO_TCP, name, &value, &size) == 0);
            return value;
        };
        BOOST_TEST(option(connect.op.res, TCP_USER_TIMEOUT) == 12'345);
        BOOST_TEST(option(connect.op.res, TCP_NODELAY) == 1);
        BOOST_TEST(option(accept.events.front(), TCP_USER_TIMEOUT) == 54'321);
        BOOST_TEST(option(accept.events.front(), TCP_NODELAY) == 1);
        BOOST_TEST((::fcntl(accept.events.front(), F_GETFD) & FD_CLOEXEC) != 0);
        check_ends_once(b, accept);
    });
}

BOOST_AUTO_TEST_CASE(a_poll_without_completions_waits_for_its_time_and_not_at_all_for_a_past_one) {
    in_every_world([](Bench& b) {
        b.backend().poll(SteadyTime::min());
        b.backend().poll(b.backend().now() - 1s);
        const SteadyTime until = b.backend().now() + 3ms;
        // Something else may end a poll early; its time does for certain.
        for (int turn = 0; turn < 100 && b.backend().now() < until; ++turn) {
            b.backend().poll(until);
        }
        BOOST_TEST((b.backend().now() >= until));
        BOOST_TEST(to_unix_ms(b.backend().wall()) > 1'577'836'800'000);  // 2020
    });
}

BOOST_AUTO_TEST_SUITE_END()
