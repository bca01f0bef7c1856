// Batches that other people's clients made, decoded and checked. record_golden.py made the files.
#define BOOST_TEST_MODULE golden_record
#include "shared/record/batch_checker.h"
#include "shared/record/record_iterator.h"
#include "tests/unit/shared/kafka/hex.h"

#include <boost/test/unit_test.hpp>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::record;

namespace {

struct Golden {
    std::string codec;
    Buffer batch;
};

std::vector<Golden> read_golden(const std::string& file_name) {
    std::ifstream file(std::string(LB_GOLDEN_DIR) + "/" + file_name);
    BOOST_REQUIRE(file.is_open());
    std::vector<Golden> all;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with('#')) {
            const std::size_t space = line.find(' ');
            all.push_back(Golden{line.substr(0, space), from_hex(line.substr(space + 1))});
        }
    }
    return all;
}

BatchView checked(const Golden& golden) {
    BatchCheckOptions options;
    options.depth = CheckDepth::records;
    Buffer scratch;
    const auto result = check_batch(golden.batch.view(), options, scratch);
    if (const BatchFault* const fault = std::get_if<BatchFault>(&result)) {
        BOOST_FAIL(golden.codec << ": " << to_string(*fault));
    }
    return std::get<BatchView>(result);
}

/// The 40 records that record_golden.py sends.
void check_records_of_script(const Golden& golden) {
    const BatchView batch = checked(golden);
    BOOST_TEST(codec::to_string(batch.codec_id()) == golden.codec);
    BOOST_REQUIRE(batch.header().records_count == 40);
    Buffer scratch;
    const auto records = batch.records(scratch);
    RecordIterator iterator(*records, 40);
    RecordView record;
    for (int n = 0; *iterator.next(record); ++n) {
        std::array<char, 80> expected{};
        std::snprintf(
            expected.data(), expected.size(), "golden line %04d that packs well, that packs well", n
        );
        BOOST_TEST(as_text(*record.value) == expected.data());
        BOOST_TEST(as_text(*record.key) == "k");
        BOOST_TEST(as_text(*find_header(record, "h")) == "v");
    }
}

void check_file_of_script(const std::string& file_name, const std::vector<std::string>& codecs) {
    std::vector<std::string> seen;
    for (const Golden& golden : read_golden(file_name)) {
        check_records_of_script(golden);
        seen.push_back(golden.codec);
    }
    BOOST_TEST(seen == codecs, boost::test_tools::per_element());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(golden_record)

BOOST_AUTO_TEST_CASE(librdkafkas_batches_of_every_codec_are_read) {
    check_file_of_script("librdkafka.txt", {"none", "gzip", "snappy", "lz4", "zstd"});
}

BOOST_AUTO_TEST_CASE(kafka_pythons_batches_are_read) {
    check_file_of_script("kafka_python.txt", {"none", "gzip", "lz4"});
}

BOOST_AUTO_TEST_CASE(the_formats_own_examples_are_read) {
    const std::vector<Golden> all = read_golden("specification.txt");
    BOOST_REQUIRE(all.size() == 3u);
    BOOST_TEST(checked(all[0]).header().crc == 0x5E792823u);
    BOOST_TEST(checked(all[1]).header().crc == 0x10BE741Au);

    const auto control = BatchView::parse(all[2].batch.view());
    BOOST_REQUIRE(control.has_value());
    BOOST_TEST(control->check_crc().has_value());
    BOOST_TEST(control->header().is_control());
    BOOST_TEST(control->header().is_transactional());
    BOOST_TEST(control->header().producer_id.value == 1000);
    BOOST_TEST(control->header().base_offset.value == 42);
    Buffer scratch;
    const auto refused = check_batch(all[2].batch.view(), BatchCheckOptions(), scratch);
    BOOST_TEST((std::get<BatchFault>(refused) == BatchFault::control_batch));
}

BOOST_AUTO_TEST_CASE(a_header_is_encoded_back_to_the_same_bytes) {
    for (const char* const file : {"librdkafka.txt", "kafka_python.txt", "specification.txt"}) {
        for (const Golden& golden : read_golden(file)) {
            std::array<std::byte, limits::batch_header_bytes> header{};
            encode_batch_header(decode_batch_header(golden.batch.view()), header.data());
            BOOST_TEST(to_hex(header) == to_hex(golden.batch.view().first(header.size())));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
