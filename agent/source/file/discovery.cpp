#include "agent/source/file/discovery.h"

#include "agent/source/file/identity.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace logboom::source {

namespace {

constexpr std::uint32_t depth_max = 32;
constexpr int links_followed_max = 40;  // as the kernel does
/// T4: how often it is looked where links lead; with thousands of them less often, so that each costs the
/// same whatever their number.
constexpr Nanos link_check_pause = 2s;
constexpr Nanos link_check_pause_per_entry = 2ms;
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
          "logboom_agent_inotify_overflows_total", "Times the kernel dropped notifications."
      ))
    , watches_gauge_(registry.gauge("logboom_agent_watches", "Directories watched."))
    , dangling_gauge_(registry.gauge(
          "logboom_agent_dangling_links", "Links that an input means and that lead nowhere."
      )) {}

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
    ++scan_;
    co_await open_watcher();
    linked_directories_.clear();
    directories_with_links_.clear();
    links_to_.clear();
    shut_out_.clear();
    unlistable_before_ = std::exchange(unlistable_, {});
    dangling_ = 0;
    Walk all;
    for (const FileInput& input : inputs_) {
        for (const Glob& glob : input.paths.globs()) {
            all.input = &input;
            all.glob = &glob;
            all.walked.clear();
            co_await walk_glob(all);
        }
    }
    co_await end_old_watches();
    dangling_gauge_.set(static_cast<double>(dangling_));
    const bool has_links = !linked_directories_.empty() || !directories_with_links_.empty();
    check_links_at_ = has_links ? env_.clock.now() + link_check_pause : no_deadline;
    co_return std::move(all.found);
}

Task<void> Discovery::walk_glob(Walk& walk) {
    Place base;
    base.path = walk.glob->base();
    const Result<io::FileStat> stat = co_await env_.fs.stat(base.path);
    if (!stat) {
        if (!is_absent(stat.error())) {
            note_unlistable(walk, base.path, stat.error());
            shut_out_.insert(walk.input);
        }
        co_await watch_nearest(*walk.input, base.path);
        co_return;
    }
    if (stat->type != io::FileType::directory) {
        co_await watch_nearest(*walk.input, base.path);
        co_return;
    }
    base.stat = *stat;
    base.path_resolved = co_await resolve(base.path);
    const bool is_link = base.path_resolved != base.path;
    co_await enter(walk, std::move(base), is_link, 0, 0);
    while (!walk.links.empty()) {
        LinkedPlace link = std::move(walk.links.front());
        walk.links.pop_front();
        co_await this->walk(walk, std::move(link.place), link.part, link.depth);
    }
}

Task<void> Discovery::walk(
    Walk& walk, Place place, const std::size_t part, const std::uint32_t depth
) {
    const std::string& directory = place.path;
    const Exclusion& exclusion = walk.input->paths.exclusion();
    if (depth > depth_max || exclusion.covers_tree(directory)
        || exclusion.covers_tree(place.path_resolved)
        || (is_kernel_tree(place.path_resolved) && !walk.glob->is_literal())
        || !walk.walked.emplace(place.stat.dev, place.stat.ino, part).second) {
        co_return;
    }
    co_await watch(*walk.input, directory);  // before it is listed, so that nothing falls between
    Result<std::vector<io::DirEntry>> entries =
        co_await env_.fs.list(directory, io::ListDetail::stats);
    if (!entries) {
        if (!is_absent(entries.error())) {
            note_unlistable(walk, directory, entries.error());
        }
        if (depth == 0) {
            shut_out_.insert(walk.input);
            co_await watch_nearest(*walk.input, directory);
        }
        co_return;
    }
    const std::vector<Glob::Component>& components = walk.glob->components();
    if (components[part].kind == Glob::Kind::any_depth && part + 1 < components.size()) {
        co_await this->walk(walk, place, part + 1, depth);
    }
    for (io::DirEntry& entry : *entries) {
        if (components[part].matches(entry.name)) {
            co_await visit(walk, place, std::move(entry), part, depth);
        }
    }
}

