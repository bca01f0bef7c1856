#include "collector/ctl/record_flags.h"

#include "collector/ctl/printable.h"
#include "shared/base/limits.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>

namespace logboom::ctl {

namespace {

constexpr const char* read_examples = R"(
Examples:
  logboomctl read app -e                       all records, then exit
  logboomctl read app -o -10 -e                the last 10 of each partition
  logboomctl read app -p 0 -o 100:200          a range of offsets
  logboomctl read app -o @-15m                 the last 15 minutes, then follow
  logboomctl read app -o '@2026-11-22T10:00:00Z:end' --json
  logboomctl read app -e -g timeout --format '%T %h %v'
)";
constexpr const char* tail_examples = R"(
Examples:
  logboomctl tail                              the last 10 records of all topics, then those that arrive
  logboomctl tail app 'web-*' -l warning       two kinds of topics, warnings and worse
  logboomctl tail app -S -15m -G 'user=\d+'    of the last 15 minutes, then follow
  logboomctl tail app -g timeout -g retry -v   without the lines that have both words
  logboomctl tail app -n 20 -J | jq .msg
)";
constexpr const char* offset_help =
    "start | end | N | +N | -N | A:B | :B | @TIME | @T1:T2 | @T1:end";
constexpr std::uint64_t last_max = 100'000;
constexpr Nanos reorder_max = 60s;

}  // namespace

std::optional<std::vector<std::int32_t>> parse_partitions(std::string_view text) {
    std::vector<std::int32_t> partitions;
    while (!text.empty()) {
        const std::string_view item = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), item.size() + 1));
        const char* const end = item.data() + item.size();
        std::int32_t first = 0;
        auto parsed = std::from_chars(item.data(), end, first);
        if (parsed.ec != std::errc() || first < 0) {
            return std::nullopt;
        }
        std::int32_t last = first;
        if (parsed.ptr != end && *parsed.ptr == '-') {
            parsed = std::from_chars(parsed.ptr + 1, end, last);
        }
        if (parsed.ec != std::errc() || parsed.ptr != end || last < first
            || last - first >= limits::partitions_per_topic_max) {
            return std::nullopt;
        }
        for (std::int32_t behind = 0; behind <= last - first; ++behind) {
            partitions.push_back(first + behind);
        }
    }
    std::ranges::sort(partitions);
    // Not of std::ranges: its result is a view, which clang 14 cannot read in this standard library.
    partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
    return partitions;
}

RecordFlags::RecordFlags(CLI::App& app) {
    add_tail(app);
    add_read(app);
}

void RecordFlags::add_read(CLI::App& app) {
    read_ = app.add_subcommand("read", "Read a topic by offset, partition by partition");
    read_->fallthrough();
    read_->footer(read_examples);
    read_->add_option("TOPIC", topic_, "topic to read")->required();
    add_selection(*read_);
    read_->add_flag("--from-beginning", from_beginning_, "the same as -o start");
    read_->add_flag("-f,--follow", follow_, "go on with what arrives (the default without -e)");
    add_filter(*read_);
}

void RecordFlags::add_tail(CLI::App& app) {
    tail_ = app.add_subcommand(
        "tail", "The last records and then those that arrive, of all partitions, by time"
    );
    tail_->fallthrough();
    tail_->footer(tail_examples);
    tail_->add_option("TOPIC", topics_, "topics, also 'app-*' (default: all)");
    tail_->add_option("--last", last_, "begin with the last N records")
        ->check(CLI::Range(std::uint64_t{0}, last_max))
        ->capture_default_str();
    add_selection(*tail_);
    tail_->add_option("--cursor", cursor_, "begin where another run says that it ended");
    tail_
        ->add_option(
            "--reorder", reorder_, "how long a record waits for earlier ones; 0: not at all"
        )
        ->capture_default_str();
    add_filter(*tail_);
}

void RecordFlags::add_selection(CLI::App& command) {
    command.add_option("-p,--partition", partition_list_, "partitions: 0,3,5-8 (default: all)");
    command.add_option("-o,--offset", offset_, offset_help);
    command.add_option("-S,--since", since_, "the same as -o @TIME");
    command.add_option("-n,-c,--max,--max-messages", records_max_, "stop after N records in total")
        ->check(CLI::PositiveNumber);
    command.add_flag("-e,--exit-at-end", exit_at_end_, "stop at the end offsets seen at start");
    command.add_flag("--fail-empty", fail_empty_, "exit 3 when nothing was shown");
    command.add_flag("--strict", strict_, "exit 8 when --max ended it");
}

