#define BOOST_TEST_MODULE agent_batch
#include "agent/batch/keyed_hash.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace logboom;
using namespace logboom::batch;

BOOST_AUTO_TEST_SUITE(keyed_hash)

BOOST_AUTO_TEST_CASE(installations_hash_the_same_bytes_differently) {
    // T12: who writes a log cannot know what its head and tail will look like.
    const KeyedHash ours(1);
    const KeyedHash theirs(2);
    BOOST_TEST(ours(as_bytes("a line")) == KeyedHash(1)(as_bytes("a line")));
    BOOST_TEST(ours(as_bytes("a line")) != theirs(as_bytes("a line")));
    BOOST_TEST(ours(as_bytes("a line")) != ours(as_bytes("a lime")));
    BOOST_TEST(ours(as_bytes("")) != ours(as_bytes(std::string(1, '\0'))));
}

BOOST_AUTO_TEST_CASE(a_position_is_proven_by_at_most_64_bytes_before_it) {
    // T8.
    const KeyedHash hash(3);
    const std::string text = std::string(40, 'a') + std::string(64, 'b');
    const Tail tail = tail_of(hash, as_bytes(text));
    BOOST_TEST(tail.size == 64u);
    BOOST_TEST(tail.hash == hash(as_bytes(std::string(64, 'b'))));
    BOOST_TEST(tail_of(hash, as_bytes("short")).size == 5u);
    BOOST_TEST(tail_of(hash, ByteView()).size == 0u);
}

BOOST_AUTO_TEST_CASE(a_derived_id_is_always_the_same_and_that_of_nothing_else) {
    ship::Id128 id{};
    id[3] = std::byte{7};
    const ship::Id128 derived = derived_id(id, "lb.loss");
    // Collectors know streams by it: it may never change.
    BOOST_TEST(to_hex(derived) == "05cc48f2fafad03c5816875774f168c2");
    BOOST_TEST((derived != id));
    BOOST_TEST((derived != derived_id(id, "other")));
    BOOST_TEST((derived != derived_id(ship::Id128{}, "lb.loss")));
}

BOOST_AUTO_TEST_SUITE_END()
