// Bytes that other people's clients made, decoded and encoded back. See README.md for the files.
#define BOOST_TEST_MODULE golden_kafka
#include "shared/kafka/header.h"
#include "shared/kafka/messages/api_versions.h"
#include "shared/kafka/messages/create_partitions.h"
#include "shared/kafka/messages/create_topics.h"
#include "shared/kafka/messages/delete_topics.h"
#include "shared/kafka/messages/describe_configs.h"
#include "shared/kafka/messages/fetch.h"
#include "shared/kafka/messages/find_coordinator.h"
#include "shared/kafka/messages/init_producer_id.h"
#include "shared/kafka/messages/list_offsets.h"
#include "shared/kafka/messages/metadata.h"
#include "shared/kafka/messages/produce.h"
#include "tests/unit/shared/kafka/hex.h"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

using namespace logboom;
using namespace logboom::kafka;

namespace {

struct Vector {
    std::string origin;  // client, version, what made it
    std::string api;     // name of the schema
    std::string kind;    // request, response: whole frames; response-body
    std::int16_t version = 0;
    std::string hex;
};

using Messages = std::tuple<
    ProduceRequest,
    ProduceResponse,
    FetchRequest,
    FetchResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    MetadataRequest,
    MetadataResponse,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
    ApiVersionsRequest,
    ApiVersionsResponse,
    CreateTopicsRequest,
    CreateTopicsResponse,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    InitProducerIdRequest,
    InitProducerIdResponse,
    DescribeConfigsRequest,
    DescribeConfigsResponse,
    CreatePartitionsRequest,
    CreatePartitionsResponse>;

std::vector<Vector> vectors_of(const std::string& file_name) {
    std::ifstream file(std::string(LB_GOLDEN_DIR) + "/" + file_name);
    BOOST_REQUIRE_MESSAGE(file.is_open(), "cannot read " << file_name);
    std::vector<Vector> vectors;
    std::string origin;
    for (std::string line; std::getline(file, line);) {
        if (line.empty()) {
            continue;
        }
        if (line[0] == '#') {
            origin = line.substr(1);
            continue;
        }
        Vector vector;
        vector.origin = origin;
        std::istringstream(line) >> vector.api >> vector.kind >> vector.version >> vector.hex;
        BOOST_REQUIRE(!vector.hex.empty());
        vectors.push_back(vector);
    }
    BOOST_REQUIRE(!vectors.empty());
    return vectors;
}

/// "CreateTopics" of "create_topics".
std::string api_name_of(const std::string& schema_name) {
    std::string name;
    bool upper = true;
    for (const char c : schema_name) {
        if (c == '_') {
            upper = true;
            continue;
        }
        name.push_back(upper ? static_cast<char>(c - 'a' + 'A') : c);
        upper = false;
    }
    return name;
}

const ApiInfo& api_of(const Vector& vector) {
    for (const ApiInfo& info : all_apis()) {
        if (api_name_of(vector.api) == info.name) {
            return info;
        }
    }
    BOOST_FAIL("no API " << vector.api);
    return all_apis().front();
}

/// The body of a frame, read past its header; what stood before the body is written to `again`.
Reader open_frame(const Vector& vector, const ByteView frame, Writer& again) {
    const ApiInfo& api = api_of(vector);
    const ByteView content = frame.subspan(frame_prefix_bytes);
    BOOST_REQUIRE(*decode_frame_size(frame.first(frame_prefix_bytes), 1u << 20) == content.size());
    Reader reader(content);
    if (vector.kind == "request") {
        const auto header = decode_request_header(reader);
        BOOST_REQUIRE(header.has_value());
        BOOST_TEST(header->is(api.key));
        BOOST_TEST(header->api_version == vector.version);
        encode_request_header(
            again, api.key, header->api_version, header->correlation_id, header->client_id
        );
        return reader;
    }
    const auto correlation_id = decode_response_header(reader, api.key, vector.version);
    BOOST_REQUIRE(correlation_id.has_value());
    encode_response_header(again, api.key, vector.version, *correlation_id);
    return reader;
}

template <typename Message>
void check(const Vector& vector) {
    const Buffer bytes = from_hex(vector.hex);
    Buffer again_bytes;
    Writer again(again_bytes);
    const bool is_frame = vector.kind != "response-body";
    const std::size_t frame = is_frame ? again.begin_frame() : 0;
    Reader reader = is_frame ? open_frame(vector, bytes.view(), again) : Reader(bytes.view());
    const auto message = Message::decode(reader, vector.version);
    BOOST_REQUIRE_MESSAGE(
        message.has_value(), (message.has_value() ? std::string() : to_string(message.error()))
    );
    BOOST_TEST(reader.remaining_bytes() == 0u);
    message->encode(again, vector.version);
    if (is_frame) {
        again.end_frame(frame);
    }
    BOOST_TEST(to_hex(again_bytes.view()) == vector.hex);
}

template <typename Message>
bool is_for(const Vector& vector) {
    return api_of(vector).key == Message::api && (vector.kind == "request") == Message::is_request;
}

template <typename... Each>
void check_any(const Vector& vector, const std::tuple<Each...>*) {
    BOOST_TEST_CONTEXT(
        vector.origin << ": " << vector.api << " " << vector.kind << " " << vector.version
    ) {
        const bool found = ((is_for<Each>(vector) && (check<Each>(vector), true)) || ...);
        BOOST_TEST(found);
    }
}

void check_file(const std::string& file_name) {
    for (const Vector& vector : vectors_of(file_name)) {
        check_any(vector, static_cast<const Messages*>(nullptr));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden_kafka_messages)

BOOST_AUTO_TEST_CASE(every_version_is_as_franz_go_writes_it) {
    check_file("kmsg.txt");
}

BOOST_AUTO_TEST_CASE(old_versions_are_as_kafka_python_writes_them) {
    check_file("kafka_python.txt");
}

BOOST_AUTO_TEST_CASE(requests_of_librdkafka_are_read_and_written_alike) {
    check_file("librdkafka.txt");
}

BOOST_AUTO_TEST_CASE(the_vectors_of_the_specification_hold) {
    check_file("specification.txt");
}

BOOST_AUTO_TEST_CASE(every_version_of_every_message_has_a_vector) {
    std::set<std::tuple<std::string, bool, std::int16_t>> seen;
    for (const Vector& vector : vectors_of("kmsg.txt")) {
        seen.emplace(api_of(vector).name, vector.kind == "request", vector.version);
    }
    for (const ApiInfo& info : all_apis()) {
        for (std::int16_t version = info.served_min; version <= info.served_max; ++version) {
            BOOST_TEST(
                seen.contains({info.name, true, version}), info.name << " request " << version
            );
            BOOST_TEST(
                seen.contains({info.name, false, version}), info.name << " response " << version
            );
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
