#include "shared/kafka/reader.h"

#include "shared/base/limits.h"

#include <cstring>
#include <limits>

namespace logboom::kafka {

Error Reader::error() const noexcept {
    LB_ASSERT(failed());
    return Error{ErrorCode::malformed, 0, problem_};
}

void Reader::fail(const char* const problem) noexcept {
    if (problem_ == nullptr) {
        problem_ = problem;
    }
    bytes_ = {};
}

ByteView Reader::take(const std::size_t size) noexcept {
    if (size > bytes_.size()) {
        fail("a field is cut off");
        return {};
    }
    const ByteView taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
}

std::uint64_t Reader::big_endian(const std::size_t size) noexcept {
    std::uint64_t value = 0;
    for (const std::byte byte : take(size)) {
        value = (value << 8u) | std::to_integer<std::uint64_t>(byte);
    }
    return value;
}

std::uint32_t Reader::uvarint() noexcept {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift <= 28; shift += 7) {
        const auto group = static_cast<std::uint32_t>(big_endian(1));
        if (shift == 28 && group > 0x0f) {
            break;
        }
        value |= (group & 0x7fu) << shift;
        if ((group & 0x80u) == 0) {
            return value;
        }
    }
    fail("a varint is longer than 32 bits");
    return 0;
}

Uuid Reader::uuid() noexcept {
    Uuid id;
    if (const ByteView taken = take(id.bytes.size()); !taken.empty()) {
        std::memcpy(id.bytes.data(), taken.data(), id.bytes.size());
    }
    return id;
}

std::int64_t Reader::length(const Form form, const std::size_t classic_bytes) noexcept {
    if (form == Form::compact) {
        return static_cast<std::int64_t>(uvarint()) - 1;
    }
    const std::int64_t value = classic_bytes == 2 ? i16() : i32();
    if (value < -1) {
        fail("a length is negative");
        return 0;
    }
    return value;
}

std::optional<std::string_view> Reader::nullable_string(const Form form) noexcept {
    const std::int64_t size = length(form, 2);
    if (size < 0 || failed()) {
        return std::nullopt;
    }
    if (size > std::numeric_limits<std::int16_t>::max()) {
        fail("a string is longer than 32767 bytes");
        return std::nullopt;
    }
    return as_text(take(static_cast<std::size_t>(size)));
}

std::string_view Reader::string(const Form form) noexcept {
    const std::optional<std::string_view> text = nullable_string(form);
    if (!text.has_value()) {
        fail("a string is null that may not be");
    }
    return text.value_or(std::string_view{});
}

Records Reader::records(const Form form) noexcept {
    Records records;
    const std::int64_t size = length(form, 4);
    if (size < 0) {
        records.is_null = true;
    } else {
        records.bytes = take(static_cast<std::size_t>(size));
    }
    return records;
}

ByteView Reader::bytes(const Form form) noexcept {
    const Records found = records(form);
    if (found.is_null) {
        fail("bytes are null that may not be");
    }
    return found.bytes;
}

std::uint32_t Reader::check_count(
    const std::int64_t count, const std::uint32_t element_bytes_min
) noexcept {
    LB_ASSERT(element_bytes_min > 0);
    const auto wanted = static_cast<std::uint64_t>(count);
    if (wanted > bytes_.size() / element_bytes_min) {
        fail("an array is longer than its frame");
        return 0;
    }
    if (wanted > limits::kafka_array_max - elements_) {
        fail("a message has too many array elements");
        return 0;
    }
    elements_ += static_cast<std::uint32_t>(wanted);
    return static_cast<std::uint32_t>(wanted);
}

std::optional<std::uint32_t> Reader::nullable_array(
    const Form form, const std::uint32_t element_bytes_min
) noexcept {
    const std::int64_t count = length(form, 4);
    if (count < 0) {
        return std::nullopt;
    }
    return check_count(count, element_bytes_min);
}

std::uint32_t Reader::array(const Form form, const std::uint32_t element_bytes_min) noexcept {
    const std::optional<std::uint32_t> count = nullable_array(form, element_bytes_min);
    if (!count.has_value()) {
        fail("an array is null that may not be");
    }
    return count.value_or(0);
}

std::uint32_t Reader::tag_count() noexcept {
    const std::uint32_t count = uvarint();
    // A tagged field has at least its number and its size.
    if (count > limits::kafka_tags_max || count > bytes_.size() / 2) {
        fail("a struct has too many tagged fields");
        return 0;
    }
    return count;
}

void Reader::skip_tags() noexcept {
    for (TagReader tags(*this); tags.next();) {}
}

Reader Reader::part(const std::uint32_t size) noexcept {
    Reader inner(take(size));
    inner.elements_ = elements_;
    return inner;
}

void Reader::absorb(const Reader& part) noexcept {
    elements_ = part.elements_;
    if (part.failed()) {
        fail(part.problem_);
    }
}

bool TagReader::next() noexcept {
    if (!is_first_) {
        reader_.absorb(content_);
    }
    if (left_ == 0 || reader_.failed()) {
        return false;
    }
    --left_;
    const std::uint32_t number = reader_.uvarint();
    if (!is_first_ && number <= number_) {
        reader_.fail("tagged fields are not in ascending order");
        return false;
    }
    is_first_ = false;
    number_ = number;
    const std::uint32_t size = reader_.uvarint();
    content_ = reader_.part(size);
    return !reader_.failed();
}

}  // namespace logboom::kafka
