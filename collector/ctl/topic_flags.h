// Flags of `logboomctl topic ...`.
#pragma once

#include "collector/ctl/global_flags.h"
#include "collector/ctl/topic_command.h"
#include "collector/ctl/topic_delete.h"
#include "collector/ctl/topic_describe.h"
#include "collector/ctl/topic_offsets.h"

#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace logboom::ctl {

/// What was asked for.
using TopicCommand = std::variant<
    TopicListOptions,
    TopicCreateOptions,
    TopicDescribeOptions,
    TopicDeleteOptions,
    TopicOffsetsOptions>;

class TopicFlags {
public:
    /// Adds the commands; lives as long as the app.
    explicit TopicFlags(CLI::App& app);

    [[nodiscard]] bool is_asked_for() const;
    [[nodiscard]] Outcome<TopicCommand> command(const GlobalFlags& globals) const;

private:
    void add_create();
    void add_describe();
    void add_delete();
    void add_offsets();
    [[nodiscard]] Outcome<TopicCreateOptions> create_options(const GlobalFlags& globals) const;

    CLI::App* topic_ = nullptr;
    CLI::App* list_ = nullptr;
    CLI::App* create_ = nullptr;
    CLI::App* describe_ = nullptr;
    CLI::App* delete_ = nullptr;
    CLI::App* offsets_ = nullptr;
    CLI::Option* partitions_given_ = nullptr;
    CLI::Option* replicas_given_ = nullptr;

    std::vector<std::string> names_;
    std::int32_t partitions_ = 0;
    std::int16_t replicas_ = 0;
    std::vector<std::string> configs_;
    bool if_not_exists_ = false;
    bool if_exists_ = false;
    bool yes_ = false;
    bool dry_run_ = false;
    std::vector<std::string> times_;
};

}  // namespace logboom::ctl
