// Reads the batches of one segment's file one behind the other, in blocks of pool memory. Every batch it
// hands out has a sound header and the right checksum.
#pragma once

#include "shared/base/limits.h"
#include "shared/io/env.h"
#include "shared/record/batch.h"

#include <cstdint>
#include <optional>

namespace logboom::storage {

class BatchReader {
public:
    /// Reads `file` from `position`, where a batch begins, up to `limit`, in blocks of `block_bytes`
    /// unless a batch is larger. `env` and `file` outlive the reader.
    BatchReader(
        Env& env,
        io::File& file,
        const std::uint64_t position,
        const std::uint64_t limit,
        const std::uint32_t block_bytes = limits::log_read_bytes
    )
        : env_(env)
        , file_(file)
        , position_(position)
        , limit_(limit)
        , block_bytes_(block_bytes) {}

    enum class Found : std::uint8_t {
        batch,    ///< `batch()` is the next one
        end,      ///< the limit, or the end of the file
        zeros,    ///< where a header should be there are only zeros
        damaged,  ///< what follows is no whole batch
    };
    /// Goes to the next batch. Errors: those of reading.
    Task<Result<Found>> next();

    /// After `batch`: valid until the next call of `next`.
    [[nodiscard]] const record::BatchView& batch() const noexcept { return *batch_; }
    /// The same bytes, to keep. Slices of batches that follow each other may touch (`Slice::part`).
    [[nodiscard]] Slice slice() const noexcept;
    /// Where the batch begins in the file; after anything else: where reading stopped.
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

private:
    Task<Result<ByteView>> window(std::uint64_t bytes);

    Env& env_;
    io::File& file_;
    std::uint64_t position_;
    std::uint64_t limit_;
    std::uint32_t block_bytes_;
    Slice block_;
    std::uint64_t block_position_ = 0;
    std::optional<record::BatchView> batch_;
};

/// Where the last byte that is not zero ends, at or after `from`; `from` if there is none up to `limit`.
Task<Result<std::uint64_t>> find_data_end(
    Env& env, io::File& file, std::uint64_t from, std::uint64_t limit
);

}  // namespace logboom::storage
