#include "agent/batch/batch_room.h"

#include "agent/batch/batcher.h"

#include <algorithm>

namespace logboom::batch {

BatchRoom::BatchRoom(
    Env& env,
    BatchOptions options,
    const KeyedHash hash,
    ship::Outlet& outlet,
    metrics::Registry& registry
)
    : env_(env)
    , options_(std::move(options))
    , hash_(hash)
    , outlet_(outlet)
    , opened_(env.scheduler)
    , scope_(env.scheduler)
    , records_(registry.counter("logboom_agent_source_events_total", "Records made from lines."))
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

std::unique_ptr<record::BatchBuilder> BatchRoom::open(
    Batcher& batcher, const std::string_view path
) {
    if (open_.size() >= options_.open_max) {
        open_.front()->seal();
    }
    std::unique_ptr<record::BatchBuilder> builder;
    if (idle_.empty()) {
        record::BatchBuilderOptions options;
        options.compress_percent_max = options_.compress ? options.compress_percent_max : 0;
        builder = std::make_unique<record::BatchBuilder>(options);
    } else {
        builder = std::move(idle_.back());
        idle_.pop_back();
    }
    headers_.clear();
    for (const std::string& key : options_.headers) {
        if (key == "lb.host") {
            headers_.add(key, options_.host);
        } else if (key == "lb.path") {
            headers_.add(key, path);
        } else if (key == "lb.src") {
            headers_.add(key, std::string_view("file"));
        } else if (key == "lb.agent") {
            headers_.add(key, to_hex(agent_id_));
        }
    }
    builder->begin(headers_);
    batcher.place_ = open_.insert(open_.end(), &batcher);
    opened_.set();
    return builder;
}

void BatchRoom::closed(
    const OpenList::iterator place, std::unique_ptr<record::BatchBuilder> builder
) {
    open_.erase(place);
    idle_.push_back(std::move(builder));
}

Task<void> BatchRoom::run() {
    while (!scope_.is_cancelled()) {
        if (open_.empty()) {
            opened_.reset();
            const SteadyTime until = idle_.empty() ? no_deadline
                                                   : env_.clock.now() + options_.keep_builders;
            const Result<Ok> opened = co_await opened_.wait(until);
            if (!opened && opened.code() == ErrorCode::timed_out) {
                idle_.clear();
                scratch_ = Buffer();
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
