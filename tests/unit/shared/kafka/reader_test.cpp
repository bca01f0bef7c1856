#define BOOST_TEST_MODULE shared_kafka
#include "shared/kafka/reader.h"

#include "shared/base/limits.h"
#include "shared/kafka/writer.h"
#include "tests/unit/shared/kafka/hex.h"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <string>
#include <string_view>

using namespace logboom;
using namespace logboom::kafka;

namespace {

std::string problem_of(const Reader& reader) {
    return reader.failed() ? reader.error().step : "nothing";
}

/// Bytes of a message whose frame is as long as its array claims, and longer than any array may be.
Buffer zeros(const std::size_t size) {
    Buffer buffer;
    buffer.resize(size);
    std::fill(buffer.mutable_view().begin(), buffer.mutable_view().end(), std::byte{0});
    return buffer;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kafka_reader)

BOOST_AUTO_TEST_CASE(a_field_that_is_cut_off_fails_the_reader_for_good) {
    const Buffer bytes = from_hex("000102");
    Reader reader(bytes.view());
    BOOST_TEST(reader.i32() == 0);
    BOOST_TEST(problem_of(reader) == "a field is cut off");
    BOOST_TEST(reader.i8() == 0);  // although three bytes were left
    BOOST_TEST(reader.remaining_bytes() == 0u);
}

BOOST_AUTO_TEST_CASE(an_array_count_beyond_the_frame_is_refused_before_anything_is_allocated) {
    const Buffer classic = from_hex("7fffffff0000");
    Reader reader(classic.view());
    BOOST_TEST(reader.array(Form::classic, 1) == 0u);
    BOOST_TEST(problem_of(reader) == "an array is longer than its frame");

    const Buffer compact = from_hex("ffffffff0f00");
    Reader other(compact.view());
    BOOST_TEST(other.array(Form::compact, 4) == 0u);
    BOOST_TEST(problem_of(other) == "an array is longer than its frame");
}

BOOST_AUTO_TEST_CASE(the_elements_of_all_arrays_of_a_message_have_one_ceiling) {
    Buffer bytes = zeros(4 + limits::kafka_array_max + 1);
    Buffer counted;
    Writer writer(counted);
    writer.array(limits::kafka_array_max, Form::classic);
    std::copy(counted.view().begin(), counted.view().end(), bytes.data());
    Reader reader(bytes.view());
    BOOST_TEST(reader.array(Form::classic, 1) == limits::kafka_array_max);

    const Buffer one_more = from_hex("02");
    Reader part = reader.part(0);
    BOOST_TEST(!part.failed());
    reader.absorb(part);
    bytes.data()[4] = std::byte{2};
    BOOST_TEST(reader.array(Form::compact, 1) == 0u);
    BOOST_TEST(problem_of(reader) == "a message has too many array elements");
}

BOOST_AUTO_TEST_CASE(null_is_refused_where_the_version_has_none) {
    const Buffer bytes = from_hex("00");
    Reader text(bytes.view());
    BOOST_TEST(text.string(Form::compact) == "");
    BOOST_TEST(problem_of(text) == "a string is null that may not be");

    Reader array(bytes.view());
    BOOST_TEST(array.array(Form::compact, 1) == 0u);
    BOOST_TEST(problem_of(array) == "an array is null that may not be");

    Reader blob(bytes.view());
    BOOST_TEST(blob.bytes(Form::compact).empty());
    BOOST_TEST(problem_of(blob) == "bytes are null that may not be");
}

BOOST_AUTO_TEST_CASE(a_length_below_minus_one_is_refused) {
    const Buffer bytes = from_hex("fffe");
    Reader reader(bytes.view());
    BOOST_TEST(!reader.nullable_string(Form::classic).has_value());
    BOOST_TEST(problem_of(reader) == "a length is negative");
}

BOOST_AUTO_TEST_CASE(a_string_over_32767_bytes_is_refused_in_compact_form_too) {
    Buffer bytes;
    Writer writer(bytes);
    writer.uvarint(32768 + 1);
    const Buffer content = zeros(32768);
    bytes.append(content.view());
    Reader reader(bytes.view());
    BOOST_TEST(reader.string(Form::compact) == "");
    BOOST_TEST(problem_of(reader) == "a string is longer than 32767 bytes");
}

BOOST_AUTO_TEST_CASE(a_varint_of_more_than_32_bits_is_refused) {
    for (const std::string_view hex : {"ffffffff1f", "ffffffffff01", "808080808080"}) {
        const Buffer bytes = from_hex(hex);
        Reader reader(bytes.view());
        BOOST_TEST(reader.uvarint() == 0u);
        BOOST_TEST(problem_of(reader) == "a varint is longer than 32 bits");
    }
}

BOOST_AUTO_TEST_CASE(tagged_fields_out_of_order_or_repeated_are_refused) {
    for (const std::string_view hex : {"0201000000", "0201000100"}) {
        const Buffer bytes = from_hex(hex);
        Reader reader(bytes.view());
        reader.skip_tags();
        BOOST_TEST(problem_of(reader) == "tagged fields are not in ascending order");
    }
}

BOOST_AUTO_TEST_CASE(more_tagged_fields_than_a_frame_can_hold_are_refused) {
    const Buffer bytes = from_hex("0500010001");
    Reader reader(bytes.view());
    reader.skip_tags();
    BOOST_TEST(problem_of(reader) == "a struct has too many tagged fields");
}

BOOST_AUTO_TEST_CASE(a_tagged_field_longer_than_its_struct_is_refused) {
    const Buffer bytes = from_hex("010504aabb");
    Reader reader(bytes.view());
    reader.skip_tags();
    BOOST_TEST(problem_of(reader) == "a field is cut off");
}

BOOST_AUTO_TEST_CASE(a_tagged_field_that_is_too_short_for_its_type_fails_the_message) {
    const Buffer bytes = from_hex("010002aabb");
    Reader reader(bytes.view());
    for (TagReader tags(reader); tags.next();) {
        BOOST_TEST(tags.content().i32() == 0);
    }
    BOOST_TEST(problem_of(reader) == "a field is cut off");
}

BOOST_AUTO_TEST_CASE(unknown_tagged_fields_are_skipped) {
    const Buffer bytes = from_hex("02 05 01 aa 09 02 bbcc 2a");
    Reader reader(bytes.view());
    reader.skip_tags();
    BOOST_TEST(reader.i8() == 42);
    BOOST_TEST(!reader.failed());
}

BOOST_AUTO_TEST_CASE(a_bool_is_true_for_any_byte_but_zero) {
    const Buffer bytes = from_hex("0001ff");
    Reader reader(bytes.view());
    BOOST_TEST(!reader.boolean());
    BOOST_TEST(reader.boolean());
    BOOST_TEST(reader.boolean());
}

BOOST_AUTO_TEST_CASE(what_the_writer_wrote_is_read_back) {
    const Uuid id{{std::byte{1}, std::byte{2}}};
    for (const Form form : {Form::classic, Form::compact}) {
        Buffer bytes;
        Writer writer(bytes);
        writer.boolean(true);
        writer.i8(-8);
        writer.i16(std::numeric_limits<std::int16_t>::min());
        writer.u16(65535);
        writer.i32(-2);
        writer.i64(std::numeric_limits<std::int64_t>::max());
        writer.uvarint(std::numeric_limits<std::uint32_t>::max());
        writer.uuid(id);
        writer.string("topic", form);
        writer.nullable_string(std::nullopt, form);
        writer.nullable_string("", form);
        writer.bytes(as_bytes("bytes"), form);
        writer.records(Records{.is_null = true}, form);
        writer.records(Records{}, form);
        writer.null_array(form);
        writer.array(0, form);

        Reader reader(bytes.view());
        BOOST_TEST(reader.boolean());
        BOOST_TEST(reader.i8() == -8);
        BOOST_TEST(reader.i16() == std::numeric_limits<std::int16_t>::min());
        BOOST_TEST(reader.u16() == 65535u);
        BOOST_TEST(reader.i32() == -2);
        BOOST_TEST(reader.i64() == std::numeric_limits<std::int64_t>::max());
        BOOST_TEST(reader.uvarint() == std::numeric_limits<std::uint32_t>::max());
        BOOST_TEST((reader.uuid() == id));
        BOOST_TEST(reader.string(form) == "topic");
        BOOST_TEST(!reader.nullable_string(form).has_value());
        BOOST_TEST((reader.nullable_string(form) == ""));
        BOOST_TEST(as_text(reader.bytes(form)) == "bytes");
        BOOST_TEST(reader.records(form).is_null);
        BOOST_TEST(!reader.records(form).is_null);
        BOOST_TEST(!reader.nullable_array(form, 1).has_value());
        BOOST_TEST(reader.array(form, 1) == 0u);
        BOOST_TEST(!reader.failed());
        BOOST_TEST(reader.remaining_bytes() == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_uuid_is_written_as_kafkas_tools_write_it) {
    BOOST_TEST(to_string(Uuid{}) == "AAAAAAAAAAAAAAAAAAAAAA");
    Uuid id;
    id.bytes.fill(std::byte{0xff});
    BOOST_TEST(to_string(id) == "_____________________w");
    id.bytes.fill(std::byte{0});
    id.bytes[15] = std::byte{1};
    BOOST_TEST(to_string(id) == "AAAAAAAAAAAAAAAAAAAAAQ");
}

BOOST_AUTO_TEST_SUITE_END()
