// The file source: joins discovery, identity, reading and the checkpoint, and is told what the shipper
// hears from the collectors.
//
// Life: start(): files are found, given to their streams and opened, so that what is rotated, deleted or cut
// while no collector answers is not lost -> begin() when the collectors' positions of some topics are known:
// only then are files read that go there -> stop().
#pragma once

#include "agent/source/file/checkpoint.h"
#include "agent/source/file/discovery.h"
#include "agent/source/file/locator.h"
#include "agent/source/file/losses.h"
#include "agent/source/file/source_meters.h"
#include "agent/source/file/tailer.h"
#include "shared/rpc/agent_messages.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace logboom::source {

/// What an input is like, for those who ask whether the agent is well (O3).
struct InputHealth {
    std::string name;
    /// Nothing of it can be read: no directory of its, or none of its files.
    bool is_failing = false;
    /// Bytes wait, and none has gone forward for this long; zero: it is moving, or has nothing.
    Nanos stuck_for{};
};

struct FileSourceOptions {
    std::vector<FileInput> inputs;
    TailerOptions tailer;
    Nanos forget_after = 7 * 24h;  // streams whose file is gone (T26)
};

class FileSource {
public:
    FileSource(
        Env& env,
        FileSourceOptions options,
        batch::KeyedHash hash,
        Checkpoint& checkpoint,
        batch::BatchRoom& room,
        const ship::Outlet& outlet,
        ship::MemoryBudget& memory,
        metrics::Registry& registry
    );
    FileSource(const FileSource&) = delete;
    FileSource& operator=(const FileSource&) = delete;
    ~FileSource();

    Task<void> start();
    /// The collectors' positions win over the checkpoint's. Takes effect before anything is read that goes
    /// to their topics, each of which is told once.
    void begin(const rpc::HelloReply& positions);
    /// Ends reading; the batches that are open are dropped, since the files still have their lines.
    Task<void> stop();

    // What the shipper tells and asks.
    [[nodiscard]] ship::Route route(const Id128& uid) const;
    void pinned(const Id128& uid, PartitionIndex partition);
    void acknowledged(const Id128& uid, ship::Position position, Tail tail);
    void rewind(const Id128& uid, ship::Position position);
    void room();

    /// Every file was looked at and what they had is with the collectors.
    [[nodiscard]] bool is_drained() const;
    [[nodiscard]] std::size_t streams_count() const noexcept { return streams_.all().size(); }
    [[nodiscard]] std::vector<InputHealth> health() const;
    /// Sets the gauges that are counted only when somebody looks.
    void refresh_metrics();

private:
    void recall(const CheckpointEntry& entry);
    Task<void> take_positions();
    void take(const rpc::HelloReply& positions);
    [[nodiscard]] bool has_met_all() const;
    void learn(
        const std::string& topic,
        const rpc::StreamPosition& position,
        const std::set<Id128>& known_to_collectors
    );
    Stream* bring_back(
        const std::string& topic,
        const rpc::StreamPosition& position,
        const std::set<Id128>& known_to_collectors
    );
    Task<void> look_before_reading();
    [[nodiscard]] std::vector<Id128> active_streams(bool has_begun) const;
    void order_new_files(const std::set<Id128>& known_to_collectors);
    [[nodiscard]] bool comes_after(const FileIdentity& identity, const Id128& uid) const;
    void take_file_of(Stream& before, Stream& stream);
    void connect_streams();
    [[nodiscard]] const FileInput* input_for(
        const std::string& name, const std::string& topic, const std::string& path
    ) const;
    void suspect(const std::string& path);
    Task<void> run_discovery();
    Task<void> run_notifications();
    void note_changes(const Changes& changes);
    void listen();
    Task<void> look_at_due();
    Task<void> poll_directories();
    Task<void> full_scan();
    Task<void> remember_inputs();
    Task<void> examine_path(std::string path);
    Task<void> look_at(FoundFile found);
    Task<void> check_links();
    [[nodiscard]] Sighting sighting_of(const FileInput& input) const;
    [[nodiscard]] SteadyTime next_look() const noexcept;
    [[nodiscard]] Nanos rescan_pause();
    void forget_old();

    Env& env_;
    FileSourceOptions options_;
    Checkpoint& checkpoint_;
    batch::BatchRoom& room_;
    ship::MemoryBudget& memory_;
    SourceMeters meters_;
    StreamTable streams_;
    TurnQueue turns_;
    Identifier identifier_;
    Discovery discovery_;
    Losses losses_;
    Tailer tailer_;
    Locator locator_;
    std::set<std::string> suspects_;
    std::map<std::string, WallTime> inputs_started_;
    std::map<Id128, std::optional<Id128>>
        told_predecessors_;      // by the positions that are being taken
    std::set<Id128> displaced_;  // brought back, and their files are by now another stream's
    std::set<Id128> corrected_;  // the collector told another position than we knew
    std::vector<rpc::HelloReply> positions_;  // until they are taken
    std::set<std::string> topics_met_;
    std::map<const FileInput*, SteadyTime> moved_at_;  // the last acknowledgement of each
    bool must_scan_ = true;
    bool has_scanned_ = false;
    bool is_looking_ = false;  // at something that is in no list any more
    bool is_listening_ = false;
    SteadyTime scan_at_{};
    io::Event work_;
    Scope scope_;
    metrics::Gauge& files_unreadable_;
    metrics::Gauge& files_ignored_;
};

}  // namespace logboom::source
