// TCP. One send and one receive in flight per socket (N15, N8), closing always in the same order
// (N23).
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/time.h"
#include "shared/io/chunk_pool.h"
#include "shared/io/io_backend.h"
#include "shared/io/sync.h"
#include "shared/io/task.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace logboom::io {

/// A numeric address ("127.0.0.1", "::1") and a port.
struct SocketAddress {
    std::string host;
    std::uint16_t port = 0;
};
/// "127.0.0.1:9092", "[::1]:9092".
[[nodiscard]] std::string to_string(const SocketAddress& address);

struct ConnOptions {
    /// Un-consumed bytes that a connection may hold before it stops receiving (N9).
    std::uint32_t receive_bytes_max = 256u << 10;
    /// The connection is aborted when a peer takes no bytes for this long.
    Nanos send_timeout = 30s;
    /// The kernel gives the connection up when its peer acknowledges nothing for this long, or takes
    /// nothing (TCP_USER_TIMEOUT). Zero: a peer may leave what it is sent for as long as it likes, if its
    /// machine is there.
    Nanos peer_timeout = Nanos::zero();
};

/// One TCP connection. Reads are made by one task at a time; sends may come from several tasks and go
/// out in the order of the calls, whole. `close()` is awaited before the object dies, except in a
/// simulated crash. Shard: the one that made it.
class Conn {
public:
    Conn(
        IoBackend& backend,
        Scheduler& scheduler,
        std::shared_ptr<ChunkPool> pool,
        int fd,
        SocketAddress peer,
        ConnOptions options
    );
    Conn(const Conn&) = delete;
    Conn& operator=(const Conn&) = delete;
    ~Conn();

    /// Waits until at least `size` bytes are there (at most `receive_bytes_max`) and shows all that
    /// are. Valid until the next call on the reading side. Errors: `closed` (end of stream before
    /// `size` bytes; what is there stays visible through `buffered()`), `timed_out`, `cancelled`, `io`.
    Task<Result<ByteView>> peek(std::uint32_t size, SteadyTime deadline = no_deadline);
    [[nodiscard]] ByteView buffered() const noexcept;
    void consume(std::uint32_t size) noexcept;
    /// Takes exactly `size` bytes into a chunk of their own; a long rest is received straight into it
    /// (N7). The caller has checked `size` against its limit.
    Task<Result<Slice>> read_exact(std::uint32_t size, SteadyTime deadline = no_deadline);

    /// Queues the pieces and waits until the kernel has all of them. Errors: `closed`, `timed_out`
    /// (send_timeout), `cancelled`, `io`; the connection is of no use then.
    Task<Result<Ok>> send(std::vector<Slice> pieces);
    Task<Result<Ok>> send(Slice piece);
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept;
    /// When the kernel last took bytes of ours; the time of the connection's making before that.
    [[nodiscard]] SteadyTime last_sent_at() const noexcept;
    /// Memory that the reading side holds: little while nothing is unread.
    [[nodiscard]] std::size_t input_capacity() const noexcept;

    /// Ends both directions now; tasks inside `peek`, `read_exact` and `send` return `closed`.
    void abort();
    /// Sends what is queued, ends, waits for every completion, closes the descriptor. Callable once. The
    /// peer has a second to end too, also when the caller was cancelled (N23); then it has no more than a
    /// second to take what is queued, either.
    Task<void> close();

    [[nodiscard]] const SocketAddress& peer() const noexcept;
    [[nodiscard]] ChunkPool& pool() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Accepts on one address. `next()` is used by one task.
class Listener {
public:
    Listener(
        IoBackend& backend,
        Scheduler& scheduler,
        std::shared_ptr<ChunkPool> pool,
        int fd,
        std::uint16_t port,
        ConnOptions options
    );
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener();

    /// The next connection. When the kernel cannot give one, accepting pauses for 100 ms and goes on; out
    /// of descriptors it sheds one connection first, whose peer need not wait for nothing (N2).
    /// Errors: `cancelled`, `closed`; `io` if this is no listening socket any more.
    Task<Result<std::unique_ptr<Conn>>> next();
    /// The port that was bound, also when any was asked for.
    [[nodiscard]] std::uint16_t port() const noexcept;
    Task<void> close();

private:
    struct State;
    std::unique_ptr<State> state_;
};

class Net {
public:
    Net(IoBackend& backend, Scheduler& scheduler, std::shared_ptr<ChunkPool> pool) noexcept
        : backend_(backend)
        , scheduler_(scheduler)
        , pool_(std::move(pool)) {}

    /// Port 0: any. `share_port`: several shards listen on one port (N1).
    Task<Result<std::unique_ptr<Listener>>> listen(
        SocketAddress address, bool share_port, ConnOptions options = ConnOptions()
    );
    Task<Result<std::unique_ptr<Conn>>> connect(
        SocketAddress address, SteadyTime deadline, ConnOptions options = ConnOptions()
    );
    /// Numeric addresses of a host name, in the resolver's order; a numeric one is answered at once. Ends
    /// at the deadline or when cancelled, however long the system's resolver goes on.
    /// Errors: `not_found`, `timed_out`, `cancelled`.
    Task<Result<std::vector<std::string>>> resolve(std::string host, SteadyTime deadline);
    [[nodiscard]] const std::shared_ptr<ChunkPool>& pool() const noexcept { return pool_; }

private:
    IoBackend& backend_;
    Scheduler& scheduler_;
    std::shared_ptr<ChunkPool> pool_;
};

}  // namespace logboom::io

namespace logboom {
using io::Conn;
using io::Listener;
using io::SocketAddress;
}  // namespace logboom
