// The frames of our own journals and small files.
#include "shared/codec/crc_frame.h"

#include "shared/base/limits.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::codec;

namespace {

using Found = CrcFrameReader::Found;

/// Whole frames at the front are exactly what their payloads are framed to.
void walk(const ByteView frames) {
    CrcFrameReader reader(frames);
    Buffer again;
    ByteView payload;
    while (reader.next(payload) == Found::frame) {
        LB_ASSERT(!payload.empty() && payload.size() <= limits::crc_frame_bytes_max);
        append_crc_frame(payload, again);
        LB_ASSERT(again.size() == reader.position());
    }
    LB_ASSERT(fuzz::is_same(again.view(), frames.first(reader.position())));
}

/// A frame of the bytes, and the same one with a changed bit or cut.
void check_own(const ByteView payload) {
    Buffer frame;
    append_crc_frame(payload, frame);
    fuzz::Exact exact(frame.view());
    ByteView found;
    CrcFrameReader whole(exact.view());
    LB_ASSERT(whole.next(found) == Found::frame && fuzz::is_same(found, payload));
    LB_ASSERT(whole.next(found) == Found::end);
    const fuzz::Exact cut(frame.view().first(frame.size() - 1));
    LB_ASSERT(CrcFrameReader(cut.view()).next(found) != Found::frame);
    const auto at = std::to_integer<std::size_t>(payload.back()) % frame.size();
    exact.mutable_view()[at] ^= std::byte{0x10};
    LB_ASSERT(CrcFrameReader(exact.view()).next(found) != Found::frame);
}

}  // namespace

LB_FUZZ_TARGET(crc_frame) {
    const ByteView bytes = fuzz::view_of(data, size);
    walk(bytes);
    if (const Result<ByteView> payload = read_framed_file(bytes, "LBXX", 1)) {
        LB_ASSERT(payload->size() + framed_file_head_bytes + crc_frame_head_bytes == size);
    }
    if (size != 0) {
        check_own(bytes);
    }
    return 0;
}
