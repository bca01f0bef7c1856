#include "agent/ship/shipper.h"

#include "shared/codec/crc32c.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace logboom::ship {

namespace {

constexpr std::size_t requests_in_flight_max = 16;
/// One connect attempt per collector in this time (D14).
constexpr Nanos connect_pause_min = 100ms;
/// Batches of one stream that may wait besides those in flight.
constexpr std::size_t batches_waiting_max = 2;
constexpr std::size_t lane_size_max = limits::agent_batches_in_flight_max + batches_waiting_max;
/// Of what may be held, the part that is for parked lanes.
constexpr std::uint64_t parked_part = 4;

/// Whether there may be positions that the collector cannot tell now. Else there is no such topic.
bool may_have_positions(const rpc::ReplyStatus status) noexcept {
    switch (status) {
    case rpc::ReplyStatus::ok:
    case rpc::ReplyStatus::unknown_topic:
    case rpc::ReplyStatus::invalid:
    case rpc::ReplyStatus::too_large: return false;
    case rpc::ReplyStatus::rejected_position:
    case rpc::ReplyStatus::fenced:
    case rpc::ReplyStatus::not_leader:
    case rpc::ReplyStatus::storage_error:
    case rpc::ReplyStatus::busy:
    case rpc::ReplyStatus::cloned:
    case rpc::ReplyStatus::unavailable: return true;
    }
    LB_UNREACHABLE("ReplyStatus");
}

std::string to_string(const CollectorAddress& collector) {
    return collector.host + ":" + std::to_string(collector.port);
}

/// Puts a page behind those before it.
void append_page(rpc::TopicPositions page, std::vector<rpc::TopicPositions>& topics) {
    const auto found = std::ranges::find(topics, page.topic, &rpc::TopicPositions::topic);
    if (found == topics.end()) {
        topics.push_back(std::move(page));
        return;
    }
    found->status = page.status;
    std::ranges::move(page.positions, std::back_inserter(found->positions));
}

}  // namespace

Shipper::Shipper(Env& env, ShipperOptions options, metrics::Registry& registry)
    : env_(env)
    , options_(std::move(options))
    , registry_(registry)
    , state_since_(env.clock.now())
    , pace_(options_.in_flight_bytes_max)
    , work_(env.scheduler)
    , scope_(env.scheduler)
    , batches_sent_(
          registry.counter("logboom_agent_batches_sent_total", "Batches put into requests.")
      )
    , acked_batches_(registry.counter(
          "logboom_agent_batches_acknowledged_total", "Batches that collectors have."
      ))
    , connects_(registry.counter("logboom_agent_connects_total", "Connections to collectors made."))
    , connection_failures_(registry.counter(
          "logboom_agent_connection_failures_total", "Connections that failed or broke."
      ))
    , retries_counter_(
          registry.counter("logboom_agent_batch_retries_total", "Times a stream waited to retry.")
      )
    , rewinds_(registry.counter(
          "logboom_agent_rewinds_total",
          "Times a stream was read again from the collector's position."
      ))
    , inflight_bytes_gauge_(
          registry.gauge("logboom_agent_inflight_bytes", "Bytes sent and not yet acknowledged.")
      )
    , queued_bytes_gauge_(registry.gauge(
          "logboom_agent_queued_bytes", "Bytes of sealed batches, in flight or waiting."
      ))
    , ack_latency_(registry.histogram(
          "logboom_agent_ack_latency_seconds",
          "From sending a request to its answer.",
          metrics::latency_bounds()
      ))
    , event_to_ack_(registry.histogram(
          "logboom_agent_event_to_ack_seconds",
          "From reading a batch's first line to its acknowledgement.",
          metrics::latency_bounds()
      )) {
    using rpc::ReplyStatus;
    for (const ReplyStatus status :
         {ReplyStatus::rejected_position,
          ReplyStatus::fenced,
          ReplyStatus::not_leader,
          ReplyStatus::unknown_topic,
          ReplyStatus::invalid,
          ReplyStatus::too_large,
          ReplyStatus::storage_error,
          ReplyStatus::busy,
          ReplyStatus::unavailable}) {
        rejects_[status] = &registry.counter(
            "logboom_agent_batch_rejects_total",
            "Batches that a collector did not take, by its answer.",
            {{"why", rpc::to_string(status)}}
        );
    }
    for (const CollectorAddress& collector : options_.collectors) {
        conn_states_.push_back(&registry.gauge(
            "logboom_agent_conn_state",
            "1 while shipping to that collector.",
            {{"collector", to_string(collector)}}
        ));
    }
    clock_offsets_.resize(options_.collectors.size());
}

