#include "collector/ingest/agent_session.h"

#include "shared/record/loss_topic.h"

#include <algorithm>
#include <iterator>

namespace logboom::ingest {

namespace {

using rpc::ReplyStatus;

/// Our errors in the agents' words: the one table of this door.
ReplyStatus to_status(const ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::internal:
    case ErrorCode::cancelled:
    case ErrorCode::timed_out:
    case ErrorCode::closed: return ReplyStatus::unavailable;
    case ErrorCode::io:
    case ErrorCode::no_space:
    case ErrorCode::storage_failed: return ReplyStatus::storage_error;
    case ErrorCode::busy: return ReplyStatus::busy;
    case ErrorCode::not_found: return ReplyStatus::unknown_topic;
    case ErrorCode::not_leader: return ReplyStatus::not_leader;
    case ErrorCode::too_large: return ReplyStatus::too_large;
    case ErrorCode::fenced: return ReplyStatus::fenced;
    case ErrorCode::rejected: return ReplyStatus::rejected_position;
    case ErrorCode::corrupt:
    case ErrorCode::malformed:
    case ErrorCode::unsupported:
    case ErrorCode::already_exists:
    case ErrorCode::out_of_range:
    case ErrorCode::out_of_order:
    case ErrorCode::invalid_argument: return ReplyStatus::invalid;
    }
    LB_UNREACHABLE("ErrorCode");
}

ReplyStatus to_status(const replica::AgentAppend::Outcome outcome) noexcept {
    switch (outcome) {
    case replica::AgentAppend::Outcome::appended:
    case replica::AgentAppend::Outcome::duplicate: return ReplyStatus::ok;
    case replica::AgentAppend::Outcome::rejected_position: return ReplyStatus::rejected_position;
    case replica::AgentAppend::Outcome::fenced: return ReplyStatus::fenced;
    case replica::AgentAppend::Outcome::invalid: return ReplyStatus::invalid;
    }
    LB_UNREACHABLE("Outcome");
}

/// Leaves the first streams of all partitions, in the order of their ids, about as many as there is room
/// for: a stream is told with all its partitions or not at all.
void keep_page(rpc::TopicPositions& topic, const std::size_t room) {
    std::vector<rpc::StreamPosition>& positions = topic.positions;
    std::ranges::stable_sort(positions, {}, &rpc::StreamPosition::stream);
    if (positions.size() <= room) {
        return;
    }
    auto end = positions.begin() + static_cast<std::ptrdiff_t>(room);
    while (room != 0 && end != positions.end() && end->stream == std::prev(end)->stream) {
        ++end;
    }
    topic.has_more = end != positions.end();
    positions.erase(end, positions.end());
}

template <typename Message>
rpc::RpcReply reply_with(const Message& message) {
    rpc::RpcReply reply;
    encode(message, reply.header);
    return reply;
}

rpc::RpcReply refuse(std::string sentence) {
    rpc::RpcReply reply;
    reply.refusal = std::move(sentence);
    return reply;
}

}  // namespace

Task<Result<rpc::RpcReply>> AgentSession::handle(rpc::Frame request) {
    switch (request.head.method) {
    case rpc::Method::hello: co_return co_await hello(std::move(request));
    case rpc::Method::ship: co_return co_await ship(std::move(request));
    case rpc::Method::ping: {
        rpc::PingReply pong;
        pong.wall_ms = to_unix_ms(ingest_.env().clock.wall());
        co_return reply_with(pong);
    }
    }
    co_return refuse("this method is not known at the agents' door");
}

Task<Result<rpc::RpcReply>> AgentSession::hello(rpc::Frame request) {
    const Result<rpc::HelloRequest> asked = rpc::decode_hello_request(request.header.view());
    if (!asked) {
        co_return refuse("the Hello cannot be read: " + to_string(asked.error()));
    }
    rpc::HelloReply reply;
    if (agent_id_ && *agent_id_ != asked->agent_id) {
        co_return refuse("one connection speaks for one agent");
    }
    if (!agent_id_) {
        AgentFacts facts{asked->machine_id, asked->host, asked->version};
        const bool claimed =
            co_await ingest_.agents.claim(ingest_.shard, asked->agent_id, std::move(facts));
        if (!claimed) {
            ingest_.env().log.warn(
                "agent refused: another machine uses its agent id; it takes a new one",
                {kv("agent", to_hex(asked->agent_id)), kv("host", quoted(asked->host))}
            );
            reply.status = ReplyStatus::cloned;
            co_return reply_with(reply);
        }
        if (agent_id_) {  // a second Hello was pipelined behind the first and came before us
            co_await ingest_.agents.release(ingest_.shard, asked->agent_id);
        }
        agent_id_ = asked->agent_id;
    }
    std::size_t room = limits::agent_streams_per_hello;
    for (const rpc::TopicStreams& topic : asked->topics) {
        rpc::TopicPositions positions = co_await positions_of(topic, room, reply.agent_epoch_known);
        room -= std::min(room, positions.positions.size());
        reply.topics.push_back(std::move(positions));
    }
    co_return reply_with(reply);
}

