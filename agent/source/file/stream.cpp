#include "agent/source/file/stream.h"

namespace logboom::source {

const char* to_string(const StreamState state) noexcept {
    switch (state) {
    case StreamState::known: return "known";
    case StreamState::active: return "active";
    case StreamState::rotated: return "rotated";
    case StreamState::gone: return "gone";
    }
    LB_UNREACHABLE("StreamState");
}

const char* to_string(const LossReason reason) noexcept {
    switch (reason) {
    case LossReason::truncated_unread: return "truncated_unread";
    case LossReason::vanished_unread: return "vanished_unread";
    }
    LB_UNREACHABLE("LossReason");
}

Stream::Stream(
    batch::BatchRoom& room,
    const FileInput& from_input,
    const Id128& id,
    FileIdentity first_identity
)
    : uid(id)
    , input(from_input)
    , identity(std::move(first_identity))
    , path(identity.path_seen)
    , path_now(identity.path_seen)
    , splitter(from_input.split)
    , batcher(room, id, {path, path_resolved, identity}, room.records_of(from_input.name)) {}

void Stream::restart_at(const ship::Position position, const Tail proof) {
    generation = position.generation;
    read_to = position.offset;
    tail = proof;
    splitter.reset();
    must_find_line_start = read_to != 0;
    has_partial_tail = false;
    is_drained = false;
    forget_looks();
    block_bytes = 0;
    const bool is_new_generation = generation != 0 && read_to == 0;
    batcher.begin_at(
        position,
        proof,
        is_new_generation ? record::GapReason::new_generation : record::GapReason::none
    );
    batcher.tell_identity();
}

void Stream::begin_generation() {
    batcher.seal();  // what was read of the old content is still sent
    cut_at = batcher.sealed_to();
    written_at = WallTime();
    is_compressed = false;
    acked_to = 0;
    acked_tail = Tail();
    const ship::Position start{generation + 1, 0};
    restart_at(start, Tail());
}

void Stream::forget_looks() noexcept {
    is_at_end = false;
    size_asked = 0;
    mtime_seen = WallTime();
}

CheckpointEntry Stream::to_entry() const {
    CheckpointEntry entry = own_entry();
    if (!losses.empty()) {
        const CheckpointEntry& before = losses.front().before;
        entry.generation = before.generation;
        entry.offset = before.offset;
        entry.tail_len = before.tail_len;
        entry.tail_hash = before.tail_hash;
        entry.identity.head_len = before.identity.head_len;
        entry.identity.head_hash = before.identity.head_hash;
        entry.identity.size_seen = before.identity.size_seen;
        entry.gone_since_ms = before.gone_since_ms;
        entry.passed_to = before.passed_to;
        entry.cut_at = before.cut_at;
    }
    return entry;
}

CheckpointEntry Stream::own_entry() const {
    CheckpointEntry entry;
    entry.stream = uid;
    entry.generation = generation;
    entry.offset = acked_to;
    entry.tail_len = acked_tail.size;
    entry.tail_hash = acked_tail.hash;
    entry.identity = identity;
    entry.input = input.name;
    entry.topic = input.topic;
    entry.partition = partition;
    entry.gone_since_ms = gone_since_ms;
    const bool is_passed_over = is_all_acknowledged() && batcher.position().offset > acked_to;
    entry.passed_to = is_passed_over ? batcher.position().offset : 0;
    entry.cut_at = cut_at;
    return entry;
}

}  // namespace logboom::source
