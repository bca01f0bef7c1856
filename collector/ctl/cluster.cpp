#include "collector/ctl/cluster.h"

#include "collector/ctl/printable.h"
#include "collector/ctl/suggest.h"

#include <algorithm>

namespace logboom::ctl {

namespace {

using kafka::KafkaError;
using kafka::MetadataResponse;

TopicLayout layout_of(const MetadataResponse::Topic& topic) {
    TopicLayout layout;
    layout.name = topic.name.value_or(std::string_view{});
    layout.id = topic.topic_id;
    layout.is_internal = topic.is_internal;
    for (const auto& partition : topic.partitions) {
        layout.partitions.push_back(PartitionLayout{
            .index = partition.partition_index,
            .leader_id = partition.leader_id,
            .leader_epoch = partition.leader_epoch,
            .replicas_count = partition.replica_nodes.size(),
            .isr_count = partition.isr_nodes.size()});
    }
    std::ranges::sort(layout.partitions, {}, &PartitionLayout::index);
    return layout;
}

/// "app/1, app/3": those of `partitions` (none given: of all) that nobody leads.
std::string unled_of(const TopicLayout& topic, const std::vector<std::int32_t>& partitions) {
    std::string names;
    for (const PartitionLayout& partition : topic.partitions) {
        const bool is_meant = partitions.empty()
                           || std::ranges::count(partitions, partition.index) > 0;
        if (is_meant && partition.leader_id < 0) {
            names += (names.empty() ? "" : ", ") + printable(topic.name) + "/"
                   + std::to_string(partition.index);
        }
    }
    return names;
}

}  // namespace

const PartitionLayout* TopicLayout::find(const std::int32_t index) const noexcept {
    const auto found = std::ranges::find(partitions, index, &PartitionLayout::index);
    return found == partitions.end() ? nullptr : &*found;
}

std::vector<std::int32_t> TopicLayout::led_partitions() const {
    std::vector<std::int32_t> led;
    for (const PartitionLayout& partition : partitions) {
        if (partition.leader_id >= 0) {
            led.push_back(partition.index);
        }
    }
    return led;
}

Task<Outcome<BrokerConnection*>> Cluster::any() {
    co_await drop_broken(bootstrap_);
    if (bootstrap_ != nullptr) {
        co_return bootstrap_.get();
    }
    Failure failure{.exit_code = ExitCode::unreachable, .what = "cannot reach any broker"};
    for (const PeerAddress& address : options_.brokers) {
        const SteadyTime until = deadline();
        auto opened = co_await BrokerConnection::open(env_, address, until);
        if (opened.has_value()) {
            bootstrap_ = std::move(*opened);
            co_return bootstrap_.get();
        }
        if (opened.error().exit_code == ExitCode::interrupted) {
            co_return opened.error();
        }
        failure.tried += (failure.tried.empty() ? "" : ", ") + opened.error().what;
    }
    failure.hint =
        "logboomctl -b HOST:PORT,... with the addresses of Kafka's door (default port 9092)";
    co_return failure;
}

Task<Outcome<BrokerConnection*>> Cluster::node(const std::int32_t id) {
    std::unique_ptr<BrokerConnection>& connection = nodes_[id];
    co_await drop_broken(connection);
    if (connection != nullptr) {
        co_return connection.get();
    }
    const auto known = brokers_.find(id);
    if (known == brokers_.end()) {
        co_return Failure{
            .exit_code = ExitCode::unreachable,
            .what = "broker " + std::to_string(id) + " is not known to the cluster"};
    }
    const SteadyTime until = deadline();
    auto opened = co_await BrokerConnection::open(env_, known->second, until);
    if (!opened.has_value()) {
        Failure failure = opened.error();
        failure.what = "cannot reach broker " + std::to_string(id) + ": " + failure.what;
        co_return failure;
    }
    connection = std::move(*opened);
    co_return connection.get();
}

Task<Outcome<BrokerConnection*>> Cluster::controller() {
    if (controller_id_ < 0) {
        LB_CO_TRY([[maybe_unused]] const auto answer, co_await ask_metadata(std::nullopt));
    }
    if (controller_id_ < 0) {
        co_return co_await any();
    }
    co_return co_await node(controller_id_);
}

Task<void> Cluster::drop_broken(std::unique_ptr<BrokerConnection>& connection) {
    if (connection == nullptr || !connection->is_broken()) {
        co_return;
    }
    co_await connection->close();
    connection.reset();
}

void Cluster::learn_brokers(const MetadataResponse& response) {
    for (const auto& broker : response.brokers) {
        brokers_[broker.node_id] = PeerAddress{
            std::string(broker.host), static_cast<std::uint16_t>(broker.port)};
    }
    controller_id_ = response.controller_id;
}

Task<Outcome<Answer<MetadataResponse>>> Cluster::ask_metadata(std::optional<std::string> name) {
    LB_CO_TRY(BrokerConnection* const broker, co_await any());
    kafka::MetadataRequest request;
    request.allow_auto_topic_creation = false;
    if (name.has_value()) {
        request.topics.emplace().push_back(kafka::MetadataRequest::Topic{
            .topic_id = {}, .name = *name});
    }
    const SteadyTime until = deadline();
    LB_CO_TRY(auto answer, co_await broker->ask<MetadataResponse>(request, until));
    learn_brokers(answer.body);
    if (answer.body.error_code != KafkaError::none) {
        co_return failure_of(answer.body.error_code, "cannot read the cluster's metadata");
    }
    co_return std::move(answer);
}

Task<Outcome<std::vector<TopicLayout>>> Cluster::topics() {
    LB_CO_TRY(const auto answer, co_await ask_metadata(std::nullopt));
    std::vector<TopicLayout> layouts;
    for (const auto& topic : answer.body.topics) {
        layouts.push_back(layout_of(topic));
    }
    std::ranges::sort(layouts, {}, &TopicLayout::name);
    co_return layouts;
}

Task<Outcome<TopicLayout>> Cluster::topic(std::string name) {
    const SteadyTime until = deadline();
    for (;;) {
        LB_CO_TRY(const auto answer, co_await ask_metadata(name));
        if (answer.body.topics.size() != 1) {
            co_return Failure{
                .what = "the broker said nothing about topic '" + printable(name) + "'"};
        }
        const auto& topic = answer.body.topics.front();
        if (topic.error_code == KafkaError::unknown_topic_or_partition) {
            co_return co_await failure_to_find(name);
        }
        if (topic.error_code == KafkaError::none) {
            co_return layout_of(topic);
        }
        Failure failure =
            failure_of(topic.error_code, "cannot read topic '" + printable(name) + "'");
        if (!kafka::is_retriable(topic.error_code)) {
            co_return failure;
        }
        if (env_.clock.now() >= until) {
            failure.exit_code = ExitCode::timed_out;
            co_return failure;
        }
        LB_CO_CHECK(co_await pause());
    }
}

Task<Outcome<TopicLayout>> Cluster::led_topic(
    std::string name, std::vector<std::int32_t> partitions
) {
    const SteadyTime until = deadline();
    for (;;) {
        LB_CO_TRY(TopicLayout layout, co_await topic(name));
        const std::string unled = unled_of(layout, partitions);
        if (unled.empty()) {
            co_return layout;
        }
        if (env_.clock.now() >= until) {
            co_return Failure{
                .exit_code = ExitCode::timed_out,
                .what = "nobody leads " + unled,
                .hint = "logboomctl topic describe " + printable(name)};
        }
        LB_CO_CHECK(co_await pause());
    }
}

Task<Outcome<Ok>> Cluster::pause() {
    const auto slept = co_await env_.sleep(200ms);
    if (!slept.has_value()) {
        co_return Failure{.exit_code = ExitCode::interrupted, .what = "interrupted"};
    }
    co_return Ok{};
}

Task<Outcome<TopicLayout>> Cluster::failure_to_find(std::string name) {
    Failure failure{
        .exit_code = ExitCode::not_found, .what = "topic '" + printable(name) + "' does not exist"};
    failure.hint = "logboomctl topic list";
    const auto all = co_await topics();
    if (all.has_value()) {
        std::vector<std::string> names;
        for (const TopicLayout& layout : *all) {
            names.push_back(layout.name);
        }
        for (const std::string& near : nearest_names(name, names)) {
            failure.what +=
                (failure.what.find("did you mean") == std::string::npos ? "; did you mean " : ", ");
            failure.what += "'" + printable(near) + "'";
        }
    }
    co_return failure;
}

Task<void> Cluster::close() {
    if (bootstrap_ != nullptr) {
        co_await bootstrap_->close();
        bootstrap_.reset();
    }
    for (auto& [id, connection] : nodes_) {
        if (connection != nullptr) {
            co_await connection->close();
        }
    }
    nodes_.clear();
}

}  // namespace logboom::ctl
