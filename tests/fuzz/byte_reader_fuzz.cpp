// The cursor over foreign bytes with its variable-length integers, and the checksum's engines on the same
// bytes.
#include "shared/codec/byte_reader.h"

#include "shared/codec/crc32c.h"
#include "tests/fuzz/fuzz.h"

#include <array>

using namespace logboom;
using namespace logboom::codec;

namespace {

/// A number is written in no more bytes than it was read from, and read back from them.
void check_number(const std::uint64_t number, const std::size_t bytes_read) {
    std::array<std::byte, varlong_bytes_max> bytes{};
    const std::byte* const end = put_uvarint(bytes.data(), number);
    const auto size = static_cast<std::size_t>(end - bytes.data());
    LB_ASSERT(size == uvarint_size(number) && size <= bytes_read);
    const fuzz::Exact exact(ByteView(bytes).first(size));
    ByteReader reader(exact.view());
    LB_ASSERT(reader.uvarlong() == number && reader.ok() && reader.remaining() == 0);
    LB_ASSERT(zigzag(unzigzag(number)) == number);
}

/// Reads fields as the bytes before them say; returns false at the first one that is not there.
bool read_field(ByteReader& reader) {
    const auto choice = reader.be<std::uint8_t>();
    const std::size_t before = reader.position();
    switch (choice % 6) {
    case 0: check_number(reader.ok() ? reader.uvarlong() : 0, varlong_bytes_max); break;
    case 1: check_number(reader.ok() ? reader.uvarint() : 0, varint_bytes_max); break;
    case 2: static_cast<void>(reader.varint()); break;
    case 3: static_cast<void>(reader.varlong()); break;
    case 4: static_cast<void>(reader.be<std::int64_t>()); break;
    default: LB_ASSERT(reader.bytes(choice).size() == (reader.ok() ? choice : 0u)); break;
    }
    LB_ASSERT(!reader.ok() || reader.position() >= before);
    LB_ASSERT(reader.ok() || reader.remaining() == 0);
    return reader.ok();
}

void check_engines(const ByteView bytes) {
    const std::uint32_t expected = crc32c_by(Crc32cEngine::table, bytes);
    for (const auto engine : {Crc32cEngine::one_lane, Crc32cEngine::three_lanes}) {
        LB_ASSERT(!is_available(engine) || crc32c_by(engine, bytes) == expected);
    }
    const std::size_t middle = bytes.size() / 3;
    LB_ASSERT(crc32c(bytes.subspan(middle), crc32c(bytes.first(middle))) == expected);
}

}  // namespace

LB_FUZZ_TARGET(byte_reader) {
    const ByteView bytes = fuzz::view_of(data, size);
    ByteReader reader(bytes);
    while (read_field(reader)) {}
    ByteReader number(bytes);
    const std::uint64_t first = number.uvarlong();
    if (number.ok()) {
        check_number(first, number.position());
    }
    check_engines(bytes);
    return 0;
}
