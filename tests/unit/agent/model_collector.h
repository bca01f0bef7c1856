// What a collector does with an agent's batches, as a few plain rules (agent-design 3.1, rules 2 to 5), and
// what it has in the end.
#pragma once

#include "shared/record/loss_topic.h"
#include "shared/rpc/agent_messages.h"
#include "tests/unit/agent/read_batch.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace logboom::tests {

class ModelCollector {
public:
    struct Known {
        std::string topic;
        PartitionIndex partition{0};
        std::uint32_t agent_epoch = 0;
        ship::Position to;
        ship::Tail tail;
        std::optional<record::FileIdentity> identity;
    };
    struct Taken {
        record::Id128 stream{};
        PartitionIndex partition{0};
        std::uint64_t generation = 0;
        ReadRecord record;
    };

    rpc::BatchResult take(const rpc::BatchEnvelope& envelope, const ByteView bytes) {
        const ReadBatch batch = read_batch(bytes);
        const record::SourceCursor& cursor = batch.cursor;
        BOOST_TEST((cursor.stream == envelope.stream));
        BOOST_TEST(cursor.from == envelope.from);
        BOOST_TEST(cursor.to == envelope.to);
        const ship::Position from{cursor.generation, cursor.from};
        const ship::Position to{cursor.generation, cursor.to};
        rpc::BatchResult result;
        const auto found = known.find(cursor.stream);
        if (found != known.end()) {
            const ship::Position at = found->second.to;
            const bool may_jump = cursor.gap_reason != record::GapReason::none && from > at;
            if (to <= at) {
                ++duplicates;
                result.duplicate = true;
                return result;
            }
            if (from != at && !may_jump) {
                ++rejects;
                result.status = rpc::ReplyStatus::rejected_position;
                result.generation_known = at.generation;
                result.to_known = at.offset;
                return result;
            }
        }
        append(envelope, batch);
        return result;
    }

    [[nodiscard]] rpc::HelloReply positions(
        const std::vector<std::string>& topics, const std::uint32_t partition_count
    ) const {
        rpc::HelloReply reply;
        for (const std::string& name : topics) {
            rpc::TopicPositions topic;
            topic.topic = name;
            topic.partition_count = partition_count;
            for (const auto& [stream, at] : known) {
                if (at.topic == name) {
                    topic.positions.push_back(position_of(stream, at));
                    reply.agent_epoch_known = std::max(reply.agent_epoch_known, at.agent_epoch);
                }
            }
            reply.topics.push_back(std::move(topic));
        }
        return reply;
    }

    /// The values of all records of a path, in the order in which they were appended.
    [[nodiscard]] std::vector<std::string> lines(const std::string& path) const {
        std::vector<std::string> lines;
        for (const Taken& one : taken) {
            if (one.record.header("lb.path") == path) {
                lines.push_back(one.record.value);
            }
        }
        return lines;
    }

    std::map<record::Id128, Known> known;
    std::vector<Taken> taken;
    std::vector<Taken> losses;  // records of lb.loss
    std::size_t batches = 0;
    std::size_t duplicates = 0;
    std::size_t rejects = 0;

private:
    static rpc::StreamPosition position_of(const record::Id128& stream, const Known& at) {
        rpc::StreamPosition position;
        position.stream = stream;
        position.partition = at.partition;
        position.generation = at.to.generation;
        position.to = at.to.offset;
        position.agent_epoch = at.agent_epoch;
        position.tail_len = at.tail.size;
        position.tail_hash = at.tail.hash;
        position.identity = at.identity;
        return position;
    }

    void append(const rpc::BatchEnvelope& envelope, const ReadBatch& batch) {
        const record::SourceCursor& cursor = batch.cursor;
        Known& at = known[cursor.stream];
        at.topic = envelope.topic;
        at.partition = envelope.partition;
        at.agent_epoch = cursor.agent_epoch;
        at.to = ship::Position{cursor.generation, cursor.to};
        at.tail = ship::Tail{cursor.tail_len, cursor.tail_hash};
        at.identity = cursor.identity ? cursor.identity : at.identity;
        ++batches;
        const bool is_of_loss = envelope.topic == record::loss_topic;
        for (const ReadRecord& record : batch.records) {
            (is_of_loss ? losses : taken)
                .push_back({cursor.stream, envelope.partition, cursor.generation, record});
        }
    }
};

}  // namespace logboom::tests
