#include "collector/ctl/record_merge.h"

#include "shared/base/assert.h"

#include <algorithm>
#include <cstring>

namespace logboom::ctl {

namespace {

std::size_t size_of(const RecordRow& row) {
    std::size_t size = row.key.value_or(ByteView{}).size() + row.value.value_or(ByteView{}).size();
    for (const RowHeader& header : row.headers) {
        size += header.key.size() + header.value.value_or(ByteView{}).size();
    }
    return size;
}

/// Copies pieces one behind the other.
class Packer {
public:
    explicit Packer(char* const to) noexcept : to_(to) {}

    std::string_view copy(const std::string_view from) {
        char* const begin = to_;
        std::copy(from.begin(), from.end(), begin);
        to_ += from.size();
        return {begin, from.size()};
    }
    std::optional<ByteView> copy(const std::optional<ByteView>& from) {
        if (!from.has_value()) {
            return std::nullopt;
        }
        return as_bytes(copy(as_text(*from)));
    }

private:
    char* to_;
};

}  // namespace

HeldRecord::HeldRecord(const RecordRow& row)
    : size_bytes_(size_of(row))
    , bytes_(std::make_unique<char[]>(size_bytes_))
    , row_(row) {
    Packer packer(bytes_.get());
    row_.key = packer.copy(row.key);
    row_.value = packer.copy(row.value);
    for (RowHeader& header : row_.headers) {
        header.key = packer.copy(header.key);
        header.value = packer.copy(header.value);
    }
}

std::size_t RecordMerge::add_source() {
    sources_.emplace_back();
    return sources_.size() - 1;
}

void RecordMerge::push(
    const std::size_t source, HeldRecord record, const Age age, const SteadyTime arrived
) {
    LB_ASSERT(source < sources_.size());
    Source& to = sources_[source];
    const SteadyTime due = age == Age::backlog ? arrived : arrived + window_;
    to.held_bytes += record.size_bytes();
    to.queue.push_back(Waiting{std::move(record), age, due});
    ++held_count_;
    backlog_count_ += age == Age::backlog ? 1 : 0;
}

void RecordMerge::set_behind(const std::size_t source, const bool is_behind) {
    LB_ASSERT(source < sources_.size());
    sources_[source].is_behind = is_behind;
}

/// The source whose first record is the earliest of all; of equal ones the first source, so that equal times
/// come out in the same order again.
std::optional<std::size_t> RecordMerge::earliest() const {
    std::optional<std::size_t> found;
    std::int64_t found_time = 0;
    for (std::size_t i = 0; i < sources_.size(); ++i) {
        if (sources_[i].queue.empty()) {
            continue;
        }
        const std::int64_t time = sources_[i].queue.front().record.row().time_nanos();
        if (!found.has_value() || time < found_time) {
            found = i;
            found_time = time;
        }
    }
    return found;
}

bool RecordMerge::is_blocked() const {
    return std::ranges::any_of(sources_, [](const Source& source) {
        return source.is_behind && source.queue.empty();
    });
}

bool RecordMerge::is_late(const Waiting& waiting) const {
    return waiting.age == Age::live && last_time_.has_value()
        && waiting.record.row().time_nanos() < *last_time_;
}

HeldRecord RecordMerge::take(Source& source) {
    Waiting& first = source.queue.front();
    const bool was_late = is_late(first);
    HeldRecord record = std::move(first.record);
    record.row().is_late = was_late;
    --held_count_;
    backlog_count_ -= first.age == Age::backlog ? 1 : 0;
    source.held_bytes -= record.size_bytes();
    source.queue.pop_front();
    last_time_ = std::max(last_time_.value_or(INT64_MIN), record.row().time_nanos());
    return record;
}

std::optional<HeldRecord> RecordMerge::pop(const SteadyTime now) {
    if (held_count_ == 0 || is_blocked()) {
        return std::nullopt;
    }
    Source& source = sources_[earliest().value()];
    const Waiting& first = source.queue.front();
    if (first.due > now && !is_late(first)) {
        return std::nullopt;
    }
    return take(source);
}

std::optional<HeldRecord> RecordMerge::pop_any() {
    const std::optional<std::size_t> source = earliest();
    return source.has_value() ? std::optional(take(sources_[*source])) : std::nullopt;
}

std::optional<SteadyTime> RecordMerge::due_at() const {
    const std::optional<std::size_t> source = is_blocked() ? std::nullopt : earliest();
    return source.has_value() ? std::optional(sources_[*source].queue.front().due) : std::nullopt;
}

std::size_t RecordMerge::held_bytes(const std::size_t source) const {
    LB_ASSERT(source < sources_.size());
    return sources_[source].held_bytes;
}

std::optional<std::int64_t> RecordMerge::first_held(const std::size_t source) const {
    LB_ASSERT(source < sources_.size());
    const Source& from = sources_[source];
    return from.queue.empty() ? std::nullopt
                              : std::optional(from.queue.front().record.row().offset);
}

}  // namespace logboom::ctl
