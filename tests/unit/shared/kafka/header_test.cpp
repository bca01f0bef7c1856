#include "shared/kafka/header.h"

#include "shared/base/limits.h"
#include "shared/kafka/messages/api_versions.h"
#include "shared/kafka/messages/fetch.h"
#include "shared/kafka/messages/metadata.h"
#include "shared/kafka/messages/produce.h"
#include "tests/unit/shared/kafka/hex.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace logboom;
using namespace logboom::kafka;

BOOST_AUTO_TEST_SUITE(kafka_header)

BOOST_AUTO_TEST_CASE(a_frame_that_no_kafka_client_sent_is_told_by_its_first_bytes) {
    const auto step_of = [](const std::string_view hex) {
        const Buffer prefix = from_hex(hex);
        const auto size = decode_frame_size(prefix.view(), limits::kafka_frame_bytes_max);
        return std::string(size.has_value() ? "" : size.error().step);
    };
    BOOST_TEST(step_of("16030100") == "this looks like a TLS hello, not like Kafka");
    BOOST_TEST(step_of("47455420") == "this looks like HTTP, not like Kafka");
    BOOST_TEST(step_of("ffffffff") == "a frame's size is negative");
    BOOST_TEST(step_of("02000001") == "a frame is over the limit");
    BOOST_TEST(step_of("02000000") == "");
}

BOOST_AUTO_TEST_CASE(a_request_header_that_is_cut_off_is_refused_at_every_length) {
    const Buffer whole = from_hex("0003 000c 00000007 0002 6162 00");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Reader reader(whole.view().first(size));
        BOOST_TEST(!decode_request_header(reader).has_value());
    }
}

BOOST_AUTO_TEST_CASE(the_client_id_is_classic_in_flexible_headers_too) {
    const Buffer bytes = from_hex("0003 000c 00000007 0002 6162 00 2a");
    Reader reader(bytes.view());
    const auto header = decode_request_header(reader);
    BOOST_REQUIRE(header.has_value());
    BOOST_TEST(header->is(ApiKey::metadata));
    BOOST_TEST(header->api_version == 12);
    BOOST_TEST(header->correlation_id == 7);
    BOOST_TEST(header->client_id == "ab");
    BOOST_TEST(header->is_served());
    BOOST_TEST(reader.i8() == 42);
}

BOOST_AUTO_TEST_CASE(a_null_client_id_reads_as_empty) {
    const Buffer bytes = from_hex("0003 0001 00000007 ffff 2a");
    Reader reader(bytes.view());
    const auto header = decode_request_header(reader);
    BOOST_REQUIRE(header.has_value());
    BOOST_TEST(header->client_id == "");
    BOOST_TEST(reader.i8() == 42);
}

BOOST_AUTO_TEST_CASE(nothing_past_the_client_id_is_read_of_a_version_we_do_not_know) {
    // ApiVersions 9: its header could have any shape after the client's id.
    const Buffer bytes = from_hex("0012 0009 00000007 0000 ff");
    Reader reader(bytes.view());
    const auto header = decode_request_header(reader);
    BOOST_REQUIRE(header.has_value());
    BOOST_TEST(header->is(ApiKey::api_versions));
    BOOST_TEST(!header->is_served());
    BOOST_TEST(reader.remaining_bytes() == 1u);
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_not_served) {
    const Buffer bytes = from_hex("03e7 0000 00000007 0000");
    Reader reader(bytes.view());
    const auto header = decode_request_header(reader);
    BOOST_REQUIRE(header.has_value());
    BOOST_TEST(header->api == nullptr);
    BOOST_TEST(!header->is_served());
}

BOOST_AUTO_TEST_CASE(produce_0_is_advertised_and_not_served) {
    const ApiInfo& produce = api_info(ApiKey::produce);
    BOOST_TEST(produce.advertised_min == 0);
    BOOST_TEST(produce.advertised_max == 12);
    BOOST_TEST(!produce.serves(2));
    BOOST_TEST(produce.serves(3));
    BOOST_TEST(produce.serves(12));
    BOOST_TEST(!produce.serves(13));
}

BOOST_AUTO_TEST_CASE(apis_are_listed_by_ascending_key) {
    std::int16_t previous = -1;
    for (const ApiInfo& info : all_apis()) {
        BOOST_TEST(static_cast<std::int16_t>(info.key) > previous);
        previous = static_cast<std::int16_t>(info.key);
    }
}

BOOST_AUTO_TEST_CASE(a_response_of_api_versions_has_a_classic_header_whatever_its_version) {
    for (const std::int16_t version : {std::int16_t{0}, std::int16_t{3}, std::int16_t{4}}) {
        Buffer bytes;
        Writer writer(bytes);
        encode_response_header(writer, ApiKey::api_versions, version, 1);
        BOOST_TEST(to_hex(bytes.view()) == "00000001");
    }
    Buffer bytes;
    Writer writer(bytes);
    encode_response_header(writer, ApiKey::metadata, 9, 1);
    BOOST_TEST(to_hex(bytes.view()) == "0000000100");
}

