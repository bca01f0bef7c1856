// Writes the primitive types of the Kafka protocol.
#pragma once

#include "shared/base/bytes.h"
#include "shared/kafka/reader.h"
#include "shared/kafka/records.h"
#include "shared/kafka/uuid.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace logboom::kafka {

/// Where record bytes belong that were not copied into the output: the sender sends the output up to
/// `position`, then `size_bytes` of its own, then the rest of the output.
struct Splice {
    std::size_t position = 0;  ///< in the output buffer, from its beginning
    std::uint32_t size_bytes = 0;

    friend bool operator==(const Splice&, const Splice&) = default;
};

/// Appends to a buffer that outlives it.
///
/// Null where the version allows none, and text over 32767 bytes, are mistakes of the caller and
/// asserted.
class Writer {
public:
    explicit Writer(Buffer& out) noexcept : out_(out) {}

    void boolean(const bool value) { i8(value ? 1 : 0); }
    void i8(const std::int8_t value) { big_endian(static_cast<std::uint64_t>(value), 1); }
    void i16(const std::int16_t value) { big_endian(static_cast<std::uint64_t>(value), 2); }
    void u16(const std::uint16_t value) { big_endian(value, 2); }
    void i32(const std::int32_t value) { big_endian(static_cast<std::uint64_t>(value), 4); }
    void i64(const std::int64_t value) { big_endian(static_cast<std::uint64_t>(value), 8); }
    void uvarint(std::uint32_t value);
    void uuid(const Uuid& id) { out_.append(ByteView(id.bytes)); }

    void string(std::string_view text, Form form);
    void nullable_string(std::optional<std::string_view> text, Form form);
    void bytes(ByteView bytes, Form form);
    /// Copies `bytes`, or notes a splice point when only `spliced_bytes` is set.
    void records(const Records& records, Form form);

    void array(std::size_t count, Form form);
    void null_array(Form form);
    /// The end of a struct in compact form without tagged fields.
    void no_tags() { uvarint(0); }
    void raw(const ByteView bytes) { out_.append(bytes); }

    /// In the order of the fields, which is the order of the partitions that have spliced records.
    [[nodiscard]] const std::vector<Splice>& splices() const noexcept { return splices_; }

    /// Leaves room for a frame's size; what `end_frame` needs is returned. Frames do not nest.
    [[nodiscard]] std::size_t begin_frame();
    /// Fills in the size of the frame begun at `frame_position`, spliced bytes included.
    void end_frame(std::size_t frame_position);

private:
    void big_endian(std::uint64_t value, std::size_t size);
    void length(std::size_t size, Form form, std::size_t classic_bytes);
    void null_length(Form form, std::size_t classic_bytes);

    Buffer& out_;
    std::vector<Splice> splices_;
};

/// Collects the tagged fields at the end of a struct, in ascending order of their numbers.
class TagWriter {
public:
    explicit TagWriter(Writer& out) noexcept : out_(out), content_(content_bytes_) {}

    /// Where the content of tagged field `number` is to be written before the next call.
    [[nodiscard]] Writer& add(std::uint32_t number);
    void finish();

private:
    void close_field();

    Writer& out_;
    Buffer fields_;  // number, size and content of each
    Buffer content_bytes_;
    Writer content_;
    std::uint32_t count_ = 0;
    std::uint32_t number_ = 0;
};

/// Whether a tagged struct may be left out.
template <typename Struct>
[[nodiscard]] bool is_default(const Struct& value) {
    return value == Struct();
}

}  // namespace logboom::kafka
