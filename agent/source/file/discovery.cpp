#include "agent/source/file/discovery.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace logboom::source {

namespace {

constexpr std::uint32_t depth_max = 32;
// T28.
constexpr Nanos hot_poll_pause = 1s;
constexpr Nanos cold_poll_pause = 10s;
constexpr Nanos watch_again_pause = 5min;

/// What a kernel answers that has no watches, or no descriptors for them, to give.
bool is_exhausted(const Error& error) noexcept {
    return error.sys_errno == ENOSPC || error.sys_errno == ENOMEM || error.sys_errno == EMFILE
        || error.sys_errno == ENFILE;
}

/// Nothing there is a log, and reading some of it has effects (T5).
bool is_kernel_tree(const std::string_view directory) noexcept {
    const auto is_in = [directory](const std::string_view tree) {
        return directory == tree
            || (directory.starts_with(tree) && directory.substr(tree.size()).starts_with('/'));
    };
    return is_in("/proc") || is_in("/sys");
}

}  // namespace

Discovery::Discovery(Env& env, const std::vector<FileInput>& inputs, metrics::Registry& registry)
    : env_(env)
    , inputs_(inputs)
    , rescans_(registry.counter("logboom_agent_rescans_total", "Walks over all inputs."))
    , overflows_(registry.counter(
          "logboom_agent_notify_overflows_total", "Times the kernel dropped notifications."
      ))
    , watches_gauge_(registry.gauge("logboom_agent_watches", "Directories watched.")) {}

Task<void> Discovery::start() {
    co_await open_watcher();
}

Task<void> Discovery::open_watcher() {
    const auto is_polled = [](const FileInput& input) { return input.is_polled; };
    const SteadyTime now = env_.clock.now();
    if (watcher_ != nullptr || now < watcher_again_at_
        || std::all_of(inputs_.begin(), inputs_.end(), is_polled)) {
        co_return;
    }
    watcher_again_at_ = now + watch_again_pause;
    Result<io::Watcher> opened = co_await env_.fs.watch();
    if (opened) {
        watcher_ = std::make_unique<io::Watcher>(std::move(*opened));
    } else if (!std::exchange(has_warned_, true)) {
        env_.log.warn(
            "no notification of file changes; polling instead, trying again each 5 min",
            {kv("error", to_string(opened.error())),
             kv("hint", "raise fs.inotify.max_user_instances")}
        );
    }
}

Task<void> Discovery::stop() {
    if (watcher_ != nullptr) {
        [[maybe_unused]] const Result<Ok> closed = co_await watcher_->close();
    }
}

const FileInput* Discovery::input_of(const std::string& path) const {
    const auto means = [&path](const FileInput& input) { return input.paths.matches(path); };
    const auto found = std::find_if(inputs_.begin(), inputs_.end(), means);
    return found == inputs_.end() ? nullptr : &*found;
}

Task<std::vector<FoundFile>> Discovery::scan() {
    rescans_.add();
    co_await open_watcher();
    Walk all;
    for (const FileInput& input : inputs_) {
        for (const Glob& glob : input.paths.globs()) {
            all.input = &input;
            all.glob = &glob;
            all.walked.clear();
            co_await walk(all, glob.base(), 0, 0);
        }
    }
    co_return std::move(all.found);
}

Task<void> Discovery::walk(
    Walk& walk, std::string directory, const std::size_t part, const std::uint32_t depth
) {
    if (depth > depth_max || walk.input->paths.exclusion().covers_tree(directory)
        || (is_kernel_tree(directory) && !walk.glob->is_literal())
        || !walk.walked.insert(directory + " " + std::to_string(part)).second) {
        co_return;
    }
    co_await watch(*walk.input, directory);  // before it is listed, so that nothing falls between
    const Result<std::vector<io::DirEntry>> entries = co_await env_.fs.list(directory);
    if (!entries) {
        if (depth == 0) {
            co_await watch_nearest(*walk.input, directory);
        } else {
            env_.log.debug(
                "directory cannot be listed",
                {kv("path", quoted(directory)), kv("error", to_string(entries.error()))}
            );
        }
        co_return;
    }
    const std::vector<Glob::Component>& components = walk.glob->components();
    if (components[part].kind == Glob::Kind::any_depth && part + 1 < components.size()) {
        co_await this->walk(walk, directory, part + 1, depth);
    }
    for (const io::DirEntry& entry : *entries) {
        co_await visit(walk, join_path(directory, entry.name), entry.type, part, depth);
    }
}

Task<void> Discovery::visit(
    Walk& walk,
    std::string path,
    io::FileType type,
    const std::size_t part,
    const std::uint32_t depth
) {
    const std::vector<Glob::Component>& components = walk.glob->components();
    const Glob::Component& component = components[part];
    if (!component.matches(base_name(path))) {
        co_return;
    }
    const bool is_last = part + 1 == components.size();
    const bool is_any_depth = component.kind == Glob::Kind::any_depth;
    if (type == io::FileType::unknown
        || (type == io::FileType::symlink && !is_last && !is_any_depth)) {
        const Result<io::FileStat> stat = co_await env_.fs.stat(path);
        type = stat ? stat->type : type;
    }
    if (type == io::FileType::directory) {
        if (is_any_depth) {
            co_await this->walk(walk, std::move(path), part, depth + 1);
        } else if (!is_last) {
            co_await this->walk(walk, std::move(path), part + 1, depth + 1);
        }
        co_return;
    }
    if (is_last && (type == io::FileType::regular || type == io::FileType::symlink)) {
        co_await consider_file(walk, std::move(path), type);
    }
}

