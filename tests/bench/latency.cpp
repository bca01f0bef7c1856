// How long a line takes from the write of its file to a consumer.
//
//   latency PORT TOPIC FILE RATE SECONDS    writes RATE lines a second to FILE, each at its own scheduled
//                                           time, and reads them back from partition 0 of TOPIC
//   latency sync DIR SECONDS                the ceiling: a record of the same size is appended to a file in
//                                           DIR and synced, one after the other
//
// A line's time begins when it was due, also if it was written late: a stall counts for all that it holds
// up. The first tenth of the lines warms up and is not counted. Prints one JSON object, milliseconds.
#include "shared/record/batch.h"
#include "shared/record/record_iterator.h"
#include "tests/bench/kafka_wire.h"
#include "tests/bench/loopback.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace logboom::bench {

namespace {

constexpr std::int32_t fetch_bytes = 1 << 20;
constexpr std::size_t line_bytes = 160;
/// What a batch of the agents' 5 ms at 1000 lines a second comes to.
constexpr std::size_t sync_bytes = 1024;
constexpr int digits = 12;

std::string line_of(const long number) {
    std::array<char, line_bytes + 1> line{};
    std::snprintf(line.data(), line.size(), "%0*ld ", digits, number);
    std::memset(line.data() + digits + 1, 'x', line_bytes - digits - 2);
    line[line_bytes - 1] = '\n';
    return {line.data(), line_bytes};
}

void sleep_until(const double when) {
    timespec at{};
    at.tv_sec = static_cast<time_t>(when);
    at.tv_nsec = static_cast<long>((when - std::floor(when)) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) != 0) {}
}

int open_for_append(const std::string& path) {
    const int file = open(path.c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) {
        give_up(path.c_str());
    }
    return file;
}

void write_all(const int file, const std::string& text) {
    if (write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        give_up("write");
    }
}

void write_lines(const int file, const double begin, const int rate, const long count) {
    for (long number = 0; number < count; ++number) {
        sleep_until(begin + static_cast<double>(number) / rate);
        write_all(file, line_of(number));
    }
}

/// Calls `take` with the number in each line of the batch.
template <typename Take>
void read_batch(const record::BatchView& batch, Buffer& scratch, Take take) {
    const Result<ByteView> records = batch.records(scratch);
    if (!records) {
        give_up("a batch cannot be unpacked");
    }
    record::RecordIterator iterator(*records, batch.header().records_count);
    record::RecordView record;
    while (true) {
        const Result<bool> has_record = iterator.next(record);
        if (!has_record || (*has_record && !record.value)) {
            give_up("a record is damaged");
        }
        if (!*has_record) {
            return;
        }
        take(std::atol(std::string(as_text(*record.value).substr(0, digits)).c_str()));
    }
}

void print_times(std::vector<double> seconds) {
    std::ranges::sort(seconds);
    const auto at = [&seconds](const double share) {
        const auto index = static_cast<std::size_t>(share * static_cast<double>(seconds.size()));
        return 1000 * seconds[std::min(index, seconds.size() - 1)];
    };
    std::printf(
        "{\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f,\"count\":%zu}\n",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
        seconds.size()
    );
}

void measure_lines(char** const argv) {
    const int socket = connect_to(static_cast<std::uint16_t>(std::atoi(argv[1])));
    const std::string_view topic = argv[2];
    const int rate = std::atoi(argv[4]);
    const long count = static_cast<long>(rate) * std::atol(argv[5]);
    const int file = open_for_append(argv[3]);
    const double begin = now_seconds() + 0.1;
    std::thread writer(write_lines, file, begin, rate, count);
    std::vector<double> seconds;
    long next = 0;
    std::int64_t offset = 0;
    Buffer answer;
    Buffer scratch;
    while (next < count) {
        const Fetched fetched = fetch(socket, topic, offset, fetch_bytes, answer);
        const double now = now_seconds();
        ByteView rest = fetched.batches;
        while (!rest.empty()) {
            const Result<record::BatchView> batch = record::BatchView::parse(rest);
            if (!batch) {
                break;
            }
            read_batch(*batch, scratch, [&](const long number) {
                if (number != next) {
                    give_up("a line is missing, double or not in order");
                }
                if (number >= count / 10) {
                    seconds.push_back(now - (begin + static_cast<double>(number) / rate));
                }
                ++next;
            });
            offset = batch->header().end_offset().value;
            rest = rest.subspan(batch->size());
        }
        if (fetched.error != 0) {
            usleep(10'000);  // the agent has not made the topic yet
        }
    }
    writer.join();
    close(file);
    print_times(std::move(seconds));
}

void measure_sync(const std::string& directory, const int seconds_wanted) {
    const std::string path = directory + "/latency.tmp";
    const int file = open_for_append(path);
    const std::string record(sync_bytes, 'x');
    std::vector<double> seconds;
    const double end = now_seconds() + seconds_wanted;
    while (now_seconds() < end) {
        const double begin = now_seconds();
        write_all(file, record);
        if (fdatasync(file) != 0) {
            give_up("fdatasync");
        }
        seconds.push_back(now_seconds() - begin);
        // At the pace of the batches, not as fast as it goes: what is measured is one sync, not a queue.
        usleep(5'000);
    }
    close(file);
    unlink(path.c_str());
    print_times(std::move(seconds));
}

int run(const int argc, char** const argv) {
    if (argc == 6) {
        measure_lines(argv);
        return 0;
    }
    if (argc == 4 && std::string_view(argv[1]) == "sync") {
        measure_sync(argv[2], std::atoi(argv[3]));
        return 0;
    }
    std::fputs("usage: latency PORT TOPIC FILE RATE SECONDS | latency sync DIR SECONDS\n", stderr);
    return 2;
}

}  // namespace

}  // namespace logboom::bench

int main(const int argc, char** const argv) {
    return logboom::bench::run(argc, argv);
}
