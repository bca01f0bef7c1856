// The agent's own files: frames with Protobuf values. The input is a file; without its first byte it is
// also the value of a frame of the kind which that byte names.
#include "agent/source/file/checkpoint_codec.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::source;

namespace {

void check_value(const FrameKind kind, const ByteView value) {
    switch (kind) {
    case FrameKind::stream: fuzz::check_round_trip(value, decode_entry, encode_entry); break;
    case FrameKind::input: fuzz::check_round_trip(value, decode_input, encode_input); break;
    case FrameKind::agent: fuzz::check_round_trip(value, decode_agent, encode_agent); break;
    case FrameKind::forgotten: break;
    }
}

/// Frames up to the first that is none, as a start reads them.
void walk(ByteView file) {
    while (true) {
        static_cast<void>(frame_version(file));
        const Result<FrameView> frame = read_frame(file);
        if (!frame) {
            return;
        }
        LB_ASSERT(frame->size > frame->value.size() && frame->size <= file.size());
        LB_ASSERT(frame_version(file) == frame_version_known);
        check_value(frame->kind, frame->value);
        file = file.subspan(frame->size);
    }
}

void check_own_frame(const FrameKind kind, const ByteView value) {
    Buffer bytes;
    append_frame(kind, value, bytes);
    const fuzz::Exact exact(bytes.view());
    const Result<FrameView> frame = read_frame(exact.view());
    LB_ASSERT(frame.has_value() && frame->kind == kind && frame->size == bytes.size());
    LB_ASSERT(fuzz::is_same(frame->value, value));
}

}  // namespace

LB_FUZZ_TARGET(agent_checkpoint) {
    walk(fuzz::view_of(data, size));
    fuzz::Input input(data, size);
    const auto kind = static_cast<FrameKind>(1 + input.take<std::uint8_t>() % 4);
    if (size <= 4096) {
        check_own_frame(kind, input.rest());
    }
    check_value(kind, input.rest());
    return 0;
}
