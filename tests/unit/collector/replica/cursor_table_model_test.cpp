// Random batches of a few streams against a tiny model of the rules: the list of the batches that
// were taken, of which the dropped ones are crossed out.
#include "collector/replica/cursor_table.h"
#include "shared/base/rng.h"
#include "tests/unit/collector/replica/agent_batch.h"

#include <boost/test/unit_test.hpp>

#include <map>
#include <tuple>
#include <vector>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

using Verdict = CursorTable::Verdict;

class Model {
public:
    [[nodiscard]] Verdict judge(const record::SourceCursor& cursor) const {
        const auto known = latest(cursor.stream);
        if (!known) {
            return Verdict::append;
        }
        const auto& [epoch, generation, position] = *known;
        if (cursor.agent_epoch < epoch) {
            return Verdict::fenced;  // rule 1
        }
        const bool is_older = cursor.generation < generation;
        const bool is_same = cursor.generation == generation;
        if (is_older || (is_same && cursor.to <= position)) {
            return Verdict::duplicate;  // rule 3
        }
        if (is_same && cursor.from == position) {
            return Verdict::append;  // rule 2
        }
        if (is_same && cursor.from < position) {
            return Verdict::overlap;  // rule 4
        }
        return cursor.gap_reason == record::GapReason::none ? Verdict::gap : Verdict::append;
    }
    void take(const record::SourceCursor& cursor, const std::int64_t offset) {
        taken_.push_back({cursor, offset});
        if (!beginnings_.contains(cursor.stream)) {
            beginnings_[cursor.stream] = cursor;
        }
    }
    void drop_from(const std::int64_t offset) {
        std::erase_if(taken_, [offset](const Taken& one) { return one.offset >= offset; });
    }

    /// Epoch, generation and position of a stream.
    using Known = std::tuple<std::uint32_t, std::uint64_t, std::uint64_t>;
    [[nodiscard]] std::optional<Known> latest(const Id128& stream) const {
        for (auto one = taken_.rbegin(); one != taken_.rend(); ++one) {
            if (one->cursor.stream == stream) {
                return Known(one->cursor.agent_epoch, one->cursor.generation, one->cursor.to);
            }
        }
        const auto first = beginnings_.find(stream);
        if (first == beginnings_.end()) {
            return std::nullopt;
        }
        const record::SourceCursor& cursor = first->second;
        return Known(cursor.agent_epoch, cursor.generation, cursor.from);
    }
    [[nodiscard]] std::vector<record::SourceCursor> all_taken() const {
        std::vector<record::SourceCursor> cursors;
        for (const Taken& one : taken_) {
            cursors.push_back(one.cursor);
        }
        return cursors;
    }
    [[nodiscard]] std::vector<std::int64_t> offsets() const {
        std::vector<std::int64_t> offsets;
        for (const Taken& one : taken_) {
            offsets.push_back(one.offset);
        }
        return offsets;
    }

private:
    struct Taken {
        record::SourceCursor cursor;
        std::int64_t offset = 0;
    };

    std::vector<Taken> taken_;
    std::map<Id128, record::SourceCursor> beginnings_;
};

record::SourceCursor random_cursor(Rng& rng, const Model& model) {
    const Id128 stream = id_of(static_cast<std::uint8_t>(1 + rng.below(4)));
    const auto known = model.latest(stream);
    const std::uint64_t at = known ? std::get<2>(*known) : 100;
    const std::uint64_t from = rng.chance(0.6) ? at
                                               : at - std::min(at, rng.below(30)) + rng.below(30);
    record::SourceCursor cursor = cursor_of(stream, from, from + rng.below(40));
    cursor.generation = known ? std::get<1>(*known) : 1;
    if (rng.chance(0.1)) {
        cursor.generation += rng.below(3);
        cursor.generation -= std::min<std::uint64_t>(cursor.generation, rng.below(2));
    }
    cursor.agent_epoch = known ? std::get<0>(*known) : 1;
    if (rng.chance(0.1)) {
        cursor.agent_epoch += static_cast<std::uint32_t>(rng.below(3));
        cursor.agent_epoch -= rng.chance(0.5) && cursor.agent_epoch > 1 ? 1u : 0u;
    }
    if (rng.chance(0.2)) {
        cursor.gap_reason = static_cast<record::GapReason>(rng.below(4));
    }
    return cursor;
}

