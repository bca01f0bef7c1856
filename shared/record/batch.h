// Kafka's record batch v2: its header, and a view of one whole batch. FORMAT.md has every field.
//
// A view borrows: the bytes belong to a receive buffer, a log read or a cache and outlive it.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/limits.h"
#include "shared/base/result.h"
#include "shared/base/strong.h"
#include "shared/codec/compression.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace logboom::record {

/// Bytes before the length field counts: base offset and the length itself.
inline constexpr std::uint32_t batch_prefix_bytes = 12;
inline constexpr std::int8_t batch_magic = 2;
/// Producer epoch of a batch from an agent, beside producer id -1: its first record carries the
/// source's cursor. Kafka's clients ignore the epoch when there is no producer id.
inline constexpr std::int16_t agent_mark = 0x4C42;

/// Bits of `attributes`.
inline constexpr std::int16_t attribute_codec_mask = 0x07;
inline constexpr std::int16_t attribute_log_append_time = 0x08;
inline constexpr std::int16_t attribute_transactional = 0x10;
inline constexpr std::int16_t attribute_control = 0x20;
inline constexpr std::int16_t attribute_delete_horizon = 0x40;

/// The 61 bytes before the records, decoded. Values are as found: only `BatchView::parse` checks.
struct BatchHeader {
    Offset base_offset;
    std::int32_t batch_length = 0;  // bytes after this field
    LeaderEpoch leader_epoch;
    std::int8_t magic = 0;
    std::uint32_t crc = 0;
    std::int16_t attributes = 0;
    std::int32_t last_offset_delta = 0;
    std::int64_t base_timestamp_ms = 0;
    std::int64_t max_timestamp_ms = 0;
    ProducerId producer_id{-1};
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    std::int32_t records_count = 0;

    [[nodiscard]] std::uint8_t codec_bits() const noexcept {
        return static_cast<std::uint8_t>(attributes & attribute_codec_mask);
    }
    [[nodiscard]] bool has_log_append_time() const noexcept {
        return (attributes & attribute_log_append_time) != 0;
    }
    [[nodiscard]] bool is_transactional() const noexcept {
        return (attributes & attribute_transactional) != 0;
    }
    [[nodiscard]] bool is_control() const noexcept { return (attributes & attribute_control) != 0; }
    /// Whether the first record carries a source's cursor (the agents' mark).
    [[nodiscard]] bool is_marked() const noexcept {
        return producer_id.value == -1 && producer_epoch == agent_mark;
    }
    [[nodiscard]] Offset last_offset() const noexcept { return base_offset + last_offset_delta; }
    /// Offset of the record after the batch.
    [[nodiscard]] Offset end_offset() const noexcept { return last_offset() + 1; }
};

/// Decodes a header without judging it. `bytes` has at least `limits::batch_header_bytes`.
[[nodiscard]] BatchHeader decode_batch_header(ByteView bytes) noexcept;
/// Writes the 61 bytes at `to`.
void encode_batch_header(const BatchHeader& header, std::byte* to) noexcept;

/// The checksum that belongs to the bytes of one whole batch, whatever its header says.
[[nodiscard]] std::uint32_t compute_batch_crc(ByteView batch) noexcept;

/// Size in bytes of the batch that begins at `bytes`, as its length field claims; nothing if the
/// field is not all there. The claim may be anything: negative lengths give 0.
[[nodiscard]] std::optional<std::uint64_t> claimed_batch_size(ByteView bytes) noexcept;

/// One whole batch whose header does not contradict itself.
class BatchView {
public:
    /// Takes the batch at the front of `bytes`; more may follow it (`size()` tells where).
    ///
    /// Errors: `malformed` if the bytes end before the batch does, its length cannot hold a header, or
    /// its offsets and counts cannot be true (`last_offset()` never overflows afterwards); `too_large`
    /// above `size_max`; `unsupported` for another magic or an unknown codec. The checksum is not looked
    /// at.
    [[nodiscard]] static Result<BatchView> parse(
        ByteView bytes, std::size_t size_max = limits::batch_bytes_max
    );

    [[nodiscard]] const BatchHeader& header() const noexcept { return header_; }
    [[nodiscard]] ByteView bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] codec::CodecId codec_id() const noexcept {
        return static_cast<codec::CodecId>(header_.codec_bits());
    }
    /// The records as stored: compressed if a codec is named.
    [[nodiscard]] ByteView payload() const noexcept {
        return bytes_.subspan(limits::batch_header_bytes);
    }
    /// `corrupt` if the checksum does not belong to the bytes.
    [[nodiscard]] Result<Ok> check_crc() const;

    /// The records, decompressed if need be into `scratch`, which then must outlive the view returned.
    /// Errors as `codec::decompress`; `size_max` bounds the decompressed bytes.
    [[nodiscard]] Result<ByteView> records(
        Buffer& scratch, std::size_t size_max = limits::batch_raw_bytes_max
    ) const;

private:
    BatchView(const BatchHeader& header, const ByteView bytes) noexcept
        : header_(header)
        , bytes_(bytes) {}

    BatchHeader header_;
    ByteView bytes_;
};

/// What the leader fills in. Both fields lie outside the checksum. `batch` is one whole batch.
void patch_base_offset(
    MutableByteView batch, Offset base_offset, LeaderEpoch leader_epoch
) noexcept;

/// For topics with LogAppendTime: sets the time's type and the largest timestamp, and the checksum anew.
void patch_append_time(MutableByteView batch, std::int64_t now_ms) noexcept;

}  // namespace logboom::record
