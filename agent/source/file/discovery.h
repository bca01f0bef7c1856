// Finds the files that the inputs mean (T1 to T3, T5): a walk that enters only directories which can
// still lead to a match, and one inotify descriptor that watches exactly those (T27). The walk is the
// correctness, notification only the speed.
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

    /// Without notification everything is polled; that is no error.
    Task<void> start();
    Task<void> stop();

    /// Every file of every input, each once, the first input that means it wins. Watches what it walks.
    Task<std::vector<FoundFile>> scan();
    /// The next notifications. Errors: `cancelled`; others: notification is of no use any more.
    Task<Result<Changes>> next();
    [[nodiscard]] bool is_polling() const noexcept { return is_polling_; }
    [[nodiscard]] bool has_watcher() const noexcept { return watcher_ != nullptr; }
    /// The input that means `path`, or null.
    [[nodiscard]] const FileInput* input_of(const std::string& path) const;

private:
    struct Walk {
        const FileInput* input = nullptr;
        const Glob* glob = nullptr;
        std::vector<FoundFile> found;
        std::set<std::string> seen;
        std::set<std::string> walked;  // "directory component", to walk none twice
    };

    Task<void> walk(Walk& walk, std::string directory, std::size_t part, std::uint32_t depth);
    Task<void> visit(Walk& walk, std::string path, io::FileType type, std::size_t part, std::uint32_t depth);
    Task<void> consider_file(Walk& walk, std::string path, io::FileType type);
    Task<void> watch_nearest(std::string directory);
    Task<void> watch(std::string directory);
    void note(const io::WatchEvent& event, Changes& changes);

    Env& env_;
    const std::vector<FileInput>& inputs_;
    std::unique_ptr<io::Watcher> watcher_;
    std::map<int, std::string> directories_;  // by watch
    std::map<std::string, int> watches_;
    bool is_polling_ = false;
    bool has_warned_ = false;
    metrics::Counter& rescans_;
    metrics::Counter& overflows_;
    metrics::Gauge& watches_gauge_;
};

}  // namespace logboom::source
