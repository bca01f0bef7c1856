#include "agent/source/file/stream_table.h"

#include "tests/unit/agent/source/file/stream_bench.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

BOOST_AUTO_TEST_SUITE(stream_table)

BOOST_AUTO_TEST_CASE(a_stream_is_found_by_its_id_key_and_head) {
    StreamBench bench;
    Stream& stream = bench.add(1, 42);
    BOOST_TEST(bench.table.find(id_of(1)) == &stream);
    BOOST_TEST(bench.table.find(id_of(2)) == nullptr);
    BOOST_TEST(bench.table.find_key(key_of(stream.identity)) == &stream);
    FileKey other = key_of(stream.identity);
    other.btime_ns = 999;
    BOOST_TEST(bench.table.find_key(other) == nullptr);  // T9.4: the same inode, used again
    BOOST_TEST(
        bench.table.find_head(stream.identity.head_len, stream.identity.head_hash)
            == std::vector<Stream*>{&stream},
        boost::test_tools::per_element()
    );
    BOOST_TEST(bench.table.find_head(stream.identity.head_len, 0).empty());
}

BOOST_AUTO_TEST_CASE(streams_with_one_head_are_all_found) {
    // T10, T11: equal heads never merge two files.
    StreamBench bench;
    Stream& first = bench.add(1, 42);
    Stream& second = bench.add(2, 43);
    bench.set_head(first, 100, 7);
    bench.set_head(second, 100, 7);
    BOOST_TEST(bench.table.find_head(100, 7).size() == 2u);
    bench.set_head(second, 200, 7);
    BOOST_TEST(bench.table.find_head(100, 7).size() == 1u);
    BOOST_TEST(
        bench.table.head_sizes() == (std::vector<std::uint32_t>{100, 200}),
        boost::test_tools::per_element()
    );
}

BOOST_AUTO_TEST_CASE(a_stream_without_a_head_is_not_found_by_one) {
    StreamBench bench;
    Stream& stream = bench.add(1, 42);
    bench.set_head(stream, 0, 0);
    BOOST_TEST(bench.table.head_sizes().empty());
    BOOST_TEST(bench.table.find_head(0, 0).empty());
}

BOOST_AUTO_TEST_CASE(an_inode_is_known_whatever_life_of_it_it_is) {
    StreamBench bench;
    bench.add(1, 42);
    BOOST_TEST(bench.table.knows_inode("fs", 42));
    BOOST_TEST(!bench.table.knows_inode("fs", 41));
    BOOST_TEST(!bench.table.knows_inode("fs", 43));
    BOOST_TEST(!bench.table.knows_inode("other", 42));
}

BOOST_AUTO_TEST_CASE(a_stream_has_one_path_and_a_path_one_stream) {
    StreamBench bench;
    Stream& first = bench.add(1, 42);
    Stream& second = bench.add(2, 43);
    bench.table.bind_path(first, "/a");
    BOOST_TEST(bench.table.find_path("/a") == &first);
    bench.table.bind_path(first, "/b");
    BOOST_TEST(bench.table.find_path("/a") == nullptr);
    BOOST_TEST(bench.table.find_path("/b") == &first);
    bench.table.bind_path(second, "/b");
    BOOST_TEST(bench.table.find_path("/b") == &second);
}

BOOST_AUTO_TEST_CASE(a_path_remembers_who_had_it_last) {
    // T13: the successor asks for it.
    StreamBench bench;
    Stream& first = bench.add(1, 42);
    bench.table.bind_path(first, "/a");
    BOOST_TEST(bench.table.last_at("/a") == &first);
    bench.table.bind_path(first, "/a.1");
    BOOST_TEST(bench.table.last_at("/a") == &first);
    BOOST_TEST(bench.table.last_at("/a.1") == &first);
    Stream& second = bench.add(2, 43);
    bench.table.bind_path(second, "/a");
    BOOST_TEST(bench.table.last_at("/a") == &second);
}

BOOST_AUTO_TEST_CASE(a_stream_that_leaves_is_forgotten_by_its_paths) {
    StreamBench bench;
    Stream& stream = bench.add(1, 42);
    bench.table.bind_path(stream, "/a");
    bench.table.bind_path(stream, "/a.1");
    bench.table.leave(stream);
    BOOST_TEST(bench.table.last_at("/a") == nullptr);
    BOOST_TEST(bench.table.last_at("/a.1") == nullptr);
    BOOST_TEST(bench.table.find(id_of(1)) == &stream);
}

BOOST_AUTO_TEST_CASE(a_removed_stream_is_found_by_nothing) {
    StreamBench bench;
    Stream& stream = bench.add(1, 42);
    bench.set_head(stream, 100, 7);
    const FileKey key = key_of(stream.identity);
    bench.table.bind_path(stream, "/a");
    bench.table.remove(stream);
    BOOST_TEST(bench.table.find(id_of(1)) == nullptr);
    BOOST_TEST(bench.table.find_key(key) == nullptr);
    BOOST_TEST(bench.table.find_path("/a") == nullptr);
    BOOST_TEST(bench.table.last_at("/a") == nullptr);
    BOOST_TEST(bench.table.find_head(100, 7).empty());
    BOOST_TEST(bench.table.all().empty());
}

BOOST_AUTO_TEST_CASE(a_new_identity_replaces_what_the_old_one_was_found_by) {
    StreamBench bench;
    Stream& stream = bench.add(1, 42);
    const FileKey before = key_of(stream.identity);
    record::FileIdentity moved = stream.identity;
    moved.ino = 50;
    bench.table.set_identity(stream, moved);
    BOOST_TEST(bench.table.find_key(before) == nullptr);
    BOOST_TEST(bench.table.find_key(key_of(moved)) == &stream);
}

BOOST_AUTO_TEST_CASE(streams_are_listed_by_their_state) {
    StreamBench bench;
    bench.add(1, 42).state = StreamState::active;
    bench.add(2, 43).state = StreamState::gone;
    bench.add(3, 44).state = StreamState::active;
    BOOST_TEST(bench.table.in_state(StreamState::active).size() == 2u);
    BOOST_TEST(bench.table.in_state(StreamState::gone).size() == 1u);
    BOOST_TEST(bench.table.in_state(StreamState::rotated).empty());
}

BOOST_AUTO_TEST_SUITE_END()
