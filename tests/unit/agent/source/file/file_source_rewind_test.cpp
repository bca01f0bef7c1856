// A collector knows another position than we do (agent-design 3.1, rules 4 and 5).
#include "agent/source/file/file_source.h"
#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

const std::string app_log = "/var/log/app.log";

/// Three lines are acknowledged, three more are in a batch that is open, and no turn comes.
struct Rewound : SourceWorld {
    Rewound() {
        add_input({"/var/log/*.log"});
        apps.write(app_log, numbered(0, 3));
        start();
        until_scanned();
        pass(2s);
        stream = streams_of(app_log).at(0);
        apps.write(app_log, numbered(3, 6));
        until([this] { return room->open_count() == 1; });
        link->queue_max = 0;
    }
    void go_on() {
        link->queue_max = 16;
        files->room();
    }

    record::Id128 stream{};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(file_source_rewind)

BOOST_AUTO_TEST_CASE(an_open_batch_is_dropped_and_never_sealed_behind_the_new_position) {
    Rewound world;
    world.files->rewind(world.stream, ship::Position{0, numbered(0, 1).size()});
    BOOST_TEST(world.room->open_count() == 0u);
    world.pass(5s);  // its age would have sealed it
    BOOST_TEST(world.link->waiting_count() == 0u);
    world.room->seal_all();
    BOOST_TEST(world.link->waiting_count() == 0u);
    world.collector.known[world.stream].to.offset = numbered(0, 1).size();
    world.collector.taken.resize(1);
    world.go_on();
    BOOST_TEST(world.lines_of(app_log, 6) == numbers(0, 6), boost::test_tools::per_element());
    BOOST_TEST(world.collector.rejects == 0u);
}

BOOST_AUTO_TEST_CASE(a_truncation_before_the_turn_seals_no_batch_of_the_old_content) {
    Rewound world;
    world.files->rewind(world.stream, ship::Position{0, numbered(0, 1).size()});
    world.apps.rewrite(app_log, numbered(0, 2, "new "));
    world.go_on();
    BOOST_TEST(
        world.lines_of(app_log, 5) == numbers(0, 3) + numbers(0, 2, "new "),
        boost::test_tools::per_element()
    );
    BOOST_TEST(world.collector.rejects == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
