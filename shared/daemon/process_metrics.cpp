#include "shared/daemon/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <ctime>

namespace logboom::daemon {

namespace {

/// Of the fields of /proc/self/statm, in pages: size, resident.
std::array<std::uint64_t, 2> read_pages() noexcept {
    std::array<std::uint64_t, 2> pages{};
    if (std::FILE* const file = std::fopen("/proc/self/statm", "re")) {
        unsigned long long size = 0;
        unsigned long long resident = 0;
        if (std::fscanf(file, "%llu %llu", &size, &resident) == 2) {
            pages = {size, resident};
        }
        std::fclose(file);
    }
    return pages;
}

std::size_t count_fds() noexcept {
    std::size_t count = 0;
    if (DIR* const dir = ::opendir("/proc/self/fd")) {
        while (const dirent* const entry = ::readdir(dir)) {
            count += entry->d_name[0] != '.' ? 1U : 0U;
        }
        ::closedir(dir);
        count -= 1;  // the one by which they are counted
    }
    return count;
}

double open_files_limit() noexcept {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

}  // namespace

ProcessMetrics::ProcessMetrics(metrics::Registry& registry)
    : cpu_seconds_(
        registry.counter("process_cpu_seconds_total", "User and system time, whole seconds.")
    )
    , resident_bytes_(registry.gauge("process_resident_memory_bytes", "Memory that is resident."))
    , virtual_bytes_(registry.gauge("process_virtual_memory_bytes", "Address space."))
    , open_fds_(registry.gauge("process_open_fds", "Open descriptors.")) {
    registry.gauge("process_max_fds", "Descriptors that may be open.").set(open_files_limit());
    registry.gauge("process_start_time_seconds", "When the program began, in Unix time.")
        .set(static_cast<double>(std::time(nullptr)));
}

void ProcessMetrics::refresh() {
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) {
        const auto microseconds = usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
        const auto seconds = static_cast<std::uint64_t>(
            usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + microseconds / 1'000'000
        );
        cpu_seconds_.add(seconds - cpu_seconds_.value());
    }
    const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const std::array<std::uint64_t, 2> pages = read_pages();
    virtual_bytes_.set(static_cast<double>(pages[0] * page_bytes));
    resident_bytes_.set(static_cast<double>(pages[1] * page_bytes));
    open_fds_.set(static_cast<double>(count_fds()));
}

}  // namespace logboom::daemon
