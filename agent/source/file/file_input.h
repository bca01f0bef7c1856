// One `[[input.file]]` as the file source sees it.
#pragma once

#include "agent/parse/line_splitter.h"
#include "agent/source/file/glob.h"
#include "shared/base/time.h"

#include <cstdint>
#include <string>
#include <vector>

namespace logboom::source {

/// Where reading begins in files that were there at the input's very first start (T22).
enum class StartPoint : std::uint8_t { beginning, end, since };

struct FileInput {
    std::string name;
    std::string topic;
    PathSet paths;
    parse::SplitOptions split;
    StartPoint read_from = StartPoint::beginning;
    Nanos since{};
    Nanos ignore_older{};   // zero: never
    Nanos partial_flush{};  // zero: never
    Nanos close_idle{};
    Nanos rotate_quiet{};
    std::vector<std::string> rotated_dirs;
    Nanos rescan_interval{};
    bool is_polled = false;
};

}  // namespace logboom::source
