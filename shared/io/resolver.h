// Host names to addresses. The system's resolver cannot be interrupted and may take a minute when its
// servers are gone, so it has a thread of its own that nobody waits for: what it works on and what it finds
// belong to it, and an op that is withdrawn is over at once.
#pragma once

#include "shared/io/op.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace logboom::io {

class Resolver {
public:
    /// Numeric addresses of a name; none: it is not known.
    using Lookup = std::function<std::vector<std::string>(const std::string& host)>;

    /// `on_answer` is called on the resolver's thread after an answer was queued: it wakes the shard.
    explicit Resolver(std::function<void()> on_answer, Lookup lookup = ask_system);
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;
    /// Does not wait for the look-up in work.
    ~Resolver();

    /// `op.path` is copied. Names are looked up one after the other.
    void submit(Op& op);
    /// Takes an op back, also one that is being looked up. False: it will be answered, or is none of ours.
    [[nodiscard]] bool withdraw(Op& op);
    /// What was answered since the last call, with the results; fills each op's `out`.
    [[nodiscard]] std::vector<std::pair<Op*, std::int32_t>> collect();

    [[nodiscard]] static std::vector<std::string> ask_system(const std::string& host);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace logboom::io
