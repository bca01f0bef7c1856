#define BOOST_TEST_MODULE agent_parse
#include "agent/parse/newline.h"

#include "shared/base/rng.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::parse;

namespace {

/// Bytes of which about one in `one_in` is a line feed, and the others come close to it.
std::string noise(Rng& rng, const std::size_t size, const std::uint64_t one_in) {
    constexpr std::string_view near_newline("\x0B\x09\r\x8A\x1A\0", 6);
    std::string bytes(size, '\0');
    for (char& c : bytes) {
        const std::uint64_t drawn = rng.next();
        c = drawn % one_in == 0 ? '\n' : static_cast<char>(drawn >> 8);
        if (c != '\n' && drawn % 3 == 0) {
            c = near_newline[(drawn >> 16) % near_newline.size()];
        }
    }
    return bytes;
}

/// The masks, a byte at a time.
std::vector<std::uint64_t> plain_masks(const std::string_view bytes) {
    std::vector<std::uint64_t> masks(bytes.size() / mask_bytes, 0);
    for (std::size_t i = 0; i < masks.size() * mask_bytes; ++i) {
        masks[i / mask_bytes] |= std::uint64_t{bytes[i] == '\n'} << (i % mask_bytes);
    }
    return masks;
}

std::vector<std::size_t> found_in(const std::string_view bytes) {
    std::vector<std::size_t> found;
    for_each_newline(as_bytes(bytes), [&found](const std::size_t at) { found.push_back(at); });
    return found;
}

std::vector<std::size_t> plainly_found_in(const std::string_view bytes) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (bytes[i] == '\n') {
            found.push_back(i);
        }
    }
    return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(newline)

BOOST_AUTO_TEST_CASE(the_fast_masks_are_the_portable_ones_at_every_alignment) {
    Rng rng(1);
    for (const std::uint64_t one_in : {2u, 20u, 500u}) {
        for (std::size_t shift = 0; shift <= mask_bytes; ++shift) {
            const std::size_t count = 1 + rng.below(9);
            const std::string bytes = noise(rng, shift + count * mask_bytes, one_in);
            const std::string_view seen = std::string_view(bytes).substr(shift);
            const std::vector<std::uint64_t> expected = plain_masks(seen);
            // What was there before must not shine through.
            std::vector<std::uint64_t> fast(count, 0x5555'5555'5555'5555);
            std::vector<std::uint64_t> portable(count, 0xAAAA'AAAA'AAAA'AAAA);
            newline_masks(as_bytes(seen).data(), count, fast.data());
            newline_masks_portable(as_bytes(seen).data(), count, portable.data());
            BOOST_TEST(fast == expected, "shift " << shift << ", one in " << one_in);
            BOOST_TEST(portable == expected, "shift " << shift << ", one in " << one_in);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_byte_value_but_one_is_no_line_feed) {
    std::string bytes(256, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(i);
    }
    BOOST_TEST(found_in(bytes) == std::vector<std::size_t>{10}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_line_feed_is_found_once_and_in_order_whatever_the_length) {
    Rng rng(2);
    for (std::size_t size = 0; size < 200; ++size) {
        const std::string bytes = noise(rng, size, 4);
        BOOST_TEST((found_in(bytes) == plainly_found_in(bytes)), "size " << size);
    }
    // Longer than the masks that are made at once, with every remainder of the last one.
    for (std::size_t rest = 0; rest < mask_bytes; rest += 7) {
        const std::string bytes = noise(rng, 64 * mask_bytes * 2 + rest, 30);
        BOOST_TEST((found_in(bytes) == plainly_found_in(bytes)), "rest " << rest);
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_found_where_nothing_is) {
    BOOST_TEST(found_in("").empty());
    BOOST_TEST(found_in(std::string(1000, 'x')).empty());
    BOOST_TEST(found_in(std::string(130, '\n')).size() == 130u);
}

BOOST_AUTO_TEST_SUITE_END()
