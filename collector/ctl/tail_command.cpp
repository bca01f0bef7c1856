#include "collector/ctl/tail_command.h"

#include "collector/ctl/printable.h"
#include "collector/ctl/suggest.h"

#include <algorithm>
#include <set>

namespace logboom::ctl {

namespace {

using kafka::KafkaError;

/// Output is written in pieces of this size while records flow.
constexpr std::size_t pending_bytes_max = 64u << 10;
/// Held for the merge, over all partitions; each has its share.
constexpr std::int32_t held_bytes_max = 64 << 20;
constexpr std::int32_t partition_bytes_least = 16 << 10;
constexpr std::int32_t partition_bytes_most = 1 << 20;
/// A Fetch waits this long for records when there is one leader; with several they take turns.
constexpr Millis wait_alone = 500ms;
constexpr Millis wait_in_turn = 100ms;
/// How often new topics and partitions are looked for.
constexpr Nanos refresh_interval = 5s;
/// How soon a partition that could not be read is tried again; as much later each time.
constexpr Nanos layout_pause = 200ms;
/// The longest pause between two tries to find the cluster again.
constexpr Nanos pause_most = 5s;
/// A read that is to end is not tried for ever. After as many failures of one partition it is time to say so.
constexpr std::uint32_t failures_max = 10;

constexpr std::string_view own_prefix = "lb.";

bool is_glob(const std::string& text) {
    return text.find_first_of("*?[") != std::string::npos;
}

Failure interrupted() {
    return Failure{.exit_code = ExitCode::interrupted, .what = "interrupted"};
}

}  // namespace

bool follows(const std::vector<std::string>& patterns, const TopicLayout& topic) {
    const bool is_own = topic.is_internal || topic.name.starts_with(own_prefix);
    if (patterns.empty()) {
        return !is_own;
    }
    return std::ranges::any_of(patterns, [&](const std::string& pattern) {
        const bool may_be_own = !is_glob(pattern) || pattern.starts_with(own_prefix);
        return (may_be_own || !is_own) && matches_glob(pattern, topic.name);
    });
}

// Which partitions

TailCommand::Source* TailCommand::source_of(
    const std::string_view topic, const std::int32_t partition
) noexcept {
    const auto found = std::ranges::find_if(sources_, [&](const Source& source) {
        return source.topic == topic && source.cursor.partition == partition && !source.is_gone;
    });
    return found == sources_.end() ? nullptr : &*found;
}

const PartitionLayout* TailCommand::layout_of(const Source& source) const noexcept {
    const auto topic = topics_.find(source.topic);
    return topic == topics_.end() ? nullptr : topic->second.find(source.cursor.partition);
}

bool TailCommand::is_led(const Source& source) const noexcept {
    const PartitionLayout* const layout = layout_of(source);
    return layout != nullptr && layout->leader_id >= 0;
}

std::string TailCommand::place_of(const Source& source) const {
    const std::string name = printable(source.topic) + "/"
                           + std::to_string(source.cursor.partition);
    return source.has_start ? name + "@" + std::to_string(source.cursor.next) : name;
}

Outcome<Ok> TailCommand::check_named_topics(const std::vector<TopicLayout>& all) const {
    std::vector<std::string> names;
    std::ranges::transform(all, std::back_inserter(names), &TopicLayout::name);
    for (const std::string& pattern : options_.topics) {
        const auto matches = [&](const std::string& name) { return matches_glob(pattern, name); };
        if (std::ranges::any_of(names, matches)) {
            continue;
        }
        Failure failure{.exit_code = ExitCode::not_found, .hint = "logboomctl topic list"};
        failure.what = is_glob(pattern) ? "no topic matches '" + printable(pattern) + "'"
                                        : "topic '" + printable(pattern) + "' does not exist";
        const std::vector<std::string> near = nearest_names(pattern, names);
        if (!near.empty()) {
            failure.what += "; did you mean '" + printable(near.front()) + "'?";
        }
        return failure;
    }
    return Ok{};
}

Task<Outcome<Ok>> TailCommand::find_first_sources() {
    LB_CO_TRY(const std::vector<TopicLayout> all, co_await cluster_.topics());
    LB_CO_CHECK(check_named_topics(all));
    for (const TopicLayout& topic : all) {
        if (!follows(options_.topics, topic)) {
            continue;
        }
        // A broker that is asked for one topic tries anew to open what it has of it.
        LB_CO_TRY(TopicLayout layout, co_await cluster_.topic(topic.name));
        LB_CO_CHECK(co_await follow_topic(std::move(layout), true));
    }
    if (sources_.empty() && options_.topics.empty() && !options_.should_exit_at_end) {
        say("note: there is no topic yet; waiting for one\n");
    }
    refresh_at_ = env_.clock.now() + refresh_interval;
    say_who_is_unled();
    co_return Ok{};
}

/// At the beginning: one partition without a leader must not keep anybody from the others.
void TailCommand::say_who_is_unled() {
    std::string names;
    for (Source& source : sources_) {
        if (!is_led(source)) {
            names += (names.empty() ? "" : ", ") + place_of(source);
            source.is_failure_told = true;
            bear_failure(source, to_string(KafkaError::leader_not_available));
        }
    }
    if (!names.empty()) {
        say("note: nobody leads " + names + "; followed once somebody does\n");
    }
}

Task<Outcome<Ok>> TailCommand::refresh() {
    LB_CO_TRY(const std::vector<TopicLayout> all, co_await cluster_.topics());
    drop_gone_topics(all);
    refresh_at_ = env_.clock.now() + refresh_interval;
    for (Source& source : sources_) {
        source.needs_leader = false;
    }
    for (const TopicLayout& topic : all) {
        if (follows(options_.topics, topic)) {
            TopicLayout layout = topic;
            LB_CO_CHECK(co_await follow_topic(std::move(layout), false));
        }
    }
    for (Source& source : sources_) {
        if (!source.is_over() && !is_led(source)) {
            bear_failure(source, to_string(KafkaError::leader_not_available));
        }
    }
    co_return Ok{};
}

void TailCommand::ask_for_layout_within(const Nanos pause) {
    refresh_at_ = std::min(refresh_at_, env_.clock.now() + pause);
}

/// Gone is a topic whose name is missing, or means another topic now.
void TailCommand::drop_gone_topics(const std::vector<TopicLayout>& all) {
    std::set<std::string> gone;
    for (Source& source : sources_) {
        const auto found = std::ranges::find(all, source.topic, &TopicLayout::name);
        const bool is_same = found != all.end() && found->id == topics_[source.topic].id;
        if (!source.is_gone && !is_same) {
            source.is_gone = true;
            merge_.set_behind(source.number, false);
            gone.insert(source.topic);
        }
    }
    for (const std::string& topic : gone) {
        say("note: topic '" + printable(topic) + "' was deleted\n");
    }
}

Task<Outcome<Ok>> TailCommand::follow_topic(TopicLayout layout, const bool is_first) {
    const std::string name = layout.name;
    TopicLayout& topic = topics_[name];
    topic = std::move(layout);
    std::vector<std::int32_t> first;
    std::vector<std::int32_t> added;
    for (const PartitionLayout& partition : topic.partitions) {
        const bool is_chosen = options_.partitions.empty()
                            || std::ranges::count(options_.partitions, partition.index) > 0;
        if (!is_chosen) {
            continue;
        }
        const Source* source = source_of(name, partition.index);
        if (source == nullptr) {
            source = &add_source(name, partition.index, is_first);
        }
        if (!source->has_start && !source->is_over() && is_led(*source)) {
            (source->is_new ? added : first).push_back(partition.index);
        }
    }
    // What appears later is new and read from its beginning; what only lacked a leader is not.
    const OffsetSpec of_first = first_spec();
    const OffsetSpec whole;
    LB_CO_CHECK(co_await find_starts(topic, std::move(first), of_first, is_first));
    LB_CO_CHECK(co_await find_starts(topic, std::move(added), whole, is_first));
    co_return Ok{};
}

TailCommand::Source& TailCommand::add_source(
    const std::string& topic, const std::int32_t partition, const bool is_first
) {
    Source& source = sources_.emplace_back();
    source.number = merge_.add_source();
    source.topic = topic;
    source.cursor.partition = partition;
    source.is_new = !is_first;
    return source;
}

/// What is not in the cursor of a run before is new and read from its beginning.
OffsetSpec TailCommand::first_spec() const {
    if (!options_.cursor.empty()) {
        return OffsetSpec();
    }
    const OffsetPoint last{OffsetPoint::Kind::before_end, static_cast<std::int64_t>(options_.last)};
    return options_.offsets.value_or(OffsetSpec{last, std::nullopt});
}

Task<Outcome<Ok>> TailCommand::find_starts(
    const TopicLayout& topic,
    std::vector<std::int32_t> partitions,
    const OffsetSpec spec,
    const bool is_first
) {
    if (partitions.empty()) {
        co_return Ok{};
    }
    const auto ranges = co_await find_ranges(cluster_, topic, partitions, spec);
    if (!ranges.has_value() && !is_first && ranges.error().exit_code == ExitCode::failed) {
        // One that has become leader a moment ago may refuse yet; the rest of the tail goes on meanwhile.
        for (const std::int32_t partition : partitions) {
            bear_failure(*source_of(topic.name, partition), ranges.error().what);
        }
        co_return Ok{};
    }
    if (!ranges.has_value()) {
        co_return ranges.error();
    }
    for (const PartitionRange& range : *ranges) {
        start(*source_of(topic.name, range.partition), range, is_first);
    }
    co_return Ok{};
}

void TailCommand::start(Source& source, const PartitionRange& range, const bool is_first) {
    source.has_start = true;
    source.cursor.next = range.from;
    source.cursor.stop = range.until;
    const auto known = options_.cursor.find({source.topic, range.partition});
    if (known != options_.cursor.end()) {
        source.cursor.next = known->second;
    }
    if (options_.should_exit_at_end) {
        const std::int64_t end = range.offsets.end;
        source.cursor.stop = std::min(range.until.value_or(end), end);
    }
    source.backlog_end = is_first ? range.offsets.end : range.from;
    const bool is_behind = source.cursor.next < source.backlog_end && !source.cursor.is_done();
    merge_.set_behind(source.number, is_behind);
}

// Reading

std::int32_t TailCommand::partition_bytes() const noexcept {
    const auto count = static_cast<std::int32_t>(std::max<std::size_t>(1, sources_.size()));
    return std::clamp(held_bytes_max / count, partition_bytes_least, partition_bytes_most);
}

bool TailCommand::wants_more(const Source& source) const noexcept {
    const auto limit = static_cast<std::size_t>(partition_bytes());
    return !source.is_over() && source.has_start && !source.needs_leader
        && merge_.held_bytes(source.number) < limit;
}

/// Until a record is due, or a while.
std::int32_t TailCommand::wait_ms(const std::size_t leaders_count) const {
    Nanos wait = leaders_count > 1 ? wait_in_turn : wait_alone;
    if (const auto due = merge_.due_at(); due.has_value()) {
        const Nanos left = *due - env_.clock.now();
        wait = std::clamp(left, Nanos::zero(), wait);
    } else if (!is_backlog_read()) {
        wait = Nanos::zero();  // it is there already
    }
    return static_cast<std::int32_t>(std::chrono::ceil<Millis>(wait).count());
}

Task<Outcome<Ok>> TailCommand::round() {
    std::set<std::int32_t> leaders;
    for (const Source& source : sources_) {
        const PartitionLayout* const layout = layout_of(source);
        if (wants_more(source) && layout != nullptr && layout->leader_id >= 0) {
            leaders.insert(layout->leader_id);
        }
    }
    for (const std::int32_t leader_id : leaders) {
        LB_CO_CHECK(co_await fetch_from_leader(leader_id, wait_ms(leaders.size())));
        show_due();
        if (is_finished()) {
            co_return Ok{};
        }
    }
    if (leaders.empty()) {  // all is held, or nobody leads
        const Nanos pause = Millis(std::max(1, wait_ms(1)));
        const auto slept = co_await env_.sleep(pause);
        if (!slept.has_value()) {
            co_return interrupted();
        }
        show_due();
    }
    const std::vector<std::size_t> trimmed = std::exchange(trimmed_, {});
    for (const std::size_t number : trimmed) {
        LB_CO_CHECK(co_await skip_trimmed(number));
    }
    co_return Ok{};
}

Task<Outcome<Ok>> TailCommand::fetch_from_leader(
    const std::int32_t leader_id, const std::int32_t wait_ms
) {
    std::vector<FetchWish> wishes;
    for (const Source& source : sources_) {
        const PartitionLayout* const layout = layout_of(source);
        if (wants_more(source) && layout != nullptr && layout->leader_id == leader_id) {
            const TopicLayout& topic = topics_.find(source.topic)->second;
            wishes.push_back(FetchWish{&topic, source.cursor.partition, source.cursor.next});
        }
    }
    FetchLimits limits;
    limits.wait_ms = wait_ms;
    limits.partition_bytes = partition_bytes();
    LB_CO_TRY(
        const Fetched fetched, co_await fetch_from(cluster_, leader_id, std::move(wishes), limits)
    );
    for (const FetchedPartition& partition : fetched.partitions) {
        Source* const source = source_of(partition.topic->name, partition.partition);
        if (source != nullptr) {
            LB_CO_CHECK(take(partition, *source));
        }
    }
    co_return Ok{};
}

Outcome<Ok> TailCommand::take(const FetchedPartition& fetched, Source& source) {
    const std::size_t number = source.number;
    if (fetched.error == KafkaError::offset_out_of_range) {
        merge_.set_behind(number, false);  // the others need not wait for it
        trimmed_.push_back(number);
        return Ok{};
    }
    if (fetched.error == KafkaError::corrupt_message) {
        // Kafka's clients try again on this, but what lies damaged on a disk stays so.
        leave_out(source, to_string(fetched.error));
        return Ok{};
    }
    if (kafka::is_retriable(fetched.error)) {
        bear_failure(source, to_string(fetched.error));
        return Ok{};
    }
    const std::string where = printable(source.topic) + "/" + std::to_string(fetched.partition);
    if (fetched.error != KafkaError::none) {
        return failure_of(fetched.error, "cannot fetch " + where);
    }
    end_failures(source);
    const SteadyTime now = env_.clock.now();
    const TakeRow take_row = [&](const RecordRow& row) {
        ++read_;
        if (options_.filter->matches(row)) {
            const Age age = row.offset < source.backlog_end ? Age::backlog : Age::live;
            merge_.push(number, HeldRecord(row), age, now);
        }
        return true;
    };
    const TellSkipped tell_skipped = [&](const record::BatchHeader& batch, const Error& error) {
        has_skipped_ = true;
        output_.say(
            "warning: skipped " + where + "@" + std::to_string(batch.base_offset.value) + ":"
            + std::to_string(batch.end_offset().value) + ": " + to_string(error) + "\n"
        );
    };
    const auto& name = topics_.find(source.topic)->first;
    const auto walked = walk_records(name, fetched.records, source.cursor, take_row, tell_skipped);
    if (!walked.has_value()) {
        return Failure{
            .what = where + "@" + std::to_string(source.cursor.next)
                  + " is no record batch: " + to_string(walked.error())};
    }
    merge_.set_behind(
        number, source.cursor.next < fetched.high_watermark && !source.cursor.is_done()
    );
    return Ok{};
}

/// A partition cannot be read now. The others wait for it no longer, and what it brings later counts as
/// arriving then. It is tried again, but not for ever by a read that is to end.
void TailCommand::bear_failure(Source& source, const std::string& why) {
    merge_.set_behind(source.number, false);
    source.backlog_end = source.cursor.next;
    source.needs_leader = true;
    ++source.failures_in_a_row;
    ask_for_layout_within(layout_pause * source.failures_in_a_row);
    if (source.failures_in_a_row <= failures_max) {
        return;
    }
    if (has_end()) {
        leave_out(source, why);
    } else if (!std::exchange(source.is_failure_told, true)) {
        say("note: " + place_of(source) + " cannot be read: " + why + "; trying again\n");
    }
}

void TailCommand::end_failures(Source& source) {
    source.failures_in_a_row = 0;
    if (std::exchange(source.is_failure_told, false)) {
        say("note: " + place_of(source) + " can be read now\n");
    }
}

void TailCommand::leave_out(Source& source, const std::string& why) {
    merge_.set_behind(source.number, false);
    source.is_left_out = true;
    has_skipped_ = true;
    output_.say(
        "warning: " + place_of(source) + " cannot be read: " + why + "; the partition is left out\n"
    );
}

Task<Outcome<Ok>> TailCommand::skip_trimmed(const std::size_t number) {
    Source& source = sources_[number];
    const TopicLayout& topic = topics_.find(source.topic)->second;
    const std::int32_t partition = source.cursor.partition;
    LB_CO_TRY(const std::int64_t log_start, co_await first_offset_of(cluster_, topic, partition));
    const std::string where = printable(source.topic) + "/" + std::to_string(partition) + "@"
                            + std::to_string(source.cursor.next);
    const bool was_trimmed = log_start > source.cursor.next;
    output_.say(
        was_trimmed ? "warning: " + where + ":" + std::to_string(log_start)
                          + " was removed by retention before it was read\n"
                    : "warning: " + where
                          + " is not there; the log was cut or made anew, and is "
                            "read from its beginning\n"
    );
    has_skipped_ = true;
    source.cursor.next = log_start;
    co_return Ok{};
}

/// After a failure that may pass: what is held is shown when it is due, nothing waits for partitions that
/// cannot be read, and the cluster is looked for again.
Task<Outcome<Ok>> TailCommand::wait_for_better(Failure failure) {
    const bool may_pass = failure.exit_code == ExitCode::unreachable
                       || failure.exit_code == ExitCode::timed_out;
    ++failures_in_a_row_;
    if (!may_pass || (options_.should_exit_at_end && failures_in_a_row_ > failures_max)) {
        co_return failure;
    }
    if (failures_in_a_row_ == 1) {
        say("note: " + failure.what + "; trying again\n");
    }
    for (const Source& source : sources_) {
        merge_.set_behind(source.number, false);
    }
    const SteadyTime until = env_.clock.now()
                           + std::min<Nanos>(200ms * failures_in_a_row_, pause_most);
    while (env_.clock.now() < until && !is_finished()) {
        const auto slept = co_await env_.sleep(50ms);
        if (!slept.has_value()) {
            co_return interrupted();
        }
        show_due();
    }
    refresh_at_ = env_.clock.now();
    co_return Ok{};
}

// Showing

bool TailCommand::is_backlog_read() const {
    return std::ranges::all_of(sources_, [](const Source& source) {
        return source.is_over() || source.cursor.next >= source.backlog_end;
    });
}

void TailCommand::show_due() {
    while (!is_enough() && !is_output_closed_) {
        std::optional<HeldRecord> record = merge_.pop(env_.clock.now());
        if (!record.has_value()) {
            break;
        }
        if (holds_last_) {
            last_.push_back(std::move(*record));
            if (last_.size() > options_.last) {
                last_.pop_front();
            }
        } else {
            show(*record);
        }
    }
    if (holds_last_ && is_backlog_read() && merge_.backlog_count() == 0) {
        show_last();
    }
}

void TailCommand::show_last() {
    holds_last_ = false;
    for (const HeldRecord& record : last_) {
        show(record);
    }
    last_.clear();
}

void TailCommand::show(const HeldRecord& record) {
    format_.append(record.row(), pending_);
    ++shown_;
    if (pending_.size() >= pending_bytes_max) {
        [[maybe_unused]] const bool is_open = flush();
    }
}

bool TailCommand::flush() {
    if (!pending_.empty() && !output_.write(pending_)) {
        is_output_closed_ = true;
    }
    pending_.clear();
    return !is_output_closed_;
}

bool TailCommand::is_enough() const noexcept {
    return options_.records_max.has_value() && shown_ >= *options_.records_max;
}

bool TailCommand::is_finished() const {
    const bool is_all = std::ranges::all_of(sources_, &Source::is_over);
    return is_enough() || is_output_closed_
        || (is_all && !holds_last_ && merge_.empty() && !may_get_topics());
}

/// Whether topics that do not exist yet would be followed.
bool TailCommand::may_get_topics() const {
    return !has_end() && (options_.topics.empty() || std::ranges::any_of(options_.topics, is_glob));
}

bool TailCommand::has_end() const noexcept {
    return options_.should_exit_at_end
        || (options_.offsets.has_value() && options_.offsets->until.has_value());
}

TailCursor TailCommand::cursor_now() const {
    TailCursor cursor;
    for (const Source& source : sources_) {
        if (source.is_gone) {
            continue;
        }
        const std::pair key(source.topic, source.cursor.partition);
        const auto known = options_.cursor.find(key);
        if (source.has_start) {
            cursor[key] = merge_.first_held(source.number).value_or(source.cursor.next);
        } else if (known != options_.cursor.end()) {
            cursor.insert(*known);  // nobody has led it since
        }
    }
    return cursor;
}

void TailCommand::say(const std::string& text) {
    if (!options_.is_quiet) {
        output_.say(text);
    }
}

void TailCommand::say_where_to_continue(const std::string& why) {
    say(why + "; to go on from here: --cursor " + to_string(cursor_now()) + "\n");
}

ExitCode TailCommand::finish() {
    if (is_output_closed_) {
        return ExitCode::success;
    }
    if (is_enough() && (!merge_.empty() || !options_.should_exit_at_end || !is_backlog_read())) {
        say_where_to_continue("partial: stopped at --max " + std::to_string(shown_));
        if (options_.is_strict) {
            return ExitCode::partial;
        }
    }
    const bool is_all_gone = std::ranges::all_of(sources_, &Source::is_gone);
    if (!sources_.empty() && is_all_gone) {
        return ExitCode::not_found;
    }
    if (has_skipped_) {
        return ExitCode::failed;
    }
    return shown_ == 0 && options_.should_fail_if_empty ? ExitCode::empty : ExitCode::success;
}

Task<Outcome<ExitCode>> TailCommand::run() {
    LB_CO_CHECK(co_await find_first_sources());
    while (!is_finished()) {
        Outcome<Ok> went = Ok{};
        if (env_.clock.now() >= refresh_at_) {
            went = co_await refresh();
        }
        if (went.has_value()) {
            went = co_await round();
        }
        [[maybe_unused]] const bool is_open = flush();
        if (went.has_value()) {
            if (failures_in_a_row_ > 0) {
                say("note: reading again\n");
                failures_in_a_row_ = 0;
            }
            continue;
        }
        Failure failure = went.error();
        if (failure.exit_code != ExitCode::interrupted) {
            Outcome<Ok> better = co_await wait_for_better(std::move(failure));
            if (better.has_value()) {
                continue;
            }
            failure = better.error();
        }
        if (failure.exit_code == ExitCode::interrupted) {
            show_last();
            while (const std::optional<HeldRecord> record = merge_.pop_any()) {
                show(*record);
            }
            if (flush()) {
                say_where_to_continue(
                    std::to_string(shown_) + " shown of " + std::to_string(read_) + " read"
                );
            }
        }
        co_return failure;
    }
    [[maybe_unused]] const bool is_open = flush();
    co_return finish();
}

}  // namespace logboom::ctl
