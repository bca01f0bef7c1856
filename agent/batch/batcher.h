// Fills record batches with the lines of one stream and seals them by size or age (D16), each with the
// range of the source that it covers (D1 of cursors: agent-design 3.1). It holds a builder only while a
// batch is open, so that ten thousand quiet streams hold none.
#pragma once

#include "agent/batch/batch_room.h"
#include "agent/parse/line_splitter.h"

#include <memory>

namespace logboom::batch {

class Batcher {
public:
    /// What `source` refers to outlives this; records are counted in `records`.
    Batcher(
        BatchRoom& room,
        const record::Id128& stream,
        const BatchSource& source,
        metrics::Counter& records
    )
        : room_(room)
        , stream_(stream)
        , source_(source)
        , records_(records) {}
    Batcher(const Batcher&) = delete;
    Batcher& operator=(const Batcher&) = delete;
    ~Batcher();

    /// The next batch begins at `position`, behind bytes with the proof `tail`. What was open is dropped.
    void begin_at(ship::Position position, Tail tail, record::GapReason gap);
    /// The next batch tells who its stream is.
    void tell_identity() noexcept { must_tell_identity_ = true; }

    /// `block` is what the following values borrow from; its first byte has the raw offset `offset`.
    void look_at(ByteView block, std::uint64_t offset);
    /// The block is going away.
    void look_away();
    /// Tells what the open batch has come to.
    void note_memory() {
        if (builder_ != nullptr) {
            builder_->note_memory();
        }
    }

    // The sink of the line splitter, between look_at and look_away.
    void add(const ByteView value, const std::uint64_t end) {
        make_room(value.size());
        builder_->batch.append(now_ms_, value);
        after_record(value, end);
    }
    void add_marked(ByteView value, std::uint64_t end, const parse::LineMarks& marks);
    /// Bytes up to `end` yield no record; the next batch covers them.
    void pass(const std::uint64_t end) noexcept { to_.offset = end; }

    void seal();
    /// Drops what is open. Nothing is added until `begin_at`.
    void discard();

    /// Everything before it was handed out or passed over.
    [[nodiscard]] ship::Position position() const noexcept { return to_; }
    /// Where the next batch begins: everything before it is on its way or with the collector.
    [[nodiscard]] std::uint64_t sealed_to() const noexcept { return from_; }
    [[nodiscard]] bool is_open() const noexcept { return builder_ != nullptr; }
    [[nodiscard]] SteadyTime opened_at() const noexcept { return opened_at_; }
    /// What a record costs besides its line, before compression.
    [[nodiscard]] std::size_t record_overhead_bytes() const {
        return room_.record_overhead_bytes(source_);
    }

private:
    friend class BatchRoom;

    void make_room(const std::size_t value_bytes) {
        if (builder_ == nullptr || value_bytes > room_bytes_
            || !builder_->batch.fits(value_bytes)) {
            reopen();
        }
    }
    void after_record(const ByteView value, const std::uint64_t end) {
        to_.offset = end;
        value_bytes_ += value.size();
        room_bytes_ -= std::min(room_bytes_, value.size() + 1);
        if (room_bytes_ == 0 || builder_->batch.raw_bytes() >= room_.options_.raw_bytes_max()) {
            seal();
        }
    }
    void reopen();
    [[nodiscard]] Tail tail_at_end() const noexcept;

    BatchRoom& room_;
    record::Id128 stream_;
    BatchSource source_;
    metrics::Counter& records_;
    ship::Position to_;
    std::uint64_t from_ = 0;
    record::GapReason gap_ = record::GapReason::none;
    bool must_tell_identity_ = false;
    Tail tail_;  // at to_, as of the last look_away

    ByteView block_;
    std::uint64_t block_offset_ = 0;
    std::int64_t now_ms_ = 0;

    std::unique_ptr<BatchRoom::Builder> builder_;
    BatchRoom::OpenList::iterator place_;
    SteadyTime opened_at_{};
    std::size_t room_bytes_ = 0;  // of the source, until the batch is full
    std::uint64_t value_bytes_ = 0;
};

}  // namespace logboom::batch
