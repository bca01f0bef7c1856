// Finds the files that the inputs mean (T1 to T3, T5): a walk that enters only directories which can
// still lead to a match, and one inotify descriptor that watches exactly those (T27). The walk is the
// correctness, notification only the speed. Directories that must not or cannot be watched are polled
// one by one (T28): often while their files are written to, seldom else.
#pragma once

#include "agent/source/file/file_input.h"
#include "shared/io/env.h"
#include "shared/metrics/registry.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace logboom::source {

struct FoundFile {
    std::string path;
    const FileInput* input = nullptr;
};

/// What has happened in the watched directories.
struct Changes {
    std::vector<std::string> written;  // paths whose file has new bytes
    std::vector<std::string> renamed;  // paths where another file may be, or none
    bool must_rescan = false;          // directories came or went, or notifications were lost (T28)
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
    /// Whether `path` is a link to what the input leaves out (T3).
    Task<bool> leads_to_excluded(const FileInput& input, std::string path);

    /// Polled directories whose turn has come.
    [[nodiscard]] std::vector<std::string> take_due_directories() const;
    /// Looks whether names came or went in one of them, and sets its next turn.
    Task<bool> poll(std::string directory, bool is_hot);
    [[nodiscard]] SteadyTime next_poll() const noexcept;

private:
    struct Polled {
        WallTime mtime{};
        SteadyTime due{};
        SteadyTime watch_again_at{};
    };
    struct Walk {
        const FileInput* input = nullptr;
        const Glob* glob = nullptr;
        std::vector<FoundFile> found;
        std::set<std::string> seen;
        std::set<std::string> walked;  // "directory component", to walk none twice
    };

    Task<void> walk(Walk& walk, std::string directory, std::size_t part, std::uint32_t depth);
    Task<void> visit(
        Walk& walk, std::string path, io::FileType type, std::size_t part, std::uint32_t depth
    );
    Task<void> consider_file(Walk& walk, std::string path, io::FileType type);
    Task<void> open_watcher();
    Task<void> watch_nearest(const FileInput& input, std::string directory);
    Task<void> watch(const FileInput& input, std::string directory);
    Task<void> remember_watch(int watch, std::string directory);
    void poll_instead(const std::string& directory, const Error& error);
    void note(const io::WatchEvent& event, Changes& changes);

    Env& env_;
    const std::vector<FileInput>& inputs_;
    std::unique_ptr<io::Watcher> watcher_;
    std::map<int, std::string> directories_;  // by watch
    std::map<std::string, int> watches_;
    std::map<std::string, Polled> polled_;
    SteadyTime watcher_again_at_{};
    bool has_warned_ = false;
    metrics::Counter& rescans_;
    metrics::Counter& overflows_;
    metrics::Gauge& watches_gauge_;
};

}  // namespace logboom::source
