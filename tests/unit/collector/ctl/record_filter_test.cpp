#include "collector/ctl/record_filter.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::ctl;

namespace {

RecordRow row_of(const std::string_view line, const std::string_view severity = "4") {
    RecordRow row;
    row.value = as_bytes(line);
    row.headers = {
        {"lb.sev", as_bytes(severity)},
        {"lb.host", as_bytes(std::string_view("web01"))},
        {"lb.path", as_bytes(std::string_view("/var/log/app/a.log"))}};
    return row;
}

RecordFilter filter_of(const FilterOptions& options) {
    auto made = RecordFilter::make(options);
    BOOST_REQUIRE(made.has_value());
    return std::move(made).value();
}

bool shows(const FilterOptions& options, const RecordRow& row) {
    return filter_of(options).matches(row);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record_filter)

BOOST_AUTO_TEST_CASE(a_wrong_expression_is_a_usage_failure) {
    FilterOptions options;
    options.expressions = {"*"};
    const auto made = RecordFilter::make(options);
    BOOST_REQUIRE(!made.has_value());
    BOOST_TEST((made.error().exit_code == ExitCode::usage));
}

BOOST_AUTO_TEST_CASE(without_a_wish_everything_is_shown) {
    BOOST_TEST(RecordFilter().matches(RecordRow()));
    BOOST_TEST(shows({}, row_of("x")));
}

BOOST_AUTO_TEST_CASE(all_texts_must_occur_and_all_expressions_match) {
    FilterOptions options;
    options.substrings = {"GET", "timeout"};
    BOOST_TEST(shows(options, row_of("get /pay: Timeout")));
    BOOST_TEST(!shows(options, row_of("get /pay")));
    options.expressions = {"/p[a-z]+"};
    BOOST_TEST(shows(options, row_of("get /pay: Timeout")));
    BOOST_TEST(!shows(options, row_of("get /PAY: Timeout")));
    options.is_inverted = true;
    BOOST_TEST(!shows(options, row_of("get /pay: Timeout")));
    BOOST_TEST(shows(options, row_of("get /PAY: Timeout")));
}

BOOST_AUTO_TEST_CASE(inverting_leaves_levels_and_globs_alone) {
    FilterOptions options;
    options.substrings = {"x"};
    options.is_inverted = true;
    options.levels = parse_levels("error");
    BOOST_TEST(!shows(options, row_of("y", "4")));
    BOOST_TEST(shows(options, row_of("y", "3")));
}

BOOST_AUTO_TEST_CASE(levels_are_at_least_exactly_or_from_one_to_another) {
    BOOST_TEST((parse_levels("warning") == LevelRange{0, 4}));
    BOOST_TEST((parse_levels("=info") == LevelRange{6, 6}));
    BOOST_TEST((parse_levels("error..warning") == LevelRange{3, 4}));
    BOOST_TEST((parse_levels("warning..error") == LevelRange{3, 4}));
    for (const char* const bad : {"", "=", "loud", "error..", "..error", "Warning"}) {
        BOOST_TEST(!parse_levels(bad).has_value(), bad);
    }
    FilterOptions options;
    options.levels = parse_levels("warning");
    BOOST_TEST(shows(options, row_of("x", "4")));
    BOOST_TEST(!shows(options, row_of("x", "5")));
    BOOST_TEST(!shows(options, RecordRow()));
}

BOOST_AUTO_TEST_CASE(globs_look_at_whole_headers) {
    FilterOptions options;
    options.host = "web*";
    BOOST_TEST(shows(options, row_of("x")));
    BOOST_TEST(!shows(options, RecordRow()));
    options.host = "web";
    BOOST_TEST(!shows(options, row_of("x")));
    options.host.clear();
    options.path = "/var/log/*/a.log";
    BOOST_TEST(shows(options, row_of("x")));
    options.app = "*";
    BOOST_TEST(!shows(options, row_of("x")));
}

BOOST_AUTO_TEST_CASE(what_was_looked_for_is_found_in_the_line_without_overlaps) {
    FilterOptions options;
    options.substrings = {"abc", "cd"};
    options.expressions = {"x*"};
    const auto spans = filter_of(options).matches_in("abcd abc");
    BOOST_TEST((spans == std::vector<lbq::Span>{{0, 4}, {5, 8}}));
    options.is_inverted = true;
    BOOST_TEST(filter_of(options).matches_in("abcd").empty());
}

BOOST_AUTO_TEST_SUITE_END()
