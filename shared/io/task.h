// Task<T>: a lazy coroutine, awaited exactly once. No symmetric transfer: g++ 12 overflows the stack
// with it at -O0 and under sanitizers, and a child that finishes without suspending must not deepen
// the stack (io-runtime C5). Leaf awaiters (ops, sleeps, queues) find the scheduler and the cancel
// token of their scope in the promise, which hands them down from parent to child.
#pragma once

#include "shared/base/assert.h"
#include "shared/io/cancel.h"
#include "shared/io/scheduler.h"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace logboom::io {

/// What a running task belongs to; owned by its Scope.
struct TaskContext {
    Scheduler* scheduler = nullptr;
    CancelToken* cancel = nullptr;
};

/// Frames come from per-thread free lists of 64-byte classes up to 2 KiB (C7); off under sanitizers.
[[nodiscard]] void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

struct PromiseBase {
    TaskContext* context = nullptr;
    std::coroutine_handle<> parent;
    bool starting = false;
    bool done = false;

    void unhandled_exception() noexcept { std::terminate(); }

    static void* operator new(const std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* const frame, const std::size_t size) noexcept {
        free_frame(frame, size);
    }
};

template <typename T>
class Task;

namespace detail {

struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <typename P>
    void await_suspend(const std::coroutine_handle<P> self) const noexcept {
        PromiseBase& promise = self.promise();
        promise.done = true;
        if (!promise.starting && promise.parent) {
            promise.parent.resume();  // may destroy this frame: nothing is touched behind it
        }
    }
    void await_resume() const noexcept {}
};

template <typename T>
struct TaskPromise : PromiseBase {
    std::optional<T> result;

    Task<T> get_return_object() noexcept;
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    template <typename U>
    requires std::convertible_to<U&&, T>
    void return_value(U&& value) { result.emplace(std::forward<U>(value)); }
};

template <>
struct TaskPromise<void> : PromiseBase {
    Task<void> get_return_object() noexcept;
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
};

}  // namespace detail

template <typename T = void>
class [[nodiscard]] Task {
public:
    using promise_type = detail::TaskPromise<T>;

    explicit Task(const std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            destroy();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    ~Task() { destroy(); }

    struct Awaiter {
        std::coroutine_handle<promise_type> child;

        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <std::derived_from<PromiseBase> P>
        bool await_suspend(const std::coroutine_handle<P> parent) {
            return start(parent, parent.promise().context);
        }
        /// False: it has finished already.
        bool start(const std::coroutine_handle<> parent, TaskContext* const context) {
            promise_type& promise = child.promise();
            promise.parent = parent;
            promise.context = context;
            promise.starting = true;
            child.resume();
            if (promise.done) {
                return false;
            }
            promise.starting = false;
            return true;
        }
        T await_resume() {
            if constexpr (!std::is_void_v<T>) {
                LB_ASSERT(child.promise().result.has_value());
                return std::move(*child.promise().result);
            }
        }
    };
    [[nodiscard]] Awaiter operator co_await() && noexcept {
        LB_ASSERT(handle_);
        return Awaiter{handle_};
    }

private:
    void destroy() noexcept {
        if (handle_) {
            handle_.destroy();
        }
    }

    std::coroutine_handle<promise_type> handle_;
};

template <typename T>
Task<T> detail::TaskPromise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> detail::TaskPromise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}

}  // namespace logboom::io

namespace logboom {
using io::Task;
}  // namespace logboom
