#include "agent/ship/lane.h"

namespace logboom::ship {

void Lane::push(SealedBatch batch) {
    if (resume_at_ && batch.begin() != *resume_at_ && !batch.has_gap) {
        return;
    }
    resume_at_.reset();
    LB_ASSERT(batches_.empty() || batch.has_gap || batches_.back().batch.end() == batch.begin());
    bytes_ += batch.bytes.size();
    Entry entry;
    entry.batch = std::move(batch);
    batches_.push_back(std::move(entry));
}

const SealedBatch* Lane::next(const SteadyTime now) const noexcept {
    if (draining_ || sent_ == batches_.size()
        || in_flight_ >= limits::agent_batches_in_flight_max) {
        return nullptr;
    }
    if (retry_at_ && *retry_at_ > now) {
        return nullptr;
    }
    const SealedBatch& batch = batches_[sent_].batch;
    const bool is_behind_gap = sent_ > 0 && batches_[sent_ - 1].batch.has_gap;
    if (sent_ > 0 && (batch.has_gap || is_behind_gap)) {
        return nullptr;
    }
    return &batch;
}

std::uint64_t Lane::sent() noexcept {
    Entry& entry = batches_[sent_];
    entry.number = next_number_++;
    ++sent_;
    ++in_flight_;
    retry_at_.reset();
    return entry.number;
}

void Lane::release_front(Outcome& outcome) {
    const SealedBatch& batch = batches_.front().batch;
    if (!outcome.acknowledged) {
        outcome.oldest_opened_at = batch.opened_at;
    }
    outcome.acknowledged = batch.end();
    outcome.acknowledged_tail = batch.tail;
    ++outcome.acknowledged_batches;
    bytes_ -= batch.bytes.size();
    batches_.pop_front();
    sent_ -= sent_ > 0 ? 1 : 0;
    is_refused_ = false;
}

Lane::Outcome Lane::answered(
    const std::uint64_t number,
    const rpc::BatchResult& result,
    const SteadyTime now,
    const Nanos retry_after,
    Rng& rng
) {
    Outcome outcome;
    LB_ASSERT(in_flight_ > 0);
    --in_flight_;
    if (result.status == rpc::ReplyStatus::ok) {
        for (std::size_t i = 0; i < sent_; ++i) {
            if (batches_[i].number == number) {
                batches_[i].is_acknowledged = true;
            }
        }
        while (sent_ > 0 && batches_.front().is_acknowledged) {
            release_front(outcome);
            backoff_.succeeded();
        }
    } else {
        draining_ = true;
        if (result.status == rpc::ReplyStatus::rejected_position) {
            known_ = Position{result.generation_known, result.to_known};
        }
    }
    if (draining_ && in_flight_ == 0) {
        settle(now, retry_after, rng, outcome);
    }
    return outcome;
}

void Lane::settle(const SteadyTime now, const Nanos retry_after, Rng& rng, Outcome& outcome) {
    draining_ = false;
    sent_ = 0;
    for (Entry& entry : batches_) {
        entry.is_acknowledged =
            false;  // a later one may have been taken; sent again it is a duplicate
    }
    const std::optional<Position> known = std::exchange(known_, std::nullopt);
    const Nanos wait = std::max(backoff_.failed(rng), retry_after);
    if (!known) {
        is_refused_ = true;
        retry_at_ = now + wait;
        outcome.retry_in = wait;
        return;
    }
    while (!batches_.empty() && batches_.front().batch.end() <= *known) {
        release_front(outcome);
    }
    const bool fits = !batches_.empty()
                   && (batches_.front().batch.begin() == *known
                       || (batches_.front().batch.has_gap
                           && batches_.front().batch.generation > known->generation));
    if (!fits) {
        clear(*known);
        outcome.rewind = known;
        return;
    }
    if (outcome.acknowledged_batches == 0) {  // it should have been taken: not at full speed
        is_refused_ = true;
        retry_at_ = now + wait;
        outcome.retry_in = wait;
    }
}

void Lane::disconnected() noexcept {
    sent_ = 0;
    in_flight_ = 0;
    draining_ = false;
    known_.reset();
    retry_at_.reset();
    for (Entry& entry : batches_) {
        entry.is_acknowledged = false;
    }
}

Position Lane::give_back() noexcept {
    const Position begin = batches_.front().batch.begin();
    clear(begin);
    return begin;
}

void Lane::clear(const Position resume_at) noexcept {
    LB_ASSERT(in_flight_ == 0);
    resume_at_ = resume_at;
    batches_.clear();
    bytes_ = 0;
    sent_ = 0;
    draining_ = false;
    known_.reset();
}

}  // namespace logboom::ship