Task<rpc::TopicPositions> AgentSession::positions_of(
    const rpc::TopicStreams& asked, const std::size_t room, std::uint32_t& epoch_known
) {
    rpc::TopicPositions answer;
    answer.topic = asked.topic;
    metadata::ImagePtr image = ingest_.meta.image();
    const metadata::TopicImage* topic = image->find(asked.topic);
    // What is lost is told wherever lines are taken: else the files that lost something would wait for ever.
    const bool may_create = ingest_.options.auto_create || asked.topic == record::loss_topic;
    if (topic == nullptr && !may_create) {
        answer.status = ReplyStatus::unknown_topic;
        co_return answer;
    }
    // Also one whose partitions could not be opened when it was made: that is tried again.
    if (topic == nullptr || !ingest_.replicas.has_all(*topic)) {
        Result<metadata::ImagePtr> created = co_await ingest_.topics.ensure(
            ingest_.shard, asked.topic, ingest_.options.partitions_default
        );
        if (!created && topic == nullptr) {
            answer.status = to_status(created.code());
            co_return answer;
        }
        if (created) {
            image = std::move(*created);
            topic = image->find(asked.topic);
            LB_ASSERT(topic != nullptr);
        }
    }
    answer.topic_id = topic->id;
    if (topics_told_.size() < limits::agent_topics_told_max) {
        topics_told_[asked.topic] = topic->id;
    }
    answer.partition_count = static_cast<std::uint32_t>(topic->partitions.size());
    for (const metadata::PartitionImage& described : topic->partitions) {
        const replica::PartitionPtr partition = ingest_.replicas.find(topic->id, described.index);
        if (partition == nullptr) {
            answer.status = ReplyStatus::unavailable;
            co_return answer;
        }
        std::function<Task<replica::AgentPositions>()> work = [this, &partition, &asked] {
            return partition->positions(*agent_id_, asked.all_streams, asked.streams, asked.after);
        };
        Shard& home = ingest_.replicas.home_of(*partition);
        replica::AgentPositions known = co_await io::call_on(ingest_.shard, home, std::move(work));
        if (!known.are_known) {
            answer.positions.clear();
            answer.status = ReplyStatus::unavailable;
            co_return answer;
        }
        epoch_known = std::max(epoch_known, known.agent_epoch_max);
        for (rpc::StreamPosition& position : known.streams) {
            answer.positions.push_back(std::move(position));
        }
    }
    if (asked.all_streams) {
        keep_page(answer, room);
    }
    co_return answer;
}

Task<Result<rpc::RpcReply>> AgentSession::ship(rpc::Frame request) {
    if (!agent_id_) {
        co_return refuse("the first request of a connection is a Hello");
    }
    const Result<rpc::ShipRequest> asked =
        rpc::decode_ship_request(request.header.view(), request.payload.size());
    if (!asked) {
        co_return refuse("the Ship cannot be read: " + to_string(asked.error()));
    }
    for (const rpc::BatchEnvelope& envelope : asked->batches) {
        if (is_of_deleted_topic(envelope.topic)) {
            co_return refuse("topic " + envelope.topic + " was deleted: say Hello again");
        }
    }
    rpc::ShipReply reply;
    reply.results.resize(asked->batches.size());
    Scope appends(ingest_.env().scheduler);
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < asked->batches.size(); ++i) {
        const rpc::BatchEnvelope& envelope = asked->batches[i];
        Slice batch = request.payload.part(at, envelope.size_bytes);
        at += envelope.size_bytes;
        // Each is queued for its partition inside this call: the order of the request is kept.
        appends.spawn_now(append(std::move(batch), envelope, reply.results[i]));
    }
    co_await appends.join();
    co_return reply_with(reply);
}

/// The positions that the agent was told are those of a topic that is no more. One of the same name may be
/// there: a batch in the middle of a stream would be taken for its first one.
bool AgentSession::is_of_deleted_topic(const std::string& name) const {
    const auto told = topics_told_.find(name);
    if (told == topics_told_.end()) {
        return false;
    }
    const metadata::ImagePtr image = ingest_.meta.image();
    const metadata::TopicImage* const topic = image->find(name);
    return topic == nullptr || topic->id != told->second;
}

Task<void> AgentSession::append(
    Slice batch, const rpc::BatchEnvelope& envelope, rpc::BatchResult& result
) {
    const metadata::ImagePtr image = ingest_.meta.image();
    const metadata::TopicImage* const topic = image->find(envelope.topic);
    const replica::PartitionPtr partition =
        topic == nullptr ? nullptr : ingest_.replicas.find(topic->id, envelope.partition);
    if (partition == nullptr) {
        // One that is known but could not be opened is opened again by the agent's next Hello.
        const bool is_known =
            topic != nullptr
            && std::ranges::any_of(topic->partitions, [&envelope](const auto& known) {
                   return known.index == envelope.partition;
               });
        result.status = is_known ? ReplyStatus::unavailable : ReplyStatus::unknown_topic;
        co_return;
    }
    std::function<Task<Result<replica::AgentAppend>>()> work =
        [this, &partition, held = std::move(batch), &envelope]() mutable {
            const std::uint32_t bytes_max = ingest_.options.batch_bytes_max;
            return partition->append_from_agent(*agent_id_, std::move(held), envelope, bytes_max);
        };
    Shard& home = ingest_.replicas.home_of(*partition);
    const Result<replica::AgentAppend> appended =
        co_await io::call_on(ingest_.shard, home, std::move(work));
    if (!appended) {
        result.status = to_status(appended.code());
        co_return;
    }
    result.status = to_status(appended->outcome);
    result.base_offset = appended->base_offset;
    result.generation_known = appended->generation_known;
    result.to_known = appended->to_known;
    result.duplicate = appended->outcome == replica::AgentAppend::Outcome::duplicate;
}

Task<void> AgentSession::end() {
    if (agent_id_) {
        co_await ingest_.agents.release(ingest_.shard, *agent_id_);
        agent_id_.reset();
    }
}

}  // namespace logboom::ingest
