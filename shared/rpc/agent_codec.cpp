#include "agents.pb.h"
#include "shared/base/limits.h"
#include "shared/rpc/agent_messages.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

namespace logboom::rpc {
namespace {

constexpr Error malformed{ErrorCode::malformed, 0, "message header"};

std::string_view text_of(const Id128& id) noexcept {
    return as_text(id);
}
std::string bytes_of(const Id128& id) {
    return std::string(text_of(id));
}

/// One decoding: every field is looked at, the first that cannot be true makes all of it `malformed`.
class Reader {
public:
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    void require(const bool condition) noexcept { ok_ = ok_ && condition; }

    Id128 id(const std::string& bytes) noexcept {
        Id128 id{};
        require(bytes.size() == id.size());
        std::memcpy(id.data(), bytes.data(), std::min(bytes.size(), id.size()));
        return id;
    }
    PartitionIndex partition(const std::uint32_t number) noexcept {
        require(number < static_cast<std::uint32_t>(limits::partitions_per_topic_max));
        return PartitionIndex(static_cast<std::int32_t>(number));
    }
    ReplyStatus status(const int number) noexcept {
        require(pb_status_is_known(number));
        return static_cast<ReplyStatus>(number);
    }
    std::string topic(const std::string& name) {
        require(!name.empty() && name.size() <= limits::topic_name_bytes_max);
        return name;
    }
    /// One that says nothing is none: that is how none is written.
    std::optional<FileIdentity> identity(const std::string& bytes) {
        Result<FileIdentity> identity = record::decode_identity(as_bytes(bytes));
        require(identity.has_value());
        const bool says_something = identity && *identity != FileIdentity();
        return says_something ? std::optional(std::move(*identity)) : std::nullopt;
    }
    std::string name(const std::string& text, const std::size_t bytes_max) {
        require(text.size() <= bytes_max);
        return text;
    }

private:
    static bool pb_status_is_known(const int number) noexcept {
        return v1::ReplyStatus_IsValid(number);
    }

