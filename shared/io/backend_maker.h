// Which backend a program stands on: io_uring, or epoll where the host refuses it (R17).
#pragma once

#include "shared/io/poll_backend.h"
#include "shared/io/uring_backend.h"

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

namespace logboom::io {

enum class BackendKind : std::uint8_t { uring, poll };
/// As metrics and logs name it: "io_uring", "poll".
[[nodiscard]] const char* to_string(BackendKind kind) noexcept;

/// What the configuration asks for. `automatic` takes io_uring unless it is unavailable: a lack of memory or
/// descriptors stays an error, since it would be one with the other too.
enum class BackendChoice : std::uint8_t { automatic, uring, poll };

/// Makes the backends of one process's shards, all of the kind that the first one is.
class BackendMaker {
public:
    BackendMaker(const BackendChoice choice, const UringOptions uring) noexcept
        : choice_(choice)
        , uring_(uring) {}

    /// For one shard, on its thread; not on two at a time. The text says why there is none, for the operator.
    [[nodiscard]] std::variant<std::unique_ptr<IoBackend>, std::string> make();

    // Of what was made.
    [[nodiscard]] BackendKind kind() const noexcept { return kind_; }
    /// Of the ladder of set-up flags of io_uring: 0 is the newest.
    [[nodiscard]] int rung() const noexcept { return rung_; }
    /// Why io_uring is not used although it was wanted, in one line; empty else.
    [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }

private:
    BackendChoice choice_;
    UringOptions uring_;
    BackendKind kind_ = BackendKind::uring;
    int rung_ = 0;
    std::string refusal_;
};

}  // namespace logboom::io