void RecordFlags::add_filter(CLI::App& command) {
    command.add_option("-g,--grep", filter_.substrings, "lines with TEXT; repeatable: with all")
        ->allow_extra_args(false);
    command
        .add_option(
            "-G,--regex", filter_.expressions, "lines that an RE2 expression matches; repeatable"
        )
        ->allow_extra_args(false);
    command.add_flag("-i,--ignore-case", filter_.is_folded, "for -G (-g does it anyway)");
    command.add_flag("-s,--case-sensitive", filter_.is_case_sensitive, "for -g (-G is anyway)");
    command.add_flag("-v,--invert-match", filter_.is_inverted, "lines that -g and -G do not match");
    command.add_option("-l,--level", levels_, "warning: that or worse; =info; error..warning");
    command.add_option("-H,--host", filter_.host, "glob");
    command.add_option("-u,--unit", filter_.unit, "glob");
    command.add_option("-a,--app", filter_.app, "glob");
    command.add_option("--path", filter_.path, "glob");
}

bool RecordFlags::is_asked_for() const {
    return read_->parsed() || tail_->parsed();
}

std::optional<std::string> RecordFlags::offset_text() const {
    if (from_beginning_) {
        return "start";
    }
    if (!since_.empty()) {
        return "@" + since_;
    }
    return offset_.empty() ? std::nullopt : std::optional(offset_);
}

Outcome<std::shared_ptr<const RecordFilter>> RecordFlags::filter() const {
    FilterOptions options = filter_;
    if (options.is_folded && options.is_case_sensitive) {
        return usage("-i and -s contradict each other");
    }
    if (!levels_.empty()) {
        options.levels = parse_levels(levels_);
        if (!options.levels.has_value()) {
            return usage(
                "'" + printable(levels_) + "' is no level",
                "-l with emerg, alert, crit, error, warning, notice, info or debug"
            );
        }
    }
    LB_TRY(RecordFilter made, RecordFilter::make(options));
    return std::shared_ptr<const RecordFilter>(std::make_shared<RecordFilter>(std::move(made)));
}

Outcome<std::vector<std::int32_t>> RecordFlags::partitions() const {
    auto partitions = parse_partitions(partition_list_);
    if (!partitions.has_value()) {
        return usage("'" + printable(partition_list_) + "' is no list of partitions", "-p 0,3,5-8");
    }
    return std::move(*partitions);
}

std::optional<std::uint64_t> RecordFlags::records_max() const {
    return records_max_ == 0 ? std::nullopt : std::optional(records_max_);
}

template <typename Options>
Outcome<Ok> RecordFlags::fill(Options& options, const GlobalFlags& globals) const {
    LB_TRY(options.partitions, partitions());
    LB_TRY(options.filter, filter());
    options.records_max = records_max();
    options.should_exit_at_end = exit_at_end_;
    options.should_fail_if_empty = fail_empty_;
    options.is_strict = strict_;
    options.is_quiet = globals.quiet;
    return Ok{};
}

Outcome<ReadOptions> RecordFlags::read_options(const GlobalFlags& globals) const {
    if (follow_ && exit_at_end_) {
        return usage("--follow and --exit-at-end contradict each other");
    }
    ReadOptions options;
    options.topic = topic_;
    LB_CHECK(fill(options, globals));
    return options;
}

Outcome<TailOptions> RecordFlags::tail_options(const GlobalFlags& globals) const {
    TailOptions options;
    options.topics = topics_;
    LB_CHECK(fill(options, globals));
    // As with tail(1): of three records the last three, not the first of the last ten.
    options.last = std::min(last_, options.records_max.value_or(last_));
    const auto reorder = parse_duration(reorder_);
    if (!reorder.has_value() || *reorder > reorder_max) {
        return usage(
            "'" + printable(reorder_) + "' is no time to wait; 60s are the most", "--reorder 500ms"
        );
    }
    options.reorder = *reorder;
    if (!cursor_.empty()) {
        auto cursor = parse_tail_cursor(cursor_);
        if (!cursor.has_value()) {
            return usage(
                "'" + printable(cursor_) + "' is no cursor", "--cursor app/0@128,app/1@55"
            );
        }
        options.cursor = std::move(*cursor);
    }
    return options;
}

Outcome<RecordCommand> RecordFlags::command(const GlobalFlags& globals) const {
    if (!offset_.empty() && !since_.empty()) {
        return usage("--offset and --since contradict each other");
    }
    if (read_->parsed()) {
        LB_TRY(ReadOptions options, read_options(globals));
        return RecordCommand(std::move(options));
    }
    LB_TRY(TailOptions options, tail_options(globals));
    return RecordCommand(std::move(options));
}

}  // namespace logboom::ctl