BOOST_AUTO_TEST_CASE(a_response_header_is_read_back) {
    for (const std::int16_t version : {std::int16_t{8}, std::int16_t{9}}) {
        Buffer bytes;
        Writer writer(bytes);
        encode_response_header(writer, ApiKey::metadata, version, 77);
        Reader reader(bytes.view());
        const auto correlation_id = decode_response_header(reader, ApiKey::metadata, version);
        BOOST_REQUIRE(correlation_id.has_value());
        BOOST_TEST(*correlation_id == 77);
        BOOST_TEST(reader.remaining_bytes() == 0u);
    }
}

BOOST_AUTO_TEST_CASE(spliced_records_are_counted_in_the_frame_and_left_out_of_the_output) {
    FetchResponse response;
    FetchResponse::Topic& topic = response.responses.emplace_back();
    topic.topic = "t";
    topic.partitions.resize(3);
    topic.partitions[0].records.spliced_bytes = 5;
    topic.partitions[2].records.spliced_bytes = 3;

    Buffer spliced;
    spliced.append("earlier frame");
    Writer writer(spliced);
    encode_response(writer, response, 11, 9);
    const std::vector<Splice> splices = writer.splices();
    BOOST_REQUIRE(splices.size() == 2u);
    BOOST_TEST(splices[0].size_bytes == 5u);
    BOOST_TEST(splices[1].size_bytes == 3u);

    Buffer joined;
    joined.append(spliced.view().first(splices[0].position));
    joined.append("hello");
    joined.append(
        spliced.view().subspan(splices[0].position, splices[1].position - splices[0].position)
    );
    joined.append("abc");
    joined.append(spliced.view().subspan(splices[1].position));

    topic.partitions[0].records = Records{.bytes = as_bytes("hello")};
    topic.partitions[2].records = Records{.bytes = as_bytes("abc")};
    Buffer copied;
    copied.append("earlier frame");
    Writer plain(copied);
    encode_response(plain, response, 11, 9);
    BOOST_TEST(to_hex(joined.view()) == to_hex(copied.view()));
    BOOST_TEST(plain.splices().empty());
}

BOOST_AUTO_TEST_CASE(a_request_frame_is_read_back) {
    ProduceRequest request;
    request.acks = -1;
    request.topic_data.push_back(
        {.name = "logs", .partition_data = {{.index = 3, .records = {.bytes = as_bytes("batch")}}}}
    );
    Buffer bytes;
    Writer writer(bytes);
    encode_request(writer, request, 9, 5, "me");

    const auto size = decode_frame_size(bytes.view().first(frame_prefix_bytes), 1000);
    BOOST_REQUIRE(size.has_value());
    BOOST_TEST(*size == bytes.size() - frame_prefix_bytes);
    Reader reader(bytes.view().subspan(frame_prefix_bytes));
    const auto header = decode_request_header(reader);
    BOOST_REQUIRE(header.has_value());
    BOOST_TEST(header->client_id == "me");
    const auto decoded = ProduceRequest::decode(reader, header->api_version);
    BOOST_REQUIRE(decoded.has_value());
    BOOST_TEST((*decoded == request));
}

BOOST_AUTO_TEST_CASE(records_are_borrowed_from_the_frame) {
    const Buffer bytes =
        from_hex("ffff ffff 00007530 00000001 0001 74 00000001 00000000 00000003 616263");
    Reader reader(bytes.view());
    const auto request = ProduceRequest::decode(reader, 7);
    BOOST_REQUIRE(request.has_value());
    const Records& records = request->topic_data[0].partition_data[0].records;
    BOOST_TEST(static_cast<const void*>(records.bytes.data()) == bytes.data() + bytes.size() - 3);
}

BOOST_AUTO_TEST_CASE(a_version_outside_the_schema_is_unsupported) {
    for (const std::int16_t version : {std::int16_t{-1}, std::int16_t{2}, std::int16_t{13}}) {
        Reader reader(ByteView{});
        const auto request = ProduceRequest::decode(reader, version);
        BOOST_REQUIRE(!request.has_value());
        BOOST_TEST((request.code() == ErrorCode::unsupported));
    }
}

BOOST_AUTO_TEST_CASE(metadata_topics_may_be_null_from_version_1_on) {
    const Buffer null_array = from_hex("ffffffff");
    Reader old(null_array.view());
    BOOST_TEST(!MetadataRequest::decode(old, 0).has_value());
    Reader reader(null_array.view());
    const auto request = MetadataRequest::decode(reader, 1);
    BOOST_REQUIRE(request.has_value());
    BOOST_TEST(!request->topics.has_value());
    BOOST_TEST(request->allow_auto_topic_creation);
}

BOOST_AUTO_TEST_SUITE_END()
