#include "shared/kafka/writer.h"

#include "shared/base/limits.h"

#include <limits>

namespace logboom::kafka {

void Writer::big_endian(const std::uint64_t value, const std::size_t size) {
    std::byte* const at = out_.extend(size);
    for (std::size_t i = 0; i < size; ++i) {
        at[i] = static_cast<std::byte>((value >> (8 * (size - 1 - i))) & 0xffu);
    }
}

void Writer::uvarint(std::uint32_t value) {
    while (value >= 0x80u) {
        *out_.extend(1) = static_cast<std::byte>((value & 0x7fu) | 0x80u);
        value >>= 7u;
    }
    *out_.extend(1) = static_cast<std::byte>(value);
}

void Writer::length(const std::size_t size, const Form form, const std::size_t classic_bytes) {
    LB_ASSERT(size <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
    if (form == Form::compact) {
        uvarint(static_cast<std::uint32_t>(size + 1));
    } else {
        big_endian(size, classic_bytes);
    }
}

void Writer::null_length(const Form form, const std::size_t classic_bytes) {
    if (form == Form::compact) {
        uvarint(0);
    } else {
        big_endian(~std::uint64_t{0}, classic_bytes);
    }
}

void Writer::string(const std::string_view text, const Form form) {
    LB_ASSERT(text.size() <= static_cast<std::size_t>(std::numeric_limits<std::int16_t>::max()));
    length(text.size(), form, 2);
    out_.append(text);
}

void Writer::nullable_string(const std::optional<std::string_view> text, const Form form) {
    if (text.has_value()) {
        string(*text, form);
    } else {
        null_length(form, 2);
    }
}

void Writer::bytes(const ByteView bytes, const Form form) {
    length(bytes.size(), form, 4);
    out_.append(bytes);
}

void Writer::records(const Records& records, const Form form) {
    if (records.is_null) {
        LB_ASSERT(records.size_bytes() == 0);
        null_length(form, 4);
        return;
    }
    if (records.spliced_bytes == 0) {
        bytes(records.bytes, form);
        return;
    }
    LB_ASSERT(records.bytes.empty());
    length(records.spliced_bytes, form, 4);
    splices_.push_back(Splice{out_.size(), records.spliced_bytes});
}

void Writer::array(const std::size_t count, const Form form) {
    LB_ASSERT(count <= limits::kafka_array_max);
    length(count, form, 4);
}

void Writer::null_array(const Form form) {
    null_length(form, 4);
}

std::size_t Writer::begin_frame() {
    const std::size_t position = out_.size();
    i32(0);
    return position;
}

void Writer::end_frame(const std::size_t frame_position) {
    constexpr std::size_t prefix_bytes = 4;
    LB_ASSERT(out_.size() >= frame_position + prefix_bytes);
    std::size_t size = out_.size() - frame_position - prefix_bytes;
    for (const Splice& splice : splices_) {
        size += splice.position > frame_position ? splice.size_bytes : 0;
    }
    LB_ASSERT(size <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
    for (std::size_t i = 0; i < prefix_bytes; ++i) {
        out_.data()[frame_position + i] =
            static_cast<std::byte>((size >> (8 * (prefix_bytes - 1 - i))) & 0xffu);
    }
}

Writer& TagWriter::add(const std::uint32_t number) {
    LB_ASSERT(count_ == 0 || number > number_);
    close_field();
    number_ = number;
    ++count_;
    return content_;
}

void TagWriter::close_field() {
    if (count_ == 0) {
        return;
    }
    // Records in a tagged field would need their splice point moved; no message has them.
    LB_ASSERT(content_.splices().empty());
    Writer fields(fields_);
    fields.uvarint(number_);
    fields.uvarint(static_cast<std::uint32_t>(content_bytes_.size()));
    fields.raw(content_bytes_.view());
    content_bytes_.clear();
}

void TagWriter::finish() {
    close_field();
    out_.uvarint(count_);
    out_.raw(fields_.view());
}

}  // namespace logboom::kafka
