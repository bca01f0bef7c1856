#include "agent/state_dir.h"

namespace logboom::agent {

namespace {

constexpr std::size_t identity_bytes_max = 4096;

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
    const std::string name = path_ + "/agent.id";
    const Result<std::string> content = co_await env_.fs.read_file(name, identity_bytes_max);
    if (content) {
        const Result<source::AgentIdentity> agent = parse_identity(as_bytes(*content));
        if (agent) {
            agent_ = *agent;
            co_return Ok{};
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
    agent_.agent_id = env_.rng.id128();
    agent_.hash_seed = env_.rng.next();
    co_return co_await save();
}

Task<void> StateDir::close() {
    if (lock_ != nullptr) {
        co_await lock_->close();
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
