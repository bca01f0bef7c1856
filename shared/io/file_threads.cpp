#include "shared/io/file_threads.h"

#include "shared/io/op_calls.h"

#include <pthread.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>

namespace logboom::io {

std::thread start_helper(std::function<void()> run) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the thread
    std::thread thread;
    try {
        thread = std::thread(std::move(run));
    } catch (const std::system_error&) {  // a limit on tasks
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

struct FileThreads::State {
    std::function<void()> on_answer;
    std::size_t threads_max = 1;
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Op*> asked;
    std::vector<std::pair<Op*, std::int32_t>> answered;
    std::size_t idle = 0;  // threads that wait for work
    bool stopping = false;
    std::vector<std::thread> threads;

    void run() {
        std::unique_lock lock(mutex);
        for (;;) {
            ++idle;
            wake.wait(lock, [this] { return stopping || !asked.empty(); });
            --idle;
            if (asked.empty()) {
                return;
            }
            Op* const op = asked.front();
            asked.pop_front();
            lock.unlock();
            const std::int32_t res = run_call(*op);
            lock.lock();
            answered.emplace_back(op, res);
            lock.unlock();
            on_answer();
            lock.lock();
        }
    }
    /// Under the mutex. Without a new one the threads that there are do the work.
    void add_thread() {
        std::thread thread = start_helper([this] { run(); });
        if (thread.joinable()) {
            threads.push_back(std::move(thread));
        }
    }
};

FileThreads::FileThreads(std::function<void()> on_answer, const std::size_t threads_max)
    : state_(std::make_unique<State>()) {
    LB_ASSERT(threads_max > 0);
    state_->on_answer = std::move(on_answer);
    state_->threads_max = threads_max;
}

FileThreads::~FileThreads() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->stopping = true;
    }
    state_->wake.notify_all();
    for (std::thread& thread : state_->threads) {
        thread.join();
    }
}

void FileThreads::submit(Op& op) {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    s.asked.push_back(&op);
    if (s.asked.size() > s.idle && s.threads.size() < s.threads_max) {
        s.add_thread();
    }
    if (s.threads.empty()) {
        s.asked.pop_back();
        s.answered.emplace_back(&op, -ENOMEM);
        s.on_answer();
        return;
    }
    s.wake.notify_one();
}

bool FileThreads::withdraw(Op& op) {
    const std::lock_guard lock(state_->mutex);
    return std::erase(state_->asked, &op) != 0;
}

std::vector<std::pair<Op*, std::int32_t>> FileThreads::collect() {
    const std::lock_guard lock(state_->mutex);
    return std::exchange(state_->answered, {});
}

}  // namespace logboom::io
