// The simulated backend: every kind of Op over a simulated disk and network, in virtual time (C3). One
// per life of a node's program; its machine's disk and the network outlive it. Linked by tests only.
#pragma once

#include "shared/io/io_backend.h"
#include "shared/io/sim_disk.h"
#include "shared/io/sim_events.h"
#include "shared/io/sim_net.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace logboom::io {

struct SimBackendOptions {
    Nanos file_min = std::chrono::microseconds(2);
    Nanos file_max = std::chrono::microseconds(150);
    Nanos sync_min = std::chrono::microseconds(100);
    Nanos sync_max = std::chrono::milliseconds(4);
    /// Chance per file operation of up to `stall` more.
    double spike = 0.001;
    Nanos stall = std::chrono::milliseconds(300);
    /// Chance per armed multishot receive that it ends with -ENOBUFS.
    double starved = 0.01;
    /// Chance per send that it ends with a part.
    double short_send = 0.02;
    int descriptors_max = 1024;
    std::size_t watch_queue_max = 16384;
};

class SimBackend final : public IoBackend {
public:
    SimBackend(
        SimEvents& events, SimNet& net, SimDisk& disk, std::uint32_t node, SimBackendOptions options
    );
    ~SimBackend() override;

    void submit(Op& op) override;
    void cancel(Op& op) override;
    void close_later(int fd) override;
    /// For a program alone in its world: runs events until an op of this backend has ended or until
    /// `until`. SimWorld runs the events of many nodes itself.
    void poll(SteadyTime until) override;
    void wake() noexcept override {}
    SteadyTime now() override { return events_.now(); }
    WallTime wall() override { return disk_.wall(); }

    /// The program has died: no op of it will be told anything, its frames may be destroyed. With
    /// `Descriptors::closed` the kernel lives on and closes what was open; else the machine is gone too.
    enum class Descriptors : bool { lost, closed };
    void drop_all(Descriptors descriptors);
    [[nodiscard]] std::size_t ops_in_flight() const noexcept { return live_.size(); }

private:
    struct Handle {
        std::shared_ptr<SimOpenFile> file;
        std::shared_ptr<SimEndpoint> conn;
        std::shared_ptr<SimListener> listener;
        std::shared_ptr<SimWatcher> watcher;
        std::vector<std::uint64_t> waiting;  // ops that end when something happens
        bool pump_due = false;
    };
    struct Live {
        Op* op = nullptr;
        std::shared_ptr<Handle> handle;
        std::uint32_t progress = 0;
        bool settled = false;  // its result is fixed, though not yet told
    };

    void later(Nanos delay, std::function<void()> action);
    [[nodiscard]] Nanos file_delay(OpKind kind);
    void run_later(std::uint64_t id);
    [[nodiscard]] std::int32_t run(const Live& live);
    [[nodiscard]] std::int32_t run_on_path(Op& op);
    [[nodiscard]] std::int32_t list_dir(const Op& op);
    [[nodiscard]] std::int32_t run_on_fd(Op& op, Handle& handle);
    [[nodiscard]] std::int32_t write(const Op& op, SimOpenFile& file);
    [[nodiscard]] std::int32_t listen(const Op& op);
    [[nodiscard]] std::int32_t close(int fd);
    [[nodiscard]] std::int32_t free_descriptor() const;
    [[nodiscard]] std::int32_t add_handle(std::shared_ptr<Handle> handle);
    [[nodiscard]] std::int32_t add_connection(std::shared_ptr<SimEndpoint> conn);
    void let_go(Handle& handle);
    void start_connect(std::uint64_t id);
    void settle(std::uint64_t id, std::int32_t res, Nanos delay);

    void pump_later(const std::shared_ptr<Handle>& handle);
    void pump(const std::shared_ptr<Handle>& handle);
    /// True when it was settled.
    [[nodiscard]] bool try_end(std::uint64_t id, Live& live);
    [[nodiscard]] bool try_receive_some(std::uint64_t id, Live& live);
    [[nodiscard]] bool try_receive_all(std::uint64_t id, Live& live);
    [[nodiscard]] bool try_receive_once(std::uint64_t id, Live& live);
    [[nodiscard]] bool try_send(std::uint64_t id, Live& live);
    [[nodiscard]] bool try_accept(std::uint64_t id, Live& live);

    SimEvents& events_;
    SimNet& net_;
    SimDisk& disk_;
    std::uint32_t node_;
    SimBackendOptions options_;
    std::map<int, std::shared_ptr<Handle>> handles_;
    std::map<std::uint64_t, Live> live_;
    std::uint64_t next_id_ = 1;
    std::uint64_t told_ = 0;
    std::shared_ptr<bool> alive_;
};

}  // namespace logboom::io
