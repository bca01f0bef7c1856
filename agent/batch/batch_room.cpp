#include "agent/batch/batch_room.h"

#include "agent/batch/batcher.h"

#include <algorithm>

namespace logboom::batch {

BatchRoom::BatchRoom(
    Env& env,
    BatchOptions options,
    const KeyedHash hash,
    ship::Outlet& outlet,
    ship::MemoryBudget& memory,
    metrics::Registry& registry
)
    : env_(env)
    , options_(std::move(options))
    , hash_(hash)
    , outlet_(outlet)
    , memory_(memory)
    , registry_(registry)
    , scratch_held_(memory, ship::MemoryPool::builders, 0)
    , opened_(env.scheduler)
    , scope_(env.scheduler)
    , value_bytes_(
          registry.counter("logboom_agent_record_value_bytes_total", "Bytes of their values.")
      )
    , batches_(registry.counter("logboom_agent_batches_sealed_total", "Record batches sealed."))
    , batch_bytes_(registry.counter(
          "logboom_agent_batch_bytes_total", "Bytes of sealed batches, compressed."
      )) {}

void BatchRoom::start() {
    scope_.spawn(run());
}

Task<void> BatchRoom::stop() {
    scope_.cancel();
    co_await scope_.join();
}

void BatchRoom::set_agent(const record::Id128& agent_id, const std::uint32_t agent_epoch) {
    agent_id_ = agent_id;
    agent_epoch_ = agent_epoch;
}

void BatchRoom::seal_all() {
    while (!open_.empty()) {
        open_.front()->seal();
    }
}

metrics::Counter& BatchRoom::records_of(const std::string& input) {
    metrics::Counter*& counter = records_[input];
    if (counter == nullptr) {
        counter = &registry_.counter(
            "logboom_agent_source_events_total", "Records made from lines.", {{"input", input}}
        );
    }
    return *counter;
}

/// Of a header that was chosen; nothing where it does not apply.
std::optional<std::string> BatchRoom::value_of(const std::string& header, const BatchSource& source)
    const {
    if (header == "lb.host") {
        return options_.host;
    }
    if (header == "lb.path") {
        return source.path;
    }
    if (header == "lb.src") {
        return "file";
    }
    if (header == "lb.agent") {
        return to_hex(agent_id_);
    }
    if (header == "lb.f.log.path_resolved" && !source.path_resolved.empty()) {
        return source.path_resolved;
    }
    return std::nullopt;
}

std::size_t BatchRoom::record_overhead_bytes(const BatchSource& source) const {
    constexpr std::size_t fields_bytes_max = 32;  // lengths, deltas, counts
    constexpr std::size_t lengths_bytes_max = 6;  // of a header's key and value
    std::size_t bytes = fields_bytes_max;
    for (const std::string& header : options_.headers) {
        const std::optional<std::string> value = value_of(header, source);
        bytes += value ? header.size() + value->size() + lengths_bytes_max : 0;
    }
    return bytes;
}

std::unique_ptr<BatchRoom::Builder> BatchRoom::open(Batcher& batcher, const BatchSource& source) {
    if (open_.size() >= options_.open_max) {
        open_.front()->seal();
    }
    std::unique_ptr<Builder> builder;
    if (idle_.empty()) {
        record::BatchBuilderOptions options;
        options.compress_percent_max = options_.compress ? options.compress_percent_max : 0;
        builder = std::make_unique<Builder>(options, memory_);
    } else {
        builder = std::move(idle_.back());
        idle_.pop_back();
    }
    headers_.clear();
    for (const std::string& header : options_.headers) {
        if (const std::optional<std::string> value = value_of(header, source)) {
            headers_.add(header, std::string_view(*value));
        }
    }
    builder->batch.begin(headers_);
    batcher.place_ = open_.insert(open_.end(), &batcher);
    opened_.set();
    return builder;
}

/// A builder is worth keeping unless somebody waits for its memory.
void BatchRoom::closed(const OpenList::iterator place, std::unique_ptr<Builder> builder) {
    open_.erase(place);
    builder->note_memory();
    if (memory_.is_short()) {
        builder.reset();
        give_back_idle();
    } else {
        idle_.push_back(std::move(builder));
    }
}

void BatchRoom::give_back_idle() {
    idle_.clear();
    scratch_ = Buffer();
    scratch_held_.set(0);
}

Task<void> BatchRoom::run() {
    while (!scope_.is_cancelled()) {
        if (open_.empty()) {
            opened_.reset();
            const SteadyTime until = idle_.empty() ? no_deadline
                                                   : env_.clock.now() + options_.keep_builders;
            const Result<Ok> opened = co_await opened_.wait(until);
            if (!opened && opened.code() == ErrorCode::timed_out) {
                give_back_idle();
            }
            continue;
        }
        const SteadyTime due = open_.front()->opened_at() + options_.batch_age_max;
        if (due > env_.clock.now()) {
            [[maybe_unused]] const Result<Ok> slept = co_await io::sleep_until(env_.scheduler, due);
            continue;
        }
        open_.front()->seal();
    }
}

}  // namespace logboom::batch
