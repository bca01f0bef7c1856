#include "agent/source/file/source_meters.h"

#include <algorithm>

namespace logboom::source {

namespace {

metrics::Gauge& files_gauge(metrics::Registry& registry, const char* const state) {
    return registry.gauge("logboom_agent_files", "Files by state.", {{"state", state}});
}

metrics::Counter& throttled_counter(
    metrics::Registry& registry, const FileInput& input, const char* const by
) {
    return registry.counter(
        "logboom_agent_throttled_seconds_total",
        "Time in which files of the input could have been read on.",
        {{"input", input.name}, {"by", by}}
    );
}

}  // namespace

// --- ThrottledTime -------------------------------------------------------------------------------

void ThrottledTime::begin(const SteadyTime now) noexcept {
    settle(now);
    ++waiting_;
}

void ThrottledTime::end(const SteadyTime now) noexcept {
    settle(now);
    --waiting_;
}

void ThrottledTime::settle(const SteadyTime now) noexcept {
    if (waiting_ != 0) {
        rest_ += now - since_;
        const auto whole = std::chrono::duration_cast<std::chrono::seconds>(rest_);
        seconds_.add(static_cast<std::uint64_t>(whole.count()));
        rest_ -= whole;
    }
    since_ = now;
}

// --- SourceMeters --------------------------------------------------------------------------------

SourceMeters::OfInput::OfInput(const FileInput& input, metrics::Registry& registry)
    : bytes_read(registry.counter(
        "logboom_agent_source_bytes_read_total", "Bytes read from files.", {{"input", input.name}}
    ))
    , bytes_behind(registry.gauge(
          "logboom_agent_source_bytes_behind",
          "Bytes of known files that are not acknowledged.",
          {{"input", input.name}}
      ))
    , seconds_behind(registry.gauge(
          "logboom_agent_source_seconds_behind",
          "Age of the oldest byte that is not acknowledged.",
          {{"input", input.name}}
      ))
    , throttled{
          ThrottledTime(throttled_counter(registry, input, "collector")),
          ThrottledTime(throttled_counter(registry, input, "memory")),
      } {}

SourceMeters::SourceMeters(
    Env& env, const std::vector<FileInput>& inputs, metrics::Registry& registry
)
    : env_(env)
    , open_(files_gauge(registry, "open"))
    , idle_(files_gauge(registry, "idle"))
    , rotated_(files_gauge(registry, "rotated"))
    , deleted_(files_gauge(registry, "deleted"))
    , pinned_bytes_(registry.gauge(
          "logboom_agent_pinned_deleted_bytes",
          "Bytes of files without a name that are not acknowledged: their disk space is ours."
      )) {
    for (const FileInput& input : inputs) {
        inputs_[&input] = std::make_unique<OfInput>(input, registry);
    }
    for (const LossReason reason : {LossReason::truncated_unread, LossReason::vanished_unread}) {
        const char* const label = to_string(reason);
        Lost& counters = lost_[static_cast<std::size_t>(reason)];
        counters.bytes = &registry.counter(
            "logboom_agent_loss_bytes_total",
            "Bytes that will not be delivered.",
            {{"reason", label}}
        );
        counters.events = &registry.counter(
            "logboom_agent_loss_events_total",
            "Records that will not be delivered, at least; a destroyed range of a file counts as one.",
            {{"reason", label}}
        );
    }
}

void SourceMeters::lost(const LossReason reason, const std::uint64_t bytes) {
    if (bytes != 0) {
        const Lost& counters = lost_[static_cast<std::size_t>(reason)];
        counters.bytes->add(bytes);
        counters.events->add();
    }
}

void SourceMeters::begin_wait(Stream& stream, const ThrottledBy by) {
    if (stream.throttled_by != by) {
        end_wait(stream);
        stream.throttled_by = by;
        of(stream.input).throttled[static_cast<std::size_t>(by)].begin(env_.clock.now());
    }
}

void SourceMeters::end_wait(Stream& stream) {
    if (const auto by = std::exchange(stream.throttled_by, std::nullopt)) {
        of(stream.input).throttled[static_cast<std::size_t>(*by)].end(env_.clock.now());
    }
}

void SourceMeters::refresh(const StreamTable& streams) {
    const SteadyTime now = env_.clock.now();
    struct Behind {
        std::uint64_t bytes = 0;
        Nanos age{};
    };
    std::map<const FileInput*, Behind> behind;
    std::size_t open = 0;
    std::size_t idle = 0;
    std::size_t rotated = 0;
    std::size_t deleted = 0;
    std::uint64_t pinned = 0;
    for (const auto& [uid, stream] : streams.all()) {
        const bool is_rotated = stream->state == StreamState::rotated;
        const bool is_deleted = is_rotated && stream->is_unlinked;
        open += stream->file != nullptr ? 1U : 0U;
        idle += stream->state == StreamState::active && stream->file == nullptr ? 1U : 0U;
        rotated += is_rotated ? 1U : 0U;
        deleted += is_deleted ? 1U : 0U;
        pinned += is_deleted ? stream->lag.bytes() : 0;
        if (stream->state != StreamState::gone) {
            Behind& of_input = behind[&stream->input];
            of_input.bytes += stream->lag.bytes();
            of_input.age = std::max(of_input.age, stream->lag.age(now));
        }
    }
    open_.set(static_cast<double>(open));
    idle_.set(static_cast<double>(idle));
    rotated_.set(static_cast<double>(rotated));
    deleted_.set(static_cast<double>(deleted));
    pinned_bytes_.set(static_cast<double>(pinned));
    for (const auto& [input, meters] : inputs_) {
        meters->bytes_behind.set(static_cast<double>(behind[input].bytes));
        meters->seconds_behind.set(std::chrono::duration<double>(behind[input].age).count());
        for (ThrottledTime& throttled : meters->throttled) {
            throttled.settle(now);
        }
    }
}

}  // namespace logboom::source
