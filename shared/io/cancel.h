// Cancellation of the awaits of one scope: a single-threaded list of what waits (C15).
#pragma once

#include "shared/io/intrusive_list.h"

namespace logboom::io {

/// Part of an awaiter that can be cut short. `on_cancel` must make the awaiter resume later with
/// ErrorCode::cancelled; it never resumes inline.
struct CancelNode : ListNode {
    void (*on_cancel)(CancelNode&) = nullptr;
};

class CancelToken {
public:
    [[nodiscard]] bool is_cancelled() const noexcept { return cancelled_; }
    void add(CancelNode& node) noexcept { nodes_.push_back(node); }
    void cancel() {
        cancelled_ = true;
        IntrusiveList<CancelNode> nodes;
        nodes.take_all(nodes_);
        while (!nodes.empty()) {
            CancelNode& node = nodes.pop_front();
            node.on_cancel(node);
        }
    }

private:
    IntrusiveList<CancelNode> nodes_;
    bool cancelled_ = false;
};

}  // namespace logboom::io
