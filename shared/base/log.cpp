#include "shared/base/log.h"

#include "shared/base/assert.h"

namespace logboom {

const char* to_string(const LogLevel level) noexcept {
    switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warn: return "warn";
    case LogLevel::error: return "error";
    }
    LB_UNREACHABLE("LogLevel");
}

void Logger::write(
    const LogLevel level, const char* const sentence, const std::initializer_list<LogField> fields
) const {
    if (!is_on(level)) {
        return;
    }
    std::string line = sentence;
    for (const LogField& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        line += field.value;
    }
    sink_->write(level, line);
}

}  // namespace logboom
