#include "shared/record/source_cursor.h"

#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::record;
using namespace logboom::tests;

namespace {

SourceCursor full_cursor() {
    SourceCursor cursor = some_cursor();
    cursor.gap_reason = GapReason::lost;
    FileIdentity identity;
    identity.fs_id = std::string("\x00\x01\xff", 3);
    identity.ino = 77;
    identity.gen = 0;
    identity.btime_ns = -5;
    identity.head_len = 1024;
    identity.head_hash = 9;
    identity.size_seen = 12345;
    identity.path_seen = "/var/log/caf\xe9.log";
    cursor.identity = identity;
    return cursor;
}

Buffer marked_batch(const SourceCursor& cursor, const std::string& first, const int more) {
    BatchBuilder builder;
    RecordHeaders headers;
    headers.add("lb.path", "/var/log/app.log");
    builder.begin(headers);
    builder.append(1, as_bytes(first));
    for (int i = 0; i < more; ++i) {
        builder.append(2, as_bytes("another line that packs well, number " + std::to_string(i)));
    }
    Buffer out;
    static_cast<void>(builder.seal(cursor, out));
    return out;
}

Buffer encoded(const SourceCursor& cursor) {
    Buffer out;
    encode_cursor(cursor, out);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(source_cursor)

BOOST_AUTO_TEST_CASE(a_cursor_without_ids_or_running_backwards_is_malformed) {
    BOOST_TEST((decode_cursor(ByteView()).code() == ErrorCode::malformed));
    BOOST_TEST((decode_cursor(as_bytes("not protobuf")).code() == ErrorCode::malformed));
    SourceCursor backwards = some_cursor();
    backwards.to = backwards.from - 1;
    BOOST_TEST((decode_cursor(encoded(backwards).view()).code() == ErrorCode::malformed));
    SourceCursor unknown_gap = some_cursor();
    unknown_gap.gap_reason = static_cast<GapReason>(99);
    BOOST_TEST((decode_cursor(encoded(unknown_gap).view()).code() == ErrorCode::unsupported));
    SourceCursor long_path = full_cursor();
    long_path.identity->path_seen.assign(path_seen_bytes_max + 1, 'p');
    BOOST_TEST((decode_cursor(encoded(long_path).view()).code() == ErrorCode::malformed));
}

BOOST_AUTO_TEST_CASE(a_marked_batch_without_its_cursor_is_malformed) {
    Buffer unmarked = plain_batch({"one"});
    BOOST_TEST(!read_cursor(unmarked.view())->has_value());
    codec::store_be(unmarked.data() + 51, agent_mark);
    BOOST_TEST((read_cursor(unmarked.view()).code() == ErrorCode::malformed));
    codec::store_be(unmarked.data() + 43, std::int64_t{7});  // with a producer id it is no mark
    BOOST_TEST(!read_cursor(unmarked.view())->has_value());
}

BOOST_AUTO_TEST_CASE(changed_bytes_of_a_marked_batch_never_crash_the_reader) {
    Rng rng(1);
    for (const int more : {0, 200}) {
        const Buffer good = marked_batch(full_cursor(), "first line", more);
        for (int round = 0; round < 20'000; ++round) {
            Buffer bad = copy_of(good.view());
            for (std::uint64_t n = 1 + rng.below(3); n != 0; --n) {
                const std::size_t front = std::min<std::size_t>(bad.size(), 400);
                bad.mutable_view()[rng.below(front)] = static_cast<std::byte>(rng.next());
            }
            static_cast<void>(read_cursor(bad.view()));
        }
    }
}

BOOST_AUTO_TEST_CASE(cursor_and_identity_come_back) {
    BOOST_TEST((*decode_cursor(encoded(some_cursor()).view()) == some_cursor()));
    BOOST_TEST((*decode_cursor(encoded(full_cursor()).view()) == full_cursor()));
    Buffer out;
    encode_identity(*full_cursor().identity, out);
    BOOST_TEST((*decode_identity(out.view()) == *full_cursor().identity));
}

BOOST_AUTO_TEST_CASE(the_cursor_is_read_from_plain_and_packed_batches) {
    for (const int more : {0, 1, 50, 5000}) {
        const Buffer batch = marked_batch(full_cursor(), "first line", more);
        const auto cursor = read_cursor(batch.view());
        BOOST_REQUIRE(cursor.has_value());
        BOOST_TEST((**cursor == full_cursor()));
    }
}

BOOST_AUTO_TEST_CASE(the_cursor_is_found_behind_the_longest_line) {
    const std::string line(limits::line_bytes_max, 'x');
    const Buffer batch = marked_batch(full_cursor(), line, 3);
    BOOST_TEST((**read_cursor(batch.view()) == full_cursor()));
    const std::string too_long(2 * limits::line_bytes_max, 'x');
    const Buffer refused = marked_batch(full_cursor(), too_long, 3);
    BOOST_TEST((read_cursor(refused.view()).code() == ErrorCode::too_large));
}

BOOST_AUTO_TEST_CASE(the_cursor_is_read_although_all_other_blocks_are_unreadable) {
    Buffer batch = marked_batch(full_cursor(), "first line", 5000);
    for (std::byte& byte : batch.mutable_view().subspan(400)) {
        byte = std::byte{0xff};
    }
    BOOST_TEST((read_cursor(batch.view()).has_value() || batch.size() < 400));
}

BOOST_AUTO_TEST_SUITE_END()
