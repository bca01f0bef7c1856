#include "agent/source/file/identity.h"

#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

/// An identifier over a machine's disk.
struct IdentityBench {
    sim::SimMachine machine;
    Applications apps{machine};
    KeyedHash hash{7};
    Identifier& identifier{machine.make<Identifier>(machine.env(), hash)};

    Result<FileIdentity> identify(const std::string& path) {
        io::File file = open(path);
        WallTime mtime{};
        Result<FileIdentity> identity = machine.run(identifier.identify(file, path, mtime));
        close(file);
        return identity;
    }
    Tail tail(const std::string& path, const std::uint64_t offset, const std::uint32_t size) {
        io::File file = open(path);
        const Result<Tail> tail = machine.run(identifier.tail(file, offset, size));
        close(file);
        BOOST_REQUIRE(tail.has_value());
        return *tail;
    }
    io::File open(const std::string& path) {
        Result<io::File> opened = machine.run(machine.env().fs.open(path, O_RDONLY));
        BOOST_REQUIRE(opened.has_value());
        return std::move(*opened);
    }
    void close(io::File& file) {
        const Result<Ok> closed = machine.run(file.close());
        BOOST_REQUIRE(closed.has_value());
    }
};

constexpr Tail some_tail{64, 1};
constexpr Tail other_tail{64, 2};

}  // namespace

BOOST_AUTO_TEST_SUITE(identity)

// --- What a look says, T9 ------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_file_that_is_long_enough_and_has_the_tail_goes_on) {
    // T9.1.
    BOOST_TEST((continuity(100, some_tail, 100, some_tail) == Continuity::same));
    BOOST_TEST((continuity(100, some_tail, 5000, some_tail) == Continuity::same));
    // A position that nothing proves is taken as it is, since key and size are all there is.
    BOOST_TEST((continuity(100, Tail(), 100, other_tail) == Continuity::same));
    BOOST_TEST((continuity(0, Tail(), 0, Tail()) == Continuity::same));
}

BOOST_AUTO_TEST_CASE(a_file_shorter_than_the_position_was_truncated) {
    // T9.2, whatever its bytes are.
    BOOST_TEST((continuity(100, some_tail, 99, some_tail) == Continuity::truncated));
    BOOST_TEST((continuity(1, Tail(), 0, Tail()) == Continuity::truncated));
}

BOOST_AUTO_TEST_CASE(a_file_with_other_bytes_before_the_position_was_rewritten) {
    // T9.3.
    BOOST_TEST((continuity(100, some_tail, 5000, other_tail) == Continuity::rewritten));
    BOOST_TEST((continuity(100, some_tail, 100, Tail{10, 1}) == Continuity::rewritten));
}

BOOST_AUTO_TEST_CASE(content_under_another_inode_is_moved_or_copied_by_what_became_of_the_old_file
) {
    // T9.5.
    ContentProofs proofs;
    proofs.is_head_equal = proofs.is_tail_equal = proofs.are_apart = true;
    BOOST_TEST((kinship(proofs, false) == Kinship::moved));
    BOOST_TEST((kinship(proofs, true) == Kinship::copied));
    // A small file, or one of which nothing was read: its birth is the second proof.
    proofs.are_apart = false;
    proofs.is_later_copy = true;
    BOOST_TEST((kinship(proofs, false) == Kinship::moved));
    BOOST_TEST((kinship(proofs, true) == Kinship::copied));
}

BOOST_AUTO_TEST_CASE(no_single_proof_makes_kin) {
    // T9: an offset is never adopted by a head alone, nor by a head that is read twice.
    for (const bool is_whole : {false, true}) {
        ContentProofs proofs;
        proofs.is_head_equal = true;
        proofs.is_tail_equal = true;
        BOOST_TEST((kinship(proofs, is_whole) == Kinship::none));
        proofs.are_apart = proofs.is_later_copy = true;
        proofs.is_tail_equal = false;
        BOOST_TEST((kinship(proofs, is_whole) == Kinship::none));
        proofs.is_tail_equal = true;
        proofs.is_head_equal = false;
        BOOST_TEST((kinship(proofs, is_whole) == Kinship::none));
    }
}

// --- What is read from a file, T8 ----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_identity_has_key_size_path_and_head) {
    IdentityBench bench;
    bench.apps.write("/a.log", "short\n");
    const Result<FileIdentity> identity = bench.identify("/a.log");
    BOOST_REQUIRE(identity.has_value());
    BOOST_TEST(identity->size_seen == 6u);
    BOOST_TEST(identity->path_seen == "/a.log");
    BOOST_TEST(identity->head_len == 6u);
    BOOST_TEST(identity->head_hash == bench.hash(as_bytes("short\n")));
    BOOST_TEST(identity->ino == bench.apps.inode("/a.log"));
    BOOST_TEST(identity->gen.has_value());
    BOOST_TEST(identity->btime_ns.has_value());
    BOOST_TEST(identity->fs_id.starts_with("fsid:"));
    BOOST_TEST(
        (key_of(*identity)
         == FileKey{identity->fs_id, identity->ino, identity->gen, identity->btime_ns})
    );
}