void Shipper::start() {
    scope_.spawn(run());
}

Task<void> Shipper::stop() {
    scope_.cancel();
    work_.set();
    co_await scope_.join();
}

bool Shipper::has_room(const Id128& stream) const {
    const auto found = lanes_.find(stream);
    const Lane* const lane = found == lanes_.end() ? nullptr : found->second.get();
    if (is_parked(stream, lane)) {
        if (parked_bytes_ >= options_.in_flight_bytes_max / parked_part) {
            is_parked_room_wanted_ = true;
            return false;
        }
        // One try at a time; at its time it is asked for more.
        return lane == nullptr
            || (lane->empty() && lane->retry_at().value_or(SteadyTime::min()) <= env_.clock.now());
    }
    if (flowing_bytes_ >= options_.in_flight_bytes_max) {
        is_room_wanted_ = true;
        return false;
    }
    return lane == nullptr || lane->size() < lane_size_max;
}

bool Shipper::is_parked(const Id128& stream, const Lane* const lane) const {
    if (lane != nullptr) {
        return lane->is_parked;
    }
    const auto is_not_taken = [](const auto& topic) { return !topic.second.partition_count; };
    return std::ranges::any_of(topics_, is_not_taken) && is_refused(events_.route(stream).topic);
}

/// Who waits for a place among all waits until a quarter is free, so that thousands of files are not looked
/// at again for each answer.
void Shipper::offer_room() {
    const std::uint64_t most = options_.in_flight_bytes_max;
    const bool is_wide = flowing_bytes_ <= most - most / 4;
    const bool is_for_all = is_room_wanted_ ? is_wide : has_lane_room_;
    const bool is_for_parked = is_parked_room_wanted_ && parked_bytes_ <= most / parked_part / 2;
    if (is_for_all || is_for_parked || is_empty()) {
        is_room_wanted_ = is_parked_room_wanted_ = has_lane_room_ = false;
        events_.room();
    }
}

void Shipper::push(SealedBatch batch) {
    std::unique_ptr<Lane>& lane = lanes_[batch.stream];
    if (lane == nullptr) {
        Route route = events_.route(batch.stream);
        lane = std::make_unique<Lane>(batch.stream, std::move(route.topic), std::move(route.key));
        lane->partition = route.partition;
    }
    uncount(*lane);
    lane->push(std::move(batch));
    count(*lane);
    enqueue(*lane);
}

void Shipper::uncount(const Lane& lane) noexcept {
    (lane.is_parked ? parked_bytes_ : flowing_bytes_) -= lane.bytes();
}

void Shipper::count(Lane& lane) {
    lane.is_parked = lane.is_refused() || is_refused(lane.topic());
    (lane.is_parked ? parked_bytes_ : flowing_bytes_) += lane.bytes();
    queued_bytes_gauge_.set(static_cast<double>(queued_bytes()));
}

/// The place of parked lanes is bounded; the file still has what is given back.
void Shipper::give_back_surplus(Lane& lane) {
    const bool is_surplus = parked_bytes_ > options_.in_flight_bytes_max / parked_part;
    if (!lane.is_parked || !is_surplus || lane.empty() || lane.in_flight() != 0) {
        return;
    }
    uncount(lane);
    const Position begin = lane.give_back();
    count(lane);
    events_.rewind(lane.stream(), begin);
}