Task<void> Discovery::consider_file(Walk& walk, std::string path, const io::FileType type) {
    const Exclusion& exclusion = walk.input->paths.exclusion();
    if (exclusion.covers(path)) {
        co_return;
    }
    if (type == io::FileType::symlink) {
        const bool is_excluded = co_await leads_to_excluded(*walk.input, path);
        if (is_excluded) {
            co_return;
        }
    }
    if (walk.seen.insert(path).second) {
        FoundFile file;
        file.path = std::move(path);
        file.input = walk.input;
        walk.found.push_back(std::move(file));
    }
}

Task<bool> Discovery::leads_to_excluded(const FileInput& input, std::string path) {
    for (std::uint32_t link = 0; link < depth_max; ++link) {
        const Result<std::string> target = co_await env_.fs.read_link(path);
        if (!target) {
            co_return false;
        }
        const bool is_absolute = target->starts_with('/');
        path = without_detours(is_absolute ? *target : join_path(parent_of(path), *target));
        if (input.paths.exclusion().covers(path)) {
            co_return true;
        }
    }
    co_return false;
}

// --- Watches -------------------------------------------------------------------------------------

/// A directory that is not there yet: its nearest ancestor tells when it comes.
Task<void> Discovery::watch_nearest(const FileInput& input, std::string directory) {
    while (directory.size() > 1) {
        directory = std::string(parent_of(directory));
        const Result<io::FileStat> stat = co_await env_.fs.stat(directory);
        if (stat && stat->type == io::FileType::directory) {
            co_await watch(input, directory);
            co_return;
        }
    }
}

/// Asked at each walk: a directory of that name may be another one now.
Task<void> Discovery::watch(const FileInput& input, std::string directory) {
    if (input.is_polled || watcher_ == nullptr) {
        if (!watches_.contains(directory)) {
            polled_.try_emplace(directory);
        }
        co_return;
    }
    const auto polled = polled_.find(directory);
    if (polled != polled_.end() && env_.clock.now() < polled->second.watch_again_at) {
        co_return;
    }
    const Result<int> added = co_await watcher_->add_directory(directory);
    if (added) {
        co_await remember_watch(*added, std::move(directory));
    } else if (is_exhausted(added.error())) {
        poll_instead(directory, added.error());
    }
}

Task<void> Discovery::remember_watch(const int watch, std::string directory) {
    polled_.erase(directory);
    const auto named = directories_.find(watch);
    if (named != directories_.end() && named->second != directory) {
        watches_.erase(named->second);  // it was renamed
    }
    const auto before = watches_.find(directory);
    const int replaced = before == watches_.end() ? watch : before->second;
    watches_[directory] = watch;
    directories_[watch] = std::move(directory);
    watches_gauge_.set(static_cast<double>(watches_.size()));
    if (replaced != watch) {  // what had that name went elsewhere
        directories_.erase(replaced);
        [[maybe_unused]] const Result<Ok> removed = co_await watcher_->remove(replaced);
    }
}

void Discovery::poll_instead(const std::string& directory, const Error& error) {
    polled_[directory].watch_again_at = env_.clock.now() + watch_again_pause;
    if (!std::exchange(has_warned_, true)) {
        env_.log.warn(
            "no more directories can be watched; polling the others, trying again each 5 min",
            {kv("path", quoted(directory)),
             kv("error", to_string(error)),
             kv("hint", "raise fs.inotify.max_user_watches")}
        );
    }
}

std::vector<std::string> Discovery::take_due_directories() const {
    const SteadyTime now = env_.clock.now();
    std::vector<std::string> due;
    for (const auto& [directory, polled] : polled_) {
        if (polled.due <= now) {
            due.push_back(directory);
        }
    }
    return due;
}

Task<bool> Discovery::poll(std::string directory, const bool is_hot) {
    const Result<io::FileStat> stat = co_await env_.fs.stat(directory);
    const auto found = polled_.find(directory);
    if (found == polled_.end()) {
        co_return false;
    }
    Polled& polled = found->second;
    const WallTime mtime = stat ? stat->mtime : WallTime();
    polled.due = env_.clock.now() + (is_hot ? hot_poll_pause : cold_poll_pause);
    const WallTime before = std::exchange(polled.mtime, mtime);
    co_return before != mtime;
}

SteadyTime Discovery::next_poll() const noexcept {
    SteadyTime next = no_deadline;
    for (const auto& [directory, polled] : polled_) {
        next = std::min(next, polled.due);
    }
    return next;
}

Task<Result<Changes>> Discovery::next() {
    LB_CO_TRY(const std::vector<io::WatchEvent> events, co_await watcher_->next());
    Changes changes;
    for (const io::WatchEvent& event : events) {
        note(event, changes);
    }
    co_return changes;
}

void Discovery::note(const io::WatchEvent& event, Changes& changes) {
    if (event.is_overflow()) {
        overflows_.add();
        changes.must_rescan = true;
        return;
    }
    const auto directory = directories_.find(event.watch);
    if (directory == directories_.end()) {
        return;
    }
    if (event.is_end_of_watch()) {
        watches_.erase(directory->second);
        directories_.erase(directory);
        changes.must_rescan = true;
        return;
    }
    if (event.is_directory()) {
        changes.must_rescan = true;
        return;
    }
    if (event.name.empty()) {
        return;
    }
    std::string path = join_path(directory->second, event.name);
    if (event.is_written()) {
        changes.written.push_back(std::move(path));
    } else {
        changes.renamed.push_back(std::move(path));
    }
}

}  // namespace logboom::source
