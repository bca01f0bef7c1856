#include "shared/config/interpolate.h"

#include "tests/support/config_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::config;

namespace {

World world() {
    test::ConfigFiles files;
    files.files["/run/secrets/x"] = "s3cret\n";
    files.files["/run/creds/token"] = "t0ken";
    files.environment["PORT"] = "9092";
    files.environment["EMPTY"] = "";
    files.environment["CREDENTIALS_DIRECTORY"] = "/run/creds";
    return files.world();
}

std::string problem_of(const std::string& value) {
    const auto outcome = interpolate(value, world());
    const auto* const problem = std::get_if<InterpolationProblem>(&outcome);
    return problem == nullptr ? "" : problem->message;
}

Interpolated interpolated(const std::string& value) {
    return std::get<Interpolated>(interpolate(value, world()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(interpolation)

BOOST_AUTO_TEST_CASE(an_unset_variable_without_default_is_a_problem_that_names_it) {
    BOOST_TEST(problem_of("${NOPE}").find("NOPE is not set") != std::string::npos);
    BOOST_TEST(problem_of("${NOPE:?ask the operator}") == "NOPE: ask the operator");
    BOOST_TEST(problem_of("a${PORT").find("no '}'") != std::string::npos);
    BOOST_TEST(problem_of("${}") != "");
    BOOST_TEST(problem_of("${PORT:9}") != "");
    BOOST_TEST(problem_of("${file:/none}") != "");
    BOOST_TEST(problem_of("${cred:../../etc/passwd}") != "");
}

BOOST_AUTO_TEST_CASE(variables_defaults_files_credentials_and_the_host_are_put_in) {
    BOOST_TEST(interpolated("h:${PORT}!").text == "h:9092!");
    BOOST_TEST(interpolated("${NOPE:-7460}").text == "7460");
    BOOST_TEST(interpolated("${EMPTY:-7460}").text == "");
    BOOST_TEST(interpolated("${file:/run/secrets/x}").text == "s3cret");
    BOOST_TEST(interpolated("${cred:token}").text == "t0ken");
    BOOST_TEST(interpolated("${host}").text == "testhost");
}

BOOST_AUTO_TEST_CASE(a_doubled_dollar_is_one_and_what_is_put_in_is_not_read_again) {
    BOOST_TEST(interpolated("$${PORT} costs 5$").text == "${PORT} costs 5$");
    BOOST_TEST(interpolated("${NOPE:-$$}").text == "$$");
}

BOOST_AUTO_TEST_CASE(only_a_value_that_is_nothing_else_counts_as_one_reference) {
    BOOST_TEST(interpolated("${PORT}").is_one_reference);
    BOOST_TEST(!interpolated("x${PORT}").is_one_reference);
    BOOST_TEST(!interpolated("${PORT}${PORT}").is_one_reference);
    BOOST_TEST(!interpolated("9092").is_one_reference);
}

BOOST_AUTO_TEST_SUITE_END()