void Shipper::enqueue(Lane& lane) {
    const bool may_send = state_ == ShipState::shipping && !is_refused(lane.topic());
    if (may_send && !lane.is_queued && lane.next(env_.clock.now()) != nullptr) {
        lane.is_queued = true;
        ready_.push_back(lane.stream());
        work_.set();
    }
}

void Shipper::enqueue_all() {
    for (const auto& [stream, lane] : lanes_) {
        enqueue(*lane);
    }
}

void Shipper::enqueue_due() {
    bool may_read = false;
    while (!retries_.empty() && retries_.begin()->first <= env_.clock.now()) {
        const auto found = lanes_.find(retries_.begin()->second);
        retries_.erase(retries_.begin());
        if (found != lanes_.end()) {
            may_read = may_read || found->second->empty();
            enqueue(*found->second);
        }
    }
    if (may_read) {
        events_.room();
    }
}

SteadyTime Shipper::next_retry() const noexcept {
    return retries_.empty() ? no_deadline : retries_.begin()->first;
}

SteadyTime Shipper::next_asking() const noexcept {
    SteadyTime next = no_deadline;
    for (const auto& [name, topic] : topics_) {
        next = std::min(next, topic.ask_at);
    }
    return is_asking_ ? no_deadline : next;
}

bool Shipper::is_refused(const std::string& topic) const {
    const auto found = topics_.find(topic);
    return found != topics_.end() && !found->second.partition_count;
}

Task<void> Shipper::run() {
    while (!scope_.is_cancelled() && state_ != ShipState::fenced) {
        current_collector_ = next_collector_;
        const CollectorAddress& collector = options_.collectors[current_collector_];
        const Result<Ok> ended = co_await run_connection(collector);
        if (scope_.is_cancelled() || state_ == ShipState::fenced) {
            co_return;
        }
        set_state(ShipState::unreachable);
        connection_failures_.add();
        next_collector_ = (current_collector_ + 1) % options_.collectors.size();
        const Nanos pause = pause_before_next();
        env_.log.warn(
            "collector lost; trying the next one after a pause",
            {kv("collector", collector.host),
             kv("port", collector.port),
             kv("error", ended ? std::string("closed") : to_string(ended.error())),
             kv("pause_ms", std::chrono::duration_cast<Millis>(pause).count())}
        );
        [[maybe_unused]] const Result<Ok> slept = co_await env_.sleep(pause);
    }
}

/// Once round the list costs one pause that grows; from one collector to the next it is a short one.
Nanos Shipper::pause_before_next() {
    if (next_collector_ == 0) {
        return std::max(connect_pause_min, backoff_.failed(env_.rng));
    }
    const double spread = 1 + env_.rng.unit();
    return Nanos(static_cast<Nanos::rep>(static_cast<double>(connect_pause_min.count()) * spread));
}

/// Each address has its share of the time that is left: one that swallows packets must not use up that of
/// those behind it.
Task<Result<std::unique_ptr<Conn>>> Shipper::connect(const CollectorAddress& collector) {
    const SteadyTime end = env_.clock.now() + options_.connect_timeout;
    LB_CO_TRY(
        const std::vector<std::string> addresses, co_await env_.net.resolve(collector.host, end)
    );
    Error last{ErrorCode::not_found, 0, "resolve collector"};
    std::size_t left = addresses.size();
    for (const std::string& address : addresses) {
        const SteadyTime now = env_.clock.now();
        const SteadyTime deadline = now + (end - now) / static_cast<Nanos::rep>(left--);
        io::SocketAddress target;
        target.host = address;
        target.port = collector.port;
        io::ConnOptions options;
        options.send_timeout = options_.answer_timeout;
        options.peer_timeout = options_.answer_timeout;
        Result<std::unique_ptr<Conn>> conn = co_await env_.net.connect(target, deadline, options);
        if (conn) {
            co_return conn;
        }
        last = conn.error();
    }
    co_return last;
}

