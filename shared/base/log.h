// Structured log lines of our own programs. A line is a fixed lower-case sentence and fields:
// `log.warn("segment truncated at recovery", kv("valid_bytes", n))`. The logger belongs to the
// program object and is handed to parts in their constructors: the simulator runs many nodes in one
// process. Lines go to a LogSink; the real one (log_spdlog.cpp) never blocks a shard.
#pragma once

#include "shared/base/strong.h"

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace logboom {

enum class LogLevel : std::uint8_t { debug, info, warn, error };

[[nodiscard]] const char* to_string(LogLevel level) noexcept;

/// One field of a line, already as text. Text that came from outside is passed through `quoted()`.
struct LogField {
    std::string_view key;
    std::string value;
};

template <typename T>
requires std::integral<T>
[[nodiscard]] LogField kv(const std::string_view key, const T value) {
    if constexpr (std::same_as<T, bool>) {
        return {key, value ? "true" : "false"};
    } else {
        return {key, std::to_string(value)};
    }
}
template <typename Tag, typename Rep>
[[nodiscard]] LogField kv(const std::string_view key, const Strong<Tag, Rep> value) {
    return {key, std::to_string(value.value)};
}
[[nodiscard]] inline LogField kv(const std::string_view key, std::string value) {
    return {key, std::move(value)};
}
[[nodiscard]] inline LogField kv(const std::string_view key, const char* const value) {
    return {key, value};
}
[[nodiscard]] inline LogField kv(const std::string_view key, const std::string_view value) {
    return {key, std::string(value)};
}

/// Where lines go. Implementations are thread-safe and do not block.
class LogSink {
public:
    LogSink() = default;
    LogSink(const LogSink&) = delete;
    LogSink& operator=(const LogSink&) = delete;
    virtual ~LogSink() = default;
    virtual void write(LogLevel level, std::string_view line) = 0;
    /// Lines that were dropped because others were still waiting to be written.
    [[nodiscard]] virtual std::uint64_t dropped_lines() const { return 0; }
};

class Logger {
public:
    Logger(LogSink& sink, const LogLevel level_min) noexcept
        : sink_(&sink)
        , level_min_(level_min) {}

    void debug(const char* sentence, std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::debug, sentence, fields);
    }
    void info(const char* sentence, std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::info, sentence, fields);
    }
    void warn(const char* sentence, std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::warn, sentence, fields);
    }
    void error(const char* sentence, std::initializer_list<LogField> fields = {}) const {
        write(LogLevel::error, sentence, fields);
    }
    [[nodiscard]] bool is_on(const LogLevel level) const noexcept { return level >= level_min_; }

private:
    void write(LogLevel level, const char* sentence, std::initializer_list<LogField> fields) const;

    LogSink* sink_;
    LogLevel level_min_;
};

}  // namespace logboom
