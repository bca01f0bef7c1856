#include "collector/replica/partition.h"

#include "shared/record/batch_checker.h"
#include "shared/record/max_timestamp.h"

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

constexpr Error ended{ErrorCode::not_found, 0, "partition of a deleted topic"};

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
    const PartitionOptions& options,
    HighWatermarkListener& listener
)
    : env_(env)
    , key_(key)
    , leader_epoch_(leader_epoch)
    , config_(options.topic)
    , listener_(listener)
    , log_(env, directory, key, options.log, *this)
    , producer_options_(options.producers)
    , producers_(options.producers)
    , unused_(env.scheduler) {}

Task<Result<Ok>> Partition::open() {
    LB_CO_CHECK(co_await log_.open());
    log_start_.store(log_.start_offset().value, std::memory_order_release);
    log_end_.store(log_.end_offset().value, std::memory_order_release);
    high_watermark_.store(log_.synced_end().value, std::memory_order_seq_cst);
    co_return Ok{};
}

Task<Result<storage::CleanLog>> Partition::close() {
    co_return co_await log_.close();
}

Task<void> Partition::end() {
    has_ended_.store(true, std::memory_order_seq_cst);
    listener_.on_high_watermark(*this);
    while (uses_ != 0) {
        [[maybe_unused]] const Result<Ok> woken = co_await unused_.wait_uncancelled();
    }
    [[maybe_unused]] const Result<storage::CleanLog> closed = co_await log_.close();
}

Result<storage::AppendPtr> Partition::queue(Slice batch, const storage::Log::Awaited awaited) {
    const std::int64_t now_ms = to_unix_ms(env_.clock.wall());
    if (config_.timestamp_type == metadata::TimestampType::log_append_time) {
        record::patch_append_time(batch.mutable_bytes(), now_ms);
    } else {
        const std::int64_t ahead_ms = std::min(config_.timestamp_after_max_ms, INT64_MAX - now_ms);
        record::fill_max_timestamp(batch.mutable_bytes(), now_ms, now_ms + ahead_ms);
    }
    return log_.append(std::move(batch), leader_epoch_, awaited);
}

Task<Result<AppendedAt>> Partition::append_as_leader(Slice batch, const Acks acks) {
    if (has_ended()) {
        co_return ended;
    }
    const Use use(*this);
    const std::int64_t now_ms = to_unix_ms(env_.clock.wall());
    const record::BatchHeader sent = record::decode_batch_header(batch.view());
    const bool is_idempotent = sent.producer_id.value >= 0;
    if (is_idempotent) {
        const ProducerTable::Judgement judgement = producers_.judge(sent, now_ms);
        switch (judgement.verdict) {
        case ProducerTable::Verdict::append: break;
        case ProducerTable::Verdict::duplicate:
            LB_REACHED(env_, producer_duplicate);
            co_return co_await answer_duplicate(judgement.original, acks);
        case ProducerTable::Verdict::fenced:
            co_return Error{ErrorCode::fenced, 0, "producer epoch"};
        case ProducerTable::Verdict::out_of_order:
            LB_REACHED(env_, producer_out_of_order);
            co_return Error{ErrorCode::out_of_order, 0, "sequence of a producer"};
        }
    }
    const auto awaited = acks == Acks::none ? storage::Log::Awaited::no
                                            : storage::Log::Awaited::yes;
    Result<storage::AppendPtr> append = queue(std::move(batch), awaited);
    if (!append) {
        if (is_idempotent) {
            producers_.expect(sent, now_ms);
        }
        co_return append.error();
    }
    const record::BatchHeader header = record::decode_batch_header((*append)->batch.view());
    if (is_idempotent) {
        producers_.advance(header, now_ms);
    }
    AppendedAt at;
    at.base_offset = header.base_offset;
    at.last_offset = header.last_offset();
    at.log_append_time_ms = header.has_log_append_time() ? header.max_timestamp_ms : -1;
    if (acks == Acks::none) {
        co_return co_await answer_unawaited(std::move(*append), at);
    }
    co_return co_await wait_appended(std::move(*append), at);
}

Task<Result<AppendedAt>> Partition::answer_unawaited(storage::AppendPtr append, AppendedAt at) {
    at.log_start_offset = log_start_offset();
    LB_CO_CHECK(co_await storage::Log::wait_written(std::move(append)));
    co_return at;
}

Task<Result<AppendedAt>> Partition::wait_appended(storage::AppendPtr append, AppendedAt at) {
    LB_CO_CHECK(co_await storage::Log::wait(std::move(append)));
    // With one replica what is synced is committed.
    LB_ASSERT(high_watermark() > at.last_offset);
    at.log_start_offset = log_start_offset();
    co_return at;
}

/// The producer is told what it was not told, or would have been: the first answer may be on its way.
Task<Result<AppendedAt>> Partition::answer_duplicate(
    const ProducerBatch original, const Acks acks
) {
    if (acks != Acks::none) {
        LB_CO_CHECK(co_await log_.wait_synced(original.last_offset()));
    }
    AppendedAt at;
    at.base_offset = original.base_offset;
    at.last_offset = original.last_offset();
    at.log_append_time_ms = original.log_append_time_ms;
    at.log_start_offset = log_start_offset();
    co_return at;
}

