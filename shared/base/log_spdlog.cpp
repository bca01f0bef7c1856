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

class StderrSink final : public LogSink {
public:
    explicit StderrSink(const std::string_view program)
        : pool_(std::make_shared<spdlog::details::thread_pool>(limits::log_queue_lines, 1))
        , logger_(std::make_shared<spdlog::async_logger>(
              std::string(program),
              std::make_shared<spdlog::sinks::stderr_sink_mt>(),
              pool_,
              spdlog::async_overflow_policy::overrun_oldest
          )) {
        logger_->set_level(spdlog::level::debug);
        logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n: %v", spdlog::pattern_time_type::utc);
        logger_->flush_on(spdlog::level::info);
    }
    StderrSink(const StderrSink&) = delete;
    StderrSink& operator=(const StderrSink&) = delete;
    ~StderrSink() override { logger_->flush(); }

    void write(const LogLevel level, const std::string_view line) override {
        logger_->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
    }
    [[nodiscard]] std::uint64_t dropped_lines() const override { return pool_->overrun_counter(); }

private:
    std::shared_ptr<spdlog::details::thread_pool> pool_;
    std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace

std::unique_ptr<LogSink> make_stderr_sink(const std::string_view program) {
    return std::make_unique<StderrSink>(program);
}

}  // namespace logboom