BOOST_AUTO_TEST_CASE(the_head_is_at_most_1024_bytes) {
    IdentityBench bench;
    const std::string content(5000, 'x');
    bench.apps.write("/a.log", content);
    const Result<FileIdentity> identity = bench.identify("/a.log");
    BOOST_TEST(identity->head_len == 1024u);
    BOOST_TEST(identity->head_hash == bench.hash(as_bytes(content).first(1024)));
    BOOST_TEST(identity->size_seen == 5000u);
}

BOOST_AUTO_TEST_CASE(an_inode_that_is_used_again_gives_another_key) {
    // T9.4.
    IdentityBench bench;
    bench.apps.write("/a.log", "first\n");
    const Result<FileIdentity> first = bench.identify("/a.log");
    bench.apps.remove("/a.log");
    bench.machine.disk().sync_all();  // the number is free
    bench.machine.run_for(1s);
    bench.apps.write("/a.log", "first\n");
    const Result<FileIdentity> second = bench.identify("/a.log");
    BOOST_TEST(first->ino == second->ino);
    BOOST_TEST(first->head_hash == second->head_hash);
    BOOST_TEST((key_of(*first) != key_of(*second)));
}

BOOST_AUTO_TEST_CASE(writing_renaming_and_truncating_do_not_change_the_key) {
    IdentityBench bench;
    bench.apps.write("/a.log", "first\n");
    const Result<FileIdentity> before = bench.identify("/a.log");
    bench.machine.run_for(1s);
    bench.apps.write("/a.log", "second\n");
    bench.apps.rename("/a.log", "/b.log");
    bench.apps.truncate("/b.log", 3);
    const Result<FileIdentity> after = bench.identify("/b.log");
    BOOST_TEST((key_of(*before) == key_of(*after)));
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_has_no_identity) {
    // T5: the open descriptor is looked at, not the name.
    IdentityBench bench;
    bench.apps.make_dirs("/dir");
    const Result<FileIdentity> identity = bench.identify("/dir");
    BOOST_TEST((identity.code() == ErrorCode::invalid_argument));
}

BOOST_AUTO_TEST_CASE(a_tail_is_the_hash_of_the_bytes_just_before_a_position) {
    IdentityBench bench;
    const std::string content = std::string(100, 'a') + std::string(100, 'b');
    bench.apps.write("/a.log", content);
    const Tail tail = bench.tail("/a.log", 132, 64);
    BOOST_TEST(tail.size == 64u);
    BOOST_TEST(tail.hash == bench.hash(as_bytes(content).subspan(68, 64)));
    BOOST_TEST((tail == bench.identifier.tail_of(as_bytes(content).first(132))));
    // A file that ends before the position proves something else.
    BOOST_TEST((bench.tail("/a.log", 210, 64) != bench.tail("/a.log", 200, 64)));
}

BOOST_AUTO_TEST_CASE(a_file_shorter_than_a_head_has_another_head) {
    IdentityBench bench;
    bench.apps.write("/a.log", std::string(100, 'a'));
    io::File file = bench.open("/a.log");
    const Result<std::uint64_t> whole = bench.machine.run(bench.identifier.head_hash(file, 100));
    const Result<std::uint64_t> part = bench.machine.run(bench.identifier.head_hash(file, 99));
    bench.apps.truncate("/a.log", 99);
    const Result<std::uint64_t> cut = bench.machine.run(bench.identifier.head_hash(file, 100));
    bench.close(file);
    BOOST_TEST(*whole != *part);
    BOOST_TEST(*cut == *part);
}

BOOST_AUTO_TEST_CASE(a_file_system_is_asked_for_its_name_once) {
    IdentityBench bench;
    bench.apps.write("/a.log", "x");
    int asked = 0;
    bench.machine.judge_ops([&asked](const io::Op& op) {
        asked += op.kind == io::OpKind::statfs ? 1 : 0;
        return sim::OpGate::passes;
    });
    for (int i = 0; i < 5; ++i) {
        static_cast<void>(bench.identify("/a.log"));
    }
    BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_CASE(a_file_system_without_a_name_is_known_by_its_device) {
    IdentityBench bench;
    bench.apps.write("/a.log", "x");
    bench.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::statfs ? EACCES : sim::OpGate::passes;
    });
    BOOST_TEST(bench.identify("/a.log")->fs_id.starts_with("dev:"));
}

BOOST_AUTO_TEST_SUITE_END()
