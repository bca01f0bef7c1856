// Commands of logboomctl against a model of a broker, in virtual time.
#pragma once

#include "collector/ctl/output.h"
#include "collector/ctl/read_command.h"
#include "collector/ctl/tail_command.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/collector/ctl/model_broker.h"

#include <string>
#include <utility>
#include <vector>

namespace logboom::tests {

using Ended = ctl::Outcome<ctl::ExitCode>;

/// "a0 a1 ...", one value each.
inline std::vector<std::string> values_of(const std::string& name, const int from, const int end) {
    std::vector<std::string> values;
    for (int i = from; i < end; ++i) {
        values.push_back(name + std::to_string(i));
    }
    return values;
}
/// The same as raw output.
inline std::string lines_of(const std::string& name, const int from, const int end) {
    std::string lines;
    for (const std::string& value : values_of(name, from, end)) {
        lines += value + "\n";
    }
    return lines;
}
inline std::size_t count_of(const std::string& words, const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = text.find(words); at != std::string::npos;
         at = text.find(words, at + 1)) {
        ++count;
    }
    return count;
}

class CtlWorld : private ctl::Output {
public:
    CtlWorld() : broker(machine.make<ModelBroker>(machine.env(), machine.host())) {
        BOOST_REQUIRE(machine.run(broker.start()).has_value());
        ctl::FormatOptions raw;
        raw.format = "raw";
        auto made = ctl::make_record_format(raw);
        format_ = std::move(*std::get_if<std::unique_ptr<ctl::RecordFormat>>(&made));
    }

    [[nodiscard]] sim::Outcome<Ended> begin_tail(ctl::TailOptions options) {
        return machine.begin(run_tail(*this, std::move(options)));
    }
    [[nodiscard]] Ended tail(ctl::TailOptions options) {
        return machine.run(run_tail(*this, std::move(options)));
    }
    [[nodiscard]] sim::Outcome<Ended> begin_read(ctl::ReadOptions options) {
        return machine.begin(run_read(*this, std::move(options)));
    }
    [[nodiscard]] Ended read(ctl::ReadOptions options) {
        return machine.run(run_read(*this, std::move(options)));
    }
    /// A command that is one call: `run(cluster, output)` makes its task.
    template <typename Run>
    [[nodiscard]] Ended run(Run make) {
        ctl::Cluster& cluster = machine.make<ctl::Cluster>(machine.env(), cluster_options());
        ctl::Output& output = *this;
        Ended ended = machine.run(make(cluster, output));
        machine.run(cluster.close());
        return ended;
    }
    [[nodiscard]] Nanos now() { return machine.env().clock.now().time_since_epoch(); }

    sim::SimMachine machine;
    ModelBroker& broker;
    std::string written;  ///< to standard output
    std::string said;     ///< to the human

private:
    [[nodiscard]] bool write(const std::string_view data) override {
        written += data;
        return true;
    }
    void say(const std::string_view text) override { said += text; }
    std::optional<std::string> ask(std::string_view) override { return std::nullopt; }

    [[nodiscard]] ctl::ClusterOptions cluster_options() const {
        ctl::ClusterOptions options;
        options.brokers.push_back(ctl::PeerAddress{machine.host(), ModelBroker::port});
        return options;
    }
    static Task<Ended> run_tail(CtlWorld& world, ctl::TailOptions options) {
        Env& env = world.machine.env();
        ctl::Cluster cluster(env, world.cluster_options());
        ctl::TailCommand command(env, cluster, world, *world.format_, std::move(options));
        Ended ended = co_await command.run();
        co_await cluster.close();
        co_return ended;
    }
    static Task<Ended> run_read(CtlWorld& world, ctl::ReadOptions options) {
        Env& env = world.machine.env();
        ctl::Cluster cluster(env, world.cluster_options());
        ctl::ReadCommand command(env, cluster, world, *world.format_, std::move(options));
        Ended ended = co_await command.run();
        co_await cluster.close();
        co_return ended;
    }

    std::unique_ptr<ctl::RecordFormat> format_;
};

}  // namespace logboom::tests