void compare(const CursorTable& table, const Model& model) {
    for (std::uint8_t i = 1; i <= 4; ++i) {
        const auto expected = model.latest(id_of(i));
        const KnownPosition* const known = table.find(id_of(0xaa), id_of(i));
        BOOST_REQUIRE((known != nullptr) == expected.has_value());
        if (expected) {
            const Model::Known found(known->agent_epoch, known->generation, known->to);
            BOOST_REQUIRE((found == *expected));
        }
    }
}

/// What a restart makes of the batches that are in the log.
CursorTable replayed(const Model& model) {
    CursorTable table;
    const std::vector<record::SourceCursor> cursors = model.all_taken();
    const std::vector<std::int64_t> offsets = model.offsets();
    for (std::size_t i = 0; i < cursors.size(); ++i) {
        table.advance(cursors[i], Offset(offsets[i]));
        table.settle(Offset(offsets[i] + 1));
    }
    return table;
}

void check_replay(const CursorTable& table, const Model& model) {
    const CursorTable again = replayed(model);
    for (const CursorTable::Stream& stream : again.streams_of(id_of(0xaa))) {
        const KnownPosition* const known = table.find(id_of(0xaa), stream.id);
        BOOST_REQUIRE(known != nullptr);
        BOOST_REQUIRE((*known == stream.known));
    }
}

/// A snapshot of what is written, and the batches behind it, make the same table.
void check_snapshot(const CursorTable& table, const Model& model, const std::int64_t written) {
    Buffer bytes;
    table.encode(Offset(written), bytes);
    Result<CursorTable> restored = CursorTable::decode(bytes.view());
    BOOST_REQUIRE(restored.has_value());
    CursorTable settled;
    const std::vector<record::SourceCursor> cursors = model.all_taken();
    const std::vector<std::int64_t> offsets = model.offsets();
    for (std::size_t i = 0; i < cursors.size(); ++i) {
        if (offsets[i] < written) {
            settled.advance(cursors[i], Offset(offsets[i]));
        }
    }
    BOOST_REQUIRE((restored->streams_of(id_of(0xaa)) == settled.streams_of(id_of(0xaa))));
    for (std::size_t i = 0; i < cursors.size(); ++i) {
        if (offsets[i] >= written) {
            restored->advance(cursors[i], Offset(offsets[i]));
        }
    }
    check_replay(*restored, model);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cursor_table_model)

BOOST_AUTO_TEST_CASE(random_batches_are_judged_as_the_rules_say_and_replayed_to_the_same_positions
) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        BOOST_TEST_CONTEXT("seed " << seed) {
            Rng rng(seed);
            CursorTable table;
            Model model;
            std::int64_t next = 0;     // offset of the next batch
            std::int64_t written = 0;  // what is written does not go back
            for (int step = 0; step < 200; ++step) {
                const record::SourceCursor cursor = random_cursor(rng, model);
                const Verdict verdict = table.judge(cursor);
                BOOST_REQUIRE((verdict == model.judge(cursor)));
                if (verdict == Verdict::append) {
                    const auto records = static_cast<std::int64_t>(1 + rng.below(5));
                    next += records;
                    table.advance(cursor, Offset(next - 1));
                    model.take(cursor, next - 1);
                }
                if (rng.chance(0.2)) {
                    written = next;
                    table.settle(Offset(written));
                } else if (rng.chance(0.1)) {
                    table.roll_back(Offset(written));
                    model.drop_from(written);
                    next = written;
                }
                compare(table, model);
                if (rng.chance(0.2)) {
                    check_snapshot(table, model, written);
                }
            }
            table.settle(Offset(next));
            check_replay(table, model);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
