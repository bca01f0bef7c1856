#include "shared/kafka/messages/fetch.h"

#include "collector/broker/error_map.h"
#include "collector/broker/handlers/handlers.h"

#include <algorithm>
#include <list>

namespace logboom::broker {

namespace {

using kafka::KafkaError;
using AskedPartition = kafka::FetchRequest::Partition;
using PartitionAnswer = kafka::FetchResponse::Partition;

constexpr std::int8_t read_committed = 1;
// Epochs of a session with which all partitions are named (kafka-protocol 3.8).
constexpr std::int32_t new_session = 0;
constexpr std::int32_t no_session = -1;
// Clients ask for whole minutes at most; a longer wait only keeps dead connections alive.
constexpr std::int32_t wait_ms_max = 300'000;

/// One partition of the request and what was found for it.
struct Wanted {
    const AskedPartition* asked = nullptr;
    replica::PartitionPtr partition;
    PartitionAnswer* answer = nullptr;
    KafkaError unknown{};  // what is said when there is no such topic any more
    std::vector<Slice> batches;
    std::uint32_t bytes = 0;
};

/// The request's partitions in its order, and the response that is to be filled in the same shape.
struct Plan {
    std::vector<Wanted> wanted;
    kafka::FetchResponse response;
    metadata::ImagePtr image;
};

const metadata::TopicImage* find_topic(
    const metadata::Image& image,
    const kafka::FetchRequest::Topic& topic,
    const std::int16_t version
) {
    constexpr std::int16_t topic_ids_from_version = 13;
    return version >= topic_ids_from_version ? image.find(topic.topic_id.bytes)
                                             : image.find(topic.topic);
}

/// What can be answered without reading: unknown partitions, wrong epochs, offsets outside the log.
KafkaError check(const AskedPartition& asked, const replica::Partition& partition) noexcept {
    const std::int32_t epoch = partition.leader_epoch().value;
    if (asked.current_leader_epoch >= 0 && asked.current_leader_epoch < epoch) {
        return KafkaError::fenced_leader_epoch;
    }
    if (asked.current_leader_epoch > epoch) {
        return KafkaError::unknown_leader_epoch;
    }
    // Between high watermark and log end is not out of range: a false answer here would make the
    // client reset and lose or repeat records.
    const bool is_inside = asked.fetch_offset >= partition.log_start_offset().value
                        && asked.fetch_offset <= partition.log_end_offset().value;
    return is_inside ? KafkaError::none : KafkaError::offset_out_of_range;
}

void make_plan(
    Plan& plan, Broker& broker, const kafka::FetchRequest& asked, const std::int16_t version
) {
    plan.image = broker.meta.image();
    for (const auto& topic : asked.topics) {
        auto& answered = plan.response.responses.emplace_back();
        answered.topic = topic.topic;
        answered.topic_id = topic.topic_id;
        answered.partitions.resize(topic.partitions.size());
    }
    constexpr std::int16_t topic_ids_from_version = 13;
    const KafkaError unknown = version >= topic_ids_from_version
                                 ? KafkaError::unknown_topic_id
                                 : KafkaError::unknown_topic_or_partition;
    for (std::size_t t = 0; t < asked.topics.size(); ++t) {
        const metadata::TopicImage* const topic = find_topic(*plan.image, asked.topics[t], version);
        for (std::size_t p = 0; p < asked.topics[t].partitions.size(); ++p) {
            Wanted wanted;
            wanted.asked = &asked.topics[t].partitions[p];
            wanted.answer = &plan.response.responses[t].partitions[p];
            wanted.unknown = unknown;
            wanted.answer->partition_index = wanted.asked->partition;
            if (asked.isolation_level == read_committed) {
                wanted.answer->aborted_transactions.emplace();  // there are no transactions
            }
            const PartitionIndex index(wanted.asked->partition);
            if (topic == nullptr) {
                wanted.answer->error_code = unknown;
            } else {
                wanted.partition = broker.replicas.find(topic->id, index);
                const bool is_known = index.value >= 0
                                   && static_cast<std::size_t>(index.value)
                                          < topic->partitions.size();
                if (wanted.partition == nullptr) {
                    wanted.answer->error_code = is_known ? KafkaError::not_leader_or_follower
                                                         : KafkaError::unknown_topic_or_partition;
                }
            }
            plan.wanted.push_back(std::move(wanted));
        }
    }
}

/// Fills in what is known without reading. True: there are records to read.
bool answer_head(const Broker& broker, Wanted& wanted) {
    const replica::Partition& partition = *wanted.partition;
    PartitionAnswer& answer = *wanted.answer;
    answer.error_code = partition.has_ended() ? wanted.unknown : check(*wanted.asked, partition);
    if (answer.error_code == KafkaError::fenced_leader_epoch
        || answer.error_code == KafkaError::unknown_leader_epoch) {
        answer.current_leader.leader_id = broker.meta.node_id().value;
        answer.current_leader.leader_epoch = partition.leader_epoch().value;
    }
    const bool is_good = answer.error_code == KafkaError::none;
    answer.log_start_offset = is_good ? partition.log_start_offset().value : -1;
    answer.high_watermark = is_good ? partition.high_watermark().value : -1;
    answer.last_stable_offset = answer.high_watermark;
    return is_good && wanted.asked->fetch_offset < answer.high_watermark;
}

/// Consumers end at errors that they do not expect of a Fetch: what is none of those is told as a change of
/// the leader, after which they ask again.
KafkaError to_fetch_error(const ErrorCode code) noexcept {
    const KafkaError error = to_kafka(code);
    switch (error) {
    case KafkaError::offset_out_of_range:
    case KafkaError::corrupt_message:
    case KafkaError::kafka_storage_error: return error;
    default: return KafkaError::not_leader_or_follower;
    }
}

/// Reads one partition into `wanted`, up to `bytes_max`; the first batch comes whatever its size.
Task<void> read_partition(Broker& broker, Wanted& wanted, const std::uint32_t bytes_max) {
    replica::Partition& partition = *wanted.partition;
    PartitionAnswer& answer = *wanted.answer;
    const Offset from(wanted.asked->fetch_offset);
    std::function<Task<Result<replica::PartitionRead>>()> work = [&partition, from, bytes_max] {
        return partition.read(from, bytes_max);
    };
    Shard& home = broker.replicas.home_of(partition);
    Result<replica::PartitionRead> read = co_await io::call_on(broker.shard, home, std::move(work));
    if (!read) {
        answer.error_code = read.code() == ErrorCode::not_found ? wanted.unknown
                                                                : to_fetch_error(read.code());
        co_return;
    }
    answer.high_watermark = read->high_watermark.value;
    answer.last_stable_offset = answer.high_watermark;
    answer.log_start_offset = read->log_start_offset.value;
    wanted.batches = std::move(read->batches);
    wanted.bytes = 0;
    for (const Slice& batch : wanted.batches) {
        wanted.bytes += batch.size();
    }
}

struct ReadOutcome {
    std::uint64_t bytes = 0;
    bool has_error = false;
};

/// Reads all partitions, beginning at `first` so that early ones do not starve later ones.
Task<ReadOutcome> read_all(
    Broker& broker, Plan& plan, const std::uint32_t bytes_max, const std::size_t first
) {
    ReadOutcome outcome;
    for (std::size_t i = 0; i < plan.wanted.size(); ++i) {
        const bool is_cancelled = co_await io::is_cancelled();
        if (is_cancelled) {
            break;
        }
        Wanted& wanted = plan.wanted[(first + i) % plan.wanted.size()];
        wanted.batches.clear();
        wanted.bytes = 0;
        if (wanted.partition == nullptr) {
            outcome.has_error = true;
            continue;
        }
        const std::uint64_t left = bytes_max > outcome.bytes ? bytes_max - outcome.bytes : 0;
        const auto share = static_cast<std::uint32_t>(std::min<std::uint64_t>(
            left, static_cast<std::uint32_t>(std::max(0, wanted.asked->partition_max_bytes))
        ));
        const bool has_records = answer_head(broker, wanted);
        if (has_records && (share != 0 || outcome.bytes == 0)) {
            co_await read_partition(broker, wanted, share);
        }
        // Only the first batch of the whole answer may be larger than what was asked for.
        if (outcome.bytes != 0 && wanted.bytes > share) {
            wanted.batches.clear();
            wanted.bytes = 0;
        }
        outcome.bytes += wanted.bytes;
        outcome.has_error = outcome.has_error || wanted.answer->error_code != KafkaError::none;
    }
    co_return outcome;
}

/// Waits until one of the partitions' high watermarks moves, one ends, or `deadline` comes.
Task<Result<Ok>> wait_for_records(Broker& broker, Plan& plan, const SteadyTime deadline) {
    io::Event wake(broker.env().scheduler);
    std::list<replica::FetchHub::Waiter> waiters;
    for (const Wanted& wanted : plan.wanted) {
        if (wanted.partition != nullptr) {
            replica::FetchHub::Waiter& waiter = waiters.emplace_back();
            waiter.wake = &wake;
            broker.fetch_hub.add(*wanted.partition, waiter);
        }
    }
    // What moved between the read and the registration is seen here.
    for (const Wanted& wanted : plan.wanted) {
        if (wanted.partition != nullptr
            && (wanted.partition->high_watermark().value > wanted.answer->high_watermark
                || wanted.partition->has_ended())) {
            co_return Ok{};
        }
    }
    co_return co_await wake.wait(deadline);
}

/// The response's bytes with the batches between them, nothing copied.
Reply encode(Broker& broker, Plan& plan, const kafka::RequestHeader& header) {
    std::vector<const std::vector<Slice>*> spliced;
    for (Wanted& wanted : plan.wanted) {
        wanted.answer->records.spliced_bytes = wanted.bytes;
        if (wanted.bytes != 0) {
            spliced.push_back(&wanted.batches);
        }
    }
    Buffer out;
    kafka::Writer writer(out);
    kafka::encode_response(writer, plan.response, header.api_version, header.correlation_id);
    const Slice head = broker.env().pool.copy_of(out.view());
    LB_ASSERT(writer.splices().size() == spliced.size());
    Reply reply;
    reply.then = Reply::Then::send;
    std::uint32_t at = 0;
    for (std::size_t i = 0; i < spliced.size(); ++i) {
        const auto position = static_cast<std::uint32_t>(writer.splices()[i].position);
        reply.pieces.push_back(head.part(at, position - at));
        reply.pieces.insert(reply.pieces.end(), spliced[i]->begin(), spliced[i]->end());
        at = position;
    }
    reply.pieces.push_back(head.part(at, head.size() - at));
    return reply;
}

}  // namespace

Task<Reply> handle_fetch(Broker& broker, Request request) {
    const std::int16_t version = request.header.api_version;
    const auto asked = kafka::FetchRequest::decode(request.body, version);
    if (!asked) {
        co_return close_because("Fetch cannot be read");
    }
    if (asked->replica_id >= 0 || asked->replica_state.replica_id >= 0) {  // nobody copies from us
        kafka::FetchResponse refused;
        refused.error_code = KafkaError::cluster_authorization_failed;
        co_return reply_with(broker.env().pool, request.header, refused);
    }
    if (asked->session_epoch != no_session && asked->session_epoch != new_session) {
        // No session was ever given out; the client goes on with full fetches. Those of a client that wants
        // a session, or to end one that another broker gave it, are answered without one.
        kafka::FetchResponse unknown_session;
        unknown_session.error_code = KafkaError::fetch_session_id_not_found;
        co_return reply_with(broker.env().pool, request.header, unknown_session);
    }
    Plan plan;
    make_plan(plan, broker, *asked, version);
    const SteadyTime deadline = broker.env().clock.now()
                              + Millis(std::clamp(asked->max_wait_ms, 0, wait_ms_max));
    const auto bytes_max = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(asked->max_bytes, 0, limits::fetch_bytes_max)
    );
    const auto bytes_min =
        static_cast<std::uint64_t>(std::clamp<std::int64_t>(asked->min_bytes, 0, bytes_max));
    const std::size_t first = plan.wanted.empty() ? 0 : broker.env().rng.below(plan.wanted.size());
    for (;;) {
        const ReadOutcome outcome = co_await read_all(broker, plan, bytes_max, first);
        if (outcome.bytes >= bytes_min || outcome.has_error || plan.wanted.empty()
            || broker.env().clock.now() >= deadline) {
            break;
        }
        const Result<Ok> woken = co_await wait_for_records(broker, plan, deadline);
        if (!woken && woken.code() == ErrorCode::cancelled) {
            co_return close_because("");  // cancelled: the peer has left or the door closes
        }
    }
    co_return encode(broker, plan, request.header);
}

}  // namespace logboom::broker
