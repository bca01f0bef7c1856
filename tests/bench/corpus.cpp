#include "tests/bench/corpus.h"

#include "tests/bench/loopback.h"

#include <fcntl.h>
#include <unistd.h>

#if defined(__x86_64__)
#    include <immintrin.h>
#endif

#include <algorithm>
#include <cstring>

namespace logboom::bench {

namespace {

// A timestamp of today's length; what it says does not matter here.
constexpr std::int64_t timestamp_ms = 1'794'700'800'000;

std::size_t line_ends_by_memchr(
    const ByteView block, std::size_t from, std::uint32_t* const out, std::size_t count
) {
    while (from < block.size()) {
        const void* const at = std::memchr(block.data() + from, '\n', block.size() - from);
        if (at == nullptr) {
            break;
        }
        from = static_cast<std::size_t>(static_cast<const std::byte*>(at) - block.data());
        out[count++] = static_cast<std::uint32_t>(from++);
    }
    return count;
}

#if defined(__x86_64__)
__attribute__((target("avx2,bmi"))) std::size_t line_ends_by_avx2(
    const ByteView block, std::uint32_t* const out
) {
    const __m256i wanted = _mm256_set1_epi8('\n');
    const auto equal_bytes = [wanted](const std::byte* const at) __attribute__((target("avx2"))) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
        return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, wanted)));
    };
    std::size_t count = 0;
    std::size_t at = 0;
    for (; at + 64 <= block.size(); at += 64) {
        std::uint64_t mask = std::uint64_t{equal_bytes(block.data() + at + 32)} << 32
                           | equal_bytes(block.data() + at);
        for (; mask != 0; mask &= mask - 1) {
            out[count++] =
                static_cast<std::uint32_t>(at + static_cast<std::size_t>(__builtin_ctzll(mask)));
        }
    }
    return line_ends_by_memchr(block, at, out, count);
}
#endif

/// Writes the places of all line ends to `out`, which has room for one per byte.
std::size_t find_line_ends(const ByteView block, std::uint32_t* const out) {
#if defined(__x86_64__)
    static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
    if (has_avx2) {
        return line_ends_by_avx2(block, out);
    }
#endif
    return line_ends_by_memchr(block, 0, out, 0);
}

}  // namespace

Batcher::Batcher(const std::string& path, const Marked marked)
    : line_ends_(block_bytes)
    , marked_(marked) {
    headers_.add("lb.host", "web-01.example.com");
    headers_.add("lb.path", path);
}

std::size_t Batcher::add_batch(const ByteView block, Buffer& out) {
    const std::size_t count = find_line_ends(block, line_ends_.data());
    builder_.begin(headers_);
    std::size_t from = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t end = line_ends_[i];
        builder_.append(timestamp_ms, block.subspan(from, end - from));
        from = end + 1;
    }
    if (count == 0) {
        builder_.append(timestamp_ms, block);
        from = block.size();
    }
    lines_ += static_cast<std::uint64_t>(builder_.records_count());
    if (marked_ == Marked::yes) {
        cursor_.from = cursor_.to;
        cursor_.to += from;
        static_cast<void>(builder_.seal(cursor_, out));
    } else {
        static_cast<void>(builder_.seal_without_cursor(out));
    }
    return from;
}

BatchedCorpus batch_corpus(const std::string& path, const Marked marked) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        give_up(path.c_str());
    }
    BatchedCorpus corpus;
    Batcher batcher(path, marked);
    std::vector<std::byte> block(block_bytes);
    Buffer batch;
    while (true) {
        const auto at = static_cast<off_t>(corpus.raw_bytes);
        const ssize_t got = pread(file, block.data(), block.size(), at);
        if (got <= 0) {
            break;
        }
        batch.clear();
        const ByteView bytes(block.data(), static_cast<std::size_t>(got));
        corpus.raw_bytes += batcher.add_batch(bytes, batch);
        corpus.packed_bytes += batch.size();
        corpus.batches.emplace_back();
        corpus.batches.back().append(batch.view());
    }
    corpus.lines = batcher.lines();
    close(file);
    return corpus;
}

}  // namespace logboom::bench
