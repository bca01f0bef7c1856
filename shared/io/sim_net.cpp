#include "shared/io/sim_net.h"

#include <algorithm>
#include <cerrno>

namespace logboom::io {

namespace {

constexpr std::size_t backlog_max = 4096;
// SO_KEEPALIVE as the real backend sets it: 30 s idle and three probes 10 s apart.
constexpr Nanos keepalive = std::chrono::seconds(60);
constexpr Nanos retransmit = std::chrono::milliseconds(200);
// Tries of a connect before it ends with -ETIMEDOUT: about the two minutes of Linux.
constexpr int connect_attempts = 7;

bool is_any(const std::string& host) noexcept {
    return host == "0.0.0.0" || host == "::";
}
bool is_loopback(const std::string& host) noexcept {
    return host == "127.0.0.1" || host == "::1" || host == "localhost";
}

}  // namespace

void SimNet::add_node(const std::uint32_t node, const std::string& host, const std::string& name) {
    machines_[node] = Machine{host, name};
}

std::vector<std::string> SimNet::resolve(const std::string& name) const {
    std::vector<std::string> found;
    if (name == "localhost") {
        found.emplace_back("127.0.0.1");
    }
    for (const auto& [node, machine] : machines_) {
        if (machine.name == name) {
            found.push_back(machine.host);
        }
    }
    return found;
}

bool SimNet::can_pass(const std::uint32_t a, const std::uint32_t b) const {
    return !blocked_.contains({std::min(a, b), std::max(a, b)}) && machines_.at(b).power;
}

const SimNet::Machine* SimNet::find_host(
    const std::uint32_t from, const std::string& host, std::uint32_t& node
) const {
    if (is_loopback(host)) {
        node = from;
        return &machines_.at(from);
    }
    for (const auto& [id, machine] : machines_) {
        if (machine.host == host) {
            node = id;
            return &machine;
        }
    }
    return nullptr;
}

Nanos SimNet::latency() {
    Nanos drawn = events_.draw(options_.latency_min, options_.latency_max);
    if (options_.spike > 0 && events_.rng().chance(options_.spike)) {
        drawn += events_.draw(Nanos::zero(), options_.stall);
    }
    return drawn;
}

void SimNet::tell(SimEndpoint& endpoint) {
    if (endpoint.on_change) {
        endpoint.on_change();
    }
}

// --- Connections come and go ---------------------------------------------------------------------

std::int32_t SimNet::listen(
    const std::uint32_t node,
    const SocketAddress& address,
    const bool shared,
    std::shared_ptr<SimListener>& out
) {
    Machine& machine = machines_.at(node);
    if (!is_any(address.host) && !is_loopback(address.host) && address.host != machine.host) {
        return -EADDRNOTAVAIL;
    }
    std::uint16_t port = address.port;
    if (port == 0) {
        port = machine.next_port++;
    }
    for (const auto& other : listeners_) {
        if (other->node == node && other->address.port == port && !(shared && other->shared)) {
            return -EADDRINUSE;
        }
    }
    out = std::make_shared<SimListener>();
    out->node = node;
    out->address = SocketAddress{address.host, port};
    out->shared = shared;
    listeners_.push_back(out);
    return 0;
}

void SimNet::close(SimListener& listener) {
    listener.closed = true;
    listener.on_change = nullptr;
    std::erase_if(listeners_, [&listener](const auto& other) { return other.get() == &listener; });
    for (const std::shared_ptr<SimEndpoint>& waiting : listener.backlog) {
        close(waiting);
    }
    listener.backlog.clear();
}

std::shared_ptr<SimListener> SimNet::find_listener(const std::uint32_t node, const std::uint16_t port) {
    std::vector<std::shared_ptr<SimListener>> found;
    for (const auto& listener : listeners_) {
        if (listener->node == node && listener->address.port == port
            && listener->backlog.size() < backlog_max) {
            found.push_back(listener);
        }
    }
    return found.empty() ? nullptr : found[events_.rng().below(found.size())];
}

void SimNet::connect(const std::uint32_t node, const SocketAddress& address, Connected done) {
    std::uint32_t target = 0;
    const Machine* const machine = find_host(node, address.host, target);
    if (machine == nullptr) {
        events_.after(latency(), [done] { done(-EHOSTUNREACH, nullptr); });
        return;
    }
    try_connect(node, target, address, 0, std::move(done));
}

void SimNet::try_connect(
    const std::uint32_t node,
    const std::uint32_t target,
    const SocketAddress& address,
    const int attempt,
    Connected done
) {
    events_.after(latency(), [this, node, target, address, attempt, done] {
        if (!can_pass(node, target)) {
            if (attempt == connect_attempts) {
                done(-ETIMEDOUT, nullptr);
                return;
            }
            events_.after(std::chrono::seconds(1 << attempt), [this, node, target, address, attempt, done] {
                try_connect(node, target, address, attempt + 1, done);
            });
            return;
        }
        const std::shared_ptr<SimListener> listener = find_listener(target, address.port);
        if (listener == nullptr) {
            events_.after(latency(), [done] { done(-ECONNREFUSED, nullptr); });
            return;
        }
        Machine& machine = machines_.at(node);
        const auto client = std::make_shared<SimEndpoint>();
        const auto server = std::make_shared<SimEndpoint>();
        client->node = server->peer_node = node;
        server->node = client->peer_node = target;
        client->local = server->remote = SocketAddress{
            node == target ? "127.0.0.1" : machine.host, machine.next_port++};
        client->remote = server->local = SocketAddress{address.host, address.port};
        client->peer = server;
        server->peer = client;
        std::erase_if(endpoints_, [](const auto& old) { return old.expired(); });
        endpoints_.push_back(client);
        endpoints_.push_back(server);
        listener->backlog.push_back(server);
        if (listener->on_change) {
            listener->on_change();
        }
        events_.after(latency(), [done, client] { done(0, client); });
    });
}

void SimNet::shut_down(const std::shared_ptr<SimEndpoint>& endpoint, const bool both) {
    if (both) {
        endpoint->read_shut = true;
    }
    if (!endpoint->fin_sent && endpoint->error == 0) {
        endpoint->fin_sent = true;
        SimEndpoint::Segment fin;
        fin.ready = events_.now() + latency();
        fin.fin = true;
        endpoint->under_way.push_back(std::move(fin));
        schedule_pump(endpoint, endpoint->under_way.back().ready - events_.now());
    }
}

void SimNet::close(const std::shared_ptr<SimEndpoint>& endpoint) {
    if (endpoint->closed) {
        return;
    }
    endpoint->closed = true;
    endpoint->on_change = nullptr;
    if (endpoint->inbox.empty()) {
        shut_down(endpoint, true);
        return;
    }
    // Unread bytes: the kernel tells the peer by a reset instead of an orderly end.
    endpoint->under_way.clear();
    const std::shared_ptr<SimEndpoint> peer = endpoint->peer.lock();
    if (peer != nullptr) {
        events_.after(latency(), [this, peer] { reset(peer, -ECONNRESET); });
    }
}

void SimNet::reset(const std::shared_ptr<SimEndpoint>& endpoint, const std::int32_t error) {
    if (endpoint->closed || endpoint->error != 0) {
        return;
    }
    events_.note(endpoint->node, "connection reset", endpoint->local.port, error);
    endpoint->error = error;
    endpoint->under_way.clear();
    tell(*endpoint);
}

// --- Bytes ---------------------------------------------------------------------------------------

std::int32_t SimNet::send(const std::shared_ptr<SimEndpoint>& from, const std::string_view bytes) {
    if (from->error != 0) {
        return from->error;
    }
    if (from->fin_sent || from->closed) {
        return -EPIPE;
    }
    const std::size_t room = options_.window_bytes - std::min(options_.window_bytes, from->unread_by_peer);
    std::size_t taken = std::min(room, bytes.size());
    const auto result = static_cast<std::int32_t>(taken);
    std::size_t begin = 0;
    while (taken != 0) {
        const std::size_t most = std::min(taken, options_.segment_bytes_max);
        const std::size_t size = 1 + events_.rng().below(most);
        // Never before what was sent earlier.
        SteadyTime ready = events_.now() + latency();
        if (!from->under_way.empty()) {
            ready = std::max(ready, from->under_way.back().ready);
        }
        SimEndpoint::Segment segment;
        segment.ready = ready;
        segment.bytes = bytes.substr(begin, size);
        from->under_way.push_back(std::move(segment));
        from->unread_by_peer += size;
        begin += size;
        taken -= size;
    }
    if (!from->under_way.empty()) {
        schedule_pump(from, from->under_way.front().ready - events_.now());
    }
    return result;
}

void SimNet::schedule_pump(const std::shared_ptr<SimEndpoint>& from, const Nanos delay) {
    if (from->pumping) {
        return;
    }
    from->pumping = true;
    events_.after(delay, [this, from] {
        from->pumping = false;
        pump(from);
    });
}

void SimNet::pump(const std::shared_ptr<SimEndpoint>& from) {
    if (from->under_way.empty()) {
        return;
    }
    if (from->under_way.front().ready > events_.now()) {
        schedule_pump(from, from->under_way.front().ready - events_.now());
        return;
    }
    if (!machines_.at(from->node).power) {
        from->under_way.clear();
        return;
    }
    if (!can_pass(from->node, from->peer_node)) {
        schedule_pump(from, retransmit);
        return;
    }
    SimEndpoint::Segment segment = std::move(from->under_way.front());
    from->under_way.pop_front();
    deliver(from, std::move(segment));
    if (!from->under_way.empty()) {
        schedule_pump(from, std::max(Nanos::zero(), from->under_way.front().ready - events_.now()));
    }
}

void SimNet::deliver(const std::shared_ptr<SimEndpoint>& from, SimEndpoint::Segment segment) {
    const std::shared_ptr<SimEndpoint> to = from->peer.lock();
    if (to == nullptr || to->closed || to->error != 0) {
        if (!segment.fin) {
            events_.after(latency(), [this, from] { reset(from, -ECONNRESET); });
        }
        return;
    }
    if (options_.cut > 0 && events_.rng().chance(options_.cut)) {
        reset(to, -ECONNRESET);
        events_.after(latency(), [this, from] { reset(from, -ECONNRESET); });
        return;
    }
    if (segment.fin) {
        to->ended = true;
    } else if (to->read_shut) {
        from->unread_by_peer -= std::min(from->unread_by_peer, segment.bytes.size());
        return;
    } else {
        to->inbox += segment.bytes;
    }
    tell(*to);
}

std::string SimNet::receive(SimEndpoint& to, const std::size_t size) {
    std::string taken;
    if (size >= to.inbox.size()) {
        taken.swap(to.inbox);
    } else {
        taken = to.inbox.substr(0, size);
        to.inbox.erase(0, size);
    }
    const std::shared_ptr<SimEndpoint> peer = to.peer.lock();
    if (!taken.empty() && peer != nullptr) {
        events_.after(latency(), [peer, freed = taken.size()] {
            peer->unread_by_peer -= std::min(peer->unread_by_peer, freed);
            tell(*peer);
        });
    }
    return taken;
}

// --- Faults --------------------------------------------------------------------------------------

void SimNet::set_power(const std::uint32_t node, const bool on) {
    machines_.at(node).power = on;
}

void SimNet::watch_half_open(const std::shared_ptr<SimEndpoint>& survivor) {
    events_.after(keepalive, [this, survivor] { reset(survivor, -ETIMEDOUT); });
}

void SimNet::forget_node(const std::uint32_t node) {
    for (const std::weak_ptr<SimEndpoint>& weak : endpoints_) {
        const std::shared_ptr<SimEndpoint> endpoint = weak.lock();
        if (endpoint == nullptr || endpoint->node != node || endpoint->closed) {
            continue;
        }
        endpoint->closed = true;
        endpoint->on_change = nullptr;
        endpoint->under_way.clear();
        const std::shared_ptr<SimEndpoint> peer = endpoint->peer.lock();
        if (peer != nullptr && peer->node != node) {
            watch_half_open(peer);
        }
    }
    std::erase_if(listeners_, [node](const auto& listener) { return listener->node == node; });
}

void SimNet::block(const std::uint32_t a, const std::uint32_t b, const bool blocked) {
    const std::pair<std::uint32_t, std::uint32_t> link{std::min(a, b), std::max(a, b)};
    if (blocked) {
        blocked_.insert(link);
    } else {
        blocked_.erase(link);
    }
}

void SimNet::cut_all(const std::uint32_t node) {
    const std::vector<std::weak_ptr<SimEndpoint>> all = endpoints_;
    for (const std::weak_ptr<SimEndpoint>& weak : all) {
        const std::shared_ptr<SimEndpoint> endpoint = weak.lock();
        if (endpoint != nullptr && (endpoint->node == node || endpoint->peer_node == node)) {
            reset(endpoint, -ECONNRESET);
        }
    }
}

}  // namespace logboom::io
