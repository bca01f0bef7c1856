#include "collector/ctl/read_command.h"

#include "collector/ctl/fetch.h"
#include "collector/ctl/printable.h"

#include <algorithm>
#include <set>

namespace logboom::ctl {

namespace {

using kafka::KafkaError;

/// Output is written in pieces of this size while records flow.
constexpr std::size_t pending_bytes_max = 64u << 10;
/// Fetches, or tries to find a leader, that may fail one after the other.
constexpr std::uint32_t failures_max = 10;
/// A Fetch waits this long for records when there is one leader; with several they take turns.
constexpr std::int32_t wait_ms_alone = 500;
constexpr std::int32_t wait_ms_in_turn = 100;

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

Outcome<Ok> ReadCommand::check_range(const PartitionRange& range) {
    const OffsetPoint& from = options_.offsets.from;
    if (from.kind != OffsetPoint::Kind::absolute) {
        return Ok{};
    }
    const std::string where = printable(topic_.name) + "/" + std::to_string(range.partition);
    if (range.from > range.offsets.end && !options_.offsets.until.has_value()) {
        return Failure{
            .exit_code = ExitCode::not_found,
            .what = "offset " + std::to_string(range.from) + " of " + where
                  + " is out of range; available: " + std::to_string(range.offsets.log_start) + ":"
                  + std::to_string(range.offsets.end)};
    }
    if (from.number < range.offsets.log_start) {
        output_.say(
            "note: " + where + " begins at " + std::to_string(range.from)
            + "; older records were removed by retention\n"
        );
    }
    return Ok{};
}

Task<Outcome<Ok>> ReadCommand::find_cursors() {
    LB_CO_TRY(topic_, co_await cluster_.led_topic(options_.topic, options_.partitions));
    LB_CO_TRY(std::vector<std::int32_t> partitions, chosen_partitions());
    LB_CO_TRY(
        const std::vector<PartitionRange> ranges,
        co_await find_ranges(cluster_, topic_, std::move(partitions), options_.offsets)
    );
    for (const PartitionRange& range : ranges) {
        LB_CO_CHECK(check_range(range));
        PartitionCursor cursor{.partition = range.partition, .next = range.from};
        cursor.stop = range.until;
        if (options_.should_exit_at_end) {
            cursor.stop = std::min(range.until.value_or(range.offsets.end), range.offsets.end);
        }
        cursors_.push_back(cursor);
    }
    co_return Ok{};
}

bool ReadCommand::flush() {
    if (!pending_.empty() && !output_.write(pending_)) {
        is_output_closed_ = true;
    }
    pending_.clear();
    return !is_output_closed_;
}

bool ReadCommand::take_row(const RecordRow& row) {
    if (!options_.filter->matches(row)) {
        return true;
    }
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

/// Kafka's clients try again on this error, but what lies damaged on a disk stays so.
Failure ReadCommand::damage_at(const PartitionCursor& cursor) const {
    const std::string name = printable(topic_.name);
    const std::string partition = std::to_string(cursor.partition);
    return Failure{
        .what = name + "/" + partition + "@" + std::to_string(cursor.next)
              + " is damaged on the broker's disk; its log says where",
        .hint = "logboomctl read " + name + " -p " + partition
              + " -o OFFSET with one behind the damage, or -p with other partitions"};
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

Task<Outcome<Ok>> ReadCommand::read_from_leader(
    const std::int32_t leader_id, const std::int32_t wait_ms
) {
    std::vector<FetchWish> wishes;
    for (const PartitionCursor& cursor : cursors_) {
        const PartitionLayout* const layout = topic_.find(cursor.partition);
        if (layout != nullptr && layout->leader_id == leader_id && !cursor.is_done()) {
            wishes.push_back(FetchWish{&topic_, cursor.partition, cursor.next});
        }
    }
    FetchLimits limits;
    limits.wait_ms = wait_ms;
    LB_CO_TRY(
        const Fetched fetched, co_await fetch_from(cluster_, leader_id, std::move(wishes), limits)
    );
    for (const FetchedPartition& partition : fetched.partitions) {
        PartitionCursor* const cursor = cursor_of(partition.partition);
        if (cursor == nullptr || is_finished()) {
            continue;
        }
        if (partition.error == KafkaError::offset_out_of_range) {
            trimmed_.push_back(cursor->partition);
        } else if (partition.error == KafkaError::corrupt_message) {
            co_return damage_at(*cursor);
        } else if (kafka::is_retriable(partition.error)) {
            needs_layout_ = true;
        } else if (partition.error != KafkaError::none) {
            co_return failure_of(
                partition.error,
                "cannot fetch " + printable(topic_.name) + "/" + std::to_string(cursor->partition)
            );
        } else {
            LB_CO_CHECK(take_records(*cursor, partition.records));
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
    const std::int32_t wait_ms = leaders.size() > 1 ? wait_ms_in_turn : wait_ms_alone;
    for (const std::int32_t leader_id : leaders) {
        LB_CO_CHECK(co_await read_from_leader(leader_id, wait_ms));
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
    LB_CO_TRY(const std::int64_t log_start, co_await first_offset_of(cluster_, topic_, partition));
    PartitionCursor* const cursor = cursor_of(partition);
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

/// The offsets of one topic mean nothing in another that has its name.
Outcome<Ok> ReadCommand::take_layout(TopicLayout layout) {
    const bool has_all = std::ranges::all_of(cursors_, [&layout](const PartitionCursor& cursor) {
        return layout.find(cursor.partition) != nullptr;
    });
    if (layout.id != topic_.id || !has_all) {
        const std::string name = printable(options_.topic);
        return Failure{
            .exit_code = ExitCode::not_found,
            .what = "topic '" + name + "' was deleted and made anew while it was read",
            .hint = "logboomctl read " + name + " -o start"};
    }
    topic_ = std::move(layout);
    return Ok{};
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
    std::vector<std::int32_t> unread;
    for (const PartitionCursor& cursor : cursors_) {
        if (!cursor.is_done()) {
            unread.push_back(cursor.partition);
        }
    }
    auto layout = co_await cluster_.led_topic(options_.topic, std::move(unread));
    if (layout.has_value()) {
        co_return take_layout(std::move(*layout));
    }
    if (layout.error().exit_code == ExitCode::not_found) {
        co_return layout.error();
    }
    co_return Ok{};  // what is known is tried again
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
