// Flags of `logboomctl read` and `logboomctl tail`: which records.
#pragma once

#include "collector/ctl/global_flags.h"
#include "collector/ctl/read_command.h"
#include "collector/ctl/tail_command.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace logboom::ctl {

/// What was asked for, but for the offsets: times before now need the time of day to be understood.
using RecordCommand = std::variant<ReadOptions, TailOptions>;

class RecordFlags {
public:
    /// Adds the commands; lives as long as the app.
    explicit RecordFlags(CLI::App& app);

    [[nodiscard]] bool is_asked_for() const;
    [[nodiscard]] Outcome<RecordCommand> command(const GlobalFlags& globals) const;
    /// `-o`, or what stands for it; nothing: it was not said.
    [[nodiscard]] std::optional<std::string> offset_text() const;

private:
    void add_read(CLI::App& app);
    void add_tail(CLI::App& app);
    /// What both have.
    void add_selection(CLI::App& command);
    void add_filter(CLI::App& command);
    /// What both kinds of options have.
    template <typename Options>
    [[nodiscard]] Outcome<Ok> fill(Options& options, const GlobalFlags& globals) const;
    [[nodiscard]] Outcome<ReadOptions> read_options(const GlobalFlags& globals) const;
    [[nodiscard]] Outcome<TailOptions> tail_options(const GlobalFlags& globals) const;
    [[nodiscard]] Outcome<std::shared_ptr<const RecordFilter>> filter() const;
    [[nodiscard]] Outcome<std::vector<std::int32_t>> partitions() const;
    [[nodiscard]] std::optional<std::uint64_t> records_max() const;

    CLI::App* read_ = nullptr;
    CLI::App* tail_ = nullptr;

    std::vector<std::string> topics_;
    std::string topic_;
    std::string partition_list_;
    std::string offset_;
    std::string since_;
    bool from_beginning_ = false;
    std::uint64_t records_max_ = 0;  // 0: no limit
    bool exit_at_end_ = false;
    bool follow_ = false;
    bool fail_empty_ = false;
    bool strict_ = false;
    std::uint64_t last_ = 10;
    std::string reorder_ = "500ms";
    std::string cursor_;
    FilterOptions filter_;
    std::string levels_;
};

/// "0,3,5-8", ascending and each once; nothing: it is no such list.
[[nodiscard]] std::optional<std::vector<std::int32_t>> parse_partitions(std::string_view text);

}  // namespace logboom::ctl
