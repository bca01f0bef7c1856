#include "collector/replica/partition.h"

#include "shared/record/batch_checker.h"

#include <algorithm>

namespace logboom::replica {

namespace {

/// Whether what the agent says about a batch is what the batch says itself.
bool agrees(
    const record::SourceCursor& cursor, const Id128& agent_id, const rpc::BatchEnvelope& envelope
) {
    return cursor.agent_id == agent_id && cursor.stream == envelope.stream
        && cursor.generation == envelope.generation && cursor.from == envelope.from
        && cursor.to == envelope.to && cursor.agent_epoch == envelope.agent_epoch
        && cursor.from <= cursor.to;
}

/// What the agent says of a batch that says nothing to be believed itself.
record::SourceCursor cursor_of(const Id128& agent_id, const rpc::BatchEnvelope& envelope) {
    record::SourceCursor cursor;
    cursor.agent_id = agent_id;
    cursor.agent_epoch = envelope.agent_epoch;
    cursor.stream = envelope.stream;
    cursor.generation = envelope.generation;
    cursor.from = envelope.from;
    cursor.to = envelope.to;
    return cursor;
}

/// The cursor of a sound batch of that agent; nothing if anything contradicts anything.
std::optional<record::SourceCursor> checked_cursor(
    const Slice& batch, const Id128& agent_id, const rpc::BatchEnvelope& envelope
) {
    record::BatchCheckOptions options;
    options.door = record::Door::agents;
    Buffer scratch;
    const auto checked = record::check_batch(batch.view(), options, scratch);
    if (!std::holds_alternative<record::BatchView>(checked)) {
        return std::nullopt;
    }
    Result<std::optional<record::SourceCursor>> cursor = record::read_cursor(batch.view());
    if (!cursor || !*cursor || !agrees(**cursor, agent_id, envelope)) {
        return std::nullopt;
    }
    return std::move(*cursor);
}

rpc::StreamPosition to_position(const CursorTable::Stream& stream, const PartitionIndex partition) {
    rpc::StreamPosition position;
    position.stream = stream.id;
    position.partition = partition;
    position.generation = stream.known.generation;
    position.to = stream.known.to;
    position.agent_epoch = stream.known.agent_epoch;
    position.tail_len = stream.known.tail_len;
    position.tail_hash = stream.known.tail_hash;
    position.identity = stream.known.identity;
    return position;
}

}  // namespace

Partition::Partition(
    Env& env,
    storage::LogDirectory& directory,
    const PartitionKey& key,
    const LeaderEpoch leader_epoch,
    const storage::LogOptions& options,
    HighWatermarkListener& listener
)
    : env_(env)
    , key_(key)
    , leader_epoch_(leader_epoch)
    , listener_(listener)
    , log_(env, directory, key, options, *this) {}

Task<Result<Ok>> Partition::open() {
    LB_CO_CHECK(co_await log_.open());
    cursors_.settle(log_.end_offset());
    log_start_.store(log_.start_offset().value, std::memory_order_release);
    log_end_.store(log_.end_offset().value, std::memory_order_release);
    high_watermark_.store(log_.synced_end().value, std::memory_order_seq_cst);
    co_return Ok{};
}

Task<Result<storage::CleanLog>> Partition::close() {
    co_return co_await log_.close();
}

Task<Result<AppendedAt>> Partition::append_as_leader(Slice batch, const Acks acks) {
    const auto awaited = acks == Acks::none ? storage::Log::Awaited::no
                                            : storage::Log::Awaited::yes;
    LB_CO_TRY(storage::AppendPtr append, log_.append(std::move(batch), leader_epoch_, awaited));
    if (acks == Acks::none) {
        AppendedAt at;
        at.base_offset = append->base_offset;
        at.last_offset = append->last_offset;
        at.log_start_offset = log_start_offset();
        LB_CO_CHECK(co_await storage::Log::wait_written(std::move(append)));
        co_return at;
    }
    co_return co_await wait_appended(std::move(append));
}

Task<Result<AppendedAt>> Partition::wait_appended(storage::AppendPtr append) {
    AppendedAt at;
    at.base_offset = append->base_offset;
    at.last_offset = append->last_offset;
    LB_CO_CHECK(co_await storage::Log::wait(std::move(append)));
    // With one replica what is synced is committed.
    LB_ASSERT(high_watermark() > at.last_offset);
    at.log_start_offset = log_start_offset();
    co_return at;
}

Task<Result<AgentAppend>> Partition::append_from_agent(
    const Id128 agent_id,
    Slice batch,
    const rpc::BatchEnvelope envelope,
    const std::uint32_t batch_bytes_max
) {
    AgentAppend answer;
    if (batch.size() > batch_bytes_max) {
        cursors_.expect(cursor_of(agent_id, envelope));
        co_return Error{ErrorCode::too_large, 0, "batch of an agent"};
    }
    const std::optional<record::SourceCursor> cursor = checked_cursor(batch, agent_id, envelope);
    if (!cursor) {
        cursors_.expect(cursor_of(agent_id, envelope));
        answer.outcome = AgentAppend::Outcome::invalid;
        co_return answer;
    }
    const CursorTable::Verdict verdict = cursors_.judge(*cursor);
    if (verdict != CursorTable::Verdict::append) {
        const KnownPosition known = *cursors_.find(cursor->agent_id, cursor->stream);
        answer.generation_known = known.generation;
        answer.to_known = known.to;
        answer.outcome = verdict == CursorTable::Verdict::fenced ? AgentAppend::Outcome::fenced
                       : verdict == CursorTable::Verdict::duplicate
                           ? AgentAppend::Outcome::duplicate
                           : AgentAppend::Outcome::rejected_position;
        co_return co_await answer_known(answer, known.last_offset);
    }
    Result<storage::AppendPtr> append =
        log_.append(std::move(batch), leader_epoch_, storage::Log::Awaited::yes);
    if (!append) {
        cursors_.expect(*cursor);
        co_return append.error();
    }
    cursors_.advance(*cursor, (*append)->last_offset);
    LB_CO_TRY(const AppendedAt at, co_await wait_appended(std::move(*append)));
    answer.outcome = AgentAppend::Outcome::appended;
    answer.base_offset = at.base_offset;
    answer.generation_known = cursor->generation;
    answer.to_known = cursor->to;
    co_return answer;
}

Task<Result<AgentAppend>> Partition::answer_known(
    const AgentAppend answer, const Offset last_offset
) {
    // The agent may let go of what lies below a position that it is told: it must be committed (rule 6).
    LB_CO_CHECK(co_await log_.wait_synced(last_offset));
    co_return answer;
}

Task<Result<PartitionRead>> Partition::read(const Offset from, const std::uint32_t bytes_max) {
    PartitionRead read;
    // The one that the batches end at, not a later one: who waits for more waits behind it.
    const Offset end = high_watermark();
    LB_CO_TRY(std::vector<Slice> batches, co_await log_.read(from, bytes_max, end));
    read.batches = std::move(batches);
    read.high_watermark = end;
    read.log_start_offset = log_start_offset();
    read.log_end_offset = log_end_offset();
    co_return read;
}

Task<Result<TimestampOffset>> Partition::find_offset_by_time(const std::int64_t timestamp_ms) {
    const Offset end = high_watermark();
    LB_CO_TRY(
        const std::optional<storage::FoundRecord> found,
        co_await log_.find_by_time(timestamp_ms, end)
    );
    TimestampOffset answer;
    if (found) {
        answer.timestamp_ms = found->timestamp_ms;
        answer.offset = found->offset;
    }
    co_return answer;
}

Task<Result<TimestampOffset>> Partition::find_max_timestamp() {
    const storage::LargestTimestamp largest = log_.largest_timestamp();
    if (largest.timestamp_ms < 0) {
        co_return TimestampOffset();
    }
    LB_CO_CHECK(co_await log_.wait_synced(largest.last_offset));
    co_return co_await find_offset_by_time(largest.timestamp_ms);
}

std::vector<CursorTable::Stream> Partition::known_streams(
    const Id128& agent_id, const std::vector<Id128>& streams
) const {
    std::vector<CursorTable::Stream> known;
    for (const Id128& stream : streams) {
        const KnownPosition* const position = cursors_.find(agent_id, stream);
        if (position != nullptr) {
            known.push_back(CursorTable::Stream{stream, *position});
        }
    }
    return known;
}

Task<bool> Partition::wait_settled(const std::vector<CursorTable::Stream>& streams) {
    Offset last(-1);
    for (const CursorTable::Stream& stream : streams) {
        last = std::max(last, stream.known.last_offset);
    }
    const Result<Ok> synced = co_await log_.wait_synced(last);
    co_return synced.has_value();
}

Task<AgentPositions> Partition::positions(
    const Id128 agent_id,
    const bool all_streams,
    const std::vector<Id128>& streams,
    const std::optional<Id128> after
) {
    constexpr std::size_t count_max = limits::agent_streams_per_hello + 1;
    std::vector<CursorTable::Stream> known;
    for (;;) {
        known = all_streams ? cursors_.streams_of(agent_id, after, count_max)
                            : known_streams(agent_id, streams);
        const bool is_settled = co_await wait_settled(known);
        if (is_settled) {
            break;
        }
        // What was being appended was dropped, and the positions went back with it.
        if (log_.has_failed()) {
            known.clear();
            break;
        }
    }
    AgentPositions answer;
    answer.agent_epoch_max = cursors_.epoch_of(agent_id);
    for (const CursorTable::Stream& stream : known) {
        answer.streams.push_back(to_position(stream, key_.index));
    }
    co_return answer;
}

void Partition::on_recovered_batch(const record::BatchView& batch) {
    if (!batch.header().is_marked()) {
        return;
    }
    const Result<std::optional<record::SourceCursor>> cursor = record::read_cursor(batch.bytes());
    if (!cursor || !*cursor) {
        env_.log.warn(
            "a batch of an agent has no cursor that can be read; its source's position is not known "
            "from it",
            {kv("partition", storage::partition_dir_name(key_)),
             kv("offset", batch.header().base_offset)}
        );
        return;
    }
    cursors_.advance(**cursor, batch.header().last_offset());
    cursors_.settle(batch.header().end_offset());
}

void Partition::on_written(const Offset end) {
    log_end_.store(end.value, std::memory_order_release);
    cursors_.settle(end);
}

void Partition::on_synced(const Offset end) {
    LB_ASSERT(end.value >= high_watermark_.load(std::memory_order_relaxed));
    high_watermark_.store(end.value, std::memory_order_seq_cst);
    listener_.on_high_watermark(*this);
}

void Partition::on_dropped(const Offset from) {
    cursors_.roll_back(from);
}

}  // namespace logboom::replica