/// One bad directory stops no other; it is said once that it is bad.
void Discovery::note_unlistable(
    const Walk& walk, const std::string& directory, const Error& error
) {
    if (error.code == ErrorCode::cancelled || !unlistable_.insert(directory).second
        || unlistable_before_.contains(directory)) {
        return;
    }
    env_.log.warn(
        "directory cannot be listed; what is in it is not read; trying again at each rescan",
        {kv("path", quoted(directory)),
         kv("input", walk.input->name),
         kv("error", to_string(error)),
         kv("hint", "CAP_DAC_READ_SEARCH, or a group that may list it, lets the agent read it")}
    );
}

/// An entry whose name matches.
Task<void> Discovery::visit(
    Walk& walk,
    const Place& parent,
    io::DirEntry entry,
    const std::size_t part,
    const std::uint32_t depth
) {
    const std::vector<Glob::Component>& components = walk.glob->components();
    const bool is_last = part + 1 == components.size();
    const bool is_any_depth = components[part].kind == Glob::Kind::any_depth;
    const bool is_link = entry.type == io::FileType::symlink;
    const io::FileType type = entry.stat ? entry.stat->type : entry.type;
    if (type == io::FileType::directory && entry.stat) {
        if (is_any_depth || !is_last) {
            Place place;
            place.path = join_path(parent.path, entry.name);
            place.stat = *entry.stat;
            place.path_resolved = join_path(parent.path_resolved, entry.name);
            if (is_link) {
                place.path_resolved = co_await resolve_from(parent.path_resolved, entry.name);
            }
            const std::size_t next = is_any_depth ? part : part + 1;
            co_await enter(walk, std::move(place), is_link, next, depth + 1);
        }
        co_return;
    }
    if (is_last && (type == io::FileType::regular || is_link)) {
        FoundFile file;
        file.path = join_path(parent.path, entry.name);
        file.input = walk.input;
        file.stat = entry.stat;
        if (is_link) {
            file.path_resolved = co_await resolve_from(parent.path_resolved, entry.name);
        } else if (parent.path_resolved != parent.path) {
            file.path_resolved = join_path(parent.path_resolved, entry.name);
        }
        co_await consider_file(walk, std::move(file), is_link);
    }
}

Task<void> Discovery::enter(
    Walk& walk, Place place, const bool is_link, const std::size_t part, const std::uint32_t depth
) {
    if (!is_link) {
        co_await this->walk(walk, std::move(place), part, depth);
        co_return;
    }
    linked_directories_[place.path] = LinkedDirectory{place.stat.dev, place.stat.ino};
    LinkedPlace link;
    link.place = std::move(place);
    link.part = part;
    link.depth = depth;
    walk.links.push_back(std::move(link));
}

Task<void> Discovery::consider_file(Walk& walk, FoundFile file, const bool is_link) {
    if (is_left_out(*walk.input, file.path, file.path_resolved)) {
        co_return;
    }
    if (is_link) {
        co_await follow_link(*walk.input, file.path, file.path_resolved);
        if (!file.stat) {
            const Result<io::FileStat> stat = co_await env_.fs.stat(file.path);
            if (!stat && leads_nowhere(stat.error())) {
                ++dangling_;
                env_.log.debug("link leads nowhere", {kv("path", quoted(file.path))});
                co_return;
            }
        }
    }
    if (walk.seen.insert(file.path).second) {
        walk.found.push_back(std::move(file));
    }
}

bool Discovery::is_left_out(
    const FileInput& input, const std::string& path, const std::string& path_resolved
) const {
    const Exclusion& exclusion = input.paths.exclusion();
    if (exclusion.covers(path)) {
        return true;
    }
    return !path_resolved.empty()
        && (exclusion.covers_with_trees(path_resolved)
            || (is_kernel_tree(parent_of(path_resolved)) && !input.paths.names(path)));
}

