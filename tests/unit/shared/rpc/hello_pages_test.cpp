// Hellos that ask for more than one answer holds, and those that ask for too much.
#include "shared/base/limits.h"
#include "shared/rpc/agent_messages.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::rpc;

namespace {

HelloRequest hello_for(const std::size_t topics) {
    HelloRequest hello;
    for (std::size_t i = 0; i < topics; ++i) {
        hello.topics.emplace_back().topic = "topic-" + std::to_string(i);
    }
    return hello;
}

bool is_read(const HelloRequest& hello) {
    Buffer bytes;
    encode(hello, bytes);
    const Result<HelloRequest> read = decode_hello_request(bytes.view());
    return read.has_value() && *read == hello;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hello_pages)

BOOST_AUTO_TEST_CASE(the_place_of_the_next_page_is_carried) {
    HelloRequest hello = hello_for(2);
    hello.topics[0].all_streams = true;
    hello.topics[0].after = Id128{std::byte{1}, std::byte{2}};
    hello.topics[1].all_streams = true;
    BOOST_TEST(is_read(hello));
}

BOOST_AUTO_TEST_CASE(an_answer_tells_that_there_is_more) {
    HelloReply reply;
    reply.topics.emplace_back().topic = "logs";
    reply.topics[0].has_more = true;
    Buffer bytes;
    encode(reply, bytes);
    const Result<HelloReply> read = decode_hello_reply(bytes.view());
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST(read->topics.at(0).has_more);
}

BOOST_AUTO_TEST_CASE(more_topics_than_one_hello_may_name_are_refused) {
    BOOST_TEST(is_read(hello_for(limits::agent_topics_per_hello)));
    BOOST_TEST(!is_read(hello_for(limits::agent_topics_per_hello + 1)));
}

BOOST_AUTO_TEST_CASE(a_topic_named_twice_is_refused) {
    HelloRequest hello = hello_for(3);
    hello.topics[2].topic = hello.topics[0].topic;
    BOOST_TEST(!is_read(hello));
}

BOOST_AUTO_TEST_CASE(the_fullest_hello_fits_a_requests_header) {
    HelloRequest hello = hello_for(limits::agent_topics_per_hello);
    for (TopicStreams& topic : hello.topics) {
        topic.topic.resize(limits::topic_name_bytes_max, 'x');
        topic.all_streams = true;
        topic.after = Id128{std::byte{1}};
    }
    hello.topics[0].streams.resize(limits::agent_streams_per_hello);
    hello.host = hello.machine_id = hello.version = std::string(limits::agent_name_bytes_max, 'h');
    Buffer bytes;
    encode(hello, bytes);
    BOOST_TEST(bytes.size() <= limits::rpc_request_header_bytes_max);
}

BOOST_AUTO_TEST_SUITE_END()
