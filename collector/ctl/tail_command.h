// `logboomctl tail [TOPIC...]`: the last records and then those that arrive, of all partitions, by time.
#pragma once

#include "collector/ctl/fetch.h"
#include "collector/ctl/output.h"
#include "collector/ctl/partition_range.h"
#include "collector/ctl/record_filter.h"
#include "collector/ctl/record_format.h"
#include "collector/ctl/record_merge.h"
#include "collector/ctl/record_walk.h"
#include "collector/ctl/tail_cursor.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace logboom::ctl {

struct TailOptions {
    std::vector<std::string> topics;       ///< names and globs; empty: all but our own
    std::vector<std::int32_t> partitions;  ///< of each topic; empty: all
    /// Without offsets and cursor: so many of the last records come first.
    std::uint64_t last = 10;
    std::optional<OffsetSpec> offsets;
    TailCursor cursor;  ///< partitions that are in it begin there, whatever the rest says
    std::shared_ptr<const RecordFilter> filter = std::make_shared<RecordFilter>();  ///< not null
    Nanos reorder = 500ms;  ///< how long a record waits for earlier ones of other partitions
    std::optional<std::uint64_t> records_max;
    bool should_exit_at_end = false;
    bool should_fail_if_empty = false;
    bool is_strict = false;
    bool is_quiet = false;
};

/// Whether `tail` with these names and globs follows a topic. Those of our own ("lb.") have to be asked for.
[[nodiscard]] bool follows(const std::vector<std::string>& patterns, const TopicLayout& topic);

/// One run of the command. Collaborators outlive it.
class TailCommand {
public:
    TailCommand(
        Env& env, Cluster& cluster, Output& output, RecordFormat& format, TailOptions options
    )
        : env_(env)
        , cluster_(cluster)
        , output_(output)
        , format_(format)
        , options_(std::move(options))
        , merge_(options_.reorder)
        , holds_last_(!options_.offsets.has_value() && options_.cursor.empty()) {}

    /// Goes on through lost connections until it is cancelled, a limit ends it, or nobody reads any more.
    Task<Outcome<ExitCode>> run();

private:
    /// One partition that is followed. Where reading begins is known once its leader was asked.
    struct Source {
        std::size_t number = 0;  // in `sources_`, and in the merge
        std::string topic;       // key of `topics_`
        PartitionCursor cursor;
        std::int64_t backlog_end = 0;         // what lies below was there when reading began
        std::uint32_t failures_in_a_row = 0;  // its own, while others can be read
        bool is_new = false;                  // it was not there when the others began
        bool has_start = false;
        bool needs_leader = false;  // asked again when the layout is
        bool is_failure_told = false;
        bool is_gone = false;      // its topic was deleted
        bool is_left_out = false;  // trying again does not help

        [[nodiscard]] bool is_over() const noexcept {
            return is_gone || is_left_out || cursor.is_done();
        }
    };

    Task<Outcome<Ok>> find_first_sources();
    /// Looks for topics and partitions that are new, and for leaders that moved.
    Task<Outcome<Ok>> refresh();
    Task<Outcome<Ok>> follow_topic(TopicLayout layout, bool is_first);
    Source& add_source(const std::string& topic, std::int32_t partition, bool is_first);
    /// Where reading begins in partitions that have a leader and a source.
    Task<Outcome<Ok>> find_starts(
        const TopicLayout& topic,
        std::vector<std::int32_t> partitions,
        OffsetSpec spec,
        bool is_first
    );
    void start(Source& source, const PartitionRange& range, bool is_first);
    [[nodiscard]] OffsetSpec first_spec() const;
    void say_who_is_unled();
    [[nodiscard]] Outcome<Ok> check_named_topics(const std::vector<TopicLayout>& all) const;
    void drop_gone_topics(const std::vector<TopicLayout>& all);

    Task<Outcome<Ok>> round();
    Task<Outcome<Ok>> fetch_from_leader(std::int32_t leader_id, std::int32_t wait_ms);
    [[nodiscard]] Outcome<Ok> take(const FetchedPartition& fetched, Source& source);
    void bear_failure(Source& source, const std::string& why);
    void end_failures(Source& source);
    void leave_out(Source& source, const std::string& why);
    Task<Outcome<Ok>> skip_trimmed(std::size_t number);
    Task<Outcome<Ok>> wait_for_better(Failure failure);

    [[nodiscard]] Source* source_of(std::string_view topic, std::int32_t partition) noexcept;
    [[nodiscard]] const PartitionLayout* layout_of(const Source& source) const noexcept;
    [[nodiscard]] bool is_led(const Source& source) const noexcept;
    /// "app/1@17", once it is known where it stands.
    [[nodiscard]] std::string place_of(const Source& source) const;
    [[nodiscard]] bool wants_more(const Source& source) const noexcept;
    [[nodiscard]] std::int32_t partition_bytes() const noexcept;
    [[nodiscard]] std::int32_t wait_ms(std::size_t leaders_count) const;
    [[nodiscard]] bool is_backlog_read() const;
    [[nodiscard]] bool may_get_topics() const;
    [[nodiscard]] bool has_end() const noexcept;
    void ask_for_layout_within(Nanos pause);

    /// Shows what is due.
    void show_due();
    void show(const HeldRecord& record);
    void show_last();
    [[nodiscard]] bool flush();
    [[nodiscard]] bool is_finished() const;
    [[nodiscard]] bool is_enough() const noexcept;
    [[nodiscard]] ExitCode finish();
    void say(const std::string& text);
    void say_where_to_continue(const std::string& why);
    [[nodiscard]] TailCursor cursor_now() const;

    Env& env_;
    Cluster& cluster_;
    Output& output_;
    RecordFormat& format_;
    TailOptions options_;

    std::map<std::string, TopicLayout> topics_;  // entries stay: held records use their names
    std::deque<Source> sources_;
    RecordMerge merge_;
    bool holds_last_ = false;  // until the backlog is read: of that only the end is shown
    std::deque<HeldRecord> last_;
    std::vector<std::size_t> trimmed_;  // sources whose next offset is no longer there
    SteadyTime refresh_at_{};
    std::string pending_;  // formatted, not yet written
    std::uint64_t read_ = 0;
    std::uint64_t shown_ = 0;
    std::uint32_t failures_in_a_row_ = 0;
    bool has_skipped_ = false;
    bool is_output_closed_ = false;
};

}  // namespace logboom::ctl
