#include "agent/source/file/checkpoint_codec.h"

#include "shared/base/rng.h"
#include "tests/unit/agent/read_batch.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace logboom;
using namespace logboom::source;
using logboom::tests::id_of;

namespace {

CheckpointEntry some_entry() {
    CheckpointEntry entry;
    entry.stream = id_of(1);
    entry.generation = 3;
    entry.offset = 1'000'000'000'000;
    entry.tail_len = 64;
    entry.tail_hash = 0x8000'0000'0000'0001;
    entry.identity.fs_id = "fsid:1";
    entry.identity.ino = 42;
    entry.identity.gen = 7;
    entry.identity.btime_ns = -5;
    entry.identity.head_len = 1024;
    entry.identity.head_hash = 9;
    entry.identity.size_seen = 123'456;
    entry.identity.path_seen = "/var/log/\xFF\n.log";  // T7: bytes
    entry.identity.predecessor = id_of(2);
    entry.input = "app";
    entry.topic = "logs";
    entry.partition = PartitionIndex(0);
    entry.gone_since_ms = 1'700'000'000'000;
    entry.passed_to = 1'000'000'000'005;
    entry.cut_at = 1'000'000'000'006;
    return entry;
}

Buffer frame_of(const FrameKind kind, const std::string_view value) {
    Buffer out;
    append_frame(kind, as_bytes(value), out);
    return out;
}

ErrorCode code_of(const Buffer& frame) {
    const Result<FrameView> read = read_frame(frame.view());
    return read ? ErrorCode{} : read.code();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_codec)

BOOST_AUTO_TEST_CASE(a_frame_that_is_cut_off_is_no_frame) {
    const Buffer whole = frame_of(FrameKind::input, "app");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Buffer torn;
        torn.append(whole.view().first(size));
        BOOST_TEST((code_of(torn) == ErrorCode::malformed), size);
    }
    BOOST_TEST(read_frame(whole.view()).has_value());
}

BOOST_AUTO_TEST_CASE(every_changed_bit_is_found) {
    const Buffer whole = frame_of(FrameKind::input, "some input's name");
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        Buffer changed;
        changed.append(whole.view());
        changed.data()[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        BOOST_TEST(!read_frame(changed.view()).has_value(), "bit " << bit);
    }
}

BOOST_AUTO_TEST_CASE(a_length_that_cannot_be_is_refused_before_anything_is_read) {
    Buffer frame = frame_of(FrameKind::input, "x");
    frame.data()[8] = std::byte{0xFF};
    BOOST_TEST((code_of(frame) == ErrorCode::malformed));
}

BOOST_AUTO_TEST_CASE(frames_stand_one_behind_the_other) {
    Buffer out;
    append_frame(FrameKind::input, as_bytes("first"), out);
    append_frame(FrameKind::forgotten, as_bytes(""), out);
    const Result<FrameView> first = read_frame(out.view());
    BOOST_REQUIRE(first.has_value());
    BOOST_TEST(as_text(first->value) == "first");
    BOOST_TEST((first->kind == FrameKind::input));
    const Result<FrameView> second = read_frame(out.view().subspan(first->size));
    BOOST_REQUIRE(second.has_value());
    BOOST_TEST((second->kind == FrameKind::forgotten));
    BOOST_TEST(second->value.empty());
    BOOST_TEST(first->size + second->size == out.size());
}

BOOST_AUTO_TEST_CASE(a_frame_has_exactly_these_bytes) {
    const Buffer frame = frame_of(FrameKind::input, "app");
    const std::string hex = to_hex(frame.view());
    BOOST_TEST(hex.substr(0, 24) == "4c4243500103000000000003");
    BOOST_TEST(hex.substr(32) == "617070");
    // CRC-32C of 01 03 0000 00000003 "app".
    BOOST_TEST(hex.substr(24, 8) == "4a355b27");
}

BOOST_AUTO_TEST_CASE(an_entry_comes_back_as_it_was) {
    for (const bool is_full : {true, false}) {
        CheckpointEntry entry = is_full ? some_entry() : CheckpointEntry();
        entry.stream = id_of(1);
        Buffer value;
        encode_entry(entry, value);
        const Result<CheckpointEntry> decoded = decode_entry(value.view());
        BOOST_REQUIRE(decoded.has_value());
        BOOST_TEST((*decoded == entry));
    }
}

BOOST_AUTO_TEST_CASE(an_entry_with_the_longest_path_fits_a_frame) {
    CheckpointEntry entry = some_entry();
    entry.identity.path_seen.assign(record::path_seen_bytes_max, 'p');
    Buffer value;
    encode_entry(entry, value);
    Buffer frame;
    append_frame(FrameKind::stream, value.view(), frame);
    const Result<FrameView> read = read_frame(frame.view());
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((*decode_entry(read->value) == entry));
}

BOOST_AUTO_TEST_CASE(the_agents_identity_comes_back_as_it_was) {
    AgentIdentity agent;
    agent.agent_id = id_of(77);
    agent.hash_seed = ~std::uint64_t{0};
    agent.agent_epoch = ~std::uint32_t{0};
    Buffer value;
    encode_agent(agent, value);
    const Result<AgentIdentity> decoded = decode_agent(value.view());
    BOOST_REQUIRE(decoded.has_value());
    BOOST_TEST((*decoded == agent));
}

BOOST_AUTO_TEST_CASE(foreign_bytes_are_refused_and_never_more) {
    BOOST_TEST(!decode_entry(as_bytes("")).has_value());
    BOOST_TEST(!decode_agent(as_bytes("")).has_value());
    Rng rng(1);
    Buffer good;
    encode_entry(some_entry(), good);
    for (int round = 0; round < 5000; ++round) {
        Buffer bytes;
        bytes.append(good.view().first(rng.below(good.size() + 1)));
        for (std::uint64_t n = rng.below(4); n != 0 && !bytes.empty(); --n) {
            bytes.data()[rng.below(bytes.size())] = static_cast<std::byte>(rng.next());
        }
        const Result<CheckpointEntry> decoded = decode_entry(bytes.view());
        static_cast<void>(decode_agent(bytes.view()));
        static_cast<void>(read_frame(bytes.view()));
        if (decoded) {  // whatever it is, it can be written again
            Buffer again;
            encode_entry(*decoded, again);
            BOOST_TEST((*decode_entry(again.view()) == *decoded));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
