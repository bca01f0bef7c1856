// Random batches of a few producers, written, dropped and snapshotted, against a tiny model of the rules: the
// list of all batches that were taken, of which the dropped ones are crossed out.
#include "collector/replica/producer_table.h"
#include "shared/base/rng.h"
#include "tests/unit/collector/replica/producer_header.h"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <map>
#include <optional>
#include <vector>

using namespace logboom;
using namespace logboom::replica;
using namespace logboom::tests;

namespace {

using Verdict = ProducerTable::Verdict;
using Header = record::BatchHeader;

constexpr std::int64_t now_ms = 1000;
constexpr std::int64_t producers_count = 4;

/// Sequence numbers as plain arithmetic modulo 2^31.
std::int32_t plus(const std::int64_t sequence, const std::int64_t steps) {
    return static_cast<std::int32_t>((sequence + steps) % (std::int64_t{1} << 31));
}

class Model {
public:
    struct Expected {
        Verdict verdict = Verdict::append;
        Offset base_offset;
    };

    [[nodiscard]] Expected judge(const Header& batch) const {
        const std::vector<Header> known = of_epoch(batch.producer_id, epoch_of(batch.producer_id));
        const std::optional<std::int16_t> epoch = epoch_of(batch.producer_id);
        if (!epoch) {
            const auto first = beginnings_.find(batch.producer_id);
            if (first == beginnings_.end()) {
                return {};
            }
            return by_next(batch, first->second.producer_epoch, first->second.base_sequence);
        }
        for (std::size_t i = 0; i < known.size() && i < 5; ++i) {
            const Header& one = known[known.size() - 1 - i];
            if (one.producer_epoch == batch.producer_epoch
                && one.base_sequence == batch.base_sequence
                && one.records_count == batch.records_count) {
                return {Verdict::duplicate, one.base_offset};
            }
        }
        const Header& last = known.back();
        return by_next(batch, *epoch, plus(last.base_sequence, last.records_count));
    }
    void take(const Header& batch) {
        taken_.push_back(batch);
        beginnings_.emplace(batch.producer_id, batch);
    }
    void drop_from(const Offset offset) {
        std::erase_if(taken_, [offset](const Header& one) { return one.base_offset >= offset; });
    }
    /// After a start nothing is known but what lies in the log.
    void restart() { beginnings_.clear(); }
    [[nodiscard]] const std::vector<Header>& taken() const { return taken_; }
    [[nodiscard]] std::optional<std::int16_t> epoch_of(const ProducerId id) const {
        for (auto one = taken_.rbegin(); one != taken_.rend(); ++one) {
            if (one->producer_id == id) {
                return one->producer_epoch;
            }
        }
        return std::nullopt;
    }
    [[nodiscard]] std::int32_t next_of(const ProducerId id) const {
        const std::vector<Header> known = of_epoch(id, epoch_of(id));
        return known.empty() ? 0 : plus(known.back().base_sequence, known.back().records_count);
    }

private:
    static Expected by_next(
        const Header& batch, const std::int16_t epoch, const std::int32_t next
    ) {
        if (batch.producer_epoch < epoch) {
            return {Verdict::fenced, {}};
        }
        const std::int32_t expected = batch.producer_epoch == epoch ? next : 0;
        return {batch.base_sequence == expected ? Verdict::append : Verdict::out_of_order, {}};
    }
    [[nodiscard]] std::vector<Header> of_epoch(
        const ProducerId id, const std::optional<std::int16_t> epoch
    ) const {
        std::vector<Header> found;
        for (const Header& one : taken_) {
            if (one.producer_id == id && one.producer_epoch == epoch) {
                found.push_back(one);
            }
        }
        return found;
    }

    std::vector<Header> taken_;
    std::map<ProducerId, Header> beginnings_;
};

/// The next batch, a retry of an old one, or something in between.
Header random_batch(Rng& rng, const Model& model) {
    const ProducerId id(static_cast<std::int64_t>(rng.below(producers_count)));
    if (!model.taken().empty() && rng.chance(0.3)) {
        const std::size_t back = rng.below(std::min<std::size_t>(model.taken().size(), 12));
        return model.taken()[model.taken().size() - 1 - back];
    }
    const auto count = static_cast<std::int32_t>(1 + rng.below(5));
    const std::int16_t epoch = model.epoch_of(id).value_or(static_cast<std::int16_t>(rng.below(3)));
    if (rng.chance(0.05)) {
        const auto shift = static_cast<std::int16_t>(rng.below(3));
        return header_of(
            id.value, static_cast<std::int16_t>(std::max(0, epoch - 1 + shift)), 0, count
        );
    }
    if (!model.epoch_of(id) && rng.chance(0.5)) {
        // Close to where the numbers begin anew.
        const auto room = static_cast<std::int32_t>(rng.below(20));
        return header_of(id.value, epoch, std::numeric_limits<std::int32_t>::max() - room, count);
    }
    const std::int64_t off = rng.chance(0.8) ? 0 : static_cast<std::int64_t>(rng.below(4));
    return header_of(id.value, epoch, plus(model.next_of(id), off), count);
}

void run(const std::uint64_t seed) {
    Rng rng(seed);
    ProducerTable table;
    Model model;
    Offset written(0);
    Offset end(0);
    for (int step = 0; step < 400; ++step) {
        Header batch = random_batch(rng, model);
        const Model::Expected expected = model.judge(batch);
        const ProducerTable::Judgement judged = table.judge(batch, now_ms);
        BOOST_REQUIRE_MESSAGE(
            judged.verdict == expected.verdict,
            "seed " << seed << " step " << step << " producer " << batch.producer_id.value
                    << " epoch " << batch.producer_epoch << " sequence " << batch.base_sequence
                    << " count " << batch.records_count << ": " << static_cast<int>(judged.verdict)
                    << " in place of " << static_cast<int>(expected.verdict)
        );
        if (expected.verdict == Verdict::duplicate) {
            BOOST_REQUIRE((judged.original.base_offset == expected.base_offset));
        } else if (expected.verdict == Verdict::append) {
            batch.base_offset = end;
            end = batch.end_offset();
            table.advance(batch, now_ms);
            model.take(batch);
        }
        if (rng.chance(0.3)) {
            written = end;
            table.settle(written);
        }
        if (rng.chance(0.05)) {
            table.roll_back(written);
            model.drop_from(written);
            end = written;
        }
        if (rng.chance(0.02)) {  // killed: a snapshot of what is written is all there is
            Buffer bytes;
            table.encode(bytes);
            Result<ProducerTable> again = ProducerTable::decode(bytes.view());
            BOOST_REQUIRE(again.has_value());
            table = std::move(*again);
            model.drop_from(written);
            model.restart();
            end = written;
        }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(producer_table_model)

BOOST_AUTO_TEST_CASE(every_verdict_is_that_of_the_list_of_all_batches) {
    for (std::uint64_t seed = 1; seed <= 500; ++seed) {
        run(seed);
    }
}

BOOST_AUTO_TEST_SUITE_END()
