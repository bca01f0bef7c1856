#include "collector/storage/batch_reader.h"

#include "tests/sim/sim_machine.h"
#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::storage;
using namespace logboom::tests;

namespace {

using Found = BatchReader::Found;

/// A file of batches and a reader of it.
struct ReaderWorld {
    explicit ReaderWorld(const std::string& content, const sim::SimMachineOptions& options = {})
        : machine(options) {
        machine.set_content("/file", content);
        Result<io::File> opened = machine.run(machine.env().fs.open("/file", O_RDONLY));
        BOOST_REQUIRE(opened.has_value());
        file = &machine.make<io::File>(std::move(*opened));
        limit = content.size();
    }

    BatchReader& read_from(const std::uint64_t position) {
        reader = std::make_unique<BatchReader>(machine.env(), *file, position, limit);
        return *reader;
    }
    Found next() {
        const Result<Found> found = machine.run(reader->next());
        BOOST_REQUIRE(found.has_value());
        return *found;
    }

    sim::SimMachine machine;
    io::File* file = nullptr;
    std::uint64_t limit = 0;
    std::unique_ptr<BatchReader> reader;
};

std::string text_of(const Buffer& batch) {
    return std::string(as_text(batch.view()));
}

/// A batch whose bytes do not pack.
Buffer noisy_batch(Rng& rng, const std::size_t bytes) {
    std::string noise(bytes, ' ');
    for (char& c : noise) {
        c = static_cast<char>(rng.next());
    }
    return plain_batch({noise});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(batch_reader)

BOOST_AUTO_TEST_CASE(a_batch_that_is_cut_anywhere_is_damage_behind_the_whole_ones) {
    const std::string whole = text_of(plain_batch({"one"}));
    const std::string cut = text_of(plain_batch({"two", "three"}));
    const auto first_set_byte = cut.find_first_not_of('\0');
    for (std::size_t size = 1; size < cut.size(); ++size) {
        ReaderWorld world(whole + cut.substr(0, size));
        world.read_from(0);
        BOOST_REQUIRE((world.next() == Found::batch));
        const Found expected = size <= first_set_byte ? Found::zeros : Found::damaged;
        BOOST_REQUIRE((world.next() == expected));
        BOOST_REQUIRE(world.reader->position() == whole.size());
    }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_but_those_of_offset_and_epoch_is_damage) {
    const Buffer batch = plain_batch({"one", "two"});
    ReaderWorld world(text_of(batch) + text_of(batch));
    for (std::uint64_t at = 8; at < batch.size(); ++at) {
        if (at >= 12 && at < 16) {
            continue;  // the leader epoch: its order proves it, to who reads a whole log
        }
        for (unsigned bit = 0; bit < 8; ++bit) {
            world.machine.flip_bit("/file", at, bit);
            world.read_from(0);
            BOOST_REQUIRE((world.next() == Found::damaged));
            BOOST_REQUIRE(world.reader->position() == 0u);
            world.machine.flip_bit("/file", at, bit);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_read_error_is_an_error_and_no_damage) {
    ReaderWorld world(text_of(plain_batch({"one"})));
    world.machine.disk().options().faults.read_error = 1;
    BatchReader& reader = world.read_from(0);
    const Result<Found> found = world.machine.run(reader.next());
    BOOST_TEST((found.code() == ErrorCode::io));
    BOOST_TEST(found.error().sys_errno == EIO);
}

BOOST_AUTO_TEST_CASE(a_file_that_ends_before_the_limit_is_read_to_its_end) {
    const std::string whole = text_of(plain_batch({"one"}));
    ReaderWorld world(whole);
    world.limit = whole.size() + 1000;
    world.read_from(0);
    BOOST_TEST((world.next() == Found::batch));
    BOOST_TEST((world.next() == Found::end));
}

BOOST_AUTO_TEST_CASE(nothing_is_read_beyond_the_limit) {
    const std::string whole = text_of(plain_batch({"one"}));
    ReaderWorld world(whole + whole);
    world.limit = whole.size();
    world.read_from(0);
    BOOST_TEST((world.next() == Found::batch));
    BOOST_TEST((world.next() == Found::end));
    world.limit = whole.size() + 20;
    world.read_from(whole.size());
    BOOST_TEST((world.next() == Found::damaged));
}

BOOST_AUTO_TEST_CASE(an_empty_file_ends_at_once_and_zeros_are_told_from_damage) {
    ReaderWorld empty("");
    empty.read_from(0);
    BOOST_TEST((empty.next() == Found::end));
    ReaderWorld zeros(std::string(5000, '\0'));
    zeros.read_from(0);
    BOOST_TEST((zeros.next() == Found::zeros));
    ReaderWorld noise("no batch at all, but some other file of sixty-one bytes and more");
    noise.read_from(0);
    BOOST_TEST((noise.next() == Found::damaged));
}

BOOST_AUTO_TEST_CASE(batches_of_all_sizes_are_read_whole_although_reads_are_short_and_interrupted) {
    Rng rng(3);
    std::vector<std::string> written;
    std::string content;
    for (const std::size_t size : {10u, 300'000u, 1u, 262'083u, 5u, 700'000u, 20u}) {
        written.push_back(text_of(noisy_batch(rng, size)));
        content += written.back();
    }
    sim::SimMachineOptions options;
    options.disk.faults.short_read = 0.3;
    options.disk.faults.interrupted = 0.3;
    ReaderWorld world(content, options);
    world.read_from(0);
    std::uint64_t position = 0;
    std::vector<Slice> kept;
    for (const std::string& batch : written) {
        BOOST_REQUIRE((world.next() == Found::batch));
        BOOST_REQUIRE(world.reader->position() == position);
        kept.push_back(world.reader->slice());
        position += batch.size();
    }
    BOOST_TEST((world.next() == Found::end));
    for (std::size_t i = 0; i < written.size(); ++i) {
        BOOST_REQUIRE((as_text(kept[i].view()) == written[i])
        );  // slices outlive the reader's block
    }
}

BOOST_AUTO_TEST_CASE(the_last_byte_that_is_no_zero_is_found_wherever_it_lies) {
    constexpr std::size_t block = limits::log_read_bytes;
    for (const std::size_t at : {std::size_t{0}, block - 1, block, 2 * block - 1, 2 * block + 7}) {
        std::string content(3 * block, '\0');
        content[at] = 'x';
        ReaderWorld world(content);
        sim::SimMachine& machine = world.machine;
        const Result<std::uint64_t> end =
            machine.run(find_data_end(machine.env(), *world.file, 0, content.size()));
        BOOST_TEST(*end == at + 1);
        const Result<std::uint64_t> behind =
            machine.run(find_data_end(machine.env(), *world.file, at + 1, content.size()));
        BOOST_TEST(*behind == at + 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()
