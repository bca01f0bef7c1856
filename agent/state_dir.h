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

    /// Makes the directory, locks it, reads the agent's identity or makes one. An identity belongs to the
    /// machine that made it: on another one, which was cloned from it, it is replaced (agent-design 3.1).
    /// Errors: `busy` if another agent has it; `unsupported` if it is of another version of the program;
    /// those of the file system.
    Task<Result<Ok>> open();
    Task<void> close();

    [[nodiscard]] const source::AgentIdentity& agent() const noexcept { return agent_; }
    /// Which machine this is, for the collector; empty if it has no id.
    [[nodiscard]] const std::string& machine_id() const noexcept { return machine_id_; }
    /// Makes a new epoch durable.
    Task<Result<Ok>> raise_epoch(std::uint32_t epoch);
    /// Forgets every stream and makes a new identity, under which all files are new. Nobody uses the
    /// checkpoint meanwhile.
    Task<Result<Ok>> begin_anew();

private:
    Task<Result<bool>> load();
    Task<Result<Ok>> make_identity();
    Task<Result<Ok>> save();

    Env& env_;
    std::string path_;
    std::unique_ptr<io::File> lock_;
    std::string machine_id_;
    source::AgentIdentity agent_;
};

}  // namespace logboom::agent