Task<Result<Ok>> Shipper::run_connection(const CollectorAddress& collector) {
    LB_CO_TRY(std::unique_ptr<Conn> conn, co_await connect(collector));
    connects_.add();
    failed_.reset();
    clock_offset_ = ClockOffset();
    rpc::RpcClientOptions options;
    options.frame_timeout = options_.answer_timeout;
    rpc::RpcClient client(env_, std::move(conn), options);
    client.start();
    Result<Ok> ended = co_await say_hello(client);
    if (ended) {
        ended = co_await ping(client);  // for its clock, before anything is in the way
    }
    if (ended) {
        set_state(ShipState::shipping);
        env_.log.info(
            "shipping to collector", {kv("collector", collector.host), kv("port", collector.port)}
        );
        ended = co_await pump(client);
    }
    if (!client.refusal().empty()) {
        env_.log.error("collector refused us", {kv("sentence", quoted(client.refusal()))});
    }
    co_await client.stop();
    if (failed_ && failed_->code == ErrorCode::timed_out) {
        pace_.timed_out();
    }
    drop_connection_state();
    co_return ended;
}

rpc::TopicStreams Shipper::question_about(const std::string& topic) const {
    const auto known = topics_.find(topic);
    rpc::TopicStreams question;
    question.topic = topic;
    question.all_streams = known == topics_.end() || !known->second.is_met;
    return question;
}

Task<Result<Ok>> Shipper::say_hello(rpc::RpcClient& client) {
    rpc::HelloReply known;
    std::vector<rpc::TopicStreams> asked;
    for (const std::string& name : options_.topics) {
        asked.push_back(question_about(name));
        if (asked.size() == limits::agent_topics_per_hello) {
            LB_CO_CHECK(co_await ask_topics(client, std::move(asked), known));
            asked.clear();
        }
    }
    LB_CO_CHECK(co_await ask_topics(client, std::move(asked), known));
    LB_CO_CHECK(co_await meet(std::move(known)));
    if (!epoch_) {
        co_return Error{ErrorCode::not_found, 0, "positions of any topic"};
    }
    last_word_ = env_.clock.now();
    co_return Ok{};
}

/// Reading begins with all positions of a topic: what is read without its own would come twice. Those
/// that cannot be told now are asked for again.
Task<Result<Ok>> Shipper::meet(rpc::HelloReply known) {
    std::erase_if(known.topics, [this](const rpc::TopicPositions& topic) {
        return topics_[topic.topic].is_met || may_have_positions(topic.status);
    });
    if (known.topics.empty()) {
        co_return Ok{};
    }
    LB_CO_TRY(const std::uint32_t epoch, co_await events_.met(known));
    epoch_ = epoch;
    for (const rpc::TopicPositions& topic : known.topics) {
        topics_[topic.topic].is_met = true;
    }
    co_return Ok{};
}

/// Asks until every page of every topic is there; adds them to `known`.
Task<Result<Ok>> Shipper::ask_topics(
    rpc::RpcClient& client, std::vector<rpc::TopicStreams> asked, rpc::HelloReply& known
) {
    while (!asked.empty()) {
        LB_CO_TRY(rpc::HelloReply reply, co_await exchange_hello(client, asked));
        known.agent_epoch_known = std::max(known.agent_epoch_known, reply.agent_epoch_known);
        std::vector<rpc::TopicStreams> next;
        bool is_forward = false;
        for (std::size_t i = 0; i < asked.size(); ++i) {
            rpc::TopicPositions& topic = reply.topics[i];
            learn_topic(topic);
            if (!topic.positions.empty()) {
                is_forward = true;
                asked[i].after = topic.positions.back().stream;
            }
            if (topic.has_more) {
                next.push_back(std::move(asked[i]));
            }
            append_page(std::move(topic), known.topics);
        }
        if (!next.empty() && !is_forward) {
            co_return Error{ErrorCode::malformed, 0, "pages of the hello reply"};
        }
        asked = std::move(next);
    }
    co_return Ok{};
}

