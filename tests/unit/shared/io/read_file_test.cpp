// How Fs reads a whole file: with a buffer of the file's size, never of the limit's.
#include "tests/sim/sim_machine.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace logboom;
using namespace logboom::sim;

namespace {

constexpr const char* path = "/file";

std::string text_of(const std::size_t size) {
    std::string text(size, '.');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>('a' + i % 23);
    }
    return text;
}

Result<std::string> read(SimMachine& machine, const std::size_t bytes_max) {
    return machine.run(machine.env().fs.read_file(path, bytes_max));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(read_file)

BOOST_AUTO_TEST_CASE(the_room_is_that_of_the_file_and_not_that_of_the_limit) {
    SimMachine machine;
    const std::string content = text_of(10'000);
    machine.set_content(path, content);
    std::uint32_t largest = 0;
    machine.judge_ops([&largest](const io::Op& op) {
        largest = op.kind == io::OpKind::read ? std::max(largest, op.len) : largest;
        return OpGate::passes;
    });
    const Result<std::string> got = read(machine, 256u << 20);
    BOOST_REQUIRE(got.has_value());
    BOOST_TEST((*got == content));
    BOOST_TEST(largest <= 10'001u);
}

BOOST_AUTO_TEST_CASE(a_file_that_grows_meanwhile_is_read_to_its_end) {
    SimMachine machine;
    machine.set_content(path, text_of(10'000));
    int reads = 0;
    machine.judge_ops([&machine, &reads](const io::Op& op) {
        if (op.kind == io::OpKind::read && ++reads <= 3) {
            machine.set_content(path, text_of(10'000u << reads));
        }
        return OpGate::passes;
    });
    const Result<std::string> got = read(machine, 1u << 20);
    BOOST_REQUIRE(got.has_value());
    BOOST_TEST((*got == text_of(80'000)));
}

BOOST_AUTO_TEST_CASE(a_file_of_the_limit_is_read_and_a_longer_one_refused) {
    SimMachine machine;
    for (const std::size_t limit : {std::size_t{0}, std::size_t{100}, std::size_t{50'000}}) {
        machine.set_content(path, text_of(limit));
        const Result<std::string> whole = read(machine, limit);
        BOOST_REQUIRE(whole.has_value());
        BOOST_TEST(whole->size() == limit);
        machine.set_content(path, text_of(limit + 1));
        BOOST_TEST((read(machine, limit).code() == ErrorCode::too_large));
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_outgrows_the_limit_while_it_is_read_is_refused) {
    SimMachine machine;
    machine.set_content(path, text_of(6'000));
    machine.judge_ops([&machine](const io::Op& op) {
        if (op.kind == io::OpKind::read) {
            machine.set_content(path, text_of(9'000));
        }
        return OpGate::passes;
    });
    BOOST_TEST((read(machine, 8'000).code() == ErrorCode::too_large));
}

BOOST_AUTO_TEST_CASE(a_file_that_shrinks_meanwhile_gives_what_is_left) {
    SimMachine machine;
    machine.set_content(path, text_of(10'000));
    machine.judge_ops([&machine](const io::Op& op) {
        if (op.kind == io::OpKind::read) {
            machine.set_content(path, text_of(5));
        }
        return OpGate::passes;
    });
    const Result<std::string> got = read(machine, 1u << 20);
    BOOST_REQUIRE(got.has_value());
    BOOST_TEST(*got == text_of(5));
}

BOOST_AUTO_TEST_SUITE_END()
