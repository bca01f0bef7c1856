#include "shared/config/scan.h"

#include <boost/test/unit_test.hpp>

using logboom::config::find_stray_character;

BOOST_AUTO_TEST_SUITE(scan)

BOOST_AUTO_TEST_CASE(a_character_beyond_ascii_outside_of_quotes_is_found) {
    BOOST_TEST(find_stray_character("k\u00e4se = 1").value() == 1u);
    BOOST_TEST(find_stray_character("a = 'b' \u00e4").value() == 8u);
    BOOST_TEST(find_stray_character("a = \"b\\\"\u00e4\" \u00e4").value() == 12u);
    BOOST_TEST(find_stray_character("a = 'open\n\u00e4 = 1").value() == 10u);
    BOOST_TEST(find_stray_character("a = '''x'''''\u00e4").value() == 13u);
    BOOST_TEST(find_stray_character("a = \"\"\"x\\\n  \u00e4\"\"\"").value() == 12u);
}

BOOST_AUTO_TEST_CASE(a_quote_amid_a_value_begins_no_string) {
    BOOST_TEST(find_stray_character("a = 2||':.d*\xCB\xBF").value() == 12u);
    BOOST_TEST(find_stray_character("a = 2.'\u00e4'").value() == 7u);
    BOOST_TEST(find_stray_character("a = [\n2.'\u00e4']").value() == 9u);
    BOOST_TEST(find_stray_character("a = 'b''\u00e4'").value() == 8u);
    BOOST_TEST(find_stray_character("k'\u00e4' = 1").value() == 2u);
    BOOST_TEST(!find_stray_character("a.'\u00e4' = ['\u00e4','\u00e4', {b='\u00e4'}]").has_value());
    BOOST_TEST(!find_stray_character("a = [1]\n[b.'\u00e4']\nc.\"\u00e4\"=1").has_value());
}

BOOST_AUTO_TEST_CASE(brackets_and_equals_signs_amid_a_value_begin_none_either) {
    BOOST_TEST(find_stray_character("a = -${\"\\\u00e4\"").value() == 9u);
    BOOST_TEST(find_stray_character("a = 1['\u00e4']").value() == 7u);
    BOOST_TEST(find_stray_character("a = -='\u00e4'").value() == 7u);
    BOOST_TEST(find_stray_character("a = {b=-='\u00e4'}").value() == 10u);
    BOOST_TEST(find_stray_character("a = 1[\nb.'\u00e4' = -.'\u00e4'").value() == 19u);
    BOOST_TEST(!find_stray_character(
                    "a = {b.'\u00e4'='\u00e4', c=[{d='\u00e4'},'\u00e4'], e={}, '\u00e4'=1}"
    )
                    .has_value());
}

BOOST_AUTO_TEST_CASE(quotes_and_comments_may_have_any_character) {
    BOOST_TEST(!find_stray_character("# \u00e4\na = \"\u00e4\" # \u00e4\n'\u00e4' = 1").has_value()
    );
    BOOST_TEST(!find_stray_character("a = \"\"\"\n\u00e4 \"\" \u00e4\n\"\"\"").has_value());
    BOOST_TEST(!find_stray_character("a = '''\\\n\u00e4'''").has_value());
    BOOST_TEST(!find_stray_character("a = 'C:\\'\nb = \"\u00e4\"").has_value());
    BOOST_TEST(!find_stray_character("").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
