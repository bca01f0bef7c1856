// Stands between a program and its simulated kernel: sees every operation and lets it pass, refuses
// it, or keeps it back, as a test says. So a test chooses what random faults meet only by luck.
#pragma once

#include "shared/io/io_backend.h"
#include "shared/io/sim_events.h"

#include <functional>
#include <memory>
#include <vector>

namespace logboom::sim {

class OpGate final : public io::IoBackend {
public:
    /// 0: pass; `held`: keep it back; else the errno with which it ends, without any effect.
    using Verdict = int;
    static constexpr Verdict passes = 0;
    static constexpr Verdict held = -1;
    using Judge = std::function<Verdict(const io::Op&)>;

    /// All outlive the gate. An empty `judge` lets everything pass.
    OpGate(io::SimEvents& events, io::IoBackend& kernel, const Judge& judge)
        : events_(events)
        , kernel_(kernel)
        , judge_(judge)
        , alive_(std::make_shared<bool>(true)) {}

    void submit(io::Op& op) override;
    void cancel(io::Op& op) override { kernel_.cancel(op); }
    void close_later(const int fd) override { kernel_.close_later(fd); }
    void poll(const SteadyTime until) override { kernel_.poll(until); }
    void wake() noexcept override { kernel_.wake(); }
    SteadyTime now() override { return kernel_.now(); }
    WallTime wall() override { return kernel_.wall(); }

    /// What is kept back goes on.
    void release();
    [[nodiscard]] std::size_t held_count() const noexcept { return held_.size(); }
    /// The program has died.
    void drop_all();

private:
    void refuse(io::Op& op, int sys_errno);

    io::SimEvents& events_;
    io::IoBackend& kernel_;
    const Judge& judge_;
    std::vector<io::Op*> held_;
    std::vector<io::Op*> refused_;
    std::shared_ptr<bool> alive_;
};

}  // namespace logboom::sim
