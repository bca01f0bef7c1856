#include "tests/sim/chaos/application.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace logboom::sim {

namespace {

constexpr std::uint64_t banner_bytes = 1100;  // more than a head hash takes
constexpr Nanos reopen_delay = 200ms;
constexpr Nanos rotate_again = 700ms;
constexpr Nanos rest_look = 500ms;

}  // namespace

AppLog::AppLog(SimWorld& world, SimNode& machine, LogPlan plan, IsRead is_read)
    : world_(world)
    , machine_(machine)
    , plan_(std::move(plan))
    , is_read_(std::move(is_read))
    , path_(std::string(logs_dir) + "/app-" + plan_.name + ".log") {
    open();
    begin_content();
    write_later();
    rotate_later();
}

std::string AppLog::text_of(const std::uint64_t number) const {
    std::string text = plan_.name + " " + std::to_string(number) + " ";
    text.append(number * 7919 % plan_.line_bytes_max, static_cast<char>('a' + number % 26));
    return text;
}

std::string AppLog::banner() const {
    std::string text = plan_.name + " banner ";
    text.append(banner_bytes, '=');
    return text;
}

void AppLog::open() {
    constexpr std::uint32_t flags = O_WRONLY | O_CREAT | O_APPEND;
    const std::int32_t opened = machine_.disk().open(path_, flags, 0644, file_);
    LB_ASSERT(opened == 0);
}

void AppLog::begin_content() {
    contents_.emplace_back();
    if (plan_.has_banner) {
        contents_.back().has_banner = true;
        put(banner() + "\n");
    }
}

// --- Writing -------------------------------------------------------------------------------------

void AppLog::write_later() {
    // Also when all is written: a banner may wait for room on the disk.
    world_.events().after(is_done() ? rest_look : plan_.write_interval, [this] {
        write_next();
        write_later();
    });
}

void AppLog::write_next() {
    if (file_ == nullptr || !copy_.empty()) {
        return;
    }
    if (!unwritten_.empty()) {
        put({});
        return;
    }
    std::string text;
    std::uint64_t at = contents_.back().bytes;
    for (std::uint32_t i = 0; i < plan_.lines_per_write && next_number_ < plan_.lines; ++i) {
        const std::string line = text_of(next_number_) + "\n";
        contents_.back().lines.push_back({next_number_, at, at + line.size()});
        at += line.size();
        text += line;
        ++next_number_;
    }
    if (plan_.is_halved && text.size() > 1) {
        const std::size_t half = 1 + world_.rng().below(text.size() - 1);
        unwritten_ = text.substr(half);
        contents_.back().bytes += unwritten_.size();
        text.resize(half);
        put(text);
        return;
    }
    put(text);
}

/// Writes what is left of earlier and `text`. What a full disk does not take stays for the next time.
void AppLog::put(const std::string_view text) {
    contents_.back().bytes += text.size();
    const bool is_rest = text.empty();
    std::string bytes = is_rest ? std::exchange(unwritten_, {}) : std::string(text);
    const std::int32_t taken =
        machine_.disk().write(*file_, as_bytes(bytes), 0, io::SimDisk::Faults::none);
    const auto size = static_cast<std::size_t>(std::max(taken, 0));
    unwritten_ = bytes.substr(size) + unwritten_;
}

// --- Rotation ------------------------------------------------------------------------------------

void AppLog::rotate_later() {
    world_.events().after(plan_.rotate_interval, [this] { rotate(); });
}

bool AppLog::may_rotate() const {
    const Content& content = contents_.back();
    if (file_ == nullptr || !unwritten_.empty() || must_reopen_ || !copy_.empty()
        || content.lines.empty()) {
        return false;
    }
    // In another folder only who has known the file before finds it.
    return !plan_.is_moved_away || is_read_(plan_.name, content.lines.front().number);
}

