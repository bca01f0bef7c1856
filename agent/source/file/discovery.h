// Finds the files that the inputs mean (T1 to T5): a walk that enters only directories which can still lead
// to a match, and one inotify descriptor that watches exactly those (T27). The walk is the correctness,
// notification only the speed. Directories that must not or cannot be watched are polled one by one (T28):
// often while their files are written to, seldom else.
//
// Links (T4): a directory is walked once, under its own name if it has one that leads to a match, else under
// that of a link; so loops of links end. What a link to a file leads to is watched where it is. Where links
// lead is looked at every few seconds.
#pragma once

#include "agent/source/file/file_input.h"
#include "shared/io/env.h"
#include "shared/metrics/registry.h"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace logboom::source {

struct FoundFile {
    std::string path;
    const FileInput* input = nullptr;
    std::string path_resolved;         // where its links lead; empty: there are none
    std::optional<io::FileStat> stat;  // when it was found; nothing: it was not looked at
};

/// What has happened in the watched directories.
struct Changes {
    std::vector<std::string> written;  // paths whose file has new bytes
    std::vector<std::string> renamed;  // paths where another file may be, or none
    bool must_rescan = false;          // directories came or went, or notifications were lost (T28)
};

/// What a look at some directories said.
struct Looked {
    std::vector<FoundFile>
        files;                 // that inputs mean, as they are now; where links lead is not told
    bool must_rescan = false;  // directories came or went, or are others
};

class Discovery {
public:
    Discovery(Env& env, const std::vector<FileInput>& inputs, metrics::Registry& registry);

    Task<void> start();
    Task<void> stop();

    /// Every file of every input, each once, the first input that means it wins. Watches what it walks.
    Task<std::vector<FoundFile>> scan();
    /// The next notifications. Errors: `cancelled`; others: notification is of no use any more.
    Task<Result<Changes>> next();
    [[nodiscard]] bool has_watcher() const noexcept { return watcher_ != nullptr; }
    /// The input that means `path`, or null.
    [[nodiscard]] const FileInput* input_of(const std::string& path) const;
    /// Where the links of `path` lead; empty if nowhere.
    Task<std::string> resolve(std::string path);
    /// There is a link at `path`: what it leads to is watched where it is, and it is looked at whether it
    /// leads elsewhere. Until the next scan, which finds it itself.
    Task<void> follow_link(const FileInput& input, std::string path, std::string path_resolved);
    /// Whether a file that is found at `path` and is at `path_resolved` is left out (T3, T5).
    [[nodiscard]] bool is_left_out(
        const FileInput& input, const std::string& path, const std::string& path_resolved
    ) const;

    /// Polled directories whose turn has come.
    [[nodiscard]] std::vector<std::string> take_due_directories() const;
    /// Looks at one of them, and sets its next turn.
    Task<Looked> poll(std::string directory, bool is_hot);
    /// Looks where the links lead that the last scan came by, if it is time to.
    Task<Looked> check_links();
    [[nodiscard]] SteadyTime next_poll() const noexcept;

    /// Of the last scan: directories that could not be listed.
    [[nodiscard]] std::size_t unlistable_count() const noexcept { return unlistable_.size(); }
    /// Whether it found nothing of an input because a directory in which all of its files are cannot be
    /// listed.
    [[nodiscard]] bool is_shut_out(const FileInput& input) const {
        return shut_out_.contains(&input);
    }

private:
    struct Polled {
        WallTime mtime{};
        SteadyTime due{};
        SteadyTime watch_again_at{};
        std::uint64_t scan = 0;  // the last one that came by
    };
    struct Watch {
        int id = -1;
        std::uint64_t scan = 0;  // the last one that came by
    };
    /// A directory under the name by which it is walked, and without links.
    struct Place {
        std::string path;
        std::string path_resolved;
        io::FileStat stat;
    };
    struct LinkedPlace {
        Place place;
        std::size_t part = 0;
        std::uint32_t depth = 0;
    };
    struct Walk {
        const FileInput* input = nullptr;
        const Glob* glob = nullptr;
        std::vector<FoundFile> found;
        std::set<std::string> seen;
        std::set<std::tuple<std::uint64_t, std::uint64_t, std::size_t>>
            walked;                     // device, inode, part
        std::deque<LinkedPlace> links;  // to directories: walked when all others are
    };
    struct LinkedDirectory {
        std::uint64_t dev = 0;
        std::uint64_t ino = 0;
    };

    Task<void> walk_glob(Walk& walk);
    Task<void> walk(Walk& walk, Place place, std::size_t part, std::uint32_t depth);
    Task<void> visit(
        Walk& walk, const Place& parent, io::DirEntry entry, std::size_t part, std::uint32_t depth
    );
    Task<void> enter(Walk& walk, Place place, bool is_link, std::size_t part, std::uint32_t depth);
    Task<void> consider_file(Walk& walk, FoundFile file, bool is_link);
    Task<Result<std::size_t>> look_at_entries(
        std::string directory, bool only_links, Looked& looked
    );
    void note_unlistable(const Walk& walk, const std::string& directory, const Error& error);
    Task<void> open_watcher();
    Task<void> watch_nearest(const FileInput& input, std::string directory);
    Task<void> watch(const FileInput& input, std::string directory);
    Task<void> remember_watch(int watch, std::string directory);
    Task<void> forget_watch(std::string directory);
    Task<void> end_old_watches();
    [[nodiscard]] bool is_hidden(const std::string& directory) const;
    void poll_instead(const std::string& directory, const Error& error);
    void note(const io::WatchEvent& event, Changes& changes);
    static void note_name(const io::WatchEvent& event, std::string path, Changes& changes);
    Task<std::string> resolve_from(std::string resolved, std::string rest);

    Env& env_;
    const std::vector<FileInput>& inputs_;
    std::unique_ptr<io::Watcher> watcher_;
    std::map<std::string, Watch, std::less<>> watches_;  // by directory
    std::multimap<int, std::string> names_;  // of a watch: links give a directory several
    std::map<std::string, Polled> polled_;
    std::uint64_t scan_ = 0;
    SteadyTime watcher_again_at_{};
    bool has_warned_ = false;

    std::map<std::string, LinkedDirectory> linked_directories_;  // by the link's path
    std::set<std::string> directories_with_links_;               // to files
    std::multimap<std::string, std::string> links_to_;           // by the file's own path
    SteadyTime check_links_at_ = no_deadline;
    std::set<std::string> unlistable_;
    std::set<std::string> unlistable_before_;
    std::set<const FileInput*> shut_out_;

    metrics::Counter& rescans_;
    metrics::Counter& overflows_;
    metrics::Gauge& watches_gauge_;
    metrics::Gauge& dangling_gauge_;
    std::size_t dangling_ = 0;
};

}  // namespace logboom::source
