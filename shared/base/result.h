// Errors are values. A Result<T> holds a T or an Error; nothing here throws.
#pragma once

#include "shared/base/assert.h"

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace logboom {

/// What went wrong, for a caller that can act on it: one code per distinct reaction, not per cause.
enum class ErrorCode : std::uint16_t {
    internal = 1,      ///< a state that should not be; the caller gives up what it was doing
    io,                ///< the kernel refused; `sys_errno` says why
    cancelled,         ///< the scope of the task was cancelled
    timed_out,         ///< the deadline passed
    closed,            ///< the peer or the owner closed the connection or queue
    corrupt,           ///< bytes contradict their checksum or themselves
    malformed,         ///< bytes that are no message of the format
    unsupported,       ///< a version, codec or feature that we do not speak
    too_large,         ///< over a limit of limits.h or of the configuration
    not_found,         ///< no such topic, partition, file ...
    already_exists,    ///< the name is taken
    not_leader,        ///< the partition is led elsewhere; retry after fresh metadata
    out_of_range,      ///< an offset outside the log
    no_space,          ///< the log directory is full; retriable
    storage_failed,    ///< the log directory was given up after an I/O error (R-F1)
    fenced,            ///< a newer epoch of the same producer or agent exists
    rejected,          ///< the peer refused what was asked; the envelope says more
    busy,              ///< a bounded queue is full; retriable
    invalid_argument,  ///< a value that the caller must change
    out_of_order       ///< not the next one of a sequence: what comes before it must come first
};

/// The code's name as it is written in logs.
[[nodiscard]] const char* to_string(ErrorCode code) noexcept;

struct [[nodiscard]] Error {  // trivially copyable, 16 bytes
    ErrorCode code = ErrorCode::internal;
    std::int32_t sys_errno = 0;  // 0: not from the kernel
    const char* step = "";       // a literal: "fdatasync segment"
};
static_assert(sizeof(Error) == 16);

/// "fdatasync segment: io (No space left on device)", for logs and messages.
[[nodiscard]] std::string to_string(const Error& error);

/// The value of a Result that carries none.
struct Ok {};

template <typename T>
class [[nodiscard]] Result {
public:
    using value_type = T;

    Result(T value)
        : state_(std::in_place_index<0>, std::move(value)) {
    }  // NOLINT(google-explicit-constructor): `return value;`
    Result(const Error error)
        : state_(std::in_place_index<1>, error) {
    }  // NOLINT(google-explicit-constructor): `return Error{...};`

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & noexcept {
        LB_ASSERT(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] const T& value() const& noexcept {
        LB_ASSERT(has_value());
        return *std::get_if<0>(&state_);
    }
    [[nodiscard]] T&& value() && noexcept {
        LB_ASSERT(has_value());
        return std::move(*std::get_if<0>(&state_));
    }
    [[nodiscard]] T& operator*() & noexcept { return value(); }
    [[nodiscard]] const T& operator*() const& noexcept { return value(); }
    [[nodiscard]] T&& operator*() && noexcept { return std::move(*this).value(); }
    [[nodiscard]] T* operator->() noexcept { return &value(); }
    [[nodiscard]] const T* operator->() const noexcept { return &value(); }

    [[nodiscard]] Error error() const noexcept {
        LB_ASSERT(!has_value());
        return *std::get_if<1>(&state_);
    }
    [[nodiscard]] ErrorCode code() const noexcept { return error().code; }

private:
    std::variant<T, Error> state_;
};

}  // namespace logboom

#define LB_CONCAT_INNER(a, b) a##b
#define LB_CONCAT(a, b) LB_CONCAT_INNER(a, b)

#define LB_TRY_INNER(result, decl, return_word, ...) \
    auto result = __VA_ARGS__;                       \
    if (!result.has_value()) {                       \
        return_word result.error();                  \
    }                                                \
    decl = std::move(result).value()

/// `LB_TRY(const auto x, f());` declares x with the value of f() or returns f()'s error. Two or more
/// statements: not for the body of an `if` without braces.
#define LB_TRY(decl, ...) LB_TRY_INNER(LB_CONCAT(lb_try_, __COUNTER__), decl, return, __VA_ARGS__)

/// The same in a coroutine; the expression may be one `co_await`.
#define LB_CO_TRY(decl, ...) \
    LB_TRY_INNER(LB_CONCAT(lb_try_, __COUNTER__), decl, co_return, __VA_ARGS__)

/// For a Result whose value is not needed.
#define LB_CHECK(...) \
    LB_TRY([[maybe_unused]] const auto LB_CONCAT(lb_ok_, __COUNTER__), __VA_ARGS__)
#define LB_CO_CHECK(...) \
    LB_CO_TRY([[maybe_unused]] const auto LB_CONCAT(lb_ok_, __COUNTER__), __VA_ARGS__)
