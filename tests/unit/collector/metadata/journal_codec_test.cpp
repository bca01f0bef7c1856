#include "collector/metadata/journal_record.h"
#include "shared/base/limits.h"
#include "shared/base/rng.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::metadata;

namespace {

TopicRecord some_topic() {
    TopicRecord topic;
    topic.name = "app.log";
    topic.id.fill(std::byte{0xab});
    topic.partitions = 12;
    topic.created_in_start = 3;
    topic.settings = {{"retention.ms", "1000"}, {"segment.ms", "60000"}};
    return topic;
}

Id128 some_id() {
    Id128 id{};
    id.fill(std::byte{0xcd});
    return id;
}

std::vector<JournalRecord> one_of_each_kind() {
    return {
        JournalRecord{1, StartRecord{7}},
        JournalRecord{2, some_topic()},
        JournalRecord{
            300, ImageRecord{9, {some_topic(), some_topic()}, ProducerId(5000), {{some_id(), 3}}}},
        JournalRecord{4, ImageRecord{}},
        JournalRecord{5, TopicDeletedRecord{some_id()}},
        JournalRecord{6, FilesRemovedRecord{some_id()}},
        JournalRecord{7, PartitionsRecord{some_id(), 9}},
        JournalRecord{8, ProducerIdsRecord{ProducerId(1000)}}};
}

template <typename T>
std::string encoded(const T& value) {
    Buffer out;
    encode(value, out);
    return std::string(as_text(out.view()));
}

ErrorCode code_of(const JournalRecord& record) {
    return decode_journal_record(as_bytes(encoded(record))).code();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(journal_codec)

BOOST_AUTO_TEST_CASE(a_record_without_a_kind_or_of_an_unknown_one_is_unsupported) {
    const std::string only_sequence("\x08\x05", 2);
    const auto without = decode_journal_record(as_bytes(only_sequence));
    BOOST_TEST((without.code() == ErrorCode::unsupported));
    const std::string field_nine("\x08\x05\x4a\x00", 4);
    BOOST_TEST((decode_journal_record(as_bytes(field_nine)).code() == ErrorCode::unsupported));
}

BOOST_AUTO_TEST_CASE(a_value_without_a_meaning_is_malformed) {
    TopicRecord topic = some_topic();
    topic.partitions = 0;
    BOOST_TEST((code_of(JournalRecord{1, topic}) == ErrorCode::malformed));
    topic.partitions = limits::partitions_per_topic_max + 1;
    BOOST_TEST((code_of(JournalRecord{1, topic}) == ErrorCode::malformed));
    topic = some_topic();
    topic.name = "a/b";
    BOOST_TEST((code_of(JournalRecord{1, topic}) == ErrorCode::malformed));
    BOOST_TEST((code_of(JournalRecord{1, ImageRecord{1, {topic}, {}, {}}}) == ErrorCode::malformed)
    );
    topic = some_topic();
    std::swap(topic.settings[0], topic.settings[1]);
    BOOST_TEST((code_of(JournalRecord{1, topic}) == ErrorCode::malformed));
    topic.settings[0] = topic.settings[1];
    BOOST_TEST((code_of(JournalRecord{1, topic}) == ErrorCode::malformed));
    for (const std::int32_t count : {0, limits::partitions_per_topic_max + 1}) {
        BOOST_TEST(
            (code_of(JournalRecord{1, PartitionsRecord{some_id(), count}}) == ErrorCode::malformed)
        );
        const ImageRecord image{1, {}, {}, {{some_id(), count}}};
        BOOST_TEST((code_of(JournalRecord{1, image}) == ErrorCode::malformed));
    }
    const ProducerId below_zero(-1);
    BOOST_TEST((code_of(JournalRecord{1, ProducerIdsRecord{below_zero}}) == ErrorCode::malformed));
    const ImageRecord image{1, {}, below_zero, {}};
    BOOST_TEST((code_of(JournalRecord{1, image}) == ErrorCode::malformed));
    const std::string short_id = "\x1a\x0a\x0a\x01"
                                 "a\x12\x01x\x18\x01\x20\x01";
    BOOST_TEST((decode_journal_record(as_bytes(short_id)).code() == ErrorCode::malformed));
    BOOST_TEST((decode_journal_record(as_bytes("\xff\xff")).code() == ErrorCode::malformed));
}

BOOST_AUTO_TEST_CASE(who_a_node_is_has_an_id_of_16_bytes_and_a_number_from_0_on) {
    BOOST_TEST((decode_node_meta(ByteView()).code() == ErrorCode::malformed));
    NodeMeta meta;
    meta.cluster_id.fill(std::byte{1});
    meta.node_id = BrokerId(-1);
    BOOST_TEST((decode_node_meta(as_bytes(encoded(meta))).code() == ErrorCode::malformed));
    meta.node_id = BrokerId(0);
    BOOST_TEST((*decode_node_meta(as_bytes(encoded(meta))) == meta));
}

BOOST_AUTO_TEST_CASE(changed_bytes_never_crash_the_decoders) {
    Rng rng(1);
    for (const JournalRecord& record : one_of_each_kind()) {
        for (int round = 0; round < 3000; ++round) {
            std::string bytes = encoded(record);
            for (std::uint64_t n = 1 + rng.below(3); n != 0 && !bytes.empty(); --n) {
                bytes[rng.below(bytes.size())] = static_cast<char>(rng.next());
            }
            bytes.resize(bytes.size() - rng.below(std::min<std::size_t>(bytes.size() + 1, 3)));
            static_cast<void>(decode_journal_record(as_bytes(bytes)));
            static_cast<void>(decode_node_meta(as_bytes(bytes)));
        }
    }
}

BOOST_AUTO_TEST_CASE(records_of_each_kind_come_back) {
    for (const JournalRecord& record : one_of_each_kind()) {
        const Result<JournalRecord> back = decode_journal_record(as_bytes(encoded(record)));
        BOOST_REQUIRE(back.has_value());
        BOOST_TEST((*back == record));
    }
}

BOOST_AUTO_TEST_SUITE_END()
