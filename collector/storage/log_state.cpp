// State snapshots of a log: taken, written, found again. A snapshot counts once the file, and its name, are
// on disk; then older ones may go.
#include "collector/storage/log.h"

#include <algorithm>
#include <utility>

namespace logboom::storage {

const SegmentFacts* Log::StateFound::facts_of(const Offset base_offset) const noexcept {
    const auto found = std::lower_bound(
        segments.begin(),
        segments.end(),
        base_offset,
        [](const SegmentFacts& facts, const Offset base) { return facts.base_offset < base; }
    );
    const bool is_there = found != segments.end() && found->base_offset == base_offset;
    return is_there ? &*found : nullptr;
}

Log::StateToWrite Log::capture_state(const LastSegment last_segment) const {
    std::vector<SegmentFacts> described;
    for (const SegmentPtr& segment : segments_) {
        if (segment != segments_.back() || last_segment == LastSegment::included) {
            described.push_back(segment->facts());
        }
    }
    StateSections sections;
    encode_segment_facts(described, sections.add(StateSectionId::segments));
    observer_.encode_state(written_end_, sections);
    StateToWrite state;
    state.offset = written_end_;
    state.describes_last_segment = last_segment == LastSegment::included;
    encode_state_snapshot(state.offset, sections, state.file);
    return state;
}

void Log::snapshot_soon() {
    if (has_failed_) {
        return;
    }
    captured_state_ = capture_state(LastSegment::left_out);
    if (!is_writing_state_) {
        is_writing_state_ = true;
        scope_.spawn(write_captured_states());
    }
}

Task<void> Log::write_captured_states() {
    while (captured_state_) {
        StateToWrite state = std::move(*captured_state_);
        captured_state_.reset();
        [[maybe_unused]] const Result<Ok> written = co_await write_state(std::move(state));
    }
    is_writing_state_ = false;
    quiet_.wake_all();
}

Task<Result<Ok>> Log::write_state(StateToWrite state) {
    if (state.offset == Offset(0)) {
        co_return Ok{};  // there is nothing to know
    }
    // Before the file exists all that it speaks of is on disk: it never is ahead of the log.
    LB_CO_CHECK(co_await wait_synced(state.offset - 1));
    const std::string path = path_of(state.offset, state_suffix);
    const Result<Ok> written = co_await env_.fs.replace_file(path, state.file.view());
    if (!written) {
        directory_.metrics().failed_snapshots.add();
        env_.log.warn(
            "a state snapshot could not be written; the one before stands, and nothing that only this "
            "one holds is deleted",
            {kv("file", quoted(path)), kv("error", to_string(written.error()))}
        );
        co_return written;
    }
    if (!std::binary_search(good_snapshots_.begin(), good_snapshots_.end(), state.offset)) {
        good_snapshots_.push_back(state.offset);
    }
    if (state.describes_last_segment) {
        described_end_ = state.offset;
    }
    if (std::exchange(accepted_lost_state_, false)) {
        [[maybe_unused]] const Result<Ok> removed =
            co_await env_.fs.unlink(path_ + "/" + std::string(accept_lost_state_name));
    }
    co_await prune_snapshots();
    co_return Ok{};
}

Task<void> Log::prune_snapshots() {
    std::vector<Offset> surplus = std::exchange(other_snapshots_, {});
    while (good_snapshots_.size() > limits::state_snapshots_kept) {
        surplus.push_back(good_snapshots_.front());
        good_snapshots_.erase(good_snapshots_.begin());
    }
    std::erase_if(surplus, [this](const Offset offset) {
        return std::binary_search(good_snapshots_.begin(), good_snapshots_.end(), offset);
    });
    for (const Offset offset : surplus) {
        // One that stays is a file too much and nothing else.
        [[maybe_unused]] const Result<Ok> removed =
            co_await env_.fs.unlink(path_of(offset, state_suffix));
    }
}

Task<Result<Ok>> Log::ensure_state_from(const Offset log_start) {
    while (is_writing_state_) {
        co_await quiet_.wait_uncancelled();
    }
    // One is needed. A second one is asked for where there can be one: what they say is nowhere else then.
    const bool could_be_more = good_snapshots_.empty() || good_snapshots_.back() < written_end_;
    if (could_be_more && good_snapshots_from(log_start) < 2) {
        snapshot_soon();
    }
    while (is_writing_state_) {
        co_await quiet_.wait_uncancelled();
    }
    if (good_snapshots_from(log_start) == 0) {
        env_.log.warn(
            "old segments are not deleted: what they say of agents and producers is in no state snapshot "
            "yet",
            {kv("partition", partition_dir_name(key_)), kv("log_start", log_start)}
        );
        co_return Error{ErrorCode::io, 0, "state snapshot before a deletion"};
    }
    co_return Ok{};
}

std::size_t Log::good_snapshots_from(const Offset offset) const {
    return static_cast<std::size_t>(std::count_if(
        good_snapshots_.begin(),
        good_snapshots_.end(),
        [offset](const Offset snapshot) { return snapshot >= offset; }
    ));
}

Task<Result<Log::StateFound>> Log::load_state(const Offset offset) {
    const std::string path = path_of(offset, state_suffix);
    LB_CO_TRY(
        const std::string file, co_await env_.fs.read_file(path, limits::state_file_bytes_max)
    );
    const Result<StateSections> sections = decode_state_snapshot(as_bytes(file), offset);
    if (!sections && sections.code() == ErrorCode::unsupported) {
        report_other_version(env_.log, path, as_bytes(file), state_snapshot_version);
    }
    if (!sections) {
        co_return sections.error();
    }
    StateFound found;
    found.offset = offset;
    LB_CO_TRY(
        std::vector<SegmentFacts> segments,
        decode_segment_facts(sections->bytes_of(StateSectionId::segments))
    );
    found.segments = std::move(segments);
    if (!found.segments.empty() && found.segments.back().end_offset > offset) {
        co_return Error{ErrorCode::malformed, 0, "segments of a state snapshot"};
    }
    LB_CO_CHECK(observer_.restore_state(*sections));
    co_return found;
}

}  // namespace logboom::storage
