#include "shared/http/response_parser.h"

#include "shared/base/limits.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::http;

namespace {

Result<std::optional<Response>> fed(ResponseParser& parser, const std::string_view text) {
    return parser.feed(as_bytes(text));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(response_parser)

BOOST_AUTO_TEST_CASE(what_is_no_http_is_malformed) {
    ResponseParser parser;
    BOOST_TEST(
        (fed(parser, "\x16\x03\x01 TLS, or anything else\r\n\r\n").code() == ErrorCode::malformed)
    );
}

BOOST_AUTO_TEST_CASE(a_body_above_its_limit_is_too_large) {
    ResponseParser parser;
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: "
                           + std::to_string(limits::http_response_body_bytes_max + 1) + "\r\n\r\n";
    BOOST_TEST((fed(parser, head).code() == ErrorCode::too_large));
}

BOOST_AUTO_TEST_CASE(a_response_is_taken_byte_by_byte) {
    const std::string text =
        "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nnone\n";
    ResponseParser parser;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
        const auto none = fed(parser, text.substr(i, 1));
        BOOST_REQUIRE(none.has_value());
        BOOST_TEST(!none->has_value());
    }
    const auto whole = fed(parser, text.substr(text.size() - 1));
    BOOST_REQUIRE((whole.has_value() && whole->has_value()));
    BOOST_TEST((*whole)->status == 404);
    BOOST_TEST((*whole)->content_type == "text/plain");
    BOOST_TEST((*whole)->body == "none\n");
}

BOOST_AUTO_TEST_CASE(a_body_in_chunks_is_put_together) {
    ResponseParser parser;
    const auto whole = fed(
        parser,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n"
    );
    BOOST_REQUIRE((whole.has_value() && whole->has_value()));
    BOOST_TEST((*whole)->body == "[1,2]");
}

BOOST_AUTO_TEST_CASE(a_chunked_body_of_nothing_may_arrive_byte_by_byte) {
    const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    ResponseParser parser;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto whole = fed(parser, text.substr(i, 1));
        BOOST_REQUIRE(whole.has_value());
        BOOST_TEST(whole->has_value() == (i + 1 == text.size()), i);
    }
}

BOOST_AUTO_TEST_CASE(the_end_of_the_connection_ends_a_body_without_a_length_and_no_other) {
    ResponseParser open_end;
    BOOST_TEST(fed(open_end, "HTTP/1.0 200 OK\r\n\r\nhalf").has_value());
    const Result<Response> whole = open_end.finish();
    BOOST_REQUIRE(whole.has_value());
    BOOST_TEST(whole->body == "half");

    ResponseParser cut;
    BOOST_TEST(fed(cut, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").has_value());
    BOOST_TEST((cut.finish().code() == ErrorCode::closed));
    ResponseParser nothing;
    BOOST_TEST((nothing.finish().code() == ErrorCode::closed));
}

BOOST_AUTO_TEST_SUITE_END()
