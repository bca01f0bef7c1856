// Compressors of what Kafka's clients send and we only read, for tests of the readers.
#pragma once

#include "shared/base/bytes.h"
#include "shared/codec/compression.h"

#include <cstddef>

namespace logboom::tests {

/// `raw` packed as a client does it; lz4 in independent blocks of 64 KiB.
[[nodiscard]] Buffer pack(codec::CodecId id, ByteView raw);
/// Snappy as the Java library frames it, in blocks of `block_bytes`.
[[nodiscard]] Buffer pack_xerial(ByteView raw, std::size_t block_bytes);
/// An LZ4 frame whose blocks refer to the ones before them.
[[nodiscard]] Buffer pack_linked_lz4(ByteView raw);

}  // namespace logboom::tests
