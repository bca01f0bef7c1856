#include "shared/io/scope.h"

namespace logboom::io {

/// The frame that holds one spawned task; it ends itself.
struct Scope::Spawned {
    struct promise_type
        : PromiseBase
        , ListNode {
        Scope* scope = nullptr;

        Spawned get_return_object() noexcept {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() noexcept {
            unlink();
            --scope->count_;
            if (scope->count_ == 0) {
                scope->idle_.set();
            }
            return {};
        }
        void return_void() const noexcept {}
    };
    std::coroutine_handle<promise_type> handle;
};

Scope::Scope(Scheduler& scheduler) noexcept : context_{&scheduler, &cancel_}, idle_(scheduler) {}

Scope::~Scope() {
    LB_ASSERT(empty() || context_.scheduler->is_crashing());
    while (!frames_.empty()) {
        auto& promise = static_cast<Spawned::promise_type&>(frames_.pop_front());
        std::coroutine_handle<Spawned::promise_type>::from_promise(promise).destroy();
    }
}

Scope::Spawned Scope::run(Task<void> task) {
    co_await std::move(task);
}

std::coroutine_handle<> Scope::adopt(Task<void> task) {
    const Spawned spawned = run(std::move(task));
    auto& promise = spawned.handle.promise();
    promise.scope = this;
    promise.context = &context_;
    frames_.push_back(promise);
    ++count_;
    idle_.reset();
    return spawned.handle;
}

void Scope::spawn(Task<void> task) {
    context_.scheduler->post(adopt(std::move(task)));
}

void Scope::spawn_now(Task<void> task) {
    adopt(std::move(task)).resume();
}

Task<void> Scope::join() {
    while (count_ != 0) {
        co_await idle_.wait_uncancelled();
    }
}

}  // namespace logboom::io