/// A reply tells of the topics that were asked for, in their order.
Task<Result<rpc::HelloReply>> Shipper::exchange_hello(
    rpc::RpcClient& client, const std::vector<rpc::TopicStreams>& topics
) {
    rpc::HelloRequest hello;
    hello.agent_id = options_.agent_id;
    hello.agent_epoch = epoch_.value_or(0);
    hello.machine_id = options_.machine_id;
    hello.host = options_.host;
    hello.version = options_.version;
    hello.topics = topics;
    Buffer header;
    rpc::encode(hello, header);
    std::vector<Slice> no_payload;
    LB_CO_TRY(
        const rpc::Frame frame,
        co_await client.call(
            rpc::Method::hello, header.view(), std::move(no_payload), options_.hello_timeout
        )
    );
    LB_CO_TRY(rpc::HelloReply reply, rpc::decode_hello_reply(frame.header.view()));
    if (reply.status != rpc::ReplyStatus::ok) {
        env_.log.error("collector refused our hello", {kv("status", rpc::to_string(reply.status))});
        if (reply.status == rpc::ReplyStatus::cloned && events_.cloned) {
            events_.cloned();
        }
        co_return Error{ErrorCode::rejected, 0, "hello"};
    }
    if (!std::ranges::equal(
            reply.topics, topics, {}, &rpc::TopicPositions::topic, &rpc::TopicStreams::topic
        )) {
        co_return Error{ErrorCode::malformed, 0, "topics of the hello reply"};
    }
    co_return reply;
}

void Shipper::learn_topic(const rpc::TopicPositions& told) {
    Topic& topic = topics_[told.topic];
    if (told.status == rpc::ReplyStatus::ok && told.partition_count != 0) {
        topic.partition_count = told.partition_count;
        topic.ask_at = no_deadline;
        topic.backoff.succeeded();
        return;
    }
    const Nanos pause = topic.backoff.failed(env_.rng);
    topic.partition_count.reset();
    topic.ask_at = env_.clock.now() + pause;
    env_.log.error(
        "collector cannot take a topic; its files wait and it is asked again",
        {kv("topic", quoted(told.topic)),
         kv("status", rpc::to_string(told.status)),
         kv("pause_ms", std::chrono::duration_cast<Millis>(pause).count())}
    );
}

/// The topics whose time has come.
Task<void> Shipper::ask_again(rpc::RpcClient& client) {
    is_asking_ = true;
    std::vector<rpc::TopicStreams> asked;
    for (const auto& [name, topic] : topics_) {
        if (topic.ask_at <= env_.clock.now() && asked.size() < limits::agent_topics_per_hello) {
            asked.push_back(question_about(name));
        }
    }
    rpc::HelloReply known;
    Result<Ok> answered = co_await ask_topics(client, std::move(asked), known);
    if (answered) {
        answered = co_await meet(std::move(known));
    }
    is_asking_ = false;
    last_word_ = env_.clock.now();
    work_.set();
    if (!answered) {
        fail(answered.error());
        co_return;
    }
    for (const auto& [stream, lane] : lanes_) {
        uncount(*lane);
        count(*lane);
        enqueue(*lane);
    }
    events_.room();
}

