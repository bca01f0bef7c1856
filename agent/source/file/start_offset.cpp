#include "agent/source/file/start_offset.h"

namespace logboom::source {

bool is_ignored(
    const FileInput& input, const io::FileStat& stat, const WallTime input_started
) noexcept {
    const WallTime born = stat.btime_ns ? WallTime(Nanos(*stat.btime_ns)) : stat.mtime;
    if (born > input_started) {
        return false;
    }
    const Nanos age = input_started - stat.mtime;
    const bool is_old = input.ignore_older > Nanos::zero() && age > input.ignore_older;
    return is_old || (input.read_from == StartPoint::since && age > input.since);
}

Task<Result<std::uint64_t>> start_offset(
    Env& env,
    io::File& file,
    const FileInput& input,
    const bool is_first_start,
    const std::uint64_t size
) {
    if (!is_first_start || input.read_from != StartPoint::end) {
        co_return std::uint64_t{0};
    }
    constexpr std::uint32_t step = 64u << 10;
    Slice block = env.pool.allocate(step);
    std::uint64_t end = size;
    while (end > 0) {
        const std::uint64_t from = end > step ? end - step : 0;
        const MutableByteView into = block.mutable_bytes().first(end - from);
        LB_CO_TRY(const std::uint32_t got, co_await file.pread(into, from));
        const std::size_t newline = as_text(block.view().first(got)).rfind('\n');
        if (newline != std::string_view::npos) {
            co_return from + newline + 1;
        }
        end = from;
    }
    co_return std::uint64_t{0};
}

}  // namespace logboom::source