Task<Result<AgentAppend>> Partition::append_from_agent(
    const Id128 agent_id,
    Slice batch,
    const rpc::BatchEnvelope envelope,
    const std::uint32_t batch_bytes_max
) {
    if (has_ended()) {
        co_return ended;
    }
    const Use use(*this);
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
    note_verdict(verdict, *cursor);
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
    Result<storage::AppendPtr> append = queue(std::move(batch), storage::Log::Awaited::yes);
    if (!append) {
        cursors_.expect(*cursor);
        co_return append.error();
    }
    AppendedAt at;
    at.base_offset = (*append)->base_offset;
    at.last_offset = (*append)->last_offset;
    cursors_.advance(*cursor, at.last_offset);
    LB_CO_CHECK(co_await wait_appended(std::move(*append), at));
    answer.outcome = AgentAppend::Outcome::appended;
    answer.base_offset = at.base_offset;
    answer.generation_known = cursor->generation;
    answer.to_known = cursor->to;
    co_return answer;
}

void Partition::note_verdict(const CursorTable::Verdict verdict, const record::SourceCursor& cursor)
    const {
    switch (verdict) {
    case CursorTable::Verdict::append:
        if (cursor.gap_reason != record::GapReason::none) {
            LB_REACHED(env_, cursor_gap_allowed);
        }
        break;
    case CursorTable::Verdict::duplicate: LB_REACHED(env_, cursor_duplicate); break;
    case CursorTable::Verdict::overlap: LB_REACHED(env_, cursor_overlap); break;
    case CursorTable::Verdict::gap: LB_REACHED(env_, cursor_gap); break;
    case CursorTable::Verdict::fenced: LB_REACHED(env_, cursor_fenced); break;
    }
}

Task<Result<AgentAppend>> Partition::answer_known(
    const AgentAppend answer, const Offset last_offset
) {
    // The agent may let go of what lies below a position that it is told: it must be committed (rule 6).
    LB_CO_CHECK(co_await log_.wait_synced(last_offset));
    co_return answer;
}

Task<Result<PartitionRead>> Partition::read(const Offset from, const std::uint32_t bytes_max) {
    if (has_ended()) {
        co_return ended;
    }
    const Use use(*this);
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
    if (has_ended()) {
        co_return ended;
    }
    const Use use(*this);
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
    if (has_ended()) {
        co_return ended;
    }
    const Use use(*this);
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
    AgentPositions answer;
    if (has_ended()) {
        answer.are_known = false;
        co_return answer;
    }
    const Use use(*this);
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
            // None told would mean that none of its files was ever shipped.
            answer.are_known = false;
            co_return answer;
        }
    }
    answer.agent_epoch_max = cursors_.epoch_of(agent_id);
    for (const CursorTable::Stream& stream : known) {
        answer.streams.push_back(to_position(stream, key_.index));
    }
    co_return answer;
}

void Partition::encode_state(const Offset end, storage::StateSections& sections) const {
    cursors_.encode(end, sections.add(storage::StateSectionId::agents));
    producers_.encode(sections.add(storage::StateSectionId::producers));
}

Result<Ok> Partition::restore_state(const storage::StateSections& sections) {
    LB_TRY(cursors_, CursorTable::decode(sections.bytes_of(storage::StateSectionId::agents)));
    const ByteView producers = sections.bytes_of(storage::StateSectionId::producers);
    producers_ = ProducerTable(producer_options_);
    if (!producers.empty()) {
        LB_TRY(producers_, ProducerTable::decode(producers, producer_options_));
    }
    return Ok{};
}

void Partition::on_recovered_batch(const record::BatchView& batch) {
    const record::BatchHeader& header = batch.header();
    if (header.producer_id.value >= 0) {
        recover_producer(header);
    } else if (header.is_marked()) {
        recover_cursor(batch);
    }
}

void Partition::recover_producer(const record::BatchHeader& header) {
    const std::int64_t now_ms = to_unix_ms(env_.clock.wall());
    if (header.base_sequence < 0 || header.producer_epoch < 0) {
        return;  // nothing that a leader has taken
    }
    if (producers_.judge(header, now_ms).verdict != ProducerTable::Verdict::append) {
        env_.log.warn(
            "a batch of the log does not continue its producer's sequence",
            {kv("partition", storage::partition_dir_name(key_)),
             kv("offset", header.base_offset),
             kv("producer", header.producer_id),
             kv("epoch", header.producer_epoch),
             kv("sequence", header.base_sequence)}
        );
    }
    producers_.advance(header, now_ms);
    producers_.settle(header.end_offset());
}

void Partition::recover_cursor(const record::BatchView& batch) {
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
    producers_.settle(end);
}

void Partition::on_synced(const Offset end) {
    LB_ASSERT(end.value >= high_watermark_.load(std::memory_order_relaxed));
    high_watermark_.store(end.value, std::memory_order_seq_cst);
    listener_.on_high_watermark(*this);
}

void Partition::on_dropped(const Offset from) {
    LB_REACHED(env_, append_dropped);
    cursors_.roll_back(from);
    producers_.roll_back(from);
}

void Partition::on_start_moved(const Offset log_start) {
    log_start_.store(log_start.value, std::memory_order_release);
}

}  // namespace logboom::replica