Task<Result<Ok>> Shipper::pump(rpc::RpcClient& client) {
    Scope requests(env_.scheduler);
    requests.spawn(watch(client));
    for (const auto& [stream, lane] : lanes_) {
        uncount(*lane);
        count(*lane);
        give_back_surplus(*lane);
    }
    enqueue_all();
    events_.room();
    while (!failed_ && !client.is_broken() && !scope_.is_cancelled() && state_ != ShipState::fenced
    ) {
        enqueue_due();
        Request request = gather();
        if (LB_FAULT(env_, drop_connection)) {
            fail(Error{ErrorCode::closed, 0, "connection dropped by a test"});
        }
        if (!request.batches.empty()) {
            requests.spawn_now(send_request(client, std::move(request)));
            continue;
        }
        const SteadyTime now = env_.clock.now();
        const bool is_quiet = requests_in_flight_ == 0 && !is_pinging_;
        const SteadyTime ping_at = is_quiet ? last_word_ + options_.ping_interval : no_deadline;
        if (ping_at <= now) {
            requests.spawn_now(send_ping(client));
            continue;
        }
        if (next_asking() <= now) {
            requests.spawn_now(ask_again(client));
            continue;
        }
        work_.reset();
        const SteadyTime wake_at = std::min({ping_at, next_retry(), next_asking()});
        [[maybe_unused]] const Result<Ok> woken = co_await work_.wait(wake_at);
    }
    const Error ended = failed_.value_or(Error{ErrorCode::closed, 0, "collector connection"});
    requests.cancel();
    co_await requests.join();
    co_return ended;
}

Shipper::Request Shipper::gather() {
    Request request;
    while (!ready_.empty() && requests_in_flight_ < requests_in_flight_max
           && in_flight_bytes_ < pace_.window_bytes() && request.bytes < pace_.request_bytes()
           && request.batches.size() < limits::rpc_batches_per_request_max) {
        const Id128 stream = ready_.front();
        ready_.pop_front();
        const auto found = lanes_.find(stream);
        if (found == lanes_.end()) {
            continue;
        }
        Lane& lane = *found->second;
        lane.is_queued = false;
        const std::size_t count_before = request.batches.size();
        pin(lane);
        take_from(lane, request);
        enqueue(lane);
        if (lane.is_queued && request.batches.size() == count_before) {
            break;  // its next batch is too long for what is left of this request
        }
    }
    return request;
}

void Shipper::pin(Lane& lane) {
    if (lane.partition) {
        return;
    }
    const auto topic = topics_.find(lane.topic());
    LB_ASSERT(topic != topics_.end() && topic->second.partition_count);  // else it is not queued
    // The path keeps its partition over rotations (D1); agents are spread by their id.
    const std::uint32_t seed = codec::crc32c(options_.agent_id);
    const std::uint32_t hash = codec::crc32c(as_bytes(lane.route_key()), seed);
    lane.partition = PartitionIndex(static_cast<std::int32_t>(hash % *topic->second.partition_count)
    );
    events_.pinned(lane.stream(), *lane.partition);
}

void Shipper::take_from(Lane& lane, Request& request) {
    const SteadyTime now = env_.clock.now();
    while (request.batches.size() < limits::rpc_batches_per_request_max) {
        const SealedBatch* const batch = lane.next(now);
        if (batch == nullptr) {
            return;
        }
        const std::uint64_t bytes = request.bytes + batch->bytes.size();
        if (!request.batches.empty() && bytes > pace_.request_bytes()) {
            return;
        }
        rpc::BatchEnvelope envelope;
        envelope.topic = lane.topic();
        envelope.partition = *lane.partition;
        envelope.size_bytes = batch->bytes.size();
        envelope.stream = batch->stream;
        envelope.generation = batch->generation;
        envelope.from = batch->from;
        envelope.to = batch->to;
        envelope.agent_epoch = batch->agent_epoch;
        request.envelope.batches.push_back(std::move(envelope));
        request.payload.push_back(batch->bytes);
        request.bytes = bytes;
        const std::uint32_t size = batch->bytes.size();
        const Sent sent{lane.stream(), lane.sent(), size};
        request.batches.push_back(sent);
        in_flight_bytes_ += size;
        batches_sent_.add();
    }
}

