// The fixed header of the frames of our own doors.
#include "shared/codec/crc32c.h"
#include "shared/rpc/frame.h"
#include "tests/fuzz/fuzz.h"

#include <array>

using namespace logboom;
using namespace logboom::rpc;

namespace {

void check(const ByteView bytes, const FrameLimits& limits) {
    const Result<FrameHead> head = decode_frame_head(bytes, limits);
    if (!head) {
        LB_ASSERT(!refusal_text(bytes, head.error()).empty());
        return;
    }
    LB_ASSERT(head->header_bytes <= limits.header_bytes_max);
    LB_ASSERT(head->payload_bytes <= limits.payload_bytes_max);
    std::array<std::byte, frame_head_bytes> again{};
    encode_frame_head(*head, again.data());
    LB_ASSERT(fuzz::is_same(again, bytes.first(frame_head_bytes)));
}

/// A frame that we append is one that we read.
void check_own(const ByteView header) {
    FrameHead head;
    head.method = Method::ship;
    head.payload_bytes = 1;
    Buffer frame;
    append_frame(head, header, frame);
    const Result<FrameHead> again = decode_frame_head(frame.view(), FrameLimits());
    LB_ASSERT(again.has_value() && again->header_bytes == header.size());
    LB_ASSERT(again->header_crc == codec::crc32c(frame.view().subspan(frame_head_bytes)));
}

}  // namespace

LB_FUZZ_TARGET(rpc_frame) {
    constexpr std::size_t checksum_at = frame_head_bytes - sizeof(std::uint32_t);
    const ByteView bytes = fuzz::view_of(data, size);
    if (size < frame_head_bytes) {
        LB_ASSERT(!refusal_text(bytes, Error{ErrorCode::malformed, 0, "frame"}).empty());
        return 0;
    }
    check(bytes, FrameLimits());
    check(bytes, request_limits());
    fuzz::Exact right(bytes.first(frame_head_bytes));
    codec::store_be(
        right.mutable_view().data() + checksum_at, codec::crc32c(bytes.first(checksum_at))
    );
    check(right.view(), FrameLimits());
    check(right.view(), request_limits());
    check_own(bytes);
    return 0;
}
