#include "collector/broker/kafka_door.h"

#include "collector/broker/kafka_connection.h"

namespace logboom::broker {

KafkaDoor::KafkaDoor(Broker broker, io::TcpServerOptions server)
    : broker_(std::move(broker))
    , large_budget_(broker_.env().scheduler, broker_.options.request_bytes_max)
    , small_budget_(broker_.env().scheduler, limits::kafka_small_frames_bytes_max)
    , server_(broker_.env(), std::move(server), [this](Conn& conn) { return serve(conn); }) {}

Task<Result<Ok>> KafkaDoor::start() {
    LB_CO_CHECK(co_await server_.start());
    if (broker_.options.advertise.port == 0) {
        broker_.options.advertise.port = server_.port();
    }
    co_return Ok{};
}

Task<void> KafkaDoor::serve(Conn& conn) {
    const KafkaConnection::Budgets budgets{large_budget_, small_budget_};
    KafkaConnection connection(broker_, budgets, conn);
    co_await connection.run();
}

}  // namespace logboom::broker
