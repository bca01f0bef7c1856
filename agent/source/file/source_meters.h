// What the file source counts and shows per input and per reason (O1).
#pragma once

#include "agent/source/file/stream_table.h"
#include "shared/metrics/registry.h"

#include <array>
#include <map>
#include <memory>
#include <vector>

namespace logboom::source {

/// Seconds in which at least one stream of an input waited for the same thing.
class ThrottledTime {
public:
    explicit ThrottledTime(metrics::Counter& seconds) noexcept : seconds_(seconds) {}

    void begin(SteadyTime now) noexcept;
    void end(SteadyTime now) noexcept;
    /// Counts what has passed until now.
    void settle(SteadyTime now) noexcept;

private:
    metrics::Counter& seconds_;
    std::size_t waiting_ = 0;
    SteadyTime since_{};
    Nanos rest_{};  // less than a second, not counted yet
};

class SourceMeters {
public:
    SourceMeters(Env& env, const std::vector<FileInput>& inputs, metrics::Registry& registry);

    void read(const FileInput& input, const std::uint64_t bytes) {
        of(input).bytes_read.add(bytes);
    }
    /// How many records they would have been nobody knows: one at least.
    void lost(LossReason reason, std::uint64_t bytes);
    /// The stream can be read on, but waits for `by`.
    void begin_wait(Stream& stream, ThrottledBy by);
    void end_wait(Stream& stream);

    /// Looks at every stream; for when somebody asks.
    void refresh(const StreamTable& streams);

private:
    struct OfInput {
        OfInput(const FileInput& input, metrics::Registry& registry);

        metrics::Counter& bytes_read;
        metrics::Gauge& bytes_behind;
        metrics::Gauge& seconds_behind;
        std::array<ThrottledTime, 2> throttled;
    };
    struct Lost {
        metrics::Counter* bytes = nullptr;
        metrics::Counter* events = nullptr;
    };

    [[nodiscard]] OfInput& of(const FileInput& input) { return *inputs_.at(&input); }

    Env& env_;
    std::map<const FileInput*, std::unique_ptr<OfInput>> inputs_;
    std::array<Lost, 2> lost_;
    metrics::Gauge& open_;
    metrics::Gauge& idle_;
    metrics::Gauge& rotated_;
    metrics::Gauge& deleted_;
    metrics::Gauge& pinned_bytes_;
};

}  // namespace logboom::source
