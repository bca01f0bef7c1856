// Reads the primitive types of the Kafka protocol from foreign bytes.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/kafka/records.h"
#include "shared/kafka/uuid.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace logboom::kafka {

/// How lengths are written: fixed-size integers, or ("flexible" versions) varints of length + 1.
enum class Form : std::uint8_t { classic, compact };

/// A cursor over one frame. What it returns borrows from the frame.
///
/// Failure sticks: after the first field that is cut off or contradicts itself every read returns a
/// zero and nothing remains, so a decoder reads all its fields and asks once at the end. Every count
/// is compared with the bytes that remain before anyone allocates for it.
class Reader {
public:
    explicit Reader(const ByteView bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] bool failed() const noexcept { return problem_ != nullptr; }
    /// What was wrong; `failed()` must hold.
    [[nodiscard]] Error error() const noexcept;
    [[nodiscard]] std::size_t remaining_bytes() const noexcept { return bytes_.size(); }

    [[nodiscard]] bool boolean() noexcept { return i8() != 0; }
    [[nodiscard]] std::int8_t i8() noexcept { return static_cast<std::int8_t>(big_endian(1)); }
    [[nodiscard]] std::int16_t i16() noexcept { return static_cast<std::int16_t>(big_endian(2)); }
    [[nodiscard]] std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(big_endian(2)); }
    [[nodiscard]] std::int32_t i32() noexcept { return static_cast<std::int32_t>(big_endian(4)); }
    [[nodiscard]] std::int64_t i64() noexcept { return static_cast<std::int64_t>(big_endian(8)); }
    [[nodiscard]] std::uint32_t uvarint() noexcept;
    [[nodiscard]] Uuid uuid() noexcept;

    /// At most 32767 bytes in either form, as in Kafka.
    [[nodiscard]] std::string_view string(Form form) noexcept;
    [[nodiscard]] std::optional<std::string_view> nullable_string(Form form) noexcept;
    [[nodiscard]] ByteView bytes(Form form) noexcept;
    /// Null comes back as `is_null`.
    [[nodiscard]] Records records(Form form) noexcept;

    /// Number of elements that follow, each of at least `element_bytes_min` bytes on the wire.
    [[nodiscard]] std::uint32_t array(Form form, std::uint32_t element_bytes_min) noexcept;
    /// Nothing when the array is null.
    [[nodiscard]] std::optional<std::uint32_t> nullable_array(
        Form form, std::uint32_t element_bytes_min
    ) noexcept;

    /// The end of a struct that has no tagged field we know.
    void skip_tags() noexcept;
    /// Number of tagged fields that follow.
    [[nodiscard]] std::uint32_t tag_count() noexcept;

    /// The next `size` bytes as a reader of their own. Elements counted there count here after
    /// `absorb`.
    [[nodiscard]] Reader part(std::uint32_t size) noexcept;
    void absorb(const Reader& part) noexcept;

    void fail(const char* problem) noexcept;

private:
    [[nodiscard]] ByteView take(std::size_t size) noexcept;
    [[nodiscard]] std::uint64_t big_endian(std::size_t size) noexcept;
    /// -1 is null.
    [[nodiscard]] std::int64_t length(Form form, std::size_t classic_bytes) noexcept;
    [[nodiscard]] std::uint32_t check_count(
        std::int64_t count, std::uint32_t element_bytes_min
    ) noexcept;

    ByteView bytes_;
    std::uint32_t elements_ = 0;
    const char* problem_ = nullptr;  // a literal
};

/// Walks over the tagged fields at the end of a struct. A tag nobody handles is skipped, which is what
/// lets newer clients add some.
///
///     for (TagReader tags(reader); tags.next();) {
///         switch (tags.number()) { case 0: x = tags.content().i32(); break; default: break; }
///     }
class TagReader {
public:
    explicit TagReader(Reader& reader) noexcept
        : reader_(reader)
        , left_(reader.tag_count())
        , content_(ByteView{}) {}

    [[nodiscard]] bool next() noexcept;
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
    [[nodiscard]] Reader& content() noexcept { return content_; }

private:
    Reader& reader_;
    std::uint32_t left_;
    Reader content_;
    std::uint32_t number_ = 0;
    bool is_first_ = true;
};

}  // namespace logboom::kafka
