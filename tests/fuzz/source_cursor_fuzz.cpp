// The cursor that travels in a batch, and the proofs of a file's identity.
#include "shared/record/source_cursor.h"

#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::record;

LB_FUZZ_TARGET(source_cursor) {
    const ByteView bytes = fuzz::view_of(data, size);
    fuzz::check_round_trip(bytes, decode_identity, encode_identity);
    const Result<SourceCursor> cursor = fuzz::decode_and_back(bytes, decode_cursor, encode_cursor);
    if (cursor) {
        LB_ASSERT(cursor->from <= cursor->to);
        LB_ASSERT(!cursor->identity || cursor->identity->path_seen.size() <= path_seen_bytes_max);
    }
    return 0;
}
