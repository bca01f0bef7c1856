// Brings files and streams together: who is the file at this path (T9), and where did the file of that
// stream go (T13, T16)? One task does all of it, so that no two looks overlap.
#pragma once

#include "agent/source/file/discovery.h"
#include "agent/source/file/tailer.h"

#include <deque>
#include <map>
#include <set>
#include <string>

namespace logboom::source {

/// A path was empty or another's when the program last saw it; a file that was there at the very first
/// start of its input is read by `read_from`, any other from its beginning (T22).
enum class Sighting : std::uint8_t { first_start, later };

class Locator {
public:
    Locator(
        Env& env,
        StreamTable& streams,
        TurnQueue& turns,
        Identifier& identifier,
        Checkpoint& checkpoint,
        batch::BatchRoom& room,
        Tailer& tailer,
        metrics::Registry& registry
    );

    /// Looks at the file that `found` names and gives it to its stream, an old or a new one.
    Task<void> examine(FoundFile found, Sighting sighting);
    /// The path of an active or known stream has no file of it any more: finds out where it went.
    Task<void> missing(Stream& stream);
    /// Paths whose examination was put off until now.
    [[nodiscard]] std::vector<std::string> take_due();
    [[nodiscard]] SteadyTime next_due() const noexcept;

private:
    struct OpenFile {
        std::unique_ptr<io::File> file;
        FileIdentity identity;
    };

    Task<Result<OpenFile>> open(std::string path);
    Task<void> adopt(Stream& stream, OpenFile opened, const FoundFile& found);
    Task<Stream*> find_kin(OpenFile& opened, bool& is_copy);
    Task<bool> is_intact(const Stream& stream);
    Task<void> create(OpenFile opened, const FoundFile& found, Sighting sighting, Stream* before);
    Task<Result<std::uint64_t>> start_offset(io::File& file, const FoundFile& found, std::uint64_t size, Sighting sighting);
    Task<std::optional<std::string>> find_elsewhere(const Stream& stream);
    void attach(Stream& stream, OpenFile opened, std::string path);
    void replace(Stream& before, Stream& after);
    void lose(Stream& stream);
    void report_unreadable(const std::string& path, const Error& error);
    [[nodiscard]] bool is_ignored(const FoundFile& found, const io::FileStat& stat, Sighting sighting) const;

    Env& env_;
    StreamTable& streams_;
    TurnQueue& turns_;
    Identifier& identifier_;
    Checkpoint& checkpoint_;
    batch::BatchRoom& room_;
    Tailer& tailer_;
    std::set<std::string> unreadable_;
    std::map<std::string, SteadyTime> copies_;  // until when a copy is left alone
    metrics::Counter& copies_skipped_;
    metrics::Counter& vanished_bytes_;
    metrics::Counter& streams_made_;
    metrics::Counter& rotations_;
    metrics::Gauge& unreadable_gauge_;
};

}  // namespace logboom::source
