#include "agent/source/file/discovery.h"

#include <sys/inotify.h>

#include <algorithm>
#include <utility>

namespace logboom::source {

namespace {

constexpr std::uint32_t depth_max = 32;
constexpr std::uint32_t watch_mask = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO
                                   | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR | IN_EXCL_UNLINK;

}  // namespace

Discovery::Discovery(
    Env& env, const std::vector<FileInput>& inputs, metrics::Registry& registry
)
    : env_(env)
    , inputs_(inputs)
    , rescans_(registry.counter("logboom_agent_rescans_total", "Walks over all inputs."))
    , overflows_(registry.counter(
          "logboom_agent_notify_overflows_total", "Times the kernel dropped notifications."
      ))
    , watches_gauge_(registry.gauge("logboom_agent_watches", "Directories watched.")) {}

Task<void> Discovery::start() {
    const auto is_polled = [](const FileInput& input) { return input.is_polled; };
    is_polling_ = std::any_of(inputs_.begin(), inputs_.end(), is_polled);
    if (std::all_of(inputs_.begin(), inputs_.end(), is_polled)) {
        co_return;
    }
    Result<io::Watcher> opened = co_await env_.fs.watch();
    if (!opened) {
        is_polling_ = true;
        env_.log.warn(
            "no notification of file changes; polling instead",
            {kv("error", to_string(opened.error())),
             kv("hint", "raise fs.inotify.max_user_instances")}
        );
        co_return;
    }
    watcher_ = std::make_unique<io::Watcher>(std::move(*opened));
}

Task<void> Discovery::stop() {
    if (watcher_ != nullptr) {
        co_await watcher_->close();
    }
}

const FileInput* Discovery::input_of(const std::string& path) const {
    const auto means = [&path](const FileInput& input) { return input.paths.matches(path); };
    const auto found = std::find_if(inputs_.begin(), inputs_.end(), means);
    return found == inputs_.end() ? nullptr : &*found;
}

Task<std::vector<FoundFile>> Discovery::scan() {
    rescans_.add();
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
        || !walk.walked.insert(directory + " " + std::to_string(part)).second) {
        co_return;
    }
    if (!walk.input->is_polled) {
        co_await watch(directory);  // before it is listed, so that nothing falls between
    }
    const Result<std::vector<io::DirEntry>> entries = co_await env_.fs.list(directory);
    if (!entries) {
        if (depth == 0) {
            co_await watch_nearest(directory);
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
    if (type == io::FileType::unknown || (type == io::FileType::symlink && !is_last && !is_any_depth)) {
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
    if (type == io::FileType::symlink) {  // exclusion looks at what is meant, too (T3)
        const Result<std::string> target = co_await env_.fs.read_link(path);
        const bool is_relative = target && !target->starts_with('/');
        if (target
            && exclusion.covers(is_relative ? join_path(parent_of(path), *target) : *target)) {
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

/// A directory that is not there yet: its nearest ancestor tells when it comes.
Task<void> Discovery::watch_nearest(std::string directory) {
    while (directory.size() > 1) {
        directory = std::string(parent_of(directory));
        const Result<io::FileStat> stat = co_await env_.fs.stat(directory);
        if (stat && stat->type == io::FileType::directory) {
            co_await watch(directory);
            co_return;
        }
    }
}

Task<void> Discovery::watch(std::string directory) {
    if (watcher_ == nullptr || watches_.contains(directory)) {
        co_return;
    }
    const Result<int> added = co_await watcher_->add(directory, watch_mask);
    if (added) {
        watches_[directory] = *added;
        directories_[*added] = std::move(directory);
        watches_gauge_.set(static_cast<double>(watches_.size()));
        co_return;
    }
    const bool is_exhausted = added.error().sys_errno == ENOSPC || added.error().sys_errno == ENOMEM;
    if (is_exhausted && !has_warned_) {
        has_warned_ = true;
        env_.log.warn(
            "no more directories can be watched; polling all of them",
            {kv("path", quoted(directory)), kv("hint", "raise fs.inotify.max_user_watches")}
        );
    }
    is_polling_ = is_polling_ || is_exhausted;
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
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        overflows_.add();
        changes.must_rescan = true;
        return;
    }
    const auto directory = directories_.find(event.watch);
    if (directory == directories_.end()) {
        return;
    }
    if ((event.mask & IN_IGNORED) != 0) {
        watches_.erase(directory->second);
        directories_.erase(directory);
        changes.must_rescan = true;
        return;
    }
    if ((event.mask & IN_ISDIR) != 0) {
        changes.must_rescan = true;
        return;
    }
    if (event.name.empty()) {
        return;
    }
    std::string path = join_path(directory->second, event.name);
    if ((event.mask & (IN_MODIFY | IN_CLOSE_WRITE)) != 0) {
        changes.written.push_back(std::move(path));
    } else {
        changes.renamed.push_back(std::move(path));
    }
}

}  // namespace logboom::source
