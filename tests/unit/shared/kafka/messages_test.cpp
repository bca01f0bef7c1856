// Every message in every version, both directions.
#include "shared/base/limits.h"
#include "shared/kafka/messages/random_messages.h"

#include <boost/test/unit_test.hpp>

#include <cstring>

using namespace logboom;
using namespace logboom::kafka;

namespace {

constexpr std::uint64_t seed = 20'240'601;

template <typename Message>
Buffer encoded(const Message& message, const std::int16_t version) {
    Buffer bytes;
    Writer writer(bytes);
    message.encode(writer, version);
    return bytes;
}

template <typename Message, typename Check>
void for_each_version(const Check check) {
    for (std::int16_t version = Message::version_min; version <= Message::version_max; ++version) {
        BOOST_TEST_CONTEXT("version " << version) {
            check(version);
        }
    }
}

/// An owner of exactly these bytes, so that the sanitizer sees a read past the end.
struct Exact {
    explicit Exact(const ByteView bytes) : data(new std::byte[bytes.size()]), size(bytes.size()) {
        if (!bytes.empty()) {
            std::memcpy(data.get(), bytes.data(), size);
        }
    }
    [[nodiscard]] ByteView view() const { return {data.get(), size}; }

    std::unique_ptr<std::byte[]> data;
    std::size_t size;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(kafka_messages)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_cut_off_anywhere_is_refused, Message, AllMessages) {
    Rng rng(seed);
    for_each_version<Message>([&rng](const std::int16_t version) {
        Message message;
        random_fill(message, rng, version);
        const Buffer whole = encoded(message, version);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const Exact cut(whole.view().first(size));
            Reader reader(cut.view());
            BOOST_TEST(!Message::decode(reader, version).has_value());
        }
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(random_bytes_are_an_answer_and_no_crash, Message, AllMessages) {
    Rng rng(seed);
    for_each_version<Message>([&rng](const std::int16_t version) {
        for (int round = 0; round < 300; ++round) {
            Buffer bytes;
            bytes.resize(rng.below(200));
            // Small values are plausible counts and lengths and so get further.
            const std::uint64_t bound = rng.chance(0.5) ? 4 : 256;
            for (std::byte& byte : bytes.mutable_view()) {
                byte = static_cast<std::byte>(rng.below(bound));
            }
            const Exact exact(bytes.view());
            Reader reader(exact.view());
            const auto decoded = Message::decode(reader, version);
            BOOST_TEST((decoded.has_value() || decoded.code() == ErrorCode::malformed));
        }
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_changed_byte_is_an_answer_and_no_crash, Message, AllMessages) {
    Rng rng(seed);
    for_each_version<Message>([&rng](const std::int16_t version) {
        Message message;
        random_fill(message, rng, version);
        const Buffer whole = encoded(message, version);
        for (std::size_t at = 0; at < whole.size(); ++at) {
            const Exact changed(whole.view());
            changed.data[at] = static_cast<std::byte>(rng.next());
            Reader reader(changed.view());
            const auto decoded = Message::decode(reader, version);
            BOOST_TEST((decoded.has_value() || decoded.code() == ErrorCode::malformed));
        }
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_was_encoded_is_decoded_again, Message, AllMessages) {
    Rng rng(seed);
    for_each_version<Message>([&rng](const std::int16_t version) {
        for (int round = 0; round < 30; ++round) {
            Message message;
            random_fill(message, rng, version);
            const Buffer bytes = encoded(message, version);
            Reader reader(bytes.view());
            const auto decoded = Message::decode(reader, version);
            BOOST_REQUIRE(decoded.has_value());
            BOOST_TEST(reader.remaining_bytes() == 0u);
            BOOST_TEST((*decoded == message));
        }
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_message_of_defaults_is_decoded_again, Message, AllMessages) {
    for_each_version<Message>([](const std::int16_t version) {
        if constexpr (std::is_same_v<Message, MetadataRequest>) {
            if (version == 0) {
                return;  // its default asks for all topics, which version 0 cannot say by null
            }
        }
        const Message message;
        const Buffer bytes = encoded(message, version);
        Reader reader(bytes.view());
        const auto decoded = Message::decode(reader, version);
        BOOST_REQUIRE(decoded.has_value());
        BOOST_TEST((*decoded == message));
    });
}

BOOST_AUTO_TEST_CASE(fields_that_a_version_does_not_carry_are_left_out) {
    MetadataRequest request;
    request.topics.emplace();
    request.allow_auto_topic_creation = false;
    const Buffer bytes = encoded(request, 1);
    Reader reader(bytes.view());
    const auto decoded = MetadataRequest::decode(reader, 1);
    BOOST_REQUIRE(decoded.has_value());
    BOOST_TEST(decoded->allow_auto_topic_creation);
}

BOOST_AUTO_TEST_SUITE_END()
