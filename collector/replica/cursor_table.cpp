#include "collector/replica/cursor_table.h"

#include <algorithm>
#include <utility>

namespace logboom::replica {

namespace {

/// Positions are ordered by generation, then by offset.
using Position = std::pair<std::uint64_t, std::uint64_t>;

/// Where a stream stands before its first batch.
KnownPosition start_of(const record::SourceCursor& cursor) {
    KnownPosition position;
    position.agent_epoch = cursor.agent_epoch;
    position.generation = cursor.generation;
    position.to = cursor.from;
    return position;
}

}  // namespace

CursorTable::Verdict CursorTable::judge(const record::SourceCursor& cursor) const {
    const KnownPosition* const known = find(cursor.agent_id, cursor.stream);
    if (known == nullptr) {
        return Verdict::append;
    }
    if (cursor.agent_epoch < known->agent_epoch) {
        return Verdict::fenced;
    }
    const Position at{known->generation, known->to};
    const Position from{cursor.generation, cursor.from};
    const Position to{cursor.generation, cursor.to};
    if (to <= at) {
        return Verdict::duplicate;
    }
    if (from == at) {
        return Verdict::append;
    }
    if (from < at) {
        return Verdict::overlap;
    }
    return cursor.gap_reason == record::GapReason::none ? Verdict::gap : Verdict::append;
}

const KnownPosition* CursorTable::find(const Id128& agent, const Id128& stream) const {
    const auto found = positions_.find(Key{agent, stream});
    return found == positions_.end() ? nullptr : &found->second;
}

void CursorTable::advance(const record::SourceCursor& cursor, const Offset last_offset) {
    const Key key{cursor.agent_id, cursor.stream};
    Undo undo;
    undo.last_offset = last_offset;
    undo.key = key;
    KnownPosition position;
    const auto known = positions_.find(key);
    undo.before = known == positions_.end() ? start_of(cursor) : known->second;
    position.identity = undo.before.identity;
    position.agent_epoch = cursor.agent_epoch;
    position.generation = cursor.generation;
    position.to = cursor.to;
    position.last_offset = last_offset;
    position.tail_len = cursor.tail_len;
    position.tail_hash = cursor.tail_hash;
    if (cursor.identity) {
        position.identity = cursor.identity;
    }
    undo_.push_back(std::move(undo));
    put(key, std::move(position));
    forget_silent();
}

void CursorTable::expect(const record::SourceCursor& cursor) {
    const Key key{cursor.agent_id, cursor.stream};
    if (!positions_.contains(key)) {
        put(key, start_of(cursor));
        forget_silent();
    }
}

void CursorTable::settle(const Offset end) {
    while (!undo_.empty() && undo_.front().last_offset < end) {
        undo_.pop_front();
    }
}

void CursorTable::roll_back(const Offset from) {
    while (!undo_.empty() && undo_.back().last_offset >= from) {
        Undo undo = std::move(undo_.back());
        undo_.pop_back();
        put(undo.key, std::move(undo.before));
    }
}

std::vector<CursorTable::Stream> CursorTable::streams_of(
    const Id128& agent, const std::optional<Id128>& after, const std::size_t count_max
) const {
    std::vector<Stream> streams;
    auto at = after ? positions_.upper_bound(Key{agent, *after})
                    : positions_.lower_bound(Key{agent, Id128{}});
    for (; at != positions_.end() && at->first.agent == agent && streams.size() < count_max; ++at) {
        streams.push_back(Stream{at->first.stream, at->second});
    }
    return streams;
}

std::uint32_t CursorTable::epoch_of(const Id128& agent) const {
    std::uint32_t epoch = 0;
    for (auto at = positions_.lower_bound(Key{agent, Id128{}});
         at != positions_.end() && at->first.agent == agent;
         ++at) {
        epoch = std::max(epoch, at->second.agent_epoch);
    }
    return epoch;
}

void CursorTable::put(const Key& key, KnownPosition position) {
    remove(key);
    by_last_offset_.emplace(position.last_offset, key);
    positions_.emplace(key, std::move(position));
}

void CursorTable::remove(const Key& key) {
    const auto known = positions_.find(key);
    if (known != positions_.end()) {
        by_last_offset_.erase({known->second.last_offset, key});
        positions_.erase(known);
    }
}

void CursorTable::forget_silent() {
    if (positions_.size() > streams_max_) {
        const Key silent = by_last_offset_.begin()->second;
        remove(silent);
    }
}

}  // namespace logboom::replica
