// The network between simulated machines. Bytes of one connection keep their order, connections do not;
// buffers are bounded, so a reader that stops makes its peer's sends wait. A machine without power
// answers nothing: its peers' connections are half open until a packet reaches it again or keepalive ends.
#pragma once

#include "shared/io/net.h"
#include "shared/io/sim_events.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace logboom::io {

struct SimNetOptions {
    Nanos latency_min = std::chrono::microseconds(50);
    Nanos latency_max = std::chrono::microseconds(500);
    /// Bytes of one direction that are under way or unread before the sender waits.
    std::size_t window_bytes = 64u << 10;
    /// Largest segment; smaller ones make shorter receives.
    std::size_t segment_bytes_max = 16u << 10;
    /// Chance per segment that the connection is reset instead.
    double cut = 0;
    /// Chance per segment of `stall` more latency.
    double spike = 0;
    Nanos stall = std::chrono::milliseconds(200);
};

/// One side of a connection. The other side is reached through `peer` only by events that take time.
struct SimEndpoint {
    std::uint32_t node = 0;
    SocketAddress local;
    SocketAddress remote;
    std::weak_ptr<SimEndpoint> peer;
    std::uint32_t peer_node = 0;

    // Receiving.
    std::string inbox;
    bool ended = false;      // the peer's FIN stands behind the inbox
    std::int32_t error = 0;  // -ECONNRESET ..., behind the inbox
    bool read_shut = false;

    // Sending.
    struct Segment {
        SteadyTime ready;
        std::string bytes;
        bool fin = false;
    };
    std::deque<Segment> under_way;
    std::size_t unread_by_peer = 0;  // bytes under way or in the peer's inbox
    bool fin_sent = false;
    bool pumping = false;

    bool closed = false;  // by its program or with its machine
    /// Something changed that a waiting operation may be glad of. Called from events only.
    std::function<void()> on_change;
};

struct SimListener {
    std::uint32_t node = 0;
    SocketAddress address;
    bool shared = false;
    bool closed = false;
    std::deque<std::shared_ptr<SimEndpoint>> backlog;
    std::function<void()> on_change;
};

class SimNet {
public:
    using Connected = std::function<void(std::int32_t error, std::shared_ptr<SimEndpoint>)>;

    explicit SimNet(SimEvents& events) : events_(events) {}
    SimNet(const SimNet&) = delete;
    SimNet& operator=(const SimNet&) = delete;

    [[nodiscard]] SimNetOptions& options() noexcept { return options_; }
    /// `host` is the node's numeric address, `name` what `resolve` knows it by.
    void add_node(std::uint32_t node, const std::string& host, const std::string& name);
    [[nodiscard]] std::vector<std::string> resolve(const std::string& name) const;

    /// 0 with `out`, or -EADDRINUSE, -EADDRNOTAVAIL.
    std::int32_t listen(
        std::uint32_t node, const SocketAddress& address, bool shared, std::shared_ptr<SimListener>& out
    );
    void close(SimListener& listener);
    /// Tells `done` once, later: 0, -ECONNREFUSED or -ETIMEDOUT.
    void connect(std::uint32_t node, const SocketAddress& address, Connected done);

    /// Takes as many bytes as the window has room for; 0: wait for `on_change`. -EPIPE, -ECONNRESET.
    std::int32_t send(const std::shared_ptr<SimEndpoint>& from, std::string_view bytes);
    /// Moves out up to `size` bytes; empty: see `ended` and `error`.
    std::string receive(SimEndpoint& to, std::size_t size);
    void shut_down(const std::shared_ptr<SimEndpoint>& endpoint, bool both);
    void close(const std::shared_ptr<SimEndpoint>& endpoint);

    /// Power of a machine. Without it nothing answers; what arrives later is answered with resets.
    void set_power(std::uint32_t node, bool on);
    /// All connections of the node die silently (power loss).
    void forget_node(std::uint32_t node);
    /// No packet passes between the two, until healed; connections stay.
    void block(std::uint32_t a, std::uint32_t b, bool blocked);
    /// Resets every open connection of the node, both sides told.
    void cut_all(std::uint32_t node);

private:
    struct Machine {
        std::string host;
        std::string name;
        bool power = true;
        std::uint16_t next_port = 32768;
    };
    [[nodiscard]] bool can_pass(std::uint32_t a, std::uint32_t b) const;
    [[nodiscard]] const Machine* find_host(std::uint32_t from, const std::string& host, std::uint32_t& node)
        const;
    [[nodiscard]] std::shared_ptr<SimListener> find_listener(std::uint32_t node, std::uint16_t port);
    [[nodiscard]] Nanos latency();
    void try_connect(
        std::uint32_t node, std::uint32_t target, const SocketAddress& address, int attempt, Connected done
    );
    void pump(const std::shared_ptr<SimEndpoint>& from);
    void schedule_pump(const std::shared_ptr<SimEndpoint>& from, Nanos delay);
    void deliver(const std::shared_ptr<SimEndpoint>& from, SimEndpoint::Segment segment);
    void reset(const std::shared_ptr<SimEndpoint>& endpoint, std::int32_t error);
    void watch_half_open(const std::shared_ptr<SimEndpoint>& survivor);
    static void tell(SimEndpoint& endpoint);

    SimEvents& events_;
    SimNetOptions options_;
    std::map<std::uint32_t, Machine> machines_;
    std::vector<std::shared_ptr<SimListener>> listeners_;
    std::vector<std::weak_ptr<SimEndpoint>> endpoints_;
    std::set<std::pair<std::uint32_t, std::uint32_t>> blocked_;
};

}  // namespace logboom::io
