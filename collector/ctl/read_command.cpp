#include "collector/ctl/read_command.h"

#include "collector/ctl/list_offsets.h"
#include "collector/ctl/printable.h"
#include "shared/kafka/messages/fetch.h"

#include <algorithm>
#include <set>

namespace logboom::ctl {

namespace {

using kafka::FetchRequest;
using kafka::FetchResponse;
using kafka::KafkaError;

/// Output is written in pieces of this size while records flow.
constexpr std::size_t pending_bytes_max = 64u << 10;
/// Fetches, or tries to find a leader, that may fail one after the other.
constexpr std::uint32_t failures_max = 10;
constexpr std::int32_t fetch_bytes = 8 << 20;
constexpr std::int32_t partition_fetch_bytes = 1 << 20;
/// A Fetch waits this long for records when there is one leader; with several they take turns.
constexpr std::int32_t wait_ms_alone = 500;
constexpr std::int32_t wait_ms_in_turn = 100;

std::optional<std::int64_t> time_of(const std::optional<OffsetPoint>& point) {
    const bool is_time = point.has_value() && point->kind == OffsetPoint::Kind::time;
    return is_time ? std::optional(point->number) : std::nullopt;
}

std::optional<std::int64_t> found_in(
    const OffsetsByPartition& offsets, const std::int32_t partition
) {
    const auto found = offsets.find(partition);
    return found == offsets.end() ? std::nullopt : found->second;
}

}  // namespace

PartitionCursor* ReadCommand::cursor_of(const std::int32_t partition) noexcept {
    const auto found = std::ranges::find(cursors_, partition, &PartitionCursor::partition);
    return found == cursors_.end() ? nullptr : &*found;
}

Outcome<std::vector<std::int32_t>> ReadCommand::chosen_partitions() const {
    if (options_.partitions.empty()) {
        std::vector<std::int32_t> all;
        std::ranges::transform(topic_.partitions, std::back_inserter(all), &PartitionLayout::index);
        return all;
    }
    for (const std::int32_t index : options_.partitions) {
        if (topic_.find(index) == nullptr) {
            return Failure{
                .exit_code = ExitCode::not_found,
                .what = "topic '" + printable(topic_.name) + "' has no partition "
                      + std::to_string(index) + "; it has "
                      + std::to_string(topic_.partitions.size())};
        }
    }
    return options_.partitions;
}

Outcome<std::int64_t> ReadCommand::first_offset(
    const std::int32_t partition,
    const PartitionOffsets& offsets,
    const std::optional<std::int64_t> time_offset
) {
    const OffsetPoint& from = options_.offsets.from;
    const std::int64_t first = resolve(from, offsets, time_offset);
    if (from.kind != OffsetPoint::Kind::absolute) {
        return first;
    }
    const std::string where = printable(topic_.name) + "/" + std::to_string(partition);
    const std::string available = "available: " + std::to_string(offsets.log_start) + ":"
                                + std::to_string(offsets.end);
    if (first > offsets.end && !options_.offsets.until.has_value()) {
        return Failure{
            .exit_code = ExitCode::not_found,
            .what = "offset " + std::to_string(first) + " of " + where + " is out of range; "
                  + available};
    }
    if (from.number < offsets.log_start) {
        output_.say(
            "note: " + where + " begins at " + std::to_string(first)
            + "; older records were removed by retention\n"
        );
    }
    return first;
}

Task<Outcome<Ok>> ReadCommand::set_cursors(std::vector<std::int32_t> partitions) {
    LB_CO_TRY(
        const auto starts, co_await list_offsets(cluster_, topic_, partitions, timestamp_earliest)
    );
    LB_CO_TRY(
        const auto ends, co_await list_offsets(cluster_, topic_, partitions, timestamp_latest)
    );
    OffsetsByPartition from_times;
    if (const auto time = time_of(options_.offsets.from); time.has_value()) {
        LB_CO_TRY(from_times, co_await list_offsets(cluster_, topic_, partitions, *time));
    }
    OffsetsByPartition until_times;
    if (const auto time = time_of(options_.offsets.until); time.has_value()) {
        LB_CO_TRY(until_times, co_await list_offsets(cluster_, topic_, partitions, *time));
    }
    for (const std::int32_t partition : partitions) {
        const PartitionOffsets offsets{
            found_in(starts, partition).value_or(0), found_in(ends, partition).value_or(0)};
        PartitionCursor cursor{.partition = partition};
        LB_CO_TRY(cursor.next, first_offset(partition, offsets, found_in(from_times, partition)));
        if (options_.offsets.until.has_value()) {
            cursor.stop =
                resolve(*options_.offsets.until, offsets, found_in(until_times, partition));
        }
        if (options_.should_exit_at_end) {
            cursor.stop = std::min(cursor.stop.value_or(offsets.end), offsets.end);
        }
        cursors_.push_back(cursor);
    }
    co_return Ok{};
}

Task<Outcome<Ok>> ReadCommand::find_cursors() {
    LB_CO_TRY(topic_, co_await cluster_.topic(options_.topic));
    LB_CO_TRY(const std::vector<std::int32_t> partitions, chosen_partitions());
    co_return co_await set_cursors(partitions);
}

bool ReadCommand::flush() {
    if (!pending_.empty() && !output_.write(pending_)) {
        is_output_closed_ = true;
    }
    pending_.clear();
    return !is_output_closed_;
}

bool ReadCommand::take_row(const RecordRow& row) {
    format_.append(row, pending_);
    ++shown_;
    if (pending_.size() >= pending_bytes_max && !flush()) {
        return false;
    }
    return !options_.records_max.has_value() || shown_ < *options_.records_max;
}

bool ReadCommand::is_finished() const {
    const bool is_enough = options_.records_max.has_value() && shown_ >= *options_.records_max;
    return is_enough || is_output_closed_
        || std::ranges::all_of(cursors_, &PartitionCursor::is_done);
}

Outcome<Ok> ReadCommand::take_records(PartitionCursor& cursor, const ByteView records) {
    const auto take = [this](const RecordRow& row) { return take_row(row); };
    const auto tell_skipped = [this,
                               &cursor](const record::BatchHeader& batch, const Error& error) {
        has_skipped_ = true;
        output_.say(
            "warning: skipped " + printable(topic_.name) + "/" + std::to_string(cursor.partition)
            + "@" + std::to_string(batch.base_offset.value) + ":"
            + std::to_string(batch.end_offset().value) + ": " + to_string(error) + "\n"
        );
    };
    const auto walked = walk_records(topic_.name, records, cursor, take, tell_skipped);
    if (!walked.has_value()) {
        return Failure{
            .what = printable(topic_.name) + "/" + std::to_string(cursor.partition) + "@"
                  + std::to_string(cursor.next)
                  + " is no record batch: " + to_string(walked.error())};
    }
    return Ok{};
}

Task<Outcome<Ok>> ReadCommand::fetch_from(
    const std::int32_t leader_id, const std::int32_t max_wait_ms
) {
    FetchRequest request;
    request.max_wait_ms = max_wait_ms;
    request.min_bytes = 1;
    request.max_bytes = fetch_bytes;
    FetchRequest::Topic& asked = request.topics.emplace_back();
    asked.topic = topic_.name;
    asked.topic_id = topic_.id;
    for (const PartitionCursor& cursor : cursors_) {
        const PartitionLayout* const layout = topic_.find(cursor.partition);
        if (layout != nullptr && layout->leader_id == leader_id && !cursor.is_done()) {
            FetchRequest::Partition& partition = asked.partitions.emplace_back();
            partition.partition = cursor.partition;
            partition.fetch_offset = cursor.next;
            partition.partition_max_bytes = partition_fetch_bytes;
        }
    }
    LB_CO_TRY(BrokerConnection* const leader, co_await cluster_.node(leader_id));
    const SteadyTime until = cluster_.deadline() + Millis(max_wait_ms);
    LB_CO_TRY(const auto answer, co_await leader->ask<FetchResponse>(request, until));
    if (answer.body.error_code != KafkaError::none) {
        co_return failure_of(answer.body.error_code, "cannot fetch");
    }
    for (const auto& topic : answer.body.responses) {
        for (const auto& partition : topic.partitions) {
            PartitionCursor* const cursor = cursor_of(partition.partition_index);
            if (cursor == nullptr || is_finished()) {
                continue;
            }
            if (partition.error_code == KafkaError::offset_out_of_range) {
                trimmed_.push_back(cursor->partition);
                continue;
            }
            if (kafka::is_retriable(partition.error_code)) {
                needs_layout_ = true;
                continue;
            }
            if (partition.error_code != KafkaError::none) {
                co_return failure_of(
                    partition.error_code,
                    "cannot fetch " + printable(topic_.name) + "/"
                        + std::to_string(cursor->partition)
                );
            }
            LB_CO_CHECK(take_records(*cursor, partition.records.bytes));
        }
    }
    co_return Ok{};
}

Task<Outcome<Ok>> ReadCommand::fetch_round() {
    std::set<std::int32_t> leaders;
    for (const PartitionCursor& cursor : cursors_) {
        if (!cursor.is_done()) {
            leaders.insert(topic_.find(cursor.partition)->leader_id);
        }
    }
    const std::int32_t max_wait_ms = leaders.size() > 1 ? wait_ms_in_turn : wait_ms_alone;
    for (const std::int32_t leader_id : leaders) {
        LB_CO_CHECK(co_await fetch_from(leader_id, max_wait_ms));
        if (!flush() || is_finished()) {
            break;
        }
    }
    const std::vector<std::int32_t> trimmed = std::exchange(trimmed_, {});
    for (const std::int32_t partition : trimmed) {
        LB_CO_CHECK(co_await skip_trimmed(partition));
    }
    co_return Ok{};
}

Task<Outcome<Ok>> ReadCommand::skip_trimmed(const std::int32_t partition) {
    std::vector<std::int32_t> one(1, partition);
    LB_CO_TRY(
        const auto starts,
        co_await list_offsets(cluster_, topic_, std::move(one), timestamp_earliest)
    );
    PartitionCursor* const cursor = cursor_of(partition);
    const std::int64_t log_start = found_in(starts, partition).value_or(0);
    const std::string where = printable(topic_.name) + "/" + std::to_string(partition);
    if (log_start <= cursor->next) {
        co_return Failure{
            .exit_code = ExitCode::not_found,
            .what = "offset " + std::to_string(cursor->next) + " of " + where
                  + " is out of range; the log was cut or made anew"};
    }
    output_.say(
        "warning: " + where + "@" + std::to_string(cursor->next) + ":" + std::to_string(log_start)
        + " was removed by retention before it was read\n"
    );
    has_skipped_ = true;
    cursor->next = log_start;
    co_return Ok{};
}

/// After a failure that may pass: waits a little and learns anew who leads what.
Task<Outcome<Ok>> ReadCommand::recover(Failure failure) {
    const bool may_pass = failure.exit_code == ExitCode::unreachable
                       || failure.exit_code == ExitCode::timed_out;
    if (!may_pass || ++failures_in_a_row_ > failures_max) {
        co_return failure;
    }
    const auto slept = co_await env_.sleep(200ms * failures_in_a_row_);
    if (!slept.has_value()) {
        co_return Failure{.exit_code = ExitCode::interrupted, .what = "interrupted"};
    }
    auto layout = co_await cluster_.topic(options_.topic);
    if (layout.has_value()) {
        topic_ = std::move(*layout);
    }
    co_return Ok{};
}

void ReadCommand::say_where_to_continue(const std::string& why) {
    if (options_.is_quiet) {
        return;
    }
    std::string text = why + "; continue with:";
    for (const PartitionCursor& cursor : cursors_) {
        text += (cursors_.size() > 1 ? "\n  " : " ");
        text += "logboomctl read " + printable(options_.topic) + " -p "
              + std::to_string(cursor.partition) + " -o " + std::to_string(cursor.next);
    }
    output_.say(text + "\n");
}

ExitCode ReadCommand::finish() {
    if (is_output_closed_) {
        return ExitCode::success;
    }
    if (!std::ranges::all_of(cursors_, &PartitionCursor::is_done)) {
        say_where_to_continue(
            "partial: stopped at --max " + std::to_string(options_.records_max.value_or(0))
        );
        if (options_.is_strict) {
            return ExitCode::partial;
        }
    }
    if (has_skipped_) {
        return ExitCode::failed;
    }
    return shown_ == 0 && options_.should_fail_if_empty ? ExitCode::empty : ExitCode::success;
}

Task<Outcome<ExitCode>> ReadCommand::run() {
    LB_CO_CHECK(co_await find_cursors());
    while (!is_finished()) {
        auto fetched = co_await fetch_round();
        if (fetched.has_value() && needs_layout_) {
            needs_layout_ = false;
            fetched = Failure{
                .exit_code = ExitCode::unreachable,
                .what = "no leader for " + printable(topic_.name)};
        }
        if (fetched.has_value()) {
            failures_in_a_row_ = 0;
            continue;
        }
        Failure failure = fetched.error();
        auto recovered = co_await recover(std::move(failure));
        if (!recovered.has_value()) {
            [[maybe_unused]] const bool is_open = flush();
            if (recovered.error().exit_code == ExitCode::interrupted) {
                say_where_to_continue(std::to_string(shown_) + " shown");
            }
            co_return recovered.error();
        }
    }
    [[maybe_unused]] const bool is_open = flush();
    co_return finish();
}

}  // namespace logboom::ctl
