// The real backend for hosts where io_uring is shut off (R17): epoll for what waits on a peer or an event,
// threads for what may wait for a disk, and the calling thread for the rest. It keeps the promises of
// UringBackend: each operation ends once, never inside a call, and one that was begun on a descriptor never
// meets the next file of the same number.
#pragma once

#include "shared/io/io_backend.h"

#include <memory>
#include <string>
#include <variant>

namespace logboom::io {

struct PollOptions {
    /// Threads that are started when calls wait for a disk (F2). One that hangs leaves the others their work.
    std::size_t file_threads_max = 4;
    std::size_t receive_buffer_bytes = 64u << 10;
};

/// Shard: made, used and destroyed on one thread. Timeouts are whole milliseconds, rounded up.
class PollBackend final : public IoBackend {
public:
    /// The text says which call failed and why.
    [[nodiscard]] static std::variant<std::unique_ptr<PollBackend>, std::string> make(
        const PollOptions& options
    );
    ~PollBackend() override;

    void submit(Op& op) override;
    void cancel(Op& op) override;
    void close_later(int fd) override;
    void poll(SteadyTime until) override;
    void wake() noexcept override;
    SteadyTime now() override;
    WallTime wall() override;

private:
    struct State;
    explicit PollBackend(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace logboom::io
