// What a room keeps when nothing is being written.
#include "agent/batch/batch_room.h"
#include "tests/unit/agent/batch/batch_bench.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::batch;
using namespace logboom::tests;

BOOST_AUTO_TEST_SUITE(batch_room_memory)

BOOST_AUTO_TEST_CASE(builders_are_kept_between_batches_and_given_back_after_a_quiet_while) {
    BatchBench bench;
    NamedBatcher batcher(bench.room, id_of(1), "/log");
    batcher.begin_at(ship::Position(), Tail(), record::GapReason::none);
    for (int i = 0; i < 3; ++i) {
        add_line(batcher, std::string(1u << 20, 'l'));
        bench.machine.run_for(5s);  // sealed by its age
        BOOST_TEST(bench.room.open_count() == 0u);
        BOOST_TEST(bench.room.idle_count() == 1u);
    }
    bench.machine.run_for(10s);
    BOOST_TEST(bench.room.idle_count() == 0u);
    add_line(batcher, "later");
    bench.machine.run_for(1s);
    BOOST_TEST(bench.kept.values().back() == "later");
}

BOOST_AUTO_TEST_SUITE_END()
