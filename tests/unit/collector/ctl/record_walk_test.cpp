#include "collector/ctl/record_walk.h"

#include "shared/record/batch_builder.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;

namespace {

/// Batches as a broker keeps them: values "r<offset>", timestamp = offset.
class Batches {
public:
    void add(const std::int64_t base_offset, const int records) {
        record::BatchBuilder builder;
        builder.begin(record::RecordHeaders());
        for (int i = 0; i < records; ++i) {
            const std::string value = "r" + std::to_string(base_offset + i);
            builder.append(base_offset + i, as_bytes(value));
        }
        const std::size_t start = bytes_.size();
        builder.seal_without_cursor(bytes_);
        record::patch_base_offset(
            bytes_.mutable_view().subspan(start), Offset(base_offset), LeaderEpoch(1)
        );
        starts_.push_back(start);
    }
    [[nodiscard]] ByteView view() const { return bytes_.view(); }
    void damage(const std::size_t batch) {
        std::byte& byte = bytes_.data()[starts_[batch] + limits::batch_header_bytes + 3];
        byte = ~byte;
    }

private:
    Buffer bytes_;
    std::vector<std::size_t> starts_;
};

struct Walked {
    std::string values;
    std::string skipped;
    bool ok = false;
};

Walked walk(const ByteView bytes, PartitionCursor& cursor, const std::size_t records_max = 1000) {
    Walked walked;
    std::size_t taken = 0;
    const auto take = [&](const RecordRow& row) {
        walked.values += std::string(row.text()) + " ";
        BOOST_TEST(row.timestamp_ms == row.offset);
        return ++taken < records_max;
    };
    const auto tell = [&](const record::BatchHeader& batch, const Error& error) {
        walked.skipped += std::to_string(batch.base_offset.value) + ":"
                        + std::to_string(batch.end_offset().value) + " " + to_string(error.code);
    };
    walked.ok = walk_records("t", bytes, cursor, take, tell).has_value();
    return walked;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record_walk)

BOOST_AUTO_TEST_CASE(bytes_that_are_no_batch_are_an_error) {
    Buffer zeros;
    zeros.resize(100);
    std::fill(zeros.mutable_view().begin(), zeros.mutable_view().end(), std::byte{0});
    PartitionCursor cursor;
    BOOST_TEST(!walk(zeros.view(), cursor).ok);
}

BOOST_AUTO_TEST_CASE(a_damaged_batch_is_told_and_skipped) {
    Batches batches;
    batches.add(0, 3);
    batches.add(3, 3);
    batches.damage(0);
    PartitionCursor cursor;
    const Walked walked = walk(batches.view(), cursor);
    BOOST_TEST(walked.ok);
    BOOST_TEST(walked.skipped == "0:3 corrupt");
    BOOST_TEST(walked.values == "r3 r4 r5 ");
    BOOST_TEST(cursor.next == 6);
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_cut_off_is_left_for_the_next_fetch) {
    Batches batches;
    batches.add(0, 2);
    const std::size_t whole = batches.view().size();
    batches.add(2, 2);
    for (std::size_t size = whole; size < batches.view().size(); ++size) {
        PartitionCursor cursor;
        const Walked walked = walk(batches.view().first(size), cursor);
        BOOST_TEST(walked.ok);
        BOOST_TEST(walked.values == "r0 r1 ");
        BOOST_TEST(cursor.next == 2);
    }
}

BOOST_AUTO_TEST_CASE(records_before_the_cursor_are_not_shown) {
    Batches batches;
    batches.add(0, 3);
    batches.add(3, 3);
    PartitionCursor cursor{.next = 4};
    BOOST_TEST(walk(batches.view(), cursor).values == "r4 r5 ");
    BOOST_TEST(cursor.next == 6);
}

BOOST_AUTO_TEST_CASE(the_stop_is_exclusive) {
    Batches batches;
    batches.add(0, 3);
    batches.add(3, 3);
    PartitionCursor cursor{.next = 1, .stop = 4};
    BOOST_TEST(walk(batches.view(), cursor).values == "r1 r2 r3 ");
    BOOST_TEST(cursor.next == 4);
    BOOST_TEST(cursor.is_done());
}

BOOST_AUTO_TEST_CASE(a_stop_between_batches_ends_the_walk) {
    Batches batches;
    batches.add(0, 3);
    batches.add(3, 3);
    PartitionCursor cursor{.stop = 3};
    BOOST_TEST(walk(batches.view(), cursor).values == "r0 r1 r2 ");
    BOOST_TEST(cursor.is_done());
}

BOOST_AUTO_TEST_CASE(a_taker_that_has_enough_ends_the_walk_behind_that_record) {
    Batches batches;
    batches.add(0, 5);
    PartitionCursor cursor;
    BOOST_TEST(walk(batches.view(), cursor, 2).values == "r0 r1 ");
    BOOST_TEST(cursor.next == 2);
}

BOOST_AUTO_TEST_SUITE_END()
