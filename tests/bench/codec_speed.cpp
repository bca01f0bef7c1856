// What the codecs of the hot paths cost, and what the fastest known way to do the same costs.
//
//   codec_speed CORPUS            the first 64 MB of the file, in blocks of 256 KiB
//
// Prints one JSON object: CPU seconds per GB of input.
#include "shared/codec/crc32c.h"
#include "shared/codec/lz4_frame_encoder.h"
#include "tests/bench/corpus.h"
#include "tests/bench/loopback.h"

#include <lz4.h>

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <vector>

#if LB_HAS_ISAL
// isa-l declares the length as int, but its assembly reads the whole register, whose upper half an int
// leaves undefined.
extern "C" unsigned int crc32_iscsi_sized(
    const void* bytes, std::size_t size, unsigned int seed
) noexcept __asm__("crc32_iscsi");
#endif

namespace logboom::bench {

namespace {

constexpr std::size_t sample_bytes_max = 64'000'000;
constexpr int repeat = 3;

double cpu_now() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

/// Keeps the compiler from dropping work whose result nobody reads.
template <typename T>
void keep(const T& value) {
    asm volatile("" : : "r,m"(value) : "memory");
}

/// Least CPU seconds per GB of several passes of `work` over all blocks.
template <typename Work>
double cost(const std::vector<std::byte>& sample, Work work) {
    double least = 1e9;
    for (int round = 0; round < repeat; ++round) {
        const double begin = cpu_now();
        for (std::size_t at = 0; at < sample.size(); at += block_bytes) {
            const std::size_t size = std::min(block_bytes, sample.size() - at);
            work(ByteView(sample.data() + at, size));
        }
        least = std::min(least, cpu_now() - begin);
    }
    return least * 1e9 / static_cast<double>(sample.size());
}

std::vector<std::byte> read_sample(const char* const path) {
    std::FILE* const file = std::fopen(path, "rb");
    if (file == nullptr) {
        give_up(path);
    }
    std::vector<std::byte> sample(sample_bytes_max);
    sample.resize(std::fread(sample.data(), 1, sample.size(), file));
    std::fclose(file);
    return sample;
}

void print(const char* const name, const double value, const char* const end) {
    std::printf("\"%s\":%.5f%s", name, value, end);
}

void measure(const std::vector<std::byte>& sample) {
    std::vector<std::byte> room(2 * block_bytes);
    Buffer out;
    std::printf("{");
    print(
        "memcpy",
        cost(
            sample,
            [&room](const ByteView block) {
                std::memcpy(room.data(), block.data(), block.size());
                keep(room[0]);
            }
        ),
        ","
    );
    print("crc32c", cost(sample, [](const ByteView block) { keep(codec::crc32c(block)); }), ",");
    print(
        "crc32c_table",
        cost(
            sample,
            [](const ByteView block) { keep(codec::crc32c_by(codec::Crc32cEngine::table, block)); }
        ),
        ","
    );
#if LB_HAS_ISAL
    print(
        "crc32c_isal",
        cost(
            sample,
            [](const ByteView block) { keep(crc32_iscsi_sized(block.data(), block.size(), ~0u)); }
        ),
        ","
    );
#endif
    codec::Lz4FrameEncoder encoder;
    print(
        "lz4_frame",
        cost(
            sample,
            [&](const ByteView block) {
                out.clear();
                keep(encoder.encode(std::array{block}, out));
            }
        ),
        ","
    );
    std::vector<std::byte> state(static_cast<std::size_t>(LZ4_sizeofState()));
    print(
        "lz4_block",
        cost(
            sample,
            [&](const ByteView block) {
                keep(LZ4_compress_fast_extState(
                    state.data(),
                    reinterpret_cast<const char*>(block.data()),
                    reinterpret_cast<char*>(room.data()),
                    static_cast<int>(block.size()),
                    static_cast<int>(room.size()),
                    1
                ));
            }
        ),
        "}\n"
    );
}

}  // namespace

}  // namespace logboom::bench

int main(const int argc, char** const argv) {
    if (argc != 2) {
        std::fputs("usage: codec_speed CORPUS\n", stderr);
        return 2;
    }
    logboom::bench::measure(logboom::bench::read_sample(argv[1]));
    return 0;
}
