#include "shared/io/shard_threads.h"

#include <pthread.h>
#include <sched.h>

#include <future>
#include <semaphore>
#include <thread>

namespace logboom::io {

namespace {

void pin_this_thread(const std::size_t core) noexcept {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    // A host with fewer cores than shards, or a cpuset that lacks this one: runs where it may.
    static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof cores, &cores));
}

/// Keeps a worker's loop alive until it is asked to stop.
Task<void> idle(Scheduler& scheduler) {
    Event never(scheduler);
    [[maybe_unused]] const Result<Ok> ended = co_await never.wait();
}

}  // namespace

struct ShardThreads::Worker {
    std::unique_ptr<IoBackend> backend;
    std::unique_ptr<EnvHolder> holder;
    std::unique_ptr<EventLoop> loop;
    std::thread thread;
    std::binary_semaphore may_end{0};  // nobody touches the loop from outside any more

    std::string make(
        const BackendFactory& factory,
        LogSink& sink,
        const ShardThreadsOptions& options,
        const std::size_t index
    ) {
        if (options.pin) {
            pin_this_thread(index);
        }
        auto made = factory();
        if (auto* const text = std::get_if<std::string>(&made)) {
            return std::move(*text);
        }
        backend = std::move(std::get<std::unique_ptr<IoBackend>>(made));
        holder = std::make_unique<EnvHolder>(
            *backend, sink, options.log_level, options.seed + index, options.pool_bytes
        );
        loop = std::make_unique<EventLoop>(*backend, *holder, index);
        return {};
    }
    void stop() {
        loop->request_stop();
        may_end.release();
        thread.join();
    }
    /// On the shard's thread, since the ring is its own.
    void destroy() {
        loop.reset();
        holder.reset();
        backend.reset();
    }
};

ShardThreads::ShardThreads(BackendFactory factory, LogSink& sink, ShardThreadsOptions options)
    : factory_(std::move(factory))
    , sink_(sink)
    , options_(options) {}

ShardThreads::~ShardThreads() {
    for (std::size_t i = 1; i < workers_.size(); ++i) {
        if (workers_[i]->thread.joinable()) {
            workers_[i]->stop();
        }
    }
    if (!workers_.empty()) {
        workers_[0]->destroy();
    }
}

std::string ShardThreads::start() {
    workers_.push_back(std::make_unique<Worker>());
    std::string problem = workers_[0]->make(factory_, sink_, options_, 0);
    if (!problem.empty()) {
        workers_.clear();
        return problem;
    }
    shards_.push_back(&workers_[0]->loop->shard());
    for (std::size_t i = 1; i < options_.shard_count; ++i) {
        auto worker = std::make_unique<Worker>();
        Worker& self = *worker;
        std::promise<std::string> made;
        std::future<std::string> outcome = made.get_future();
        worker->thread = std::thread([this, &self, i, told = std::move(made)]() mutable {
            std::string text = self.make(factory_, sink_, options_, i);
            const bool runs = text.empty();
            told.set_value(std::move(text));
            if (runs) {
                self.loop->run(idle(self.holder->scheduler()));
                self.may_end.acquire();
                self.destroy();
            }
        });
        problem = outcome.get();
        if (!problem.empty()) {
            worker->thread.join();
            return problem;
        }
        shards_.push_back(&self.loop->shard());
        workers_.push_back(std::move(worker));
    }
    return {};
}

void ShardThreads::run(Task<void> main) {
    workers_[0]->loop->run(std::move(main));
    for (std::size_t i = 1; i < workers_.size(); ++i) {
        workers_[i]->stop();
    }
}

void ShardThreads::request_stop() noexcept {
    workers_[0]->loop->request_stop();
}

}  // namespace logboom::io
