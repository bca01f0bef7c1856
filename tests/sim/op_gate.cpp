#include "tests/sim/op_gate.h"

#include <utility>

namespace logboom::sim {

void OpGate::submit(io::Op& op) {
    const Verdict verdict = judge_ ? judge_(op) : passes;
    if (verdict == passes) {
        kernel_.submit(op);
    } else if (verdict == held) {
        held_.push_back(&op);
    } else {
        refuse(op, verdict);
    }
}

void OpGate::refuse(io::Op& op, const int sys_errno) {
    refused_.push_back(&op);
    const std::weak_ptr<bool> alive = alive_;
    events_.after(std::chrono::microseconds(5), [this, alive, refused = &op, sys_errno] {
        if (!alive.expired()) {
            std::erase(refused_, refused);
            complete(*refused, -sys_errno);
        }
    });
}

void OpGate::release() {
    const std::vector<io::Op*> going_on = std::exchange(held_, {});
    for (io::Op* const op : going_on) {
        kernel_.submit(*op);
    }
}

void OpGate::drop_all() {
    for (io::Op* const op : held_) {
        op->in_kernel = false;
    }
    for (io::Op* const op : refused_) {
        op->in_kernel = false;
    }
    held_.clear();
    refused_.clear();
    alive_ = std::make_shared<bool>(true);  // what was to come, comes to nobody
}

}  // namespace logboom::sim
