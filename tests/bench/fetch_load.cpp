// A consumer that costs as little as possible: one Fetch of 1 MiB after the other, nothing is unpacked.
//
//   fetch_load PORT TOPIC find BYTES        prints the offset from which on the log has at most BYTES
//   fetch_load PORT TOPIC FROM REPEAT       reads partition 0 from offset FROM to its end, REPEAT times
//
// Prints one JSON object.
#include "shared/record/batch.h"
#include "tests/bench/kafka_wire.h"
#include "tests/bench/loopback.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace logboom::bench {

namespace {

constexpr std::int32_t fetch_bytes = 1 << 20;

struct Stretch {
    std::int64_t base_offset = 0;
    std::uint64_t bytes = 0;
};

/// Calls `take` with each batch from `from` to the log's end.
template <typename Take>
void read_to_end(
    const int socket, const std::string_view topic, std::int64_t from, Buffer& answer, Take take
) {
    while (true) {
        const Fetched fetched = fetch(socket, topic, from, fetch_bytes, answer);
        if (fetched.error != 0) {
            std::fprintf(stderr, "the collector answered Fetch with error %d\n", fetched.error);
            std::exit(1);
        }
        ByteView rest = fetched.batches;
        while (true) {
            const Result<record::BatchView> batch = record::BatchView::parse(rest);
            if (!batch) {
                break;  // the last one may be cut
            }
            take(*batch);
            from = batch->header().end_offset().value;
            rest = rest.subspan(batch->size());
        }
        if (from >= fetched.high_watermark) {
            return;
        }
    }
}

void find_tail(const int socket, const std::string_view topic, const std::uint64_t bytes_max) {
    std::vector<Stretch> batches;
    Buffer answer;
    read_to_end(socket, topic, 0, answer, [&batches](const record::BatchView& batch) {
        batches.push_back({batch.header().base_offset.value, batch.size()});
    });
    std::uint64_t bytes = 0;
    std::int64_t from = -1;
    for (auto batch = batches.rbegin(); batch != batches.rend(); ++batch) {
        bytes += batch->bytes;
        if (bytes > bytes_max) {
            break;
        }
        from = batch->base_offset;
    }
    std::printf("{\"from\":%lld}\n", static_cast<long long>(from));
}

void read_repeatedly(
    const int socket, const std::string_view topic, const std::int64_t from, const int repeat
) {
    std::uint64_t bytes = 0;
    Buffer answer;
    const double begin = now_seconds();
    for (int round = 0; round < repeat; ++round) {
        read_to_end(socket, topic, from, answer, [&bytes](const record::BatchView& batch) {
            bytes += batch.size();
        });
    }
    std::printf(
        "{\"bytes\":%llu,\"seconds\":%.4f}\n",
        static_cast<unsigned long long>(bytes),
        now_seconds() - begin
    );
}

int run(const int argc, char** const argv) {
    if (argc != 5) {
        std::fputs(
            "usage: fetch_load PORT TOPIC find BYTES | fetch_load PORT TOPIC FROM REPEAT\n", stderr
        );
        return 2;
    }
    const int socket = connect_to(static_cast<std::uint16_t>(std::atoi(argv[1])));
    if (std::string_view(argv[3]) == "find") {
        find_tail(socket, argv[2], std::strtoull(argv[4], nullptr, 10));
    } else {
        read_repeatedly(socket, argv[2], std::atoll(argv[3]), std::atoi(argv[4]));
    }
    return 0;
}

}  // namespace

}  // namespace logboom::bench

int main(const int argc, char** const argv) {
    return logboom::bench::run(argc, argv);
}
