// Lookups in random logs against a walk over all records, through restarts and lost index files.
#include "collector/storage/log.h"
#include "tests/unit/collector/storage/log_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

constexpr std::int64_t start_ms = 1'700'000'000'000;

struct Batch {
    std::int64_t base_offset = 0;
    std::vector<std::int64_t> times;  // of its records
    std::uint64_t size_bytes = 0;

    [[nodiscard]] std::int64_t end_offset() const {
        return base_offset + static_cast<std::int64_t>(times.size());
    }
};

class LogModel {
public:
    explicit LogModel(const std::uint64_t seed) : rng_(seed), world_(options_of(rng_, seed)) {
        world_.must_open();
    }

    void run() {
        for (int step = 0; step < 10; ++step) {
            append_some();
            if (rng_.chance(0.3)) {
                restart();
            }
            if (rng_.chance(0.4)) {
                harm_indexes();
            }
            compare_reads();
            compare_times();
            compare_largest();
        }
    }

private:
    static LogWorldOptions options_of(Rng& rng, const std::uint64_t seed) {
        LogWorldOptions options;
        options.machine.seed = seed;
        options.segment_bytes = 1000 + rng.below(30'000);
        options.tail_cache_bytes = rng.chance(0.5) ? 0 : rng.below(200'000);
        return options;
    }

    void append_some() {
        for (std::uint64_t n = 1 + rng_.below(15); n != 0; --n) {
            Batch batch;
            record::BatchBuilder builder;
            builder.begin(record::RecordHeaders());
            for (std::uint64_t count = 1 + rng_.below(10); count != 0; --count) {
                time_ += static_cast<std::int64_t>(rng_.below(10));
                const auto late = static_cast<std::int64_t>(rng_.below(50));
                batch.times.push_back(start_ms + time_ - late);
                const std::size_t bytes = rng_.chance(0.05) ? rng_.below(6000) : rng_.below(300);
                builder.append(batch.times.back(), as_bytes(noise(bytes, rng_.next())));
            }
            Buffer bytes;
            static_cast<void>(builder.seal_without_cursor(bytes));
            batch.base_offset = end();
            batch.size_bytes = bytes.size();
            world_.must_append(bytes);
            batches_.push_back(std::move(batch));
        }
    }

    void restart() {
        if (rng_.chance(0.5)) {
            static_cast<void>(world_.close());
        } else {
            world_.kill();
        }
        world_.must_open();
    }

    /// Indexes are caches: without them, or with less of them, the same is found.
    void harm_indexes() {
        for (const std::string& name : world_.machine.names_in(partition_dir)) {
            const bool is_offsets = name.ends_with(offset_index_suffix);
            const bool is_index = is_offsets || name.ends_with(time_index_suffix);
            if (!is_index || rng_.chance(0.7)) {
                continue;
            }
            const std::string path = partition_dir + "/" + name;
            const std::string content = world_.machine.content(path);
            if (rng_.chance(0.3)) {
                world_.machine.remove(path);
            } else if (rng_.chance(0.5)) {
                world_.machine.truncate(path, rng_.below(content.size() + 1));
            } else if (is_offsets && content.size() > 8) {
                const auto bit = static_cast<unsigned>(rng_.below(8));
                world_.machine.flip_bit(path, 8 + rng_.below(content.size() - 8), bit);
            }
        }
    }

    void compare_reads() {
        for (int i = 0; i < 20; ++i) {
            const auto from = static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(end())
            ));
            const auto bytes_max = static_cast<std::uint32_t>(rng_.below(20'000));
            const Result<std::vector<Slice>> read = world_.read(from, bytes_max);
            BOOST_REQUIRE(read.has_value());
            BOOST_REQUIRE(!read->empty());
            auto expected = std::ranges::find_if(batches_, [from](const Batch& batch) {
                return batch.end_offset() > from;
            });
            std::uint64_t bytes = 0;
            for (const Slice& slice : *read) {
                const record::BatchHeader header = record::decode_batch_header(slice.view());
                BOOST_REQUIRE(header.base_offset.value == expected->base_offset);
                BOOST_REQUIRE(slice.size() == expected->size_bytes);
                bytes += slice.size();
                ++expected;
            }
            BOOST_REQUIRE((read->size() == 1 || bytes <= bytes_max));
        }
    }

    void compare_times() {
        for (int i = 0; i < 20; ++i) {
            const std::int64_t time =
                start_ms - 60
                + static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(time_) + 80));
            const Batch& last = batches_[rng_.below(batches_.size())];
            const Result<std::optional<FoundRecord>> found =
                world_.machine.run(world_.log().find_by_time(time, Offset(last.end_offset())));
            BOOST_REQUIRE(found.has_value());
            const std::optional<FoundRecord> expected = walk(time, last.end_offset());
            BOOST_REQUIRE(found->has_value() == expected.has_value());
            if (expected) {
                BOOST_REQUIRE(((*found)->offset == expected->offset));
                BOOST_REQUIRE((*found)->timestamp_ms == expected->timestamp_ms);
            }
        }
    }

    [[nodiscard]] std::optional<FoundRecord> walk(
        const std::int64_t time, const std::int64_t end_offset
    ) const {
        for (const Batch& batch : batches_) {
            if (batch.end_offset() > end_offset) {
                break;
            }
            for (std::size_t i = 0; i < batch.times.size(); ++i) {
                if (batch.times[i] >= time) {
                    const auto delta = static_cast<std::int64_t>(i);
                    return FoundRecord{batch.times[i], Offset(batch.base_offset + delta)};
                }
            }
        }
        return std::nullopt;
    }

    void compare_largest() {
        std::int64_t largest = -1;
        std::int64_t base_offset = -1;
        for (const Batch& batch : batches_) {
            const std::int64_t of_batch = std::ranges::max(batch.times);
            if (of_batch > largest) {
                largest = of_batch;
                base_offset = batch.base_offset;
            }
        }
        BOOST_REQUIRE(world_.log().largest_timestamp().timestamp_ms == largest);
        BOOST_REQUIRE(world_.log().largest_timestamp().base_offset.value == base_offset);
    }

    [[nodiscard]] std::int64_t end() const {
        return batches_.empty() ? 0 : batches_.back().end_offset();
    }

    Rng rng_;
    LogWorld world_;
    std::vector<Batch> batches_;
    std::int64_t time_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(log_read_model)

BOOST_AUTO_TEST_CASE(indexed_lookups_find_what_a_walk_over_all_records_finds) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            LogModel model(seed);
            model.run();
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
