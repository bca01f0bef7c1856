#include "collector/replica/producer_table.h"

#include <algorithm>
#include <limits>

namespace logboom::replica {

namespace {

constexpr std::int32_t sequence_max = std::numeric_limits<std::int32_t>::max();

/// Sequence numbers go on with 0 behind the largest.
std::int32_t sequence_after(const std::int32_t sequence, const std::int32_t steps) noexcept {
    const std::int64_t sum = std::int64_t{sequence} + steps;
    return static_cast<std::int32_t>(sum > sequence_max ? sum - sequence_max - 1 : sum);
}

ProducerBatch batch_of(const record::BatchHeader& header) noexcept {
    ProducerBatch batch;
    batch.first_sequence = header.base_sequence;
    batch.last_sequence = sequence_after(header.base_sequence, header.last_offset_delta);
    batch.base_offset = header.base_offset;
    batch.log_append_time_ms = header.has_log_append_time() ? header.max_timestamp_ms : -1;
    return batch;
}

/// How a producer is known before the first batch of an epoch.
ProducerState start_of(const record::BatchHeader& header, const std::int64_t now_ms) noexcept {
    return {header.producer_epoch, header.base_sequence, now_ms};
}

}  // namespace

Offset ProducerBatch::last_offset() const noexcept {
    const std::int64_t count = std::int64_t{last_sequence} - first_sequence
                             + (last_sequence < first_sequence ? std::int64_t{sequence_max} + 1 : 0
                             );
    return base_offset + count;
}

Offset ProducerState::last_offset() const noexcept {
    return count_ == 0 ? Offset(-1) : batches_[count_ - 1u].last_offset();
}

void ProducerState::add(const ProducerBatch& batch, const std::int64_t now_ms) noexcept {
    if (count_ == batches_.size()) {
        std::rotate(batches_.begin(), batches_.begin() + 1, batches_.end());
        --count_;
    }
    batches_[count_++] = batch;
    next_sequence_ = sequence_after(batch.last_sequence, 1);
    last_seen_ms_ = now_ms;
}

bool ProducerState::operator==(const ProducerState& other) const noexcept {
    return epoch_ == other.epoch_ && next_sequence_ == other.next_sequence_
        && last_seen_ms_ == other.last_seen_ms_ && std::ranges::equal(batches(), other.batches());
}

ProducerTable::Judgement ProducerTable::judge(
    const record::BatchHeader& header, const std::int64_t now_ms
) const {
    LB_ASSERT(header.producer_id.value >= 0 && header.base_sequence >= 0);
    Judgement judgement;
    const ProducerState* const known = find_live(header.producer_id, now_ms);
    if (known == nullptr) {
        return judgement;
    }
    if (header.producer_epoch == known->epoch()) {
        const ProducerBatch batch = batch_of(header);
        const auto is_same = [&batch](const ProducerBatch& one) {
            return one.first_sequence == batch.first_sequence
                && one.last_sequence == batch.last_sequence;
        };
        const std::span<const ProducerBatch> batches = known->batches();
        const auto original = std::ranges::find_if(batches, is_same);
        if (original != batches.end()) {
            judgement.verdict = Verdict::duplicate;
            judgement.original = *original;
        } else if (header.base_sequence != known->next_sequence()) {
            judgement.verdict = Verdict::out_of_order;
        }
    } else if (header.producer_epoch < known->epoch()) {
        judgement.verdict = Verdict::fenced;
    } else if (header.base_sequence != 0) {
        judgement.verdict = Verdict::out_of_order;
    }
    return judgement;
}

void ProducerTable::advance(const record::BatchHeader& header, const std::int64_t now_ms) {
    const ProducerState* const known = find_live(header.producer_id, now_ms);
    const ProducerState before = known == nullptr ? start_of(header, now_ms) : *known;
    const bool is_same_epoch = before.epoch() == header.producer_epoch;
    ProducerState state = is_same_epoch ? before : start_of(header, now_ms);
    state.add(batch_of(header), now_ms);
    undo_.push_back(Undo{state.last_offset(), header.producer_id, before});
    put(header.producer_id, state);
    forget_some(now_ms);
}

void ProducerTable::expect(const record::BatchHeader& header, const std::int64_t now_ms) {
    if (find_live(header.producer_id, now_ms) == nullptr) {
        put(header.producer_id, start_of(header, now_ms));
        forget_some(now_ms);
    }
}

void ProducerTable::settle(const Offset end) {
    while (!undo_.empty() && undo_.front().last_offset < end) {
        undo_.pop_front();
    }
}

void ProducerTable::roll_back(const Offset from) {
    while (!undo_.empty() && undo_.back().last_offset >= from) {
        put(undo_.back().id, undo_.back().before);
        undo_.pop_back();
    }
}

const ProducerState* ProducerTable::find(const ProducerId id) const {
    const auto found = states_.find(id);
    return found == states_.end() ? nullptr : &found->second;
}

const ProducerState* ProducerTable::find_live(const ProducerId id, const std::int64_t now_ms)
    const {
    const ProducerState* const known = find(id);
    const bool is_live = known != nullptr
                      && now_ms - known->last_seen_ms() < options_.expiration_ms;
    return is_live ? known : nullptr;
}

void ProducerTable::put(const ProducerId id, const ProducerState& state) {
    remove(id);
    by_last_offset_.emplace(state.last_offset(), id);
    states_.emplace(id, state);
}

void ProducerTable::remove(const ProducerId id) {
    const auto known = states_.find(id);
    if (known != states_.end()) {
        by_last_offset_.erase({known->second.last_offset(), id});
        states_.erase(known);
    }
}

/// The longest silent ones: above the bound one for each that comes, and those that are expired.
void ProducerTable::forget_some(const std::int64_t now_ms) {
    while (!by_last_offset_.empty()) {
        const ProducerId silent = by_last_offset_.begin()->second;
        if (states_.size() <= options_.producers_max && find_live(silent, now_ms) != nullptr) {
            return;
        }
        remove(silent);
    }
}

}  // namespace logboom::replica
