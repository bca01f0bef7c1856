#define BOOST_TEST_MODULE shared_base
#include "shared/base/bytes.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;

BOOST_AUTO_TEST_SUITE(bytes)

BOOST_AUTO_TEST_CASE(a_buffer_keeps_its_bytes_when_it_grows) {
    Buffer buffer;
    buffer.append("abc");
    buffer.reserve(10'000);
    buffer.append("def");
    BOOST_TEST(as_text(buffer.view()) == "abcdef");
    buffer.erase_front(2);
    BOOST_TEST(as_text(buffer.view()) == "cdef");
}

BOOST_AUTO_TEST_CASE(foreign_text_is_quoted_and_cut) {
    BOOST_TEST(quoted("a\"b\n\xff") == "\"a\\\"b\\x0a\\xff\"");
    BOOST_TEST(quoted("abcdef", 3) == "\"abc\"...");
}

BOOST_AUTO_TEST_SUITE_END()
