#include "collector/ctl/paint.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;

namespace {

RecordRow row_of(const std::string_view host, const std::string_view path) {
    RecordRow row;
    row.headers = {{"lb.host", as_bytes(host)}, {"lb.path", as_bytes(path)}};
    return row;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(paint)

BOOST_AUTO_TEST_CASE(the_flag_decides_before_the_environment_and_that_before_the_terminal) {
    Terminal terminal;
    BOOST_TEST(!wants_color(ColorWish::automatic, terminal));
    terminal.is_terminal = true;
    BOOST_TEST(wants_color(ColorWish::automatic, terminal));
    terminal.term = "dumb";
    BOOST_TEST(!wants_color(ColorWish::automatic, terminal));
    terminal.clicolor_force = "0";
    BOOST_TEST(!wants_color(ColorWish::automatic, terminal));
    terminal.clicolor_force = "1";
    BOOST_TEST(wants_color(ColorWish::automatic, terminal));
    terminal.no_color = "1";
    BOOST_TEST(!wants_color(ColorWish::automatic, terminal));
    BOOST_TEST(wants_color(ColorWish::always, terminal));
    terminal.no_color.clear();
    BOOST_TEST(!wants_color(ColorWish::never, terminal));
}

BOOST_AUTO_TEST_CASE(without_colours_text_stays_as_it_is) {
    const Paint off(false);
    BOOST_TEST(off.level(3, "error") == "error");
    BOOST_TEST(off.match("x") == "x");
    BOOST_TEST(off.stream(row_of("a", "b"), "a") == "a");
    BOOST_TEST(Paint(true).match("").empty());
    BOOST_TEST(Paint(true).level(9, "x") == "x");
}

BOOST_AUTO_TEST_CASE(a_stream_keeps_its_hue_and_others_have_others) {
    const Paint paint(true);
    const std::string first = paint.stream(row_of("web01", "/a"), "x");
    BOOST_TEST(first == paint.stream(row_of("web01", "/a"), "x"));
    BOOST_TEST(first != paint.stream(row_of("web01", "/b"), "x"));
    BOOST_TEST(first != paint.stream(row_of("web02", "/a"), "x"));
}

BOOST_AUTO_TEST_SUITE_END()