// --- Links ---------------------------------------------------------------------------------------

Task<std::string> Discovery::resolve(std::string path) {
    co_return co_await resolve_from("/", std::move(path));
}

/// `resolved` is a directory without links, `rest` is seen from there.
Task<std::string> Discovery::resolve_from(std::string resolved, std::string rest) {
    int links = 0;
    while (!rest.empty()) {
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        const std::string name = rest.substr(0, slash);
        rest.erase(0, slash + 1);
        if (name.empty() || name == ".") {
            continue;
        }
        if (name == "..") {
            resolved = std::string(parent_of(resolved));
            continue;
        }
        std::string next = join_path(resolved, name);
        const Result<std::string> target = co_await env_.fs.read_link(next);
        if (!target) {
            resolved = std::move(next);  // no link, or nothing that can be told
            continue;
        }
        if (++links > links_followed_max) {
            co_return std::string();
        }
        resolved = target->starts_with('/') ? "/" : resolved;
        rest = *target + "/" + rest;
    }
    co_return resolved;
}

Task<void> Discovery::follow_link(
    const FileInput& input, std::string path, std::string path_resolved
) {
    directories_with_links_.emplace(parent_of(path));
    check_links_at_ = std::min(check_links_at_, env_.clock.now() + link_check_pause);
    if (path_resolved.empty()) {
        co_return;
    }
    co_await watch(input, std::string(parent_of(path_resolved)));
    const auto [first, last] = links_to_.equal_range(path_resolved);
    const bool is_known = std::any_of(first, last, [&path](const auto& entry) {
        return entry.second == path;
    });
    if (!is_known) {
        links_to_.emplace(std::move(path_resolved), std::move(path));
    }
}

Task<Looked> Discovery::check_links() {
    Looked news;
    if (env_.clock.now() < check_links_at_) {
        co_return news;
    }
    std::size_t looked_at = linked_directories_.size();
    const std::map<std::string, LinkedDirectory> directories = linked_directories_;
    for (const auto& [path, known] : directories) {
        const Result<io::FileStat> stat = co_await env_.fs.stat(path);
        const bool is_same = stat && stat->dev == known.dev && stat->ino == known.ino;
        news.must_rescan = news.must_rescan || !is_same;
    }
    const std::set<std::string> with_links = directories_with_links_;
    for (const std::string& directory : with_links) {
        const Result<std::size_t> count = co_await look_at_entries(directory, true, news);
        looked_at += count ? *count : 0;
    }
    const Nanos pause =
        std::max(link_check_pause, static_cast<Nanos::rep>(looked_at) * link_check_pause_per_entry);
    check_links_at_ = env_.clock.now() + pause;
    co_return news;
}

/// Adds the files of one directory. Returns how many entries it has.
Task<Result<std::size_t>> Discovery::look_at_entries(
    std::string directory, const bool only_links, Looked& looked
) {
    LB_CO_TRY(
        std::vector<io::DirEntry> entries, co_await env_.fs.list(directory, io::ListDetail::stats)
    );
    for (io::DirEntry& entry : entries) {
        const bool is_told = entry.type != io::FileType::unknown || !entry.stat;
        const io::FileType type = is_told ? entry.type : entry.stat->type;
        const bool is_file = type == io::FileType::regular && !only_links;
        if (!is_file && type != io::FileType::symlink) {
            continue;
        }
        FoundFile file;
        file.path = join_path(directory, entry.name);
        file.input = input_of(file.path);
        if (file.input != nullptr) {
            file.stat = std::move(entry.stat);
            looked.files.push_back(std::move(file));
        }
    }
    co_return entries.size();
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
        const auto watched = watches_.find(directory);
        if (watched == watches_.end()) {
            polled_[directory].scan = scan_;
        } else {
            watched->second.scan = scan_;
        }
        co_return;
    }
    const auto polled = polled_.find(directory);
    if (polled != polled_.end()) {
        polled->second.scan = scan_;
        if (env_.clock.now() < polled->second.watch_again_at) {
            co_return;
        }
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
    const auto before = watches_.find(directory);
    const int replaced = before == watches_.end() ? watch : before->second.id;
    if (replaced != watch) {  // what had that name went elsewhere
        co_await forget_watch(directory);
    }
    if (watches_.insert_or_assign(directory, Watch{watch, scan_}).second) {
        names_.emplace(watch, std::move(directory));
    }
    watches_gauge_.set(static_cast<double>(watches_.size()));
}

