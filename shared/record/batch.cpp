#include "shared/record/batch.h"

#include "shared/codec/crc32c.h"
#include "shared/codec/endian.h"

#include <limits>

namespace logboom::record {

namespace {

using codec::load_be;
using codec::store_be;

// Where the fields lie; FORMAT.md has what they mean.
constexpr std::size_t at_base_offset = 0;
constexpr std::size_t at_batch_length = 8;
constexpr std::size_t at_leader_epoch = 12;
constexpr std::size_t at_magic = 16;
constexpr std::size_t at_crc = 17;
constexpr std::size_t at_attributes = 21;  // the checksum covers from here to the end
constexpr std::size_t at_last_offset_delta = 23;
constexpr std::size_t at_base_timestamp = 27;
constexpr std::size_t at_max_timestamp = 35;
constexpr std::size_t at_producer_id = 43;
constexpr std::size_t at_producer_epoch = 51;
constexpr std::size_t at_base_sequence = 53;
constexpr std::size_t at_records_count = 57;
static_assert(at_records_count + 4 == limits::batch_header_bytes);

constexpr std::uint8_t codec_bits_max = static_cast<std::uint8_t>(codec::CodecId::zstd);

/// Smallest record: its length, attributes, two deltas, key, value and header count of a byte each.
constexpr std::size_t record_bytes_min = 7;

constexpr std::int64_t base_offset_max = std::numeric_limits<std::int64_t>::max()
                                       - std::numeric_limits<std::int32_t>::max() - 1;

constexpr Error malformed(const char* const step) noexcept {
    return Error{ErrorCode::malformed, 0, step};
}

/// Whether the header's offsets and counts can be true of a batch with that payload. Compaction takes
/// records out and leaves the last offset, so the count may be smaller than the offsets' range, even 0.
Result<Ok> check_counts(const BatchHeader& header, const std::size_t payload_bytes) {
    if (header.base_offset.value < 0 || header.base_offset.value > base_offset_max) {
        return malformed("base offset of a batch");
    }
    if (header.last_offset_delta < 0 || header.records_count < 0) {
        return malformed("counts of a batch");
    }
    const auto count = static_cast<std::size_t>(header.records_count);
    if (count > static_cast<std::size_t>(header.last_offset_delta) + 1) {
        return malformed("counts of a batch");
    }
    const bool is_plain = header.codec_bits() == 0;
    const std::size_t count_max = is_plain ? payload_bytes / record_bytes_min
                                           : limits::batch_records_max;
    if (count > count_max) {
        return malformed("counts of a batch");
    }
    return Ok{};
}

}  // namespace

BatchHeader decode_batch_header(const ByteView bytes) noexcept {
    LB_ASSERT(bytes.size() >= limits::batch_header_bytes);
    const std::byte* const at = bytes.data();
    BatchHeader header;
    header.base_offset = Offset(load_be<std::int64_t>(at + at_base_offset));
    header.batch_length = load_be<std::int32_t>(at + at_batch_length);
    header.leader_epoch = LeaderEpoch(load_be<std::int32_t>(at + at_leader_epoch));
    header.magic = load_be<std::int8_t>(at + at_magic);
    header.crc = load_be<std::uint32_t>(at + at_crc);
    header.attributes = load_be<std::int16_t>(at + at_attributes);
    header.last_offset_delta = load_be<std::int32_t>(at + at_last_offset_delta);
    header.base_timestamp_ms = load_be<std::int64_t>(at + at_base_timestamp);
    header.max_timestamp_ms = load_be<std::int64_t>(at + at_max_timestamp);
    header.producer_id = ProducerId(load_be<std::int64_t>(at + at_producer_id));
    header.producer_epoch = load_be<std::int16_t>(at + at_producer_epoch);
    header.base_sequence = load_be<std::int32_t>(at + at_base_sequence);
    header.records_count = load_be<std::int32_t>(at + at_records_count);
    return header;
}

void encode_batch_header(const BatchHeader& header, std::byte* const to) noexcept {
    store_be(to + at_base_offset, header.base_offset.value);
    store_be(to + at_batch_length, header.batch_length);
    store_be(to + at_leader_epoch, header.leader_epoch.value);
    store_be(to + at_magic, header.magic);
    store_be(to + at_crc, header.crc);
    store_be(to + at_attributes, header.attributes);
    store_be(to + at_last_offset_delta, header.last_offset_delta);
    store_be(to + at_base_timestamp, header.base_timestamp_ms);
    store_be(to + at_max_timestamp, header.max_timestamp_ms);
    store_be(to + at_producer_id, header.producer_id.value);
    store_be(to + at_producer_epoch, header.producer_epoch);
    store_be(to + at_base_sequence, header.base_sequence);
    store_be(to + at_records_count, header.records_count);
}

std::uint32_t compute_batch_crc(const ByteView batch) noexcept {
    LB_ASSERT(batch.size() >= limits::batch_header_bytes);
    return codec::crc32c(batch.subspan(at_attributes));
}

std::optional<std::uint64_t> claimed_batch_size(const ByteView bytes) noexcept {
    if (bytes.size() < batch_prefix_bytes) {
        return std::nullopt;
    }
    const auto length = load_be<std::int32_t>(bytes.data() + at_batch_length);
    return length < 0 ? 0 : static_cast<std::uint64_t>(length) + batch_prefix_bytes;
}

Result<BatchView> BatchView::parse(const ByteView bytes, const std::size_t size_max) {
    if (bytes.size() < limits::batch_header_bytes) {
        return malformed("header of a batch");
    }
    const BatchHeader header = decode_batch_header(bytes);
    if (header.magic != batch_magic) {
        return Error{ErrorCode::unsupported, 0, "magic of a batch"};
    }
    const std::uint64_t size = *claimed_batch_size(bytes);
    if (size < limits::batch_header_bytes || size > bytes.size()) {
        return malformed("length of a batch");
    }
    if (size > size_max) {
        return Error{ErrorCode::too_large, 0, "length of a batch"};
    }
    if (header.codec_bits() > codec_bits_max) {
        return Error{ErrorCode::unsupported, 0, "codec of a batch"};
    }
    LB_CHECK(check_counts(header, size - limits::batch_header_bytes));
    return BatchView(header, bytes.first(size));
}

Result<Ok> BatchView::check_crc() const {
    if (compute_batch_crc(bytes_) != header_.crc) {
        return Error{ErrorCode::corrupt, 0, "checksum of a batch"};
    }
    return Ok{};
}

Result<ByteView> BatchView::records(Buffer& scratch, const std::size_t size_max) const {
    if (codec_id() == codec::CodecId::none) {
        return payload();
    }
    LB_CHECK(codec::decompress(codec_id(), payload(), size_max, scratch));
    return scratch.view();
}

void patch_base_offset(
    const MutableByteView batch, const Offset base_offset, const LeaderEpoch leader_epoch
) noexcept {
    LB_ASSERT(batch.size() >= limits::batch_header_bytes);
    store_be(batch.data() + at_base_offset, base_offset.value);
    store_be(batch.data() + at_leader_epoch, leader_epoch.value);
}

void patch_append_time(const MutableByteView batch, const std::int64_t now_ms) noexcept {
    LB_ASSERT(batch.size() >= limits::batch_header_bytes);
    const auto attributes = load_be<std::int16_t>(batch.data() + at_attributes);
    store_be(
        batch.data() + at_attributes,
        static_cast<std::int16_t>(attributes | attribute_log_append_time)
    );
    store_be(batch.data() + at_max_timestamp, now_ms);
    store_be(batch.data() + at_crc, compute_batch_crc(batch));
}

}  // namespace logboom::record