Task<void> Shipper::send_request(rpc::RpcClient& client, Request request) {
    ++requests_in_flight_;
    inflight_bytes_gauge_.set(static_cast<double>(in_flight_bytes_));
    Buffer header;
    rpc::encode(request.envelope, header);
    const SteadyTime sent = env_.clock.now();
    const Result<rpc::Frame> frame = co_await client.call(
        rpc::Method::ship, header.view(), std::move(request.payload), options_.answer_timeout
    );
    --requests_in_flight_;
    work_.set();
    if (!frame) {
        LB_REACHED(env_, request_unanswered);
        fail(frame.error());
        co_return;
    }
    const Result<rpc::ShipReply> reply = rpc::decode_ship_reply(frame->header.view());
    if (!reply || reply->results.size() != request.batches.size()) {
        fail(reply ? Error{ErrorCode::malformed, 0, "ship reply"} : reply.error());
        co_return;
    }
    last_word_ = env_.clock.now();
    ack_latency_.observe(std::chrono::duration<double>(last_word_ - sent).count());
    pace_.answered(request.bytes);
    in_flight_bytes_ -= std::min(in_flight_bytes_, request.bytes);
    inflight_bytes_gauge_.set(static_cast<double>(in_flight_bytes_));
    const Nanos retry_after = Millis(reply->retry_after_ms);
    for (std::size_t i = 0; i < request.batches.size(); ++i) {
        on_answer(request.batches[i], reply->results[i], retry_after);
    }
    offer_room();
}

Task<void> Shipper::send_ping(rpc::RpcClient& client) {
    is_pinging_ = true;
    const Result<Ok> answered = co_await ping(client);
    is_pinging_ = false;
    last_word_ = env_.clock.now();
    work_.set();
    if (answered) {
        backoff_.succeeded();
    } else {
        fail(answered.error());
    }
}

Task<Result<Ok>> Shipper::ping(rpc::RpcClient& client) {
    const WallTime sent = env_.clock.wall();
    const SteadyTime begun = env_.clock.now();
    std::vector<Slice> no_payload;
    LB_CO_TRY(
        const rpc::Frame frame,
        co_await client.call(
            rpc::Method::ping, ByteView(), std::move(no_payload), options_.ping_timeout
        )
    );
    measure_clock(frame, sent, env_.clock.now() - begun);
    co_return Ok{};
}

/// D20: told, and never made use of.
void Shipper::measure_clock(const rpc::Frame& pong, const WallTime sent, const Nanos round_trip) {
    const Result<rpc::PingReply> reply = rpc::decode_ping_reply(pong.header.view());
    if (!reply || reply->wall_ms == 0) {
        return;
    }
    constexpr Nanos odd = 5s;
    const Nanos before = clock_offset_.value().value_or(Nanos::zero());
    clock_offset_.measured(sent, WallTime(Millis(reply->wall_ms)), round_trip);
    const Nanos offset = *clock_offset_.value();
    const CollectorAddress& collector = options_.collectors[current_collector_];
    metrics::Gauge*& gauge = clock_offsets_[current_collector_];
    if (gauge == nullptr) {
        gauge = &registry_.gauge(
            "logboom_agent_clock_offset_seconds",
            "How far the collector's clock is ahead of ours.",
            {{"collector", to_string(collector)}}
        );
    }
    gauge->set(std::chrono::duration<double>(offset).count());
    if (std::chrono::abs(offset) > odd && std::chrono::abs(before) <= odd) {
        env_.log.warn(
            "the collector's clock and ours differ; times of records are ours",
            {kv("collector", collector.host),
             kv("ahead_ms", std::chrono::duration_cast<Millis>(offset).count())}
        );
    }
}

Task<void> Shipper::watch(rpc::RpcClient& client) {
    [[maybe_unused]] const Result<Ok> broken = co_await client.wait_broken();
    work_.set();
}

void Shipper::fail(const Error error) {
    if (!failed_ && error.code != ErrorCode::cancelled) {
        failed_ = error;
    }
}