/// The watch ends with its last name.
Task<void> Discovery::forget_watch(std::string directory) {
    const auto found = watches_.find(directory);
    if (found == watches_.end()) {
        co_return;
    }
    const int id = found->second.id;
    watches_.erase(found);
    const auto [first, last] = names_.equal_range(id);
    const auto name = std::find_if(first, last, [&directory](const auto& entry) {
        return entry.second == directory;
    });
    if (name != last) {
        names_.erase(name);
    }
    if (!names_.contains(id)) {
        [[maybe_unused]] const Result<Ok> removed = co_await watcher_->remove(id);
    }
}

/// Directories that a scan did not come by are of no interest any more, unless they lie in one that it could
/// not look into.
Task<void> Discovery::end_old_watches() {
    std::vector<std::string> old;
    for (const auto& [directory, watch] : watches_) {
        if (watch.scan != scan_ && !is_hidden(directory)) {
            old.push_back(directory);
        }
    }
    for (std::string& directory : old) {
        co_await forget_watch(std::move(directory));
    }
    std::erase_if(polled_, [this](const auto& entry) {
        return entry.second.scan != scan_ && !is_hidden(entry.first);
    });
    watches_gauge_.set(static_cast<double>(watches_.size()));
}

/// Whether the directory, or one that leads to it, could not be listed in the last scan.
bool Discovery::is_hidden(const std::string& directory) const {
    std::string_view at = directory;
    while (!unlistable_.contains(std::string(at))) {
        if (at.size() <= 1) {
            return false;
        }
        at = parent_of(at);
    }
    return true;
}

void Discovery::poll_instead(const std::string& directory, const Error& error) {
    Polled& polled = polled_[directory];
    polled.watch_again_at = env_.clock.now() + watch_again_pause;
    polled.scan = scan_;
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

Task<Looked> Discovery::poll(std::string directory, const bool is_hot) {
    Looked looked;
    const Result<io::FileStat> stat = co_await env_.fs.stat(directory);
    [[maybe_unused]] const Result<std::size_t> listed =
        co_await look_at_entries(directory, false, looked);
    const auto found = polled_.find(directory);
    if (found == polled_.end()) {
        co_return looked;
    }
    Polled& polled = found->second;
    const WallTime mtime = stat ? stat->mtime : WallTime();
    polled.due = env_.clock.now() + (is_hot ? hot_poll_pause : cold_poll_pause);
    const WallTime before = std::exchange(polled.mtime, mtime);
    looked.must_rescan = before != mtime;
    co_return looked;
}

SteadyTime Discovery::next_poll() const noexcept {
    SteadyTime next = check_links_at_;
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
    const auto [first, last] = names_.equal_range(event.watch);
    if (first == last) {
        return;
    }
    if (event.is_end_of_watch()) {
        for (auto name = first; name != last; ++name) {
            watches_.erase(name->second);
        }
        names_.erase(first, last);
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
    for (auto name = first; name != last; ++name) {
        std::string path = join_path(name->second, event.name);
        const auto [link, links_end] = links_to_.equal_range(path);
        for (auto at = link; at != links_end; ++at) {
            note_name(event, at->second, changes);
        }
        note_name(event, std::move(path), changes);
    }
}

void Discovery::note_name(const io::WatchEvent& event, std::string path, Changes& changes) {
    (event.is_written() ? changes.written : changes.renamed).push_back(std::move(path));
}

}  // namespace logboom::source
