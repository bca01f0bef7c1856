// The backend of choice: one io_uring per shard. The only room of the program that knows liburing.
#pragma once

#include "shared/io/io_backend.h"
#include "shared/io/uring_refusal.h"

#include <memory>
#include <variant>

namespace logboom::io {

struct UringOptions {
    std::uint32_t sq_entries = 512;
    std::uint32_t cq_entries = 8192;
    /// Shared receive buffers of the shard: a power of two.
    std::uint32_t receive_buffers = 256;
    std::uint32_t receive_buffer_bytes = 16u << 10;
    /// Kernel threads that finish what cannot be done at once.
    std::uint32_t workers_max = 4;
    /// First rung of the ladder of set-up flags to try (0 is the newest); for tests.
    int first_rung = 0;

    /// Sizes for the agent, a guest on its host.
    [[nodiscard]] static UringOptions for_agent() noexcept;
};

/// Counters for metrics; only grow.
struct UringStats {
    std::uint64_t enters = 0;
    std::uint64_t completions = 0;
    std::uint64_t submissions = 0;
    std::uint64_t overflows = 0;
    std::uint64_t receive_starved = 0;
    int rung = 0;
};

/// Shard: made, used and destroyed on one thread.
class UringBackend final : public IoBackend {
public:
    [[nodiscard]] static std::variant<std::unique_ptr<UringBackend>, UringRefusal> make(
        const UringOptions& options
    );
    ~UringBackend() override;

    void submit(Op& op) override;
    void cancel(Op& op) override;
    void close_later(int fd) override;
    void poll(SteadyTime until) override;
    void wake() noexcept override;
    SteadyTime now() override;
    WallTime wall() override;

    [[nodiscard]] const UringStats& stats() const noexcept;

private:
    struct Ring;
    explicit UringBackend(std::unique_ptr<Ring> ring);

    std::unique_ptr<Ring> ring_;
};

}  // namespace logboom::io