void Shipper::on_answer(const Sent& sent, const rpc::BatchResult& result, const Nanos retry_after) {
    const auto found = lanes_.find(sent.stream);
    if (found == lanes_.end()) {
        return;
    }
    Lane& lane = *found->second;
    if (result.duplicate) {
        LB_REACHED(env_, batch_was_known);
    }
    if (result.status != rpc::ReplyStatus::ok) {
        on_refused(lane, result);
    }
    // Herd control: the collector's wish, spread by half of it to both sides (D14).
    const double spread = 0.5 + env_.rng.unit();
    const auto wish =
        Nanos(static_cast<Nanos::rep>(static_cast<double>(retry_after.count()) * spread));
    const bool had_room = !lane.is_parked && lane.size() < lane_size_max;
    uncount(lane);
    const Lane::Outcome outcome =
        lane.answered(sent.number, result, env_.clock.now(), wish, env_.rng);
    count(lane);
    has_lane_room_ |= !had_room && !lane.is_parked && lane.size() < lane_size_max;
    apply(lane, outcome);
}

void Shipper::apply(Lane& lane, const Lane::Outcome& outcome) {
    const Id128 stream = lane.stream();
    acked_batches_.add(outcome.acknowledged_batches);
    if (outcome.retry_in) {
        LB_REACHED(env_, batch_put_off);
    }
    if (outcome.oldest_opened_at) {
        const Nanos age = env_.clock.now() - *outcome.oldest_opened_at;
        event_to_ack_.observe(std::chrono::duration<double>(age).count());
    }
    if (outcome.acknowledged) {
        backoff_.succeeded();
        events_.acknowledged(stream, *outcome.acknowledged, outcome.acknowledged_tail);
    }
    if (outcome.rewind) {
        rewinds_.add();
        events_.rewind(stream, *outcome.rewind);
    }
    if (outcome.retry_in) {
        retries_counter_.add();
        retries_.emplace(*lane.retry_at(), stream);
        give_back_surplus(lane);
    }
    if (lane.is_over()) {
        lanes_.erase(stream);
    } else {
        enqueue(lane);
    }
}

void Shipper::on_refused(const Lane& lane, const rpc::BatchResult& result) {
    if (const auto counter = rejects_.find(result.status); counter != rejects_.end()) {
        counter->second->add();
    }
    switch (result.status) {
    case rpc::ReplyStatus::fenced:
        env_.log.error(
            "fenced: another agent with our id and a newer epoch is at work; shipping ends",
            {kv("agent", to_hex(options_.agent_id)), kv("epoch", *epoch_)}
        );
        set_state(ShipState::fenced);
        break;
    case rpc::ReplyStatus::invalid:
    case rpc::ReplyStatus::too_large:
    case rpc::ReplyStatus::cloned:
        env_.log.error(
            "collector refuses a batch; its stream waits and is tried again",
            {kv("stream", to_hex(lane.stream())),
             kv("topic", lane.topic()),
             kv("status", rpc::to_string(result.status))}
        );
        break;
    case rpc::ReplyStatus::ok:
    case rpc::ReplyStatus::rejected_position:
    case rpc::ReplyStatus::not_leader:
    case rpc::ReplyStatus::unknown_topic:
    case rpc::ReplyStatus::storage_error:
    case rpc::ReplyStatus::busy:
    case rpc::ReplyStatus::unavailable:
        env_.log.debug(
            "batch not taken; retrying",
            {kv("stream", to_hex(lane.stream())), kv("status", rpc::to_string(result.status))}
        );
        break;
    }
}

void Shipper::drop_connection_state() {
    in_flight_bytes_ = 0;
    inflight_bytes_gauge_.set(0);
    is_pinging_ = false;
    is_asking_ = false;
    ready_.clear();
    retries_.clear();
    for (const auto& [stream, lane] : lanes_) {
        lane->disconnected();
        lane->is_queued = false;
    }
}

void Shipper::set_state(const ShipState state) {
    if (state_ != ShipState::fenced && state_ != state) {
        state_ = state;
        state_since_ = env_.clock.now();
    }
    conn_states_[current_collector_]->set(state_ == ShipState::shipping ? 1 : 0);
}

}  // namespace logboom::ship
