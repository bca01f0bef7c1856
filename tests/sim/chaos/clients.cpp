#include "tests/sim/chaos/clients.h"

#include "collector/ctl/fetch.h"
#include "collector/ctl/partition_range.h"
#include "shared/codec/endian.h"
#include "shared/io/shield.h"
#include "shared/kafka/messages/create_partitions.h"
#include "shared/kafka/messages/create_topics.h"
#include "shared/kafka/messages/init_producer_id.h"
#include "shared/kafka/messages/produce.h"
#include "shared/record/batch_builder.h"
#include "tests/sim/programs.h"

#include <optional>

namespace logboom::sim {

namespace {

using kafka::KafkaError;

constexpr Nanos read_interval = 400ms;
constexpr Nanos retry_interval = 500ms;
/// Acknowledged batches after which one is sent out of its order.
constexpr std::uint64_t probe_every = 16;

ctl::ClusterOptions cluster_of(const std::string& broker) {
    ctl::ClusterOptions options;
    options.brokers.push_back(ctl::PeerAddress{broker, kafka_port});
    return options;
}

/// Of an idempotent producer: one record, "number".
Buffer batch_of(
    const std::uint64_t number, const std::int64_t id, const std::int16_t epoch, const WallTime now
) {
    record::BatchBuilder builder;
    builder.begin(record::RecordHeaders());
    builder.append(to_unix_ms(now), as_bytes(std::to_string(number)));
    Buffer batch;
    builder.seal_without_cursor(batch);
    record::BatchHeader header = record::decode_batch_header(batch.view());
    header.producer_id = ProducerId(id);
    header.producer_epoch = epoch;
    header.base_sequence = static_cast<std::int32_t>(number);
    record::encode_batch_header(header, batch.data());
    codec::store_be(batch.data() + 17, record::compute_batch_crc(batch.view()));
    return batch;
}

}  // namespace

// --- The reader ----------------------------------------------------------------------------------

Task<void> ReaderProgram::run() {
    for (;;) {
        ctl::Cluster cluster(env_, cluster_of(broker_));
        for (bool is_well = true; is_well;) {
            const auto read = co_await read_all(cluster);
            is_well = read.has_value();
            const Nanos pause = is_well ? read_interval : retry_interval;
            const Result<Ok> slept = co_await env_.sleep(pause);
            if (!slept) {
                co_await io::shielded(env_.scheduler, cluster.close());
                co_return;
            }
        }
        co_await io::shielded(env_.scheduler, cluster.close());
    }
}

Task<ctl::Outcome<Ok>> ReaderProgram::read_all(ctl::Cluster& cluster) {
    const SteadyTime began = env_.clock.now();
    LB_CO_TRY(const std::vector<ctl::TopicLayout> topics, co_await cluster.topics());
    bool is_at_end = true;
    for (const ctl::TopicLayout& topic : topics) {
        LB_CO_CHECK(co_await read_topic(cluster, topic, is_at_end));
    }
    if (is_at_end) {
        at_end_since_ = began;
    }
    co_return Ok{};
}

Task<ctl::Outcome<Ok>> ReaderProgram::read_topic(
    ctl::Cluster& cluster, const ctl::TopicLayout& topic, bool& is_at_end
) {
    for (bool has_more = true; has_more;) {
        has_more = false;
        std::vector<ctl::FetchWish> wishes;
        for (const ctl::PartitionLayout& partition : topic.partitions) {
            if (partition.leader_id < 0) {
                is_at_end = false;
                continue;
            }
            SeenPartition& seen = seen_.partitions[{topic.name, partition.index}];
            wishes.push_back(ctl::FetchWish{&topic, partition.index, seen.next});
        }
        if (wishes.empty()) {
            break;
        }
        const std::int32_t leader = topic.find(wishes.front().partition)->leader_id;
        LB_CO_TRY(
            const ctl::Fetched fetched,
            co_await ctl::fetch_from(cluster, leader, std::move(wishes), ctl::FetchLimits())
        );
        for (const ctl::FetchedPartition& part : fetched.partitions) {
            if (part.error == KafkaError::offset_out_of_range) {
                LB_CO_CHECK(co_await find_start(cluster, topic, part.partition));
                has_more = true;
                continue;
            }
            if (part.error != KafkaError::none) {
                is_at_end = false;
                continue;
            }
            SeenPartition& seen = seen_.partitions[{topic.name, part.partition}];
            const std::int64_t before = seen.next;
            take(topic.name, part.partition, part.records);
            has_more = has_more || (seen.next != before && seen.next < part.high_watermark);
            is_at_end = is_at_end && seen.next >= part.high_watermark;
        }
    }
    co_return Ok{};
}

/// What we have read up to is not there: it was trimmed, or else an acknowledged record is lost.
Task<ctl::Outcome<Ok>> ReaderProgram::find_start(
    ctl::Cluster& cluster, const ctl::TopicLayout& topic, const std::int32_t partition
) {
    LB_CO_TRY(const std::int64_t start, co_await ctl::first_offset_of(cluster, topic, partition));
    SeenPartition& seen = seen_.partitions[{topic.name, partition}];
    if (start > seen.next && may_be_trimmed_) {
        seen.has_hole = true;
        seen.next = start;
        co_return Ok{};
    }
    seen_.problem = topic.name + "/" + std::to_string(partition) + " has no offset "
                  + std::to_string(seen.next)
                  + " any more, though it was read up to there; it begins at "
                  + std::to_string(start);
    co_return ctl::Failure{.what = seen_.problem};
}

void ReaderProgram::take(
    const std::string& topic, const std::int32_t partition, const ByteView records
) {
    SeenPartition& seen = seen_.partitions[{topic, partition}];
    ctl::PartitionCursor cursor{.partition = partition, .next = seen.next};
    const auto take_row = [this, &seen, &topic, partition](const ctl::RecordRow& row) {
        if (row.offset != seen.next && seen_.problem.empty()) {
            seen_.problem = row.address() + " follows " + std::to_string(seen.next);
        }
        seen.next = row.offset + 1;
        seen.offsets.push_back(row.offset);
        seen.values.emplace_back(row.text());
        ++seen_.records;
        if (seen_.on_record) {
            seen_.on_record(seen.values.back());
        }
        if (seen_.on_offset) {
            seen_.on_offset(topic, partition, row.offset);
        }
        return true;
    };
    const auto tell_skipped = [this](const record::BatchHeader& batch, const Error& error) {
        seen_.problem = "the batch at " + std::to_string(batch.base_offset.value)
                      + " cannot be read: " + to_string(error);
    };
    const auto walked = ctl::walk_records(topic, records, cursor, take_row, tell_skipped);
    if (!walked) {
        seen_.problem = "what was fetched is no record batch: " + to_string(walked.error());
    }
}

// --- The producer --------------------------------------------------------------------------------

Task<void> ProducerProgram::run() {
    while (produced_.acknowledged < batches_) {
        ctl::Cluster cluster(env_, cluster_of(broker_));
        for (bool is_well = true; is_well && produced_.acknowledged < batches_;) {
            const auto sent = co_await send_next(cluster);
            is_well = sent.has_value();
            const Nanos pause = is_well ? pause_ : retry_interval;
            const Result<Ok> slept = co_await env_.sleep(pause);
            if (!slept) {
                co_await io::shielded(env_.scheduler, cluster.close());
                co_return;
            }
        }
        co_await io::shielded(env_.scheduler, cluster.close());
    }
    produced_.is_done = true;
}

/// That it is there already is none of our business: who sends, sees.
Task<ctl::Outcome<Ok>> ProducerProgram::create_topic(ctl::Cluster& cluster) {
    LB_CO_TRY(ctl::BrokerConnection* const broker, co_await cluster.any());
    kafka::CreateTopicsRequest request;
    request.timeout_ms = 5000;
    kafka::CreateTopicsRequest::Topic& asked = request.topics.emplace_back();
    asked.name = produced_topic;
    asked.num_partitions = 1;
    asked.replication_factor = 1;
    LB_CO_CHECK(co_await broker->ask<kafka::CreateTopicsResponse>(request, cluster.deadline()));
    co_return Ok{};
}

Task<ctl::Outcome<Ok>> ProducerProgram::find_id(ctl::Cluster& cluster) {
    LB_CO_TRY(ctl::BrokerConnection* const broker, co_await cluster.any());
    const kafka::InitProducerIdRequest request;
    LB_CO_TRY(
        const auto answer,
        co_await broker->ask<kafka::InitProducerIdResponse>(request, cluster.deadline())
    );
    if (answer.body.error_code != KafkaError::none) {
        co_return ctl::failure_of(answer.body.error_code, "no producer id");
    }
    producer_id_ = answer.body.producer_id;
    producer_epoch_ = answer.body.producer_epoch;
    co_return Ok{};
}

Task<ctl::Outcome<Ok>> ProducerProgram::send_next(ctl::Cluster& cluster) {
    if (producer_id_ < 0) {
        LB_CO_CHECK(co_await create_topic(cluster));
        LB_CO_CHECK(co_await find_id(cluster));
    }
    std::vector<std::int32_t> partitions(1, 0);
    LB_CO_TRY(
        const ctl::TopicLayout topic,
        co_await cluster.led_topic(produced_topic, std::move(partitions))
    );
    LB_CO_TRY(ctl::BrokerConnection* const broker, co_await cluster.node(topic.find(0)->leader_id));
    const std::uint64_t number = produced_.acknowledged;
    LB_CO_TRY(const KafkaError error, co_await send(cluster, *broker, number));
    if (error == KafkaError::none || error == KafkaError::duplicate_sequence_number) {
        ++produced_.acknowledged;
        if (produced_.acknowledged % probe_every == 0) {
            LB_CO_CHECK(co_await send_ahead(cluster, *broker));
        }
        co_return Ok{};
    }
    if (!kafka::is_retriable(error) && produced_.problem.empty()) {
        produced_.problem = "batch " + std::to_string(produced_.acknowledged)
                          + " of the producer is refused for good: " + to_string(error);
    }
    co_return ctl::failure_of(error, "not taken");
}

/// Nothing is under way: a batch that leaves one out must not be taken.
Task<ctl::Outcome<Ok>> ProducerProgram::send_ahead(
    ctl::Cluster& cluster, ctl::BrokerConnection& broker
) {
    const std::uint64_t number = produced_.acknowledged + 1;
    LB_CO_TRY(const KafkaError error, co_await send(cluster, broker, number));
    if (error == KafkaError::none && produced_.problem.empty()) {
        produced_.problem = "batch " + std::to_string(number)
                          + " of the producer was taken before the one that precedes it";
    }
    co_return Ok{};
}

Task<ctl::Outcome<KafkaError>> ProducerProgram::send(
    ctl::Cluster& cluster, ctl::BrokerConnection& broker, const std::uint64_t number
) {
    const Buffer batch = batch_of(number, producer_id_, producer_epoch_, env_.clock.wall());
    kafka::ProduceRequest request;
    request.acks = -1;
    request.timeout_ms = 5000;
    kafka::ProduceRequest::Topic& to = request.topic_data.emplace_back();
    to.name = produced_topic;
    to.partition_data.emplace_back().records.bytes = batch.view();
    LB_CO_TRY(
        const auto answer, co_await broker.ask<kafka::ProduceResponse>(request, cluster.deadline())
    );
    co_return answer.body.responses.at(0).partition_responses.at(0).error_code;
}

// --- The administrator ---------------------------------------------------------------------------

Task<void> GrowProgram::run() {
    for (;;) {
        ctl::Cluster cluster(env_, cluster_of(broker_));
        const auto grown = co_await grow(cluster);
        co_await io::shielded(env_.scheduler, cluster.close());
        const Result<Ok> slept = co_await env_.sleep(retry_interval);
        if (grown.has_value() || !slept) {
            co_return;
        }
    }
}

Task<ctl::Outcome<Ok>> GrowProgram::grow(ctl::Cluster& cluster) {
    LB_CO_TRY(const ctl::TopicLayout topic, co_await cluster.topic(topic_));
    LB_CO_TRY(ctl::BrokerConnection* const broker, co_await cluster.controller());
    kafka::CreatePartitionsRequest request;
    request.timeout_ms = 5000;
    kafka::CreatePartitionsRequest::Topic& asked = request.topics.emplace_back();
    asked.name = topic_;
    asked.count = static_cast<std::int32_t>(topic.partitions.size()) + 1;
    LB_CO_CHECK(co_await broker->ask<kafka::CreatePartitionsResponse>(request, cluster.deadline()));
    co_return Ok{};
}

}  // namespace logboom::sim
