#define BOOST_TEST_MODULE shared_lbq
#include "shared/lbq/text_pattern.h"

#include <boost/test/unit_test.hpp>

using namespace logboom::lbq;

namespace {

TextPattern regex(const std::string_view expression, const Case letters = Case::sensitive) {
    auto made = TextPattern::regex(expression, letters);
    BOOST_REQUIRE(std::holds_alternative<TextPattern>(made));
    return std::get<TextPattern>(std::move(made));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(text_pattern)

BOOST_AUTO_TEST_CASE(a_wrong_expression_says_what_is_wrong) {
    const auto made = TextPattern::regex("a(b", Case::sensitive);
    BOOST_REQUIRE(std::holds_alternative<std::string>(made));
    BOOST_TEST(std::get<std::string>(made).find("missing )") != std::string::npos);
    BOOST_TEST(std::holds_alternative<std::string>(TextPattern::regex("\\xff\xff", Case::sensitive))
    );
}

BOOST_AUTO_TEST_CASE(a_substring_is_taken_as_it_stands) {
    const TextPattern dots = TextPattern::substring("a.b[1]", Case::sensitive);
    BOOST_TEST(dots.matches("x a.b[1] y"));
    BOOST_TEST(!dots.matches("axb1"));
    BOOST_TEST(TextPattern::substring("", Case::sensitive).matches(""));
    BOOST_TEST(TextPattern::substring(std::string_view("a\0b", 3), Case::sensitive)
                   .matches(std::string_view("xa\0by", 5)));
}

BOOST_AUTO_TEST_CASE(folded_letters_match_in_both_cases_of_all_alphabets) {
    BOOST_TEST(TextPattern::substring("ERROR", Case::folded).matches("an Error"));
    BOOST_TEST(!TextPattern::substring("ERROR", Case::sensitive).matches("an Error"));
    BOOST_TEST(TextPattern::substring("größe", Case::folded).matches("GRÖßE"));
    BOOST_TEST(regex("^err", Case::folded).matches("Error"));
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_are_found_as_bytes) {
    const TextPattern latin = TextPattern::substring("caf\xe9", Case::folded);
    BOOST_TEST(latin.matches("CAF\xe9 open"));
    BOOST_TEST(!latin.matches("cafe open"));
    BOOST_TEST(TextPattern::substring("open", Case::folded).matches("caf\xe9 OPEN"));
}

BOOST_AUTO_TEST_CASE(matches_are_found_one_after_the_other) {
    const TextPattern numbers = regex("[0-9]+");
    const std::string_view line = "a 12 b 345";
    BOOST_TEST((numbers.find(line, 0) == Span{2, 4}));
    BOOST_TEST((numbers.find(line, 4) == Span{7, 10}));
    BOOST_TEST(!numbers.find(line, 10).has_value());
    BOOST_TEST((regex("x*").find(line, 0) == Span{0, 0}));
}

BOOST_AUTO_TEST_CASE(an_expression_that_others_take_forever_for_is_done_at_once) {
    const TextPattern nested = regex("(a+)+$");
    BOOST_TEST(!nested.matches(std::string(100'000, 'a') + "b"));
}

BOOST_AUTO_TEST_SUITE_END()
