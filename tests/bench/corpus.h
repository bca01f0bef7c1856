// A log file as the least that an agent must do with it: blocks of its bytes, their line ends, and sealed
// record batches with the headers that an agent gives by default.
#pragma once

#include "shared/base/bytes.h"
#include "shared/record/batch_builder.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace logboom::bench {

/// Raw text in one batch: the agent's `batch_bytes_max`, and what it reads at once.
inline constexpr std::size_t block_bytes = 256u << 10;

enum class Marked : std::uint8_t { no, yes };

/// Makes batches of consecutive blocks of one file.
class Batcher {
public:
    Batcher(const std::string& path, Marked marked);

    /// Appends one batch with the whole lines of `block` to `out` and returns how many of its bytes they
    /// are. A block without any line end is one line.
    std::size_t add_batch(ByteView block, Buffer& out);

    [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }

private:
    record::BatchBuilder builder_;
    record::RecordHeaders headers_;
    record::SourceCursor cursor_;
    std::vector<std::uint32_t> line_ends_;
    Marked marked_;
    std::uint64_t lines_ = 0;
};

/// The whole file in batches.
struct BatchedCorpus {
    std::vector<Buffer> batches;
    std::uint64_t raw_bytes = 0;
    std::uint64_t packed_bytes = 0;
    std::uint64_t lines = 0;
};
[[nodiscard]] BatchedCorpus batch_corpus(const std::string& path, Marked marked);

}  // namespace logboom::bench
