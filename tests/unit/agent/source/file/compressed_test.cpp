#include "agent/source/file/compressed.h"

#include "tests/unit/agent/source/file/source_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

using Lines = SourceWorld::Lines;

// First bytes as the programs write them: gzip 1.12, zstd 1.5.4, xz 5.4.1, bzip2 1.0.8, lz4 1.9.4, zip 3.0.
const std::string gzip_head("\x1F\x8B\x08\x08\xE8\x2B\x7A\x69\x00\x03", 10);
const std::vector<std::string> heads{
    gzip_head,
    std::string("\x28\xB5\x2F\xFD\x24\x0E\x71\x00", 8),
    std::string("\xFD\x37\x7A\x58\x5A\x00\x00\x04", 8),
    std::string("\x42\x5A\x68\x39\x31\x41\x59\x26\x53\x59\x5D", 11),
    std::string("\x42\x5A\x68\x39\x17\x72\x45\x38\x50\x90\x00", 11),  // of nothing
    std::string("\x04\x22\x4D\x18\x64\x40\xA7\x0E", 8),
    std::string("\x50\x4B\x03\x04\x14\x00\x00\x00", 8),
    std::string("\x50\x4B\x05\x06\x00\x00\x00\x00", 8),  // of nothing
};

}  // namespace

BOOST_AUTO_TEST_SUITE(compressed)

BOOST_AUTO_TEST_CASE(a_compressed_file_shows_by_its_name) {
    for (const char* const name :
         {"a.gz", "a.log.1.zst", "a.xz", "a.bz2", "a-20261124.lz4", "a.zip"}) {
        BOOST_TEST(has_compressed_name(name), name);
    }
    for (const char* const name : {"a.log", "gz", "a.gz.1", "a.gzip.log", "azip"}) {
        BOOST_TEST(!has_compressed_name(name), name);
    }
}

BOOST_AUTO_TEST_CASE(a_compressed_file_shows_by_its_first_bytes) {
    for (const std::string& head : heads) {
        BOOST_TEST(is_compressed(as_bytes(head)), quoted(head));
        BOOST_TEST(!is_compressed(as_bytes("x" + head)), quoted(head));
        BOOST_TEST(!is_compressed(as_bytes(head).first(3)) == (head != gzip_head), quoted(head));
    }
}

BOOST_AUTO_TEST_CASE(no_text_looks_compressed) {
    for (const char* const text :
         {"", "\n", "BZh9 is how bzip2 begins\n", "PK fire\n", "(", "7zXZ\n"}) {
        BOOST_TEST(!is_compressed(as_bytes(text)), text);
    }
    const std::string wide("\xFF\xFEl\0o\0g\0\n\0", 10);
    BOOST_TEST(!is_compressed(as_bytes(wide)));
    BOOST_TEST(!is_compressed(as_bytes("\xEF\xBB\xBFtext\n")));
}

// --- T20 -----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_compressed_file_under_another_name_is_left_out_also_if_it_was_seen_empty) {
    for (const std::string& head : heads) {
        SourceWorld world;
        world.add_input({"/var/log/*"});
        world.apps.write("/var/log/plain", numbered(0, 3));
        world.apps.write("/var/log/there", head + std::string(5000, '\n'));
        world.start();
        world.pass(2s);
        AppFile later = world.apps.open("/var/log/later");
        world.pass(2s);
        later.write(head + std::string(5000, '\n'));
        world.pass(2min);
        later.write("more\nof it\n");
        world.pass(2min);
        BOOST_TEST(world.collector.taken.size() == 3u, quoted(head));
        BOOST_TEST(world.times_logged("compressed file; it is left out") == 2u);
        BOOST_TEST(world.metric("logboom_agent_files{state=\"ignored\"}") == 2);
        BOOST_TEST(world.metric("logboom_agent_source_bytes_behind") == 0);
        BOOST_TEST(world.files->is_drained());
        BOOST_TEST(world.metric("logboom_agent_files{state=\"open\"}") == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_compressed_file_that_is_cut_and_written_as_text_is_read) {
    SourceWorld world;
    world.add_input({"/var/log/*"});
    world.apps.write("/var/log/file", gzip_head + std::string(100, '\n'));
    world.start();
    world.pass(2min);
    world.apps.rewrite("/var/log/file", "text\n");
    BOOST_TEST(
        world.lines_of("/var/log/file", 1) == Lines{"text"}, boost::test_tools::per_element()
    );
    BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
    BOOST_TEST(world.metric("logboom_agent_files{state=\"ignored\"}") == 0);
}

BOOST_AUTO_TEST_CASE(a_compressed_file_that_goes_is_no_loss_and_that_comes_back_no_new_file) {
    SourceWorld world;
    world.add_input({"/var/log/*.log"});
    world.apps.write("/var/log/a.log", gzip_head + std::string(100, '\n'));
    world.apps.write("/var/log/b.log", gzip_head + std::string(100, '\n'));
    world.start();
    world.pass(2min);
    world.apps.remove("/var/log/a.log");
    world.apps.rename("/var/log/b.log", "/var/log/b.log.gz");
    world.apps.write("/var/log/b.log", "text\n");
    world.pass(2min);
    BOOST_TEST(world.metric("logboom_agent_loss_bytes_total") == 0);
    BOOST_TEST(
        world.lines_now("/var/log/b.log") == Lines{"text"}, boost::test_tools::per_element()
    );
    world.stop();
    world.start();
    world.pass(2min);
    BOOST_TEST(world.collector.taken.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
