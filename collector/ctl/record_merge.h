// Many partitions as one sequence by time, without ever changing the order within a partition.
//
// What a partition held when reading began is its backlog: of that a record is due when it is the earliest
// and no partition has more to bring that is already there. What arrives later is held for a moment (the
// window), because another partition's record may be earlier and yet arrive after it. One that arrives
// after a later one was shown is due at once, and marked late.
#pragma once

#include "collector/ctl/record_row.h"
#include "shared/base/time.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace logboom::ctl {

/// A record, kept beyond the batch that it came in. The topic's name outlives it.
class HeldRecord {
public:
    explicit HeldRecord(const RecordRow& row);

    [[nodiscard]] const RecordRow& row() const noexcept { return row_; }
    [[nodiscard]] RecordRow& row() noexcept { return row_; }
    [[nodiscard]] std::size_t size_bytes() const noexcept { return size_bytes_; }

private:
    std::size_t size_bytes_;
    std::unique_ptr<char[]> bytes_;  // key, value and headers, one behind the other
    RecordRow row_;
};

enum class Age : std::uint8_t { backlog, live };

class RecordMerge {
public:
    explicit RecordMerge(const Nanos window) noexcept : window_(window) {}

    /// A new partition, which has nothing yet. Returns its number: 0, 1, ...
    std::size_t add_source();
    /// The next record of a source, as it arrives.
    void push(std::size_t source, HeldRecord record, Age age, SteadyTime arrived);
    /// Whether a source has more that is already there: then nothing may overtake what it brings next.
    void set_behind(std::size_t source, bool is_behind);

    /// The next record, if one is due.
    [[nodiscard]] std::optional<HeldRecord> pop(SteadyTime now);
    /// The next record whether it is due or not, for an end that does not wait.
    [[nodiscard]] std::optional<HeldRecord> pop_any();
    /// When the next record will be due; nothing if that hangs on what arrives.
    [[nodiscard]] std::optional<SteadyTime> due_at() const;

    [[nodiscard]] std::size_t held_bytes(std::size_t source) const;
    /// The offset of the first record that a source holds; nothing if it holds none.
    [[nodiscard]] std::optional<std::int64_t> first_held(std::size_t source) const;
    [[nodiscard]] bool empty() const noexcept { return held_count_ == 0; }
    [[nodiscard]] std::size_t backlog_count() const noexcept { return backlog_count_; }

private:
    struct Waiting {
        HeldRecord record;
        Age age;
        SteadyTime due;
    };
    struct Source {
        std::deque<Waiting> queue;
        std::size_t held_bytes = 0;
        bool is_behind = false;
    };

    [[nodiscard]] std::optional<std::size_t> earliest() const;
    [[nodiscard]] bool is_blocked() const;
    [[nodiscard]] bool is_late(const Waiting& waiting) const;
    [[nodiscard]] HeldRecord take(Source& source);

    Nanos window_;
    std::deque<Source> sources_;
    std::size_t held_count_ = 0;
    std::size_t backlog_count_ = 0;
    std::optional<std::int64_t> last_time_;  // of what was handed out: the latest
};

}  // namespace logboom::ctl
