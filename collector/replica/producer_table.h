// What is known of the idempotent producers of one partition: by it a retry of a batch is told from a new
// one, and a batch that came before its turn from the next one (kafka-protocol 4.2).
//
// As with the agents' cursors, a batch counts from when it is queued, so that the next one, queued behind it,
// is judged by it. If it is dropped before it is written, its producer goes back (`roll_back`); one whose
// first batch was dropped or refused is known by the sequence number that it has to begin with, else the
// batch behind it, already on its way, would be taken for the first.
//
// It is a function of the log: recovery makes it anew from the headers of the batches, or goes on from a
// snapshot (`encode`). Times are wall-clock milliseconds; batches found by recovery count as of then, for
// their own times may be anything.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/limits.h"
#include "shared/base/result.h"
#include "shared/base/strong.h"
#include "shared/record/batch.h"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <utility>

namespace logboom::replica {

/// A batch of a producer that lies in the log, or is on its way there.
struct ProducerBatch {
    std::int32_t first_sequence = 0;
    std::int32_t last_sequence = 0;  // below the first one if the numbers began anew inside
    Offset base_offset;
    std::int64_t log_append_time_ms = -1;  // -1: its records have their own times

    [[nodiscard]] Offset last_offset() const noexcept;

    bool operator==(const ProducerBatch&) const = default;
};

/// What is known of one producer.
class ProducerState {
public:
    /// Nothing of it is in the log; its next batch has these numbers.
    ProducerState(
        const std::int16_t epoch, const std::int32_t next_sequence, const std::int64_t last_seen_ms
    ) noexcept
        : last_seen_ms_(last_seen_ms)
        , next_sequence_(next_sequence)
        , epoch_(epoch) {}

    [[nodiscard]] std::int16_t epoch() const noexcept { return epoch_; }
    [[nodiscard]] std::int32_t next_sequence() const noexcept { return next_sequence_; }
    [[nodiscard]] std::int64_t last_seen_ms() const noexcept { return last_seen_ms_; }
    /// The last ones of this epoch, oldest first.
    [[nodiscard]] std::span<const ProducerBatch> batches() const noexcept {
        return {batches_.data(), count_};
    }
    /// -1 without batches.
    [[nodiscard]] Offset last_offset() const noexcept;
    void add(const ProducerBatch& batch, std::int64_t now_ms) noexcept;

    bool operator==(const ProducerState& other) const noexcept;

private:
    std::int64_t last_seen_ms_;
    std::int32_t next_sequence_;
    std::int16_t epoch_;
    std::uint8_t count_ = 0;
    std::array<ProducerBatch, limits::producer_batches_max> batches_{};
};

struct ProducerTableOptions {
    /// Above it the producer that was silent for longest is forgotten.
    std::size_t producers_max = limits::producers_max;
    /// A producer that was silent for so long is unknown.
    std::int64_t expiration_ms = limits::producer_expiration_ms_default;
};

class ProducerTable {
public:
    explicit ProducerTable(const ProducerTableOptions& options = ProducerTableOptions()) noexcept
        : options_(options) {}

    enum class Verdict : std::uint8_t {
        append,       ///< the next one, the first of an epoch, or of a producer that is not known
        duplicate,    ///< one of the last batches; it is not appended and answered as that one was
        fenced,       ///< of an older epoch: INVALID_PRODUCER_EPOCH
        out_of_order  ///< not the next one: OUT_OF_ORDER_SEQUENCE_NUMBER
    };
    struct Judgement {
        Verdict verdict = Verdict::append;
        ProducerBatch original;  // of a duplicate
    };
    // `header` is that of a batch with a producer id, an epoch and a sequence number.

    /// Judges the next batch. Changes nothing.
    [[nodiscard]] Judgement judge(const record::BatchHeader& header, std::int64_t now_ms) const;
    /// The batch has got its base offset, the highest so far; also while recovering.
    void advance(const record::BatchHeader& header, std::int64_t now_ms);
    /// A batch that was judged good was refused for another reason. An unknown producer begins with it.
    void expect(const record::BatchHeader& header, std::int64_t now_ms);
    /// Batches below `end` are written: they do not go back any more.
    void settle(Offset end);
    /// Batches from `from` on were dropped.
    void roll_back(Offset from);

    /// Nothing: it is unknown, but for being expired. Valid until the table changes.
    [[nodiscard]] const ProducerState* find(ProducerId id) const;
    [[nodiscard]] std::size_t size() const noexcept { return states_.size(); }

    /// Appends the state as of the end of what is settled: what was queued behind that does not count.
    void encode(Buffer& out) const;
    /// A table without anything to go back to. Errors: `malformed` or `corrupt` for what `encode` did not
    /// make; `unsupported` for another version. Above `producers_max` only the latest are kept.
    [[nodiscard]] static Result<ProducerTable> decode(
        ByteView bytes, const ProducerTableOptions& options = ProducerTableOptions()
    );

private:
    struct Undo {
        Offset last_offset;
        ProducerId id;
        ProducerState before;
    };

    [[nodiscard]] const ProducerState* find_live(ProducerId id, std::int64_t now_ms) const;
    void put(ProducerId id, const ProducerState& state);
    void remove(ProducerId id);
    void forget_some(std::int64_t now_ms);

    ProducerTableOptions options_;
    std::map<ProducerId, ProducerState> states_;
    std::set<std::pair<Offset, ProducerId>> by_last_offset_;  // longest silent first
    std::deque<Undo> undo_;                                   // of batches that are not written yet
};

}  // namespace logboom::replica
