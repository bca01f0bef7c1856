// A doubly linked list whose nodes live in their owners: no allocation, O(1) removal, and a node that
// dies takes itself out.
#pragma once

#include "shared/base/assert.h"

namespace logboom::io {

struct ListNode {
    ListNode() = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;
    ~ListNode() { unlink(); }

    [[nodiscard]] bool is_linked() const noexcept { return next != this; }
    void unlink() noexcept {
        prev->next = next;
        next->prev = prev;
        prev = next = this;
    }

    ListNode* prev = this;
    ListNode* next = this;
};

/// `T` derives from ListNode.
template <typename T>
class IntrusiveList {
public:
    [[nodiscard]] bool empty() const noexcept { return !head_.is_linked(); }
    void push_back(T& node) noexcept {
        ListNode& n = node;
        LB_ASSERT(!n.is_linked());
        n.prev = head_.prev;
        n.next = &head_;
        head_.prev->next = &n;
        head_.prev = &n;
    }
    [[nodiscard]] T& front() noexcept {
        LB_ASSERT(!empty());
        return static_cast<T&>(*head_.next);
    }
    T& pop_front() noexcept {
        T& node = front();
        static_cast<ListNode&>(node).unlink();
        return node;
    }
    /// Takes over all nodes of `other`, behind ours.
    void take_all(IntrusiveList& other) noexcept {
        while (!other.empty()) {
            push_back(other.pop_front());
        }
    }
    template <typename F>
    void for_each(F&& f) {
        for (ListNode* n = head_.next; n != &head_;) {
            ListNode* const next = n->next;
            f(static_cast<T&>(*n));
            n = next;
        }
    }

private:
    ListNode head_;
};

}  // namespace logboom::io