    bool ok_ = true;
};

template <typename M>
void append(const M& message, Buffer& out) {
    const std::size_t size = message.ByteSizeLong();
    if (size != 0) {
        auto* const at = reinterpret_cast<std::uint8_t*>(out.extend(size));
        message.SerializeWithCachedSizesToArray(at);
    }
}

template <typename M>
bool parse(M& message, const ByteView bytes) {
    return bytes.size() <= limits::rpc_header_bytes_max
        && message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

v1::ReplyStatus to_pb(const ReplyStatus status) noexcept {
    return static_cast<v1::ReplyStatus>(status);
}

void put(const StreamPosition& from, v1::StreamPosition& to) {
    to.set_stream(bytes_of(from.stream));
    to.set_partition(static_cast<std::uint32_t>(from.partition.value));
    to.set_generation(from.generation);
    to.set_to(from.to);
    to.set_agent_epoch(from.agent_epoch);
    to.set_tail_len(from.tail_len);
    to.set_tail_hash(from.tail_hash);
    if (from.identity.has_value()) {
        Buffer encoded;
        record::encode_identity(*from.identity, encoded);
        to.set_identity(std::string(as_text(encoded.view())));
    }
}

StreamPosition take(Reader& reader, const v1::StreamPosition& from) {
    StreamPosition to;
    to.stream = reader.id(from.stream());
    to.partition = reader.partition(from.partition());
    to.generation = from.generation();
    to.to = from.to();
    to.agent_epoch = from.agent_epoch();
    to.tail_len = from.tail_len();
    to.tail_hash = from.tail_hash();
    to.identity = reader.identity(from.identity());
    return to;
}

void put(const TopicPositions& from, v1::TopicPositions& to) {
    to.set_topic(from.topic);
    to.set_topic_id(bytes_of(from.topic_id));
    to.set_partition_count(from.partition_count);
    to.set_status(to_pb(from.status));
    for (const StreamPosition& position : from.positions) {
        put(position, *to.add_positions());
    }
    to.set_has_more(from.has_more);
}

TopicPositions take(Reader& reader, const v1::TopicPositions& from) {
    TopicPositions to;
    to.topic = reader.topic(from.topic());
    to.topic_id = reader.id(from.topic_id());
    to.partition_count = from.partition_count();
    to.status = reader.status(from.status());
    for (const v1::StreamPosition& position : from.positions()) {
        to.positions.push_back(take(reader, position));
    }
    to.has_more = from.has_more();
    return to;
}

TopicStreams take(Reader& reader, const v1::TopicStreams& from) {
    TopicStreams to;
    to.topic = reader.topic(from.topic());
    to.all_streams = from.all_streams();
    if (!from.after().empty()) {
        to.after = reader.id(from.after());
    }
    for (const std::string& stream : from.streams()) {
        to.streams.push_back(reader.id(stream));
    }
    return to;
}

BatchEnvelope take(Reader& reader, const v1::BatchEnvelope& from) {
    BatchEnvelope to;
    to.topic = reader.topic(from.topic());
    to.partition = reader.partition(from.partition());
    to.size_bytes = from.size_bytes();
    to.stream = reader.id(from.stream());
    to.generation = from.generation();
    to.from = from.from();
    to.to = from.to();
    to.agent_epoch = from.agent_epoch();
    return to;
}

BatchResult take(Reader& reader, const v1::BatchResult& from) {
    BatchResult to;
    to.status = reader.status(from.status());
    to.base_offset = Offset(from.base_offset());
    to.generation_known = from.generation_known();
    to.to_known = from.to_known();
    to.duplicate = from.duplicate();
    return to;
}

/// Each is answered with a page of its own.
bool has_no_topic_twice(const std::vector<TopicStreams>& topics) {
    std::set<std::string_view> names;
    return std::ranges::all_of(topics, [&names](const TopicStreams& topic) {
        return names.insert(topic.topic).second;
    });
}

template <typename T>
Result<T> finish(const Reader& reader, T message) {
    if (!reader.ok()) {
        return malformed;
    }
    return message;
}

}  // namespace

const char* to_string(const ReplyStatus status) noexcept {
    switch (status) {
    case ReplyStatus::ok: return "ok";
    case ReplyStatus::rejected_position: return "rejected_position";
    case ReplyStatus::fenced: return "fenced";
    case ReplyStatus::not_leader: return "not_leader";
    case ReplyStatus::unknown_topic: return "unknown_topic";
    case ReplyStatus::invalid: return "invalid";
    case ReplyStatus::too_large: return "too_large";
    case ReplyStatus::storage_error: return "storage_error";
    case ReplyStatus::busy: return "busy";
    case ReplyStatus::cloned: return "cloned";
    case ReplyStatus::unavailable: return "unavailable";
    }
    LB_UNREACHABLE("reply status");
}

void encode(const HelloRequest& message, Buffer& out) {
    v1::HelloRequest pb;
    pb.set_agent_id(bytes_of(message.agent_id));
    pb.set_agent_epoch(message.agent_epoch);
    pb.set_machine_id(message.machine_id);
    pb.set_host(message.host);
    pb.set_version(message.version);
    for (const TopicStreams& topic : message.topics) {
        v1::TopicStreams& to = *pb.add_topics();
        to.set_topic(topic.topic);
        to.set_all_streams(topic.all_streams);
        if (topic.after.has_value()) {
            to.set_after(bytes_of(*topic.after));
        }
        for (const Id128& stream : topic.streams) {
            to.add_streams(bytes_of(stream));
        }
    }
    append(pb, out);
}

void encode(const HelloReply& message, Buffer& out) {
    v1::HelloReply pb;
    pb.set_status(to_pb(message.status));
    pb.set_agent_epoch_known(message.agent_epoch_known);
    for (const TopicPositions& topic : message.topics) {
        put(topic, *pb.add_topics());
    }
    append(pb, out);
}

void encode(const ShipRequest& message, Buffer& out) {
    LB_ASSERT(message.batches.size() <= limits::rpc_batches_per_request_max);
    v1::ShipRequest pb;
    for (const BatchEnvelope& batch : message.batches) {
        v1::BatchEnvelope& to = *pb.add_batches();
        to.set_topic(batch.topic);
        to.set_partition(static_cast<std::uint32_t>(batch.partition.value));
        to.set_size_bytes(batch.size_bytes);
        to.set_stream(bytes_of(batch.stream));
        to.set_generation(batch.generation);
        to.set_from(batch.from);
        to.set_to(batch.to);
        to.set_agent_epoch(batch.agent_epoch);
    }
    append(pb, out);
}

void encode(const ShipReply& message, Buffer& out) {
    v1::ShipReply pb;
    for (const BatchResult& result : message.results) {
        v1::BatchResult& to = *pb.add_results();
        to.set_status(to_pb(result.status));
        to.set_base_offset(result.base_offset.value);
        to.set_generation_known(result.generation_known);
        to.set_to_known(result.to_known);
        to.set_duplicate(result.duplicate);
    }
    pb.set_retry_after_ms(message.retry_after_ms);
    append(pb, out);
}

void encode(const PingReply& message, Buffer& out) {
    v1::PingReply pb;
    pb.set_wall_ms(message.wall_ms);
    append(pb, out);
}

Result<HelloRequest> decode_hello_request(const ByteView header) {
    v1::HelloRequest pb;
    if (!parse(pb, header)) {
        return malformed;
    }
    Reader reader;
    HelloRequest message;
    message.agent_id = reader.id(pb.agent_id());
    message.agent_epoch = pb.agent_epoch();
    message.machine_id = reader.name(pb.machine_id(), limits::agent_name_bytes_max);
    message.host = reader.name(pb.host(), limits::agent_name_bytes_max);
    message.version = reader.name(pb.version(), limits::agent_name_bytes_max);
    std::size_t streams_count = 0;
    for (const v1::TopicStreams& topic : pb.topics()) {
        message.topics.push_back(take(reader, topic));
        streams_count += message.topics.back().streams.size();
    }
    reader.require(streams_count <= limits::agent_streams_per_hello);
    reader.require(message.topics.size() <= limits::agent_topics_per_hello);
    reader.require(has_no_topic_twice(message.topics));
    return finish(reader, std::move(message));
}

Result<HelloReply> decode_hello_reply(const ByteView header) {
    v1::HelloReply pb;
    if (!parse(pb, header)) {
        return malformed;
    }
    Reader reader;
    HelloReply message;
    message.status = reader.status(pb.status());
    message.agent_epoch_known = pb.agent_epoch_known();
    for (const v1::TopicPositions& topic : pb.topics()) {
        message.topics.push_back(take(reader, topic));
    }
    return finish(reader, std::move(message));
}

Result<ShipRequest> decode_ship_request(const ByteView header, const std::uint64_t payload_bytes) {
    v1::ShipRequest pb;
    if (!parse(pb, header)) {
        return malformed;
    }
    Reader reader;
    ShipRequest message;
    reader.require(
        static_cast<std::uint32_t>(pb.batches_size()) <= limits::rpc_batches_per_request_max
    );
    std::uint64_t sum_bytes = 0;
    for (const v1::BatchEnvelope& batch : pb.batches()) {
        message.batches.push_back(take(reader, batch));
        reader.require(batch.size_bytes() != 0);
        sum_bytes += batch.size_bytes();
    }
    reader.require(sum_bytes == payload_bytes);
    return finish(reader, std::move(message));
}

Result<ShipReply> decode_ship_reply(const ByteView header) {
    v1::ShipReply pb;
    if (!parse(pb, header)) {
        return malformed;
    }
    Reader reader;
    ShipReply message;
    reader.require(
        static_cast<std::uint32_t>(pb.results_size()) <= limits::rpc_batches_per_request_max
    );
    for (const v1::BatchResult& result : pb.results()) {
        message.results.push_back(take(reader, result));
    }
    message.retry_after_ms = pb.retry_after_ms();
    return finish(reader, std::move(message));
}

Result<PingReply> decode_ping_reply(const ByteView header) {
    v1::PingReply pb;
    if (!parse(pb, header)) {
        return malformed;
    }
    PingReply message;
    message.wall_ms = pb.wall_ms();
    return message;
}

}  // namespace logboom::rpc
