// Brings files and streams together: who is the file at this path (T9), and where did the file of that
// stream go (T13, T16)? One task does all of it, so that no two looks overlap.
//
// What cannot be told now is not decided: a file that cannot be opened, a directory that cannot be listed
// keep what is known of them and are tried again (T6). Only what is surely gone is given up.
#pragma once

#include "agent/source/file/discovery.h"
#include "agent/source/file/file_finder.h"
#include "agent/source/file/retry_list.h"
#include "agent/source/file/start_offset.h"
#include "agent/source/file/tailer.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace logboom::source {

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
        Losses& losses,
        metrics::Registry& registry
    );

    /// Looks at the file that `found` names and gives it to its stream, an old or a new one.
    Task<void> examine(FoundFile found, Sighting sighting);
    /// The path of an active or known stream has no file of it any more: finds out where it went.
    Task<void> missing(Stream& stream);
    /// `twin` has the file of `stream`, and nothing of it was read: it was a mistake, and is removed.
    void absorb(Stream& twin, Stream& stream);
    /// An active stream of which nothing was read, and no collector knows anything: what its file has is its.
    Task<void> look_at_head(Stream& fresh);
    /// An active stream of which nothing was read: whether it is what another one goes on in, or a copy, by
    /// what is known now. No stream has its turn.
    Task<void> reconsider(Stream& fresh);
    /// An active stream of which the collector told another position than we knew: if its file was cut since,
    /// the copy is looked for before somebody reads it as a file of its own. No stream has its turn.
    Task<void> confirm(Stream& stream);
    /// `after` begins where `before` ended: its first line waits for the other's last (T13, T40).
    void put_in_order(Stream& before, Stream& after);

    /// Paths and streams whose look was put off until now, each once.
    [[nodiscard]] std::vector<std::string> take_due_paths();
    [[nodiscard]] std::vector<Id128> take_due_streams();
    [[nodiscard]] SteadyTime next_due() const noexcept;
    /// Files that may still turn out to be logs of their own.
    [[nodiscard]] bool has_undecided() const noexcept { return !likenesses_.empty(); }
    [[nodiscard]] std::size_t unreadable_count() const noexcept { return unreadable_.size(); }
    /// Of one input.
    [[nodiscard]] std::size_t unreadable_count(const FileInput& input) const;
    /// That a file which cannot be read is written to is no news.
    [[nodiscard]] bool is_put_off(const std::string& path) const {
        return unreadable_.contains(path);
    }
    /// Files that were left alone for their age since the last `begin_scan`.
    [[nodiscard]] std::size_t ignored_count() const noexcept { return ignored_; }
    void begin_scan() noexcept { ignored_ = 0; }

private:
    /// A file with the content of a known one, left alone until `until`.
    struct Likeness {
        Kinship kinship = Kinship::none;
        Id128 original{};
        std::uint64_t size = 0;
        SteadyTime until{};
        bool is_due = false;
    };

    Task<void> place(OpenFile opened, FoundFile found, Sighting sighting);
    Task<void> adopt(Stream& stream, OpenFile opened, FoundFile found);
    Task<void> create(OpenFile opened, FoundFile found, Sighting sighting, Stream* before);
    Task<Result<Ok>> reconsider_once(Stream& fresh);
    Task<Result<Ok>> confirm_once(Stream& stream);
    Task<void> settle_cut(Stream& stream, OpenFile opened, FoundFile found);
    void follow_copy(Stream& stream, OpenFile copy);
    void become_rotated(Stream& stream, std::string path_now);
    void attach(Stream& stream, std::unique_ptr<io::File> file, std::string path);
    void take_identity(Stream& stream, FileIdentity other_inode);
    [[nodiscard]] bool may_take(const Stream& stream, const OpenFile& found) const;
    Task<void> absorb_copy(Stream& twin, Stream& stream, OpenFile copy);
    void lose(Stream& stream);
    [[nodiscard]] bool is_left_alone(const std::string& path, const Kin& kin, std::uint64_t size);
    [[nodiscard]] bool is_waiting(const std::string& path) const;
    [[nodiscard]] std::vector<std::string> likenesses_of(const Stream& stream) const;
    Task<bool> is_left_unopened(const FoundFile& found, io::FileStat stat, Sighting sighting);
    Task<bool> is_alias(std::string fs_id, io::FileStat stat);
    void put_off(
        const FoundFile& found, const Error& error, const std::optional<io::FileStat>& stat
    );
    void put_off_missing(Stream& stream, const Error& error);

    Env& env_;
    StreamTable& streams_;
    TurnQueue& turns_;
    Identifier& identifier_;
    Checkpoint& checkpoint_;
    batch::BatchRoom& room_;
    Tailer& tailer_;
    Losses& losses_;
    FileFinder finder_;
    RetryList<std::string> unreadable_;
    std::size_t ignored_ = 0;
    RetryList<Id128> missing_;
    std::map<std::string, Likeness> likenesses_;
    std::set<std::string>
        vacated_;  // another file has taken their stream away; to be looked at now
    metrics::Counter& copies_skipped_;
    metrics::Counter& streams_made_;
    metrics::Counter& rotations_;
};

}  // namespace logboom::source
