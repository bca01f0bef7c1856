#include "agent/batch/batcher.h"

#include <utility>

namespace logboom::batch {

Batcher::~Batcher() {
    discard();
}

void Batcher::begin_at(
    const ship::Position position, const Tail tail, const record::GapReason gap
) {
    discard();
    to_ = position;
    from_ = position.offset;
    tail_ = tail;
    gap_ = gap;
    block_ = ByteView();
}

void Batcher::look_at(const ByteView block, const std::uint64_t offset) {
    block_ = block;
    block_offset_ = offset;
    now_ms_ = to_unix_ms(room_.env_.clock.wall());
}

void Batcher::look_away() {
    tail_ = tail_at_end();
    block_ = ByteView();
    note_memory();
}

Tail Batcher::tail_at_end() const noexcept {
    if (to_.offset <= block_offset_ || to_.offset - block_offset_ > block_.size()) {
        return tail_;
    }
    return tail_of(room_.hash_, block_.first(to_.offset - block_offset_));
}

void Batcher::add_marked(
    const ByteView value, const std::uint64_t end, const parse::LineMarks& marks
) {
    record::RecordHeaders extra;
    if (marks.part != 0) {
        extra.add("lb.f.log.part", std::to_string(marks.part));
    }
    if (marks.part_last) {
        extra.add("lb.f.log.part_last", std::string_view("true"));
    }
    if (marks.partial) {
        extra.add("lb.f.log.partial", std::string_view("true"));
    }
    if (marks.partial_continues) {
        extra.add("lb.f.log.partial_continues", std::string_view("true"));
    }
    if (marks.orig_bytes != 0) {
        extra.add("lb.trunc", std::string_view("true"));
        extra.add("lb.f.orig_bytes", std::to_string(marks.orig_bytes));
    }
    make_room(value.size() + extra.bytes().size());
    builder_->batch.append(now_ms_, value, extra);
    after_record(value, end);
}

void Batcher::reopen() {
    seal();
    builder_ = room_.open(*this, source_);
    room_bytes_ = room_.options_.batch_bytes_max;
    opened_at_ = room_.env_.clock.now();
    value_bytes_ = 0;
}

void Batcher::seal() {
    if (builder_ == nullptr) {
        return;
    }
    const Tail tail = tail_at_end();
    record::SourceCursor cursor;
    cursor.agent_id = room_.agent_id_;
    cursor.agent_epoch = room_.agent_epoch_;
    cursor.stream = stream_;
    cursor.generation = to_.generation;
    cursor.from = from_;
    cursor.to = to_.offset;
    cursor.gap_reason = gap_;
    cursor.tail_len = tail.size;
    cursor.tail_hash = tail.hash;
    if (std::exchange(must_tell_identity_, false)) {
        cursor.identity = source_.identity;
    }

    room_.scratch_.clear();
    const record::SealedBatch sealed = builder_->batch.seal(cursor, room_.scratch_);
    room_.scratch_held_.set(room_.scratch_.capacity());
    ship::SealedBatch batch;
    batch.stream = stream_;
    batch.agent_epoch = cursor.agent_epoch;
    batch.generation = to_.generation;
    batch.from = from_;
    batch.to = to_.offset;
    batch.has_gap = gap_ != record::GapReason::none;
    batch.tail = tail;
    batch.bytes = room_.env_.pool.copy_of(room_.scratch_.view());
    batch.memory =
        ship::MemoryHold(room_.memory_, ship::MemoryPool::batches, batch.bytes.capacity());
    batch.records_count = sealed.records_count;
    batch.opened_at = opened_at_;

    records_.add(static_cast<std::uint64_t>(sealed.records_count));
    room_.value_bytes_.add(value_bytes_);
    room_.batches_.add();
    room_.batch_bytes_.add(sealed.size_bytes);
    from_ = to_.offset;
    gap_ = record::GapReason::none;
    room_.closed(place_, std::move(builder_));
    room_.outlet_.push(std::move(batch));
}

void Batcher::discard() {
    if (builder_ != nullptr) {
        builder_->batch.discard();
        room_.closed(place_, std::move(builder_));
    }
}

}  // namespace logboom::batch
