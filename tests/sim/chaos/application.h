// The application of a simulated machine: it writes numbered lines into its logs, rotates them, and sometimes
// destroys what nobody has read yet. It remembers what it wrote where: the truth that the log is held
// against.
#pragma once

#include "tests/sim/chaos/plan.h"
#include "tests/sim/sim_world.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::sim {

/// The folder of all logs.
inline constexpr const char* logs_dir = "/var/log";
/// ... and of rotated ones that are moved away.
inline constexpr const char* old_logs_dir = "/var/log/old";
/// What an agent's input has to mean.
inline constexpr const char* logs_glob = "/var/log/app-*";

/// A line, and which bytes of its file it was.
struct WrittenLine {
    std::uint64_t number = 0;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;  // its line end included
};

/// What one file had from its creation, or from when it was cut, to when it was cut or left.
struct Content {
    std::vector<WrittenLine> lines;  // without the banner
    bool has_banner = false;
    /// Nobody had read a line of it when it got another name: who finds it then cannot know what it follows.
    bool was_unknown = false;
    std::uint64_t bytes = 0;
    /// No file has it any more: what was not read by then cannot be delivered.
    bool is_destroyed = false;
};

class AppLog {
public:
    /// Whether somebody has read a line: asked before a rotation to a name that only a reader would know.
    using IsRead = std::function<bool(const std::string& log, std::uint64_t number)>;

    /// All outlive the log. `plan` is copied.
    AppLog(SimWorld& world, SimNode& machine, LogPlan plan, IsRead is_read);
    AppLog(const AppLog&) = delete;
    AppLog& operator=(const AppLog&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return plan_.name; }
    [[nodiscard]] const LogPlan& plan() const noexcept { return plan_; }
    [[nodiscard]] const std::vector<Content>& contents() const noexcept { return contents_; }
    [[nodiscard]] std::uint64_t written() const noexcept { return next_number_; }
    [[nodiscard]] std::uint64_t rotations() const noexcept { return rotations_; }
    [[nodiscard]] bool is_done() const noexcept {
        return next_number_ == plan_.lines && unwritten_.empty();
    }
    /// The line as it is delivered, without its line end.
    [[nodiscard]] std::string text_of(std::uint64_t number) const;
    [[nodiscard]] std::string banner() const;

    /// The machine stands still: nothing is written, and the open file is gone.
    void lose_power();
    void power_back();
    /// `> file`: what was not read is lost.
    void truncate();
    /// `rm file.*`
    void remove_old();
    /// No more rotations from now on.
    void end_trouble() noexcept { is_in_trouble_ = false; }

private:
    void open();
    void begin_content();
    void write_later();
    void write_next();
    void put(std::string_view text);
    void rotate_later();
    void rotate();
    [[nodiscard]] bool may_rotate() const;
    void copy_to(const std::string& path);
    void cut_copied(const std::string& copy);

    SimWorld& world_;
    SimNode& machine_;
    LogPlan plan_;
    IsRead is_read_;
    std::string path_;
    std::shared_ptr<io::SimOpenFile> file_;                       // null: no power
    std::vector<Content> contents_;                               // the last one is being written
    std::vector<std::pair<std::string, std::size_t>> old_files_;  // path, content
    std::uint64_t next_number_ = 0;
    std::string unwritten_;  // of the last write
    std::uint64_t rotations_ = 0;
    bool must_reopen_ = false;
    std::string copy_;  // of what is in the file still
    bool is_in_trouble_ = true;
};

}  // namespace logboom::sim
