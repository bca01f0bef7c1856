#define BOOST_TEST_MODULE shared_http
#include "shared/http/request_parser.h"

#include "shared/base/limits.h"
#include "shared/base/rng.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::http;

namespace {

const std::string get = "GET /metrics?name=x HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string post = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";

ErrorCode code_of(const std::string& bytes) {
    RequestParser parser;
    parser.feed(as_bytes(bytes));
    const auto request = parser.next();
    return request.has_value() ? ErrorCode{} : request.code();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(request_parser)

BOOST_AUTO_TEST_CASE(what_is_no_http_is_malformed) {
    for (const char* const bytes :
         {"\r\n\r\nx",
          "GET\r\n\r\n",
          "GET / HTTP/9.9\r\n\r\n",
          "\x16\x03\x01\x02\x00\x01\x00\x01",
          "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
          "GET / HTTP/1.1\r\nbad header\r\n\r\n",
          "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n"}) {
        BOOST_TEST((code_of(bytes) == ErrorCode::malformed), bytes);
    }
}

BOOST_AUTO_TEST_CASE(a_head_or_body_above_its_limit_is_too_large) {
    const std::string long_head = "GET / HTTP/1.1\r\nX: "
                                + std::string(limits::http_head_bytes_max, 'x') + "\r\n\r\n";
    BOOST_TEST((code_of(long_head) == ErrorCode::too_large));
    const std::string endless_line = "GET /" + std::string(limits::http_head_bytes_max + 10, 'x');
    BOOST_TEST((code_of(endless_line) == ErrorCode::too_large));
    const std::string long_body = "POST / HTTP/1.1\r\nContent-Length: "
                                + std::to_string(limits::http_body_bytes_max + 1) + "\r\n\r\n";
    BOOST_TEST((code_of(long_body) == ErrorCode::too_large));
}

BOOST_AUTO_TEST_CASE(random_and_mutated_requests_never_crash) {
    Rng rng(3);
    for (int round = 0; round < 10'000; ++round) {
        std::string bytes = rng.chance(0.5) ? get + post : post + get;
        for (std::uint64_t change = 0; change <= rng.below(6); ++change) {
            bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
        }
        RequestParser parser;
        std::size_t at = 0;
        bool is_broken = false;
        while (at < bytes.size() && !is_broken) {
            const std::size_t n = 1 + rng.below(bytes.size() - at);
            parser.feed(as_bytes(std::string_view(bytes).substr(at, n)));
            at += n;
            for (int requests = 0; requests < 3 && !is_broken; ++requests) {
                is_broken = !parser.next().has_value();
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(requests_come_out_whole_however_their_bytes_arrive) {
    const std::string bytes = get + post + get;
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        RequestParser parser;
        std::vector<Request> requests;
        for (std::size_t at = 0; at < bytes.size(); at += step) {
            parser.feed(as_bytes(std::string_view(bytes).substr(at, step)));
            while (true) {
                auto request = parser.next();
                BOOST_REQUIRE(request.has_value());
                if (!request->has_value()) {
                    break;
                }
                requests.push_back(*std::move(*request));
            }
        }
        BOOST_REQUIRE(requests.size() == 3u);
        BOOST_TEST(requests[0].method == "GET");
        BOOST_TEST(requests[0].path == "/metrics");
        BOOST_TEST(requests[0].query == "name=x");
        BOOST_TEST(requests[1].method == "POST");
        BOOST_TEST(requests[1].body == "hello");
        BOOST_TEST(!parser.is_inside_request());
    }
}

BOOST_AUTO_TEST_CASE(a_chunked_body_of_nothing_may_arrive_byte_by_byte) {
    const std::string bytes = "POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    RequestParser parser;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        parser.feed(as_bytes(bytes).subspan(at, 1));
        const auto request = parser.next();
        BOOST_REQUIRE(request.has_value());
        BOOST_TEST(request->has_value() == (at + 1 == bytes.size()), at);
    }
    BOOST_TEST(!parser.is_inside_request());
}

BOOST_AUTO_TEST_CASE(keep_alive_follows_version_and_header) {
    const auto keep_alive = [](const std::string& bytes) {
        RequestParser parser;
        parser.feed(as_bytes(bytes));
        return (*parser.next())->keep_alive;
    };
    BOOST_TEST(keep_alive("GET / HTTP/1.1\r\n\r\n"));
    BOOST_TEST(!keep_alive("GET / HTTP/1.0\r\n\r\n"));
    BOOST_TEST(!keep_alive("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
}

BOOST_AUTO_TEST_SUITE_END()
