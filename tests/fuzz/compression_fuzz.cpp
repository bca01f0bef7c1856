// Every codec. The input's first byte chooses the codec and the limit, the rest is what is packed.
#include "shared/codec/compression.h"

#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::codec;

namespace {

/// The same bytes come out under a limit that they just fit, and none under a lower one.
void check_limit(const CodecId id, const ByteView packed, const ByteView whole) {
    Buffer out;
    LB_ASSERT(decompress(id, packed, whole.size(), out).has_value());
    LB_ASSERT(fuzz::is_same(out.view(), whole));
    if (!whole.empty()) {
        const Result<Ok> cut = decompress(id, packed, whole.size() - 1, out);
        LB_ASSERT(!cut.has_value() && cut.code() == ErrorCode::too_large);
    }
}

void check_prefix(const ByteView frame, const std::size_t size_wanted, const ByteView whole) {
    Buffer prefix;
    if (decompress_lz4_prefix(frame, size_wanted, prefix)) {
        LB_ASSERT(prefix.size() >= std::min(size_wanted, whole.size()));
        LB_ASSERT(prefix.size() <= whole.size());
        LB_ASSERT(fuzz::is_same(prefix.view(), whole.first(prefix.size())));
    }
}

}  // namespace

LB_FUZZ_TARGET(compression) {
    fuzz::Input input(data, size);
    const auto choice = input.take<std::uint8_t>();
    const auto id = static_cast<CodecId>(choice & 7);
    const std::size_t size_max = (choice & 8) != 0 ? 100 : 16u << 10;
    const std::size_t size_wanted = (choice & 16) != 0 ? 5 : 300;
    Buffer out;
    const Result<Ok> done = decompress(id, input.rest(), size_max, out);
    LB_ASSERT(out.capacity() <= 2 * (size_max + 1));
    if (done) {
        LB_ASSERT(out.size() <= size_max);
        check_limit(id, input.rest(), out.view());
    }
    if (done && id == CodecId::lz4) {
        check_prefix(input.rest(), size_wanted, out.view());
    }
    Buffer prefix;
    static_cast<void>(decompress_lz4_prefix(input.rest(), size_wanted, prefix));
    return 0;
}
