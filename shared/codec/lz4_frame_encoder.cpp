#include "shared/codec/lz4_frame_encoder.h"

#include "shared/base/assert.h"

#include <lz4frame.h>

namespace logboom::codec {

namespace {

/// Up to here a frame has blocks of 64 KiB: what Kafka's own clients write, and what costs their readers
/// the least memory. Larger batches pack better in blocks of 256 KiB.
constexpr std::size_t small_block_bytes = 64u << 10;

LZ4F_preferences_t preferences_for(const std::size_t raw_bytes, const int acceleration) noexcept {
    LZ4F_preferences_t preferences{};
    preferences.frameInfo.blockSizeID = raw_bytes <= small_block_bytes ? LZ4F_max64KB
                                                                       : LZ4F_max256KB;
    preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    preferences.frameInfo.contentChecksumFlag = LZ4F_noContentChecksum;
    preferences.frameInfo.blockChecksumFlag = LZ4F_noBlockChecksum;
    preferences.compressionLevel = 1
                                 - acceleration;  // the library's level of -n is acceleration n + 1
    preferences.autoFlush = 1;                    // so it keeps no copy of what it was given
    return preferences;
}

}  // namespace

struct Lz4FrameEncoder::State {
    explicit State(const Lz4Options& encoder_options) : options(encoder_options) {
        const std::size_t code = LZ4F_createCompressionContext(&context, LZ4F_VERSION);
        LB_ASSERT(LZ4F_isError(code) == 0);  // out of memory only
    }
    ~State() { LZ4F_freeCompressionContext(context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Lz4Options options;
    LZ4F_cctx* context = nullptr;
};

Lz4FrameEncoder::Lz4FrameEncoder(const Lz4Options& options)
    : state_(std::make_unique<State>(options)) {
    LB_ASSERT(options.acceleration >= 1);
}
Lz4FrameEncoder::~Lz4FrameEncoder() = default;
Lz4FrameEncoder::Lz4FrameEncoder(Lz4FrameEncoder&&) noexcept = default;
Lz4FrameEncoder& Lz4FrameEncoder::operator=(Lz4FrameEncoder&&) noexcept = default;

std::size_t Lz4FrameEncoder::encode(const std::span<const ByteView> pieces, Buffer& out) {
    std::size_t raw_bytes = 0;
    for (const ByteView piece : pieces) {
        raw_bytes += piece.size();
    }
    const LZ4F_preferences_t preferences = preferences_for(raw_bytes, state_->options.acceleration);
    std::size_t bound = LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(0, &preferences);
    for (const ByteView piece : pieces) {
        bound += LZ4F_compressBound(piece.size(), &preferences);
    }

    const std::size_t before = out.size();
    std::byte* const frame = out.extend(bound);
    std::size_t used = 0;
    // The room is the library's own bound, so only a mistake of ours can make a step fail.
    const auto count = [&used](const std::size_t written) {
        LB_ASSERT(LZ4F_isError(written) == 0);
        used += written;
    };
    LZ4F_compressOptions_t options{};
    options.stableSrc = 1;
    count(LZ4F_compressBegin(state_->context, frame, bound, &preferences));
    for (const ByteView piece : pieces) {
        count(LZ4F_compressUpdate(
            state_->context, frame + used, bound - used, piece.data(), piece.size(), &options
        ));
    }
    count(LZ4F_compressEnd(state_->context, frame + used, bound - used, &options));
    out.resize(before + used);
    return used;
}

}  // namespace logboom::codec
