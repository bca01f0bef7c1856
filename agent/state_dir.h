// The agent's state directory: who we are, and that nobody else is at work in it (D6).
#pragma once

#include "agent/source/file/checkpoint_codec.h"
#include "shared/io/env.h"

#include <memory>
#include <string>

namespace logboom::agent {

class StateDir {
public:
    StateDir(Env& env, std::string path) : env_(env), path_(std::move(path)) {}

    /// Makes the directory, locks it, reads the agent's identity or makes one.
    /// Errors: `busy` if another agent has it; those of the file system.
    Task<Result<Ok>> open();
    Task<void> close();

    [[nodiscard]] const source::AgentIdentity& agent() const noexcept { return agent_; }
    /// Makes a new epoch durable.
    Task<Result<Ok>> raise_epoch(std::uint32_t epoch);

private:
    Task<Result<Ok>> save();

    Env& env_;
    std::string path_;
    std::unique_ptr<io::File> lock_;
    source::AgentIdentity agent_;
};

}  // namespace logboom::agent