void AppLog::rotate() {
    if (!is_in_trouble_) {
        return;
    }
    if (!may_rotate()) {
        world_.events().after(rotate_again, [this] { rotate(); });
        return;
    }
    const std::string suffix = "." + std::to_string(++rotations_);
    const std::string away = plan_.is_moved_away
                               ? std::string(old_logs_dir) + "/app-" + plan_.name + ".log" + suffix
                               : path_ + suffix;
    contents_.back().was_unknown = !is_read_(plan_.name, contents_.back().lines.front().number);
    world_.events().note(
        machine_.id(), "application rotates", static_cast<std::int64_t>(rotations_)
    );
    if (plan_.rotation == Rotation::by_copytruncate) {
        copy_to(away);
        copy_ = away;
        if (plan_.copy_time == Nanos::zero()) {
            cut_copied(away);
        } else {
            world_.events().after(plan_.copy_time, [this, away] { cut_copied(away); });
        }
    } else {
        old_files_.emplace_back(away, contents_.size() - 1);
        const std::int32_t renamed = machine_.disk().rename(path_, away);
        LB_ASSERT(renamed == 0);
        // Until it opens its file anew it goes on writing into the old one.
        must_reopen_ = true;
        world_.events().after(reopen_delay, [this] { power_back(); });
    }
    rotate_later();
}

/// What copytruncate itself loses, lines between copy and cut, there is none of.
void AppLog::copy_to(const std::string& path) {
    std::shared_ptr<io::SimOpenFile> copy;
    const std::int32_t opened = machine_.disk().open(path, O_WRONLY | O_CREAT, 0644, copy);
    LB_ASSERT(opened == 0);
    const std::string content = file_->inode->data;
    // A copy has room, or logrotate would not cut the file.
    const std::uint64_t capacity =
        std::exchange(machine_.disk().options().capacity_bytes, 1ull << 40);
    const std::int32_t put =
        machine_.disk().write(*copy, as_bytes(content), 0, io::SimDisk::Faults::none);
    machine_.disk().options().capacity_bytes = capacity;
    LB_ASSERT(put == static_cast<std::int32_t>(content.size()));
    machine_.disk().close(*copy);
}

void AppLog::cut_copied(const std::string& copy) {
    if (copy_ != copy) {
        return;  // power was lost meanwhile
    }
    copy_.clear();
    old_files_.emplace_back(copy, contents_.size() - 1);
    const std::int32_t cut = machine_.disk().truncate(*file_, 0);
    LB_ASSERT(cut == 0);
    begin_content();
}

// --- Trouble -------------------------------------------------------------------------------------

void AppLog::lose_power() {
    file_ = nullptr;
    if (!copy_.empty()) {  // half a rotation is taken back
        const std::int32_t removed = machine_.disk().unlink(std::exchange(copy_, {}), false);
        LB_ASSERT(removed == 0);
    }
}

/// Also: opens its file anew after a rotation, once what it had begun is written.
void AppLog::power_back() {
    if (file_ != nullptr && !must_reopen_) {
        return;
    }
    if (file_ != nullptr && !unwritten_.empty()) {
        world_.events().after(reopen_delay, [this] { power_back(); });
        return;
    }
    if (must_reopen_ && file_ == nullptr && !unwritten_.empty()) {
        // The half line that was begun is finished where it was begun.
        const std::string old = old_files_.back().first;
        const std::int32_t opened = machine_.disk().open(old, O_WRONLY | O_APPEND, 0644, file_);
        LB_ASSERT(opened == 0);
        world_.events().after(reopen_delay, [this] { power_back(); });
        return;
    }
    if (file_ != nullptr) {
        machine_.disk().close(*file_);
    }
    open();
    if (std::exchange(must_reopen_, false)) {
        begin_content();
    }
}

void AppLog::truncate() {
    if (file_ == nullptr || !unwritten_.empty() || must_reopen_ || !copy_.empty()) {
        return;
    }
    contents_.back().is_destroyed = true;
    const std::int32_t cut = machine_.disk().truncate(*file_, 0);
    LB_ASSERT(cut == 0);
    begin_content();
}

void AppLog::remove_old() {
    if (file_ == nullptr || must_reopen_) {
        return;
    }
    for (const auto& [path, content] : std::exchange(old_files_, {})) {
        contents_[content].is_destroyed = true;
        const std::int32_t removed = machine_.disk().unlink(path, false);
        LB_ASSERT(removed == 0);
    }
}

}  // namespace logboom::sim
