// The index against a walk over all batches.
#include "collector/storage/offset_index.h"
#include "shared/base/limits.h"
#include "shared/base/rng.h"
#include "tests/unit/collector/storage/raw_batch.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <vector>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

constexpr std::uint64_t batch_bytes_max = limits::batch_header_bytes + 20'000;

struct Placed {
    std::int64_t base_offset = 0;
    std::int64_t last_offset = 0;
    std::uint64_t position = 0;
    std::uint64_t size_bytes = 0;
};

struct RandomSegment {
    explicit RandomSegment(Rng& rng)
        : base_offset(static_cast<std::int64_t>(rng.below(1'000'000)))
        , index(Offset(base_offset)) {
        std::int64_t next = base_offset;
        std::uint64_t position = 0;
        for (std::uint64_t n = 1 + rng.below(60); n != 0; --n) {
            RawBatch batch;
            batch.base_offset = next;
            batch.records_count = static_cast<std::int32_t>(1 + rng.below(20));
            batch.size_bytes = limits::batch_header_bytes
                             + rng.below(rng.chance(0.1) ? 20'000 : 2'000);
            batch.crc = static_cast<std::uint32_t>(rng.next());
            const Buffer bytes = batch.bytes();
            static_cast<void>(index.add(view_of(bytes), position));
            const std::int64_t last = next + batch.records_count - 1;
            batches.push_back(Placed{next, last, position, batch.size_bytes});
            next = last + 1;
            position += batch.size_bytes;
        }
    }

    [[nodiscard]] const Placed& holder_of(const std::int64_t offset) const {
        return *std::ranges::find_if(batches, [offset](const Placed& batch) {
            return batch.last_offset >= offset;
        });
    }

    std::int64_t base_offset;
    OffsetIndex index;
    std::vector<Placed> batches;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(offset_index_model)

BOOST_AUTO_TEST_CASE(a_walk_from_the_indexed_position_finds_the_batch_and_is_short) {
    Rng rng(1);
    for (int round = 0; round < 150; ++round) {
        const RandomSegment segment(rng);
        for (std::int64_t offset = segment.base_offset;
             offset <= segment.batches.back().last_offset;
             ++offset) {
            const std::uint64_t position = segment.index.position_of(Offset(offset));
            const Placed& wanted = segment.holder_of(offset);
            BOOST_REQUIRE(position <= wanted.position);
            const auto begin = std::ranges::find(segment.batches, position, &Placed::position);
            BOOST_REQUIRE((begin != segment.batches.end()));
            // From entry to entry it is one interval and the rest of the batch that completed it.
            BOOST_REQUIRE(
                wanted.position - position < limits::index_interval_bytes + batch_bytes_max
            );
        }
        BOOST_REQUIRE(segment.index.position_of(Offset(segment.base_offset)) == 0u);
    }
}

BOOST_AUTO_TEST_CASE(the_index_of_the_same_batches_is_the_same_however_far_it_was_read) {
    Rng rng(2);
    for (int round = 0; round < 100; ++round) {
        const RandomSegment segment(rng);
        Buffer file;
        segment.index.encode(file);
        const Result<OffsetIndex> back =
            OffsetIndex::decode(file.view(), Offset(segment.base_offset));
        BOOST_REQUIRE(back.has_value());
        BOOST_REQUIRE(!OffsetIndex::first_contradiction(*back, segment.index).has_value());
        BOOST_REQUIRE((back->entries() == segment.index.entries()));
    }
}

BOOST_AUTO_TEST_SUITE_END()
