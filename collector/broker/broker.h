// Kafka's door of one shard: what a connection and its handlers stand on.
#pragma once

#include "collector/metadata/meta_store.h"
#include "collector/metadata/producer_ids.h"
#include "collector/replica/fetch_hub.h"
#include "collector/replica/replica_manager.h"
#include "collector/replica/topic_service.h"
#include "shared/base/limits.h"
#include "shared/io/shard.h"
#include "shared/kafka/header.h"

#include <string>
#include <vector>

namespace logboom::broker {

struct BrokerOptions {
    /// What clients are told to connect to. Port 0: the one this door is bound to.
    SocketAddress advertise;
    std::string rack;  // empty: none
    bool auto_create = true;
    std::int32_t partitions_default = 1;
    /// In force where a topic has no settings of its own.
    metadata::TopicConfig topic_defaults;
    /// For those who ask how the node is set up.
    std::string log_dir;
    std::int64_t producer_expiration_ms = limits::producer_expiration_ms_default;
    std::uint32_t batch_bytes_max = limits::batch_bytes_max;
    /// A connection without requests is closed after this time (Kafka's connections.max.idle.ms).
    Nanos idle_timeout = 600s;
    /// The rest of a frame must come within this time of its first byte.
    Nanos frame_timeout = 30s;
    /// Bytes of large requests being worked on at once, over all connections of the shard.
    std::uint64_t request_bytes_max = limits::door_request_bytes_max;
    /// When the door closes, answers to what was done go out for so long.
    Nanos shutdown_timeout = 5s;
};

/// References that live as long as the collector. Shard: `shard`.
struct Broker {
    Shard& shard;
    metadata::MetaStore& meta;
    replica::ReplicaManager& replicas;
    replica::TopicService& topics;
    metadata::ProducerIds& producer_ids;
    replica::FetchHub& fetch_hub;
    BrokerOptions options;

    [[nodiscard]] Env& env() const noexcept { return shard.env(); }
};

/// One request whose header was read. The body's strings and records borrow from `frame`.
struct Request {
    Request(Slice frame_bytes, const kafka::RequestHeader& head, const kafka::Reader& rest)
        : frame(std::move(frame_bytes))
        , header(head)
        , body(rest) {}
    Slice frame;
    kafka::RequestHeader header;
    kafka::Reader body;
};

/// What a handler leaves for the connection to send.
struct Reply {
    enum class Then : std::uint8_t {
        send,         ///< `pieces` is one whole frame
        say_nothing,  ///< Produce with acks=0 that went well
        close         ///< nothing can be said; the peer learns by the end of the connection
    };
    Then then = Then::close;
    std::vector<Slice> pieces;
    std::string why;  // of `close`, for the log; empty: nothing worth a line
};

[[nodiscard]] Reply close_because(std::string why);

/// Encodes a response without spliced records into one piece.
template <typename Response>
[[nodiscard]] Reply reply_with(
    ChunkPool& pool, const kafka::RequestHeader& header, const Response& response
) {
    Buffer out;
    kafka::Writer writer(out);
    kafka::encode_response(writer, response, header.api_version, header.correlation_id);
    Reply reply;
    reply.then = Reply::Then::send;
    reply.pieces.push_back(pool.copy_of(out.view()));
    return reply;
}

}  // namespace logboom::broker
