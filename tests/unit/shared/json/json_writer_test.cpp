#define BOOST_TEST_MODULE shared_json
#include "shared/json/json_writer.h"

#include "tests/support/dies.h"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>

using logboom::json::JsonWriter;
using logboom::test::dies;
using namespace std::string_view_literals;

namespace {

std::string written(const std::string_view text) {
    JsonWriter json;
    json.text(text);
    return json.take();
}

std::string written(const std::int64_t number) {
    JsonWriter json;
    json.number(number);
    return json.take();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_writer)

BOOST_AUTO_TEST_CASE(a_value_that_is_not_finished_is_not_handed_out) {
    BOOST_TEST(dies([] { static_cast<void>(JsonWriter().take()); }));
    BOOST_TEST(dies([] {
        JsonWriter json;
        json.begin_object();
        json.key("a");
        json.begin_array();
        json.end_array();
        static_cast<void>(json.take());
    }));
}

BOOST_AUTO_TEST_CASE(quotes_backslashes_and_control_characters_are_escaped) {
    BOOST_TEST(written("say \"hi\"") == R"("say \"hi\"")");
    BOOST_TEST(written("C:\\logs") == R"("C:\\logs")");
    BOOST_TEST(written("a\nb\rc\td\be\f") == R"("a\nb\rc\td\be\f")");
    for (int code = 0; code < 0x20; ++code) {
        const char raw = static_cast<char>(code);
        const std::string json = written(std::string_view(&raw, 1));
        BOOST_TEST(json.find(raw) == std::string::npos);
        BOOST_TEST(json.substr(0, 2) == "\"\\");
        std::array<char, 16> long_form{};
        std::snprintf(long_form.data(), long_form.size(), "\"\\u%04X\"", code);
        const bool has_short_form = "\b\f\n\r\t"sv.find(raw) != std::string_view::npos;
        BOOST_TEST((has_short_form ? json.size() == 4 : json == long_form.data()), code);
    }
}

BOOST_AUTO_TEST_CASE(everything_else_is_written_as_it_is) {
    std::string plain;
    for (int code = 0x20; code <= 0x7F; ++code) {
        if (code != '"' && code != '\\') {
            plain += static_cast<char>(code);
        }
    }
    BOOST_TEST(written(plain) == '"' + plain + '"');
    // Two, three and four bytes; U+2028 is a line end for some readers of JavaScript, not for JSON.
    BOOST_TEST(written("Grüße €100 \U0001F4A5 \u2028") == "\"Grüße €100 \U0001F4A5 \u2028\"");
}

BOOST_AUTO_TEST_CASE(a_zero_byte_ends_neither_text_nor_key) {
    JsonWriter json;
    json.begin_object();
    json.text_field("a\0b"sv, "c\0d"sv);
    json.end_object();
    BOOST_TEST(json.take() == R"({"a\u0000b":"c\u0000d"})");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_pass_through_and_spoil_nothing_around_them) {
    // The caller makes text valid; if it does not, the grammar holds all the same.
    for (const std::string_view bad :
         {"\x80"sv,
          "\xC3"sv,
          "\xE2\x82"sv,
          "\xF0\x9F\x92"sv,
          "\xC0\xAF"sv,
          "\xED\xA0\x80"sv,
          "\xF5\x80\x80\x80"sv,
          "\xFF\xFE"sv}) {
        JsonWriter json;
        json.begin_array();
        json.text(std::string(bad) + "\"");
        json.text("after");
        json.end_array();
        BOOST_TEST(json.take() == "[\"" + std::string(bad) + R"(\"","after"])");
    }
}

BOOST_AUTO_TEST_CASE(text_without_bytes_is_an_empty_string) {
    BOOST_TEST(written(std::string_view()) == R"("")");
    BOOST_TEST(written("") == R"("")");
    JsonWriter json;
    json.begin_object();
    json.text_field({}, {});
    json.end_object();
    BOOST_TEST(json.take() == R"({"":""})");
}

BOOST_AUTO_TEST_CASE(numbers_keep_all_64_bits) {
    BOOST_TEST(written(0) == "0");
    BOOST_TEST(written(-1) == "-1");
    BOOST_TEST(written(9'007'199'254'740'993) == "9007199254740993");  // 2^53 + 1: no double
    BOOST_TEST(written(std::numeric_limits<std::int64_t>::max()) == "9223372036854775807");
    BOOST_TEST(written(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
}

BOOST_AUTO_TEST_CASE(values_nest_without_white_space) {
    JsonWriter json;
    json.begin_object();
    json.text_field("topic", "logs");
    json.number_field("offset", 42);
    json.key("fields");
    json.begin_array();
    json.null();
    json.boolean(true);
    json.boolean(false);
    json.begin_object();
    json.end_object();
    json.begin_array();
    json.end_array();
    json.end_array();
    json.key("empty");
    json.begin_object();
    json.end_object();
    json.end_object();
    BOOST_TEST(
        json.take() == R"({"topic":"logs","offset":42,"fields":[null,true,false,{},[]],"empty":{}})"
    );
}

BOOST_AUTO_TEST_CASE(nesting_has_no_depth_of_its_own) {
    constexpr std::size_t depth = 10'000;
    JsonWriter json;
    for (std::size_t i = 0; i < depth; ++i) {
        json.begin_array();
    }
    for (std::size_t i = 0; i < depth; ++i) {
        json.end_array();
    }
    BOOST_TEST((json.take() == std::string(depth, '[') + std::string(depth, ']')));
}

BOOST_AUTO_TEST_CASE(a_writer_begins_anew_after_each_value) {
    JsonWriter json;
    for (int i = 0; i < 3; ++i) {
        json.begin_array();
        json.number(i);
        json.end_array();
        BOOST_TEST(json.take() == "[" + std::to_string(i) + "]");
    }
}

BOOST_AUTO_TEST_CASE(what_was_taken_does_not_change_with_the_writer) {
    JsonWriter json;
    json.text(std::string(1000, 'a'));
    const std::string first = json.take();
    json.text(std::string(1000, 'b'));
    BOOST_TEST((first == '"' + std::string(1000, 'a') + '"'));
    BOOST_TEST((json.take() == '"' + std::string(1000, 'b') + '"'));
}

BOOST_AUTO_TEST_SUITE_END()
