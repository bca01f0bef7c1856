#include "shared/json/json_value.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::json;

namespace {

JsonValue parsed(const std::string_view text) {
    Result<JsonValue> value = parse_json(text);
    BOOST_REQUIRE(value.has_value());
    return std::move(*value);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_value)

BOOST_AUTO_TEST_CASE(what_is_no_json_is_malformed) {
    for (const char* const text :
         {"", "{", "[1,]", "{\"a\":}", "nul", "1 2", "\"\xff\"", "{1:2}"}) {
        BOOST_TEST((parse_json(text).code() == ErrorCode::malformed), text);
    }
}

BOOST_AUTO_TEST_CASE(a_zero_byte_does_not_end_the_text) {
    using namespace std::string_view_literals;
    for (const std::string_view text : {"7\0"sv, "7\0x"sv, "[]\0[]"sv, "\0"sv, "[1,\0]"sv}) {
        BOOST_TEST((parse_json(text).code() == ErrorCode::malformed));
    }
}

BOOST_AUTO_TEST_CASE(half_of_a_surrogate_pair_is_no_text) {
    for (const char* const text :
         {R"("\ude00")", R"("x\udfffy")", R"("\ud83d")", R"({"\udc00":1})"}) {
        BOOST_TEST((parse_json(text).code() == ErrorCode::malformed), text);
    }
    BOOST_TEST(parse_json(R"(["\ud83d\ude00","\ud7ff","\ue000"])").has_value());
}

BOOST_AUTO_TEST_CASE(nesting_has_a_limit) {
    const std::string deep(json_depth_max, '[');
    BOOST_TEST(parse_json(deep + std::string(json_depth_max, ']')).has_value());
    BOOST_TEST((parse_json(deep + "[").code() == ErrorCode::too_large));
    BOOST_TEST((parse_json(std::string(1'000'000, '[')).code() == ErrorCode::too_large));
}

BOOST_AUTO_TEST_CASE(members_are_found_by_name_and_kind) {
    const JsonValue value =
        parsed(R"({"host":"web01","n":42,"big":18446744073709551615,"x":1.5,"none":null})");
    BOOST_TEST(value.text("host") == "web01");
    BOOST_TEST(value.number("n").value() == 42);
    BOOST_TEST(!value.number("host").has_value());
    BOOST_TEST(!value.number("big").has_value());
    BOOST_TEST(!value.number("x").has_value());
    BOOST_TEST(value.text("n").empty());
    BOOST_TEST(value.text("missing").empty());
    BOOST_TEST((value.member("none") != nullptr));
    BOOST_TEST((value.array() == nullptr));
}

BOOST_AUTO_TEST_CASE(arrays_keep_their_order_and_objects_inside_them) {
    const JsonValue value = parsed(R"([{"a":{"b":"c"}},[],true])");
    BOOST_REQUIRE((value.array() != nullptr));
    BOOST_REQUIRE(value.array()->size() == 3u);
    BOOST_TEST(value.array()->front().member("a")->text("b") == "c");
    BOOST_TEST((value.array()->at(1).array() != nullptr));
    BOOST_TEST((parsed("7").member("a") == nullptr));
}

BOOST_AUTO_TEST_SUITE_END()
