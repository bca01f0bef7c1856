// Writes LZ4 frames that every Kafka client reads: independent blocks (Java refuses linked ones), no
// checksum inside (the batch has one), end mark, nothing behind it.
//
// One encoder is kept per shard or agent and used for batch after batch: its state is 16 KiB that are
// set up once.
#pragma once

#include "shared/base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace logboom::codec {

struct Lz4Options {
    /// 1 is the library's default; higher is faster and packs less (4: a tenth of the ratio less).
    int acceleration = 1;
};

class Lz4FrameEncoder {
public:
    explicit Lz4FrameEncoder(const Lz4Options& options = Lz4Options());
    ~Lz4FrameEncoder();
    Lz4FrameEncoder(Lz4FrameEncoder&&) noexcept;
    Lz4FrameEncoder& operator=(Lz4FrameEncoder&&) noexcept;

    /// Appends one frame with the pieces' bytes, one after the other, to `out`, and returns its size.
    /// Each piece begins a block of its own, so that a reader of the first piece decodes nothing else.
    std::size_t encode(std::span<const ByteView> pieces, Buffer& out);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace logboom::codec
