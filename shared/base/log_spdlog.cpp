#include "shared/base/log_spdlog.h"

#include "shared/base/limits.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace logboom {

namespace {

spdlog::level::level_enum to_spdlog(const LogLevel level) noexcept {
    switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    }
    return spdlog::level::err;
}

/// The level as the journal takes it from the front of a line: sd-daemon(3).
const char* journal_prefix(const LogLevel level) noexcept {
    switch (level) {
    case LogLevel::debug: return "<7>";
    case LogLevel::info: return "<6>";
    case LogLevel::warn: return "<4>";
    case LogLevel::error: return "<3>";
    }
    return "<3>";
}

class StderrSink final : public LogSink {
public:
    StderrSink(const std::string_view program, const LogLineForm form)
        : form_(form)
        , pool_(std::make_shared<spdlog::details::thread_pool>(limits::log_queue_lines, 1))
        , logger_(std::make_shared<spdlog::async_logger>(
              std::string(program),
              std::make_shared<spdlog::sinks::stderr_sink_mt>(),
              pool_,
              spdlog::async_overflow_policy::overrun_oldest
          )) {
        logger_->set_level(spdlog::level::debug);
        const bool is_text = form == LogLineForm::text;
        logger_->set_pattern(
            is_text ? "%Y-%m-%dT%H:%M:%S.%eZ %l %n: %v" : "%v", spdlog::pattern_time_type::utc
        );
        logger_->flush_on(spdlog::level::info);
    }
    StderrSink(const StderrSink&) = delete;
    StderrSink& operator=(const StderrSink&) = delete;
    ~StderrSink() override { logger_->flush(); }

    void write(const LogLevel level, const std::string_view line) override {
        if (form_ == LogLineForm::journal) {
            logger_->log(to_spdlog(level), "{}{}", journal_prefix(level), line);
            return;
        }
        logger_->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
    }
    [[nodiscard]] std::uint64_t dropped_lines() const override { return pool_->overrun_counter(); }

private:
    LogLineForm form_;
    std::shared_ptr<spdlog::details::thread_pool> pool_;
    std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace

std::unique_ptr<LogSink> make_stderr_sink(const std::string_view program, const LogLineForm form) {
    return std::make_unique<StderrSink>(program, form);
}

}  // namespace logboom
