// What a log directory remembers beside its logs: the input is a file, and the payload of one.
#include "collector/storage/checkpoint.h"
#include "shared/codec/crc_frame.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::storage;

namespace {

void check(const ByteView file) {
    fuzz::check_round_trip(file, decode_clean_marker, encode_clean_marker);
    const Result<Checkpoints> checkpoints =
        fuzz::decode_and_back(file, decode_checkpoints, encode_checkpoints);
    if (checkpoints) {
        for (const auto& [key, checkpoint] : *checkpoints) {
            LB_ASSERT(key.index.value >= 0 && checkpoint.log_start.value >= 0);
            LB_ASSERT(checkpoint.synced_end >= checkpoint.log_start);
        }
    }
}

}  // namespace

LB_FUZZ_TARGET(recovery_checkpoint) {
    const ByteView bytes = fuzz::view_of(data, size);
    check(bytes);
    for (const char* const kind : {"LBCP", "LBCL"}) {
        if (size != 0) {
            Buffer file;
            codec::append_framed_file(kind, checkpoint_version, bytes, file);
            check(file.view());
        }
    }
    return 0;
}
