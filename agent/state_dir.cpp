#include "agent/state_dir.h"

#include <array>

namespace logboom::agent {

namespace {

constexpr std::size_t identity_bytes_max = 4096;
constexpr const char* machine_id_file = "/etc/machine-id";
constexpr std::size_t machine_id_bytes_max = 256;

Result<source::AgentIdentity> parse_identity(const ByteView bytes) {
    LB_TRY(const source::FrameView frame, source::read_frame(bytes));
    if (frame.kind != source::FrameKind::agent) {
        return Error{ErrorCode::malformed, 0, "agent identity"};
    }
    return source::decode_agent(frame.value);
}

}  // namespace

Task<Result<Ok>> StateDir::open() {
    LB_CO_CHECK(co_await env_.fs.make_dirs(path_));
    LB_CO_TRY(io::File lock, co_await env_.fs.open(path_ + "/lock", O_RDWR | O_CREAT));
    lock_ = std::make_unique<io::File>(std::move(lock));
    LB_CO_CHECK(co_await lock_->lock());
    const Result<std::string> machine =
        co_await env_.fs.read_file(machine_id_file, machine_id_bytes_max);
    if (!machine && machine.code() != ErrorCode::not_found) {
        // Who does not say who he is passes for a copy of himself at a collector that still sees him.
        env_.log.error(
            "the machine's id cannot be read: make the file readable or check its disk, then start again",
            {kv("file", machine_id_file), kv("error", to_string(machine.error()))}
        );
        co_return machine.error();
    }
    machine_id_ = machine ? *machine : std::string();
    LB_CO_TRY(const bool is_loaded, co_await load());
    if (!is_loaded) {
        agent_.machine_id = machine_id_;
        co_return co_await make_identity();
    }
    if (machine_id_.empty() || machine_id_ == agent_.machine_id) {
        co_return Ok{};
    }
    const bool is_bound = !agent_.machine_id.empty();
    agent_.machine_id = machine_id_;
    if (!is_bound) {
        co_return Ok{};  // durable with the next epoch
    }
    env_.log.warn(
        "the agent's identity was made on another machine, of which this one is a copy; a new one is made "
        "and every file begins anew",
        {kv("dir", quoted(path_)), kv("agent", to_hex(agent_.agent_id))}
    );
    co_return co_await begin_anew();
}

/// False: there is none, or none that can be read.
Task<Result<bool>> StateDir::load() {
    const std::string name = path_ + "/agent.id";
    const Result<std::string> content = co_await env_.fs.read_file(name, identity_bytes_max);
    if (content) {
        const Result<source::AgentIdentity> agent = parse_identity(as_bytes(*content));
        if (agent) {
            agent_ = *agent;
            co_return true;
        }
        if (agent.code() == ErrorCode::unsupported) {
            env_.log.error(
                "the agent's identity is of another version of logboom-agent; nothing was changed. Use "
                "that version, or another [agent] state_dir",
                {kv("dir", quoted(path_)),
                 kv("version_found", source::frame_version(as_bytes(*content))),
                 kv("version_known", source::frame_version_known)}
            );
            co_return agent.error();
        }
        env_.log.error(
            "the agent's identity cannot be read; it is kept as agent.id.bad and a new one is made: "
            "lines may arrive twice, once",
            {kv("dir", quoted(path_)), kv("error", to_string(agent.error()))}
        );
        LB_CO_CHECK(co_await env_.fs.rename(name, name + ".bad"));
    } else if (content.error().sys_errno != ENOENT && content.code() != ErrorCode::not_found) {
        co_return content.error();
    }
    co_return false;
}

Task<Result<Ok>> StateDir::make_identity() {
    agent_.agent_id = env_.rng.id128();
    agent_.hash_seed = env_.rng.next();
    agent_.agent_epoch = 0;
    co_return co_await save();
}

Task<Result<Ok>> StateDir::begin_anew() {
    // First what belongs to the old identity: without its streams it is harmless, they without it are not.
    constexpr std::array<const char*, 3> names{
        "checkpoint.log", "checkpoint.old", "checkpoint.new"};
    for (const char* const name : names) {
        const Result<Ok> removed = co_await env_.fs.unlink(path_ + "/" + name);
        if (!removed && removed.code() != ErrorCode::not_found) {
            co_return removed;
        }
    }
    LB_CO_CHECK(co_await env_.fs.sync_dir(path_));
    co_return co_await make_identity();
}

Task<void> StateDir::close() {
    if (lock_ != nullptr) {
        [[maybe_unused]] const Result<Ok> closed = co_await lock_->close();
        lock_.reset();
    }
}

Task<Result<Ok>> StateDir::raise_epoch(const std::uint32_t epoch) {
    LB_ASSERT(epoch > agent_.agent_epoch);
    agent_.agent_epoch = epoch;
    co_return co_await save();
}

Task<Result<Ok>> StateDir::save() {
    Buffer value;
    source::encode_agent(agent_, value);
    Buffer frame;
    source::append_frame(source::FrameKind::agent, value.view(), frame);
    co_return co_await env_.fs.replace_file(path_ + "/agent.id", frame.view());
}

}  // namespace logboom::agent
