// What logboomctl tells a human when something fails, and with which exit code it ends.
#pragma once

#include "shared/base/assert.h"
#include "shared/base/result.h"
#include "shared/kafka/kafka_error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace logboom::ctl {

/// Scripts rely on these numbers.
enum class ExitCode : std::uint8_t {
    success = 0,
    failed = 1,       ///< the server said no, for a reason without a code of its own
    usage = 2,        ///< bad flag, bad value, unknown command
    empty = 3,        ///< nothing matched and --fail-empty was given
    not_found = 4,    ///< no such topic, partition or offset
    denied = 5,       ///< authentication or authorisation failed
    unreachable = 6,  ///< no broker could be reached
    timed_out = 7,
    partial = 8,   ///< a limit ended the read and --strict was given
    conflict = 9,  ///< it exists already, or the version changed
    interrupted = 130,
    terminated = 143
};

/// What failed, why, and what to do about it.
struct Failure {
    ExitCode exit_code = ExitCode::failed;
    std::string what;   ///< "cannot reach any broker"
    std::string tried;  ///< "lb1:9092 (connection refused)"; may be empty
    std::string hint;   ///< "logboomctl topic list"; may be empty
};

/// A wrong command line.
[[nodiscard]] Failure usage(std::string what, std::string hint = {});

/// The lines for standard error, with a line end each.
[[nodiscard]] std::string to_string(const Failure& failure);

/// The failure behind a code that a broker answered; `what` says what was asked for.
[[nodiscard]] Failure failure_of(
    kafka::KafkaError error, std::string what, std::optional<std::string> message = std::nullopt
);

/// A value or a Failure; works with LB_TRY and LB_CO_TRY.
template <typename T>
class [[nodiscard]] Outcome {
public:
    Outcome(T value)
        : state_(std::in_place_index<0>, std::move(value)) {
    }  // NOLINT(google-explicit-constructor): `return value;`
    Outcome(Failure failure)
        : state_(std::in_place_index<1>, std::move(failure)) {
    }  // NOLINT(google-explicit-constructor): `return Failure{...};`

    [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
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
    [[nodiscard]] T* operator->() noexcept { return &value(); }
    [[nodiscard]] const T* operator->() const noexcept { return &value(); }
    [[nodiscard]] const Failure& error() const noexcept {
        LB_ASSERT(!has_value());
        return *std::get_if<1>(&state_);
    }

private:
    std::variant<T, Failure> state_;
};

}  // namespace logboom::ctl
