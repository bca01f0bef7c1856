// What agents and collectors say to each other at the agents' door (7460), as plain structs. Their
// bytes are Protobuf (shared/proto/logboom/v1/agents.proto), made and read by agent_codec.cpp alone.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/strong.h"
#include "shared/record/source_cursor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace logboom::rpc {

using record::FileIdentity;
using record::Id128;

/// How one thing that was asked came out; the comment is what the agent does.
enum class ReplyStatus : std::uint8_t {
    ok = 0,
    rejected_position = 1,  ///< re-cut at (generation_known, to_known)
    fenced = 2,             ///< a newer agent_epoch is at work: stop
    not_leader = 3,         ///< retry elsewhere
    unknown_topic = 4,      ///< retry slowly; the operator may create it
    invalid = 5,            ///< contradicts itself or its envelope; a retry will not help
    too_large = 6,          ///< cut smaller
    storage_error = 7,      ///< retry
    busy = 8,               ///< retry after retry_after_ms
    cloned = 9,             ///< another machine uses this agent_id now: choose a new one
    unavailable = 10,       ///< retry: not ready yet
};
[[nodiscard]] const char* to_string(ReplyStatus status) noexcept;

struct TopicStreams {
    std::string topic;
    bool all_streams = false;  // every stream known of this agent, a page of them at a time
    std::vector<Id128> streams;
    std::optional<Id128> after;  // of all streams: those behind this one in the order of ids

    bool operator==(const TopicStreams&) const = default;
};

/// First request of a connection; further ones ask about further streams and topics.
struct HelloRequest {
    Id128 agent_id{};
    std::uint32_t agent_epoch = 0;  // 0: not chosen yet, tell me the highest you know
    std::string machine_id;
    std::string host;
    std::string version;
    std::vector<TopicStreams> topics;

    bool operator==(const HelloRequest&) const = default;
};

struct StreamPosition {
    Id128 stream{};
    PartitionIndex partition{0};
    std::uint64_t generation = 0;
    std::uint64_t to = 0;
    std::uint32_t agent_epoch = 0;
    std::uint32_t tail_len = 0;
    std::uint64_t tail_hash = 0;
    std::optional<FileIdentity> identity;

    bool operator==(const StreamPosition&) const = default;
};

struct TopicPositions {
    std::string topic;
    Id128 topic_id{};
    std::uint32_t partition_count = 0;
    ReplyStatus status = ReplyStatus::ok;
    /// Of all streams: in the order of their ids, each with all its partitions.
    std::vector<StreamPosition> positions;
    bool has_more = false;  // of all streams: there are others behind the last of these

    bool operator==(const TopicPositions&) const = default;
};

struct HelloReply {
    ReplyStatus status = ReplyStatus::ok;
    std::uint32_t agent_epoch_known = 0;  // highest epoch of this agent in the tables asked
    std::vector<TopicPositions> topics;

    bool operator==(const HelloReply&) const = default;
};

/// One batch of a ShipRequest. Its bytes are the next `size_bytes` of the frame's payload.
struct BatchEnvelope {
    std::string topic;
    PartitionIndex partition{0};
    std::uint32_t size_bytes = 0;
    Id128 stream{};  // from here on: agree with the cursor inside the batch
    std::uint64_t generation = 0;
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    std::uint32_t agent_epoch = 0;

    bool operator==(const BatchEnvelope&) const = default;
};

struct ShipRequest {
    std::vector<BatchEnvelope> batches;  // at most limits::rpc_batches_per_request_max

    bool operator==(const ShipRequest&) const = default;
};

struct BatchResult {
    ReplyStatus status = ReplyStatus::ok;
    Offset base_offset{-1};  // of an appended batch; -1 for a duplicate
    std::uint64_t generation_known = 0;
    std::uint64_t to_known = 0;
    bool duplicate = false;

    bool operator==(const BatchResult&) const = default;
};

/// One answer per batch, in the order of the request.
struct ShipReply {
    std::vector<BatchResult> results;
    std::uint32_t retry_after_ms = 0;

    bool operator==(const ShipReply&) const = default;
};

struct PingReply {
    std::int64_t wall_ms = 0;

    bool operator==(const PingReply&) const = default;
};

/// Append the encoded form. A PingRequest has no fields: its header is empty.
void encode(const HelloRequest& message, Buffer& out);
void encode(const HelloReply& message, Buffer& out);
void encode(const ShipRequest& message, Buffer& out);
void encode(const ShipReply& message, Buffer& out);
void encode(const PingReply& message, Buffer& out);

/// `malformed` if the bytes are no such message, an id has another length than 16, a number has no
/// meaning in its type, or a list is longer than limits.h allows. In `decode_ship_request` the sizes
/// add up to `payload_bytes` and none is 0.
[[nodiscard]] Result<HelloRequest> decode_hello_request(ByteView header);
[[nodiscard]] Result<HelloReply> decode_hello_reply(ByteView header);
[[nodiscard]] Result<ShipRequest> decode_ship_request(ByteView header, std::uint64_t payload_bytes);
[[nodiscard]] Result<ShipReply> decode_ship_reply(ByteView header);
[[nodiscard]] Result<PingReply> decode_ping_reply(ByteView header);

}  // namespace logboom::rpc
