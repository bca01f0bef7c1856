#include "shared/base/result.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>

using namespace logboom;

namespace {

Result<int> half(const int n) {
    if (n % 2 != 0) {
        return Error{ErrorCode::invalid_argument, 0, "halve"};
    }
    return n / 2;
}

Result<int> quarter(const int n) {
    LB_TRY(const int h, half(n));
    return half(h);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(result)

BOOST_AUTO_TEST_CASE(an_error_leaves_the_function_that_tries) {
    BOOST_TEST((quarter(6).code() == ErrorCode::invalid_argument));
    BOOST_TEST(*quarter(8) == 2);
}

BOOST_AUTO_TEST_CASE(an_error_reads_as_step_code_and_errno) {
    const Error error{ErrorCode::no_space, ENOSPC, "append"};
    BOOST_TEST(to_string(error) == "append: no_space (No space left on device)");
}

BOOST_AUTO_TEST_SUITE_END()
