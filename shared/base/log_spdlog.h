// The log sink of the real programs: spdlog's async logger to standard error on its own thread.
#pragma once

#include "shared/base/log.h"

#include <cstdint>
#include <memory>

namespace logboom {

/// How a line begins: with time, level and program, or with the level as systemd's journal takes it.
enum class LogLineForm : std::uint8_t { text, journal };

/// Lines are queued (limits::log_queue_lines) and written by one thread; when the queue is full the
/// oldest line is dropped, so that a blocked terminal never blocks a shard. Flushed in the destructor.
[[nodiscard]] std::unique_ptr<LogSink> make_stderr_sink(
    std::string_view program, LogLineForm form = LogLineForm::text
);

}  // namespace logboom
