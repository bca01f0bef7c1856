#include "shared/base/limits.h"
#include "shared/base/rng.h"
#include "shared/rpc/agent_messages.h"

#include <boost/test/unit_test.hpp>

#include <functional>

using namespace logboom;
using namespace logboom::rpc;

namespace {

Id128 id(const std::uint8_t first) {
    Id128 made{};
    made[0] = std::byte(first);
    made[15] = std::byte(0xFF);
    return made;
}

HelloRequest hello_request() {
    HelloRequest message;
    message.agent_id = id(1);
    message.agent_epoch = 7;
    message.machine_id = "0123456789abcdef";
    message.host = "web-\xff";  // no UTF-8
    message.version = "0.1.0";
    message.topics.push_back({"app", false, {id(2), id(3)}});
    message.topics.push_back({"audit", true, {}});
    return message;
}

HelloReply hello_reply() {
    HelloReply message;
    message.status = ReplyStatus::cloned;
    message.agent_epoch_known = 9;
    TopicPositions topic{"app", id(4), 6, ReplyStatus::ok, {}};
    StreamPosition position;
    position.stream = id(2);
    position.partition = PartitionIndex(5);
    position.generation = 1;
    position.to = 1ull << 40;
    position.agent_epoch = 6;
    position.tail_len = 64;
    position.tail_hash = ~0ull;
    topic.positions.push_back(position);
    position.identity.emplace();
    position.identity->fs_id = std::string("\0\1", 2);
    position.identity->ino = 42;
    position.identity->btime_ns = -1;
    position.identity->path_seen = "/var/log/\xe4.log";
    topic.positions.push_back(position);
    message.topics.push_back(topic);
    return message;
}

ShipRequest ship_request() {
    ShipRequest message;
    message.batches.push_back({"app", PartitionIndex(5), 100, id(2), 1, 10, 20, 7});
    message.batches.push_back({"app", PartitionIndex(0), 61, id(3), 0, 0, 1ull << 50, 7});
    return message;
}

ShipReply ship_reply() {
    ShipReply message;
    message.results.push_back({ReplyStatus::ok, Offset(1234), 0, 0, false});
    message.results.push_back({ReplyStatus::rejected_position, Offset(-1), 1, 15, false});
    message.results.push_back({ReplyStatus::ok, Offset(-1), 0, 0, true});
    message.retry_after_ms = 250;
    return message;
}

template <typename M>
Buffer encoded(const M& message) {
    Buffer out;
    encode(message, out);
    return out;
}

/// All decoders on the same bytes: none may crash, whatever they say.
void decode_all(const ByteView bytes) {
    static_cast<void>(decode_hello_request(bytes));
    static_cast<void>(decode_hello_reply(bytes));
    static_cast<void>(decode_ship_request(bytes, 161));
    static_cast<void>(decode_ship_reply(bytes));
    static_cast<void>(decode_ping_reply(bytes));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent_codec)

BOOST_AUTO_TEST_CASE(an_id_that_has_not_16_bytes_is_malformed) {
    // Field 1 of a HelloRequest, 15 bytes long.
    Buffer bytes;
    bytes.append(std::string_view("\x0a\x0f"));
    bytes.append(std::string(15, 'x'));
    BOOST_TEST((decode_hello_request(bytes.view()).code() == ErrorCode::malformed));
    BOOST_TEST((decode_hello_request(ByteView()).code() == ErrorCode::malformed));
}

BOOST_AUTO_TEST_CASE(sizes_that_do_not_add_up_to_the_payload_are_malformed) {
    const Buffer bytes = encoded(ship_request());
    BOOST_TEST((decode_ship_request(bytes.view(), 160).code() == ErrorCode::malformed));
    BOOST_TEST((decode_ship_request(bytes.view(), 162).code() == ErrorCode::malformed));
    ShipRequest empty_batch = ship_request();
    empty_batch.batches[0].size_bytes = 0;
    BOOST_TEST((decode_ship_request(encoded(empty_batch).view(), 61).code() == ErrorCode::malformed)
    );
}

BOOST_AUTO_TEST_CASE(names_and_numbers_outside_their_range_are_malformed) {
    ShipRequest message = ship_request();
    message.batches[0].topic = std::string(250, 'a');
    BOOST_TEST(!decode_ship_request(encoded(message).view(), 161).has_value());
    message.batches[0].topic = "";
    BOOST_TEST(!decode_ship_request(encoded(message).view(), 161).has_value());
    message = ship_request();
    message.batches[0].partition = PartitionIndex(-1);
    BOOST_TEST(!decode_ship_request(encoded(message).view(), 161).has_value());
    ShipReply reply = ship_reply();
    reply.results[0].status = static_cast<ReplyStatus>(11);
    BOOST_TEST(!decode_ship_reply(encoded(reply).view()).has_value());
    HelloRequest hello = hello_request();
    hello.topics[0].streams.resize(limits::agent_streams_per_hello + 1);
    BOOST_TEST(!decode_hello_request(encoded(hello).view()).has_value());
}

BOOST_AUTO_TEST_CASE(an_identity_of_which_no_field_is_known_is_none) {
    HelloReply message = hello_reply();
    FileIdentity& identity = message.topics[0].positions[1].identity.emplace();
    identity.path_seen = "h";
    std::string bytes(as_text(encoded(message).view()));
    // Field 14 instead of 8: what a later version may say, and we do not understand.
    bytes[bytes.find("\x42\x01h")] = '\x72';
    const Result<HelloReply> reply = decode_hello_reply(as_bytes(bytes));
    BOOST_REQUIRE(reply.has_value());
    BOOST_TEST(!reply->topics[0].positions[1].identity.has_value());
    BOOST_TEST((*decode_hello_reply(encoded(*reply).view()) == *reply));
}

BOOST_AUTO_TEST_CASE(mutated_and_random_bytes_never_crash_a_decoder) {
    Rng rng(11);
    const std::vector<Buffer> seeds = [] {
        std::vector<Buffer> made;
        made.push_back(encoded(hello_request()));
        made.push_back(encoded(hello_reply()));
        made.push_back(encoded(ship_request()));
        made.push_back(encoded(ship_reply()));
        return made;
    }();
    for (int round = 0; round < 10'000; ++round) {
        Buffer bytes;
        bytes.append(seeds[rng.below(seeds.size())].view());
        for (std::uint64_t change = 0; change <= rng.below(4); ++change) {
            bytes.data()[rng.below(bytes.size())] = std::byte(rng.below(256));
        }
        decode_all(bytes.view().first(rng.below(bytes.size() + 1)));
        Buffer noise;
        noise.resize(rng.below(200));
        for (std::byte& byte : noise.mutable_view()) {
            byte = std::byte(rng.below(256));
        }
        decode_all(noise.view());
    }
}

BOOST_AUTO_TEST_CASE(messages_are_read_back_as_they_were) {
    BOOST_TEST((*decode_hello_request(encoded(hello_request()).view()) == hello_request()));
    BOOST_TEST((*decode_hello_reply(encoded(hello_reply()).view()) == hello_reply()));
    BOOST_TEST((*decode_ship_request(encoded(ship_request()).view(), 161) == ship_request()));
    BOOST_TEST((*decode_ship_reply(encoded(ship_reply()).view()) == ship_reply()));
    BOOST_TEST((decode_ping_reply(encoded(PingReply{-5}).view())->wall_ms == -5));
}

BOOST_AUTO_TEST_CASE(the_largest_ship_request_fits_a_request_header) {
    ShipRequest message;
    const BatchEnvelope largest{
        std::string(limits::topic_name_bytes_max, 't'),
        PartitionIndex(limits::partitions_per_topic_max - 1),
        limits::batch_bytes_max,
        id(9),
        ~0ull,
        ~0ull,
        ~0ull,
        ~0u};
    message.batches.assign(limits::rpc_batches_per_request_max, largest);
    BOOST_TEST(encoded(message).size() <= limits::rpc_request_header_bytes_max);
}

BOOST_AUTO_TEST_SUITE_END()
