// The simulated disk: what a power loss keeps, loses and tears, and what a kernel promises besides.
#include "shared/io/sim_disk.h"

#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <algorithm>
#include <set>

using namespace logboom;
using io::SimDisk;
using io::SimDiskOptions;
using io::SimOpenFile;

namespace {

constexpr std::uint64_t seeds = 100;

class Disk {
public:
    explicit Disk(const std::uint64_t seed, const SimDiskOptions options = SimDiskOptions())
        : events_(seed)
        , disk(events_, 1, options) {}

    std::shared_ptr<SimOpenFile> open(const std::string& path, const int flags = O_CREAT | O_RDWR) {
        std::shared_ptr<SimOpenFile> file;
        BOOST_REQUIRE(disk.open(path, static_cast<std::uint32_t>(flags), 0640, file) == 0);
        return file;
    }
    void write(SimOpenFile& file, const std::string& text, const std::uint64_t offset = 0) {
        const auto size = static_cast<std::int32_t>(text.size());
        BOOST_REQUIRE(disk.write(file, as_bytes(text), offset, SimDisk::Faults::none) == size);
    }
    void sync(SimOpenFile& file) { BOOST_REQUIRE(disk.sync(file, SimDisk::Faults::none) == 0); }
    void sync_directory(const std::string& path = "/") {
        const auto dir = open(path, O_RDONLY | O_DIRECTORY);
        sync(*dir);
        disk.close(*dir);
    }
    /// A file whose content and name are on disk.
    void make_durable(const std::string& path, const std::string& text) {
        const auto file = open(path);
        write(*file, text);
        sync(*file);
        disk.close(*file);
        sync_directory();
    }
    [[nodiscard]] bool exists(const std::string& path) {
        struct statx found {};
        return disk.stat(nullptr, path, true, found) == 0;
    }
    [[nodiscard]] std::string content(const std::string& path) {
        const auto file = open(path, O_RDONLY);
        std::string text(20'000, '\0');
        const MutableByteView room = std::as_writable_bytes(std::span(text));
        const std::int32_t size = disk.read(*file, room, 0, SimDisk::Faults::none);
        BOOST_REQUIRE(size >= 0);
        text.resize(static_cast<std::size_t>(size));
        disk.close(*file);
        return text;
    }

private:
    io::SimEvents events_;

public:
    SimDisk disk;
};

/// In how many of the seeds each outcome was seen.
struct Counts {
    int kept = 0;
    int lost = 0;
    int mixed = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sim_disk)

// --- Power loss ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_was_synced_with_its_name_survives_a_power_loss) {
    const std::string text(5000, 'a');
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Disk d(seed);
        d.make_durable("/file", text);
        BOOST_TEST((d.disk.durable_content("/file") == text));
        d.disk.lose_power();
        BOOST_REQUIRE(d.exists("/file"));
        BOOST_TEST((d.content("/file") == text), "seed " << seed);
    }
}

BOOST_AUTO_TEST_CASE(each_sector_that_was_not_synced_is_kept_lost_or_torn) {
    const std::string old(4096, 'o');
    const std::string written(4096, 'n');
    Counts sectors;
    Counts files;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Disk d(seed);
        d.make_durable("/file", old);
        const auto file = d.open("/file");
        d.write(*file, written);
        d.disk.lose_power();
        const std::string left = d.content("/file");
        BOOST_REQUIRE(left.size() == 4096);
        for (std::size_t sector = 0; sector < 4096; sector += 512) {
            const std::string_view bytes = std::string_view(left).substr(sector, 512);
            const std::size_t first_old = bytes.find('o');
            // A torn one is new up to some byte, and old from there.
            BOOST_TEST(bytes.find('n', std::min(first_old, bytes.size())) == std::string::npos);
            sectors.kept += first_old == std::string::npos ? 1 : 0;
            sectors.lost += first_old == 0 ? 1 : 0;
            sectors.mixed += first_old != std::string::npos && first_old != 0 ? 1 : 0;
        }
        files.kept += left == written ? 1 : 0;
        files.lost += left == old ? 1 : 0;
        files.mixed += left != written && left != old ? 1 : 0;
    }
    BOOST_TEST(sectors.kept > 50);
    BOOST_TEST(sectors.lost > 50);
    BOOST_TEST(sectors.mixed > 5);
    BOOST_TEST(files.kept > 5);
    BOOST_TEST(files.lost > 5);
    BOOST_TEST(files.mixed > 5);
}

BOOST_AUTO_TEST_CASE(what_is_synced_later_makes_earlier_writes_durable_too_and_later_ones_not) {
    Counts counts;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Disk d(seed);
        d.make_durable("/file", "");
        const auto file = d.open("/file");
        d.write(*file, std::string(1000, 'a'));
        d.sync(*file);
        d.write(*file, std::string(1000, 'b'), 1000);
        d.disk.lose_power();
        const std::string left = d.content("/file");
        BOOST_REQUIRE(left.size() >= 1000);
        BOOST_TEST((left.substr(0, 1000) == std::string(1000, 'a')), "seed " << seed);
        counts.kept += left == std::string(1000, 'a') + std::string(1000, 'b') ? 1 : 0;
        counts.lost += left.size() == 1000 ? 1 : 0;
        counts.mixed += left.size() > 1000 && left.find('\0') != std::string::npos ? 1 : 0;
    }
    BOOST_TEST(counts.kept != 0);
    BOOST_TEST(counts.lost != 0);
    BOOST_TEST(counts.mixed != 0);  // the size is there and the bytes are not
}

BOOST_AUTO_TEST_CASE(a_new_name_is_durable_with_its_directory_only) {
    Counts counts;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Disk d(seed);
        const auto file = d.open("/file");
        d.write(*file, "x");
        d.sync(*file);
        d.disk.lose_power();
        counts.kept += d.exists("/file") ? 1 : 0;
        counts.lost += d.exists("/file") ? 0 : 1;
    }
    BOOST_TEST(counts.kept != 0);
    BOOST_TEST(counts.lost != 0);
}

BOOST_AUTO_TEST_CASE(a_renamed_file_has_one_of_its_names_after_a_power_loss_and_never_both) {
    Counts counts;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Disk d(seed);
        d.make_durable("/old", "content");
        BOOST_REQUIRE(d.disk.rename("/old", "/new") == 0);
        d.disk.lose_power();
        BOOST_TEST(d.exists("/old") != d.exists("/new"));
        BOOST_TEST(d.content(d.exists("/old") ? "/old" : "/new") == "content");
        counts.kept += d.exists("/new") ? 1 : 0;
        counts.lost += d.exists("/old") ? 1 : 0;

        Disk synced(seed);
        synced.make_durable("/old", "content");
        BOOST_REQUIRE(synced.disk.rename("/old", "/new") == 0);
        synced.sync_directory();
        synced.disk.lose_power();
        BOOST_TEST(synced.exists("/new"));
        BOOST_TEST(!synced.exists("/old"));
    }
    BOOST_TEST(counts.kept != 0);
    BOOST_TEST(counts.lost != 0);
}

BOOST_AUTO_TEST_CASE(a_removed_file_may_come_back_until_its_directory_was_synced) {
    Counts counts;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Disk d(seed);
        d.make_durable("/file", "content");
        BOOST_REQUIRE(d.disk.unlink("/file", false) == 0);
        d.disk.lose_power();
        counts.kept += d.exists("/file") ? 1 : 0;
        counts.lost += d.exists("/file") ? 0 : 1;
        if (d.exists("/file")) {
            BOOST_TEST(d.content("/file") == "content");
        }

        Disk synced(seed);
        synced.make_durable("/file", "content");
        BOOST_REQUIRE(synced.disk.unlink("/file", false) == 0);
        synced.sync_directory();
        synced.disk.lose_power();
        BOOST_TEST(!synced.exists("/file"));
    }
    BOOST_TEST(counts.kept != 0);
    BOOST_TEST(counts.lost != 0);
}

BOOST_AUTO_TEST_CASE(a_truncation_is_durable_after_a_sync) {
    Counts counts;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Disk d(seed);
        d.make_durable("/file", std::string(3000, 'a'));
        const auto file = d.open("/file");
        BOOST_REQUIRE(d.disk.truncate(*file, 100) == 0);
        d.disk.lose_power();
        const std::size_t left = d.content("/file").size();
        BOOST_TEST(left >= 100u);
        BOOST_TEST(left <= 3000u);
        counts.kept += left == 3000 ? 1 : 0;
        counts.lost += left == 100 ? 1 : 0;

        Disk synced(seed);
        synced.make_durable("/file", std::string(3000, 'a'));
        const auto again = synced.open("/file");
        BOOST_REQUIRE(synced.disk.truncate(*again, 100) == 0);
        synced.sync(*again);
        synced.disk.lose_power();
        BOOST_TEST(synced.content("/file") == std::string(100, 'a'));
    }
    BOOST_TEST(counts.kept != 0);
    BOOST_TEST(counts.lost != 0);
}

BOOST_AUTO_TEST_CASE(what_was_truncated_away_never_shows_again_behind_new_bytes) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Disk d(seed);
        d.make_durable("/file", std::string(3000, 'a'));
        const auto file = d.open("/file");
        BOOST_REQUIRE(d.disk.truncate(*file, 0) == 0);
        d.write(*file, std::string(10, 'b'), 2000);
        d.sync(*file);
        d.disk.lose_power();
        BOOST_TEST((d.content("/file") == std::string(2000, '\0') + std::string(10, 'b')));
    }
}

BOOST_AUTO_TEST_CASE(syncing_everything_leaves_nothing_to_lose) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Disk d(seed);
        BOOST_REQUIRE(d.disk.make_dir("/dir", 0750) == 0);
        const auto file = d.open("/dir/file");
        d.write(*file, "content");
        d.disk.sync_all();
        d.disk.lose_power();
        BOOST_REQUIRE(d.exists("/dir/file"));
        BOOST_TEST(d.content("/dir/file") == "content");
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_was_open_means_nothing_after_a_power_loss) {
    Disk d(1);
    d.make_durable("/file", "content");
    const auto file = d.open("/file");
    BOOST_REQUIRE(d.disk.lock(*file) == 0);
    d.disk.lose_power();
    BOOST_TEST(d.disk.write(*file, as_bytes("x"), 0, SimDisk::Faults::none) == -EBADF);
    d.disk.close(*file);  // of the life before
    const auto again = d.open("/file", O_RDONLY);
    BOOST_TEST(again->inode->writers == 0u);
    BOOST_TEST(again->inode->opens == 1u);
    BOOST_TEST(d.disk.lock(*again) == 0);
}

// --- Faults --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_failed_sync_drops_what_it_should_have_kept_or_leaves_it_readable_only) {
    SimDiskOptions options;
    options.faults.sync_error = 1;
    Counts counts;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Disk d(seed, options);
        d.make_durable("/file", "old");
        const auto file = d.open("/file");
        d.write(*file, "new");
        BOOST_TEST(d.disk.sync(*file, SimDisk::Faults::configured) == -EIO);
        const std::string shown = d.content("/file");
        counts.kept += shown == "new" ? 1 : 0;
        counts.lost += shown == "old" ? 1 : 0;
        // A second sync succeeds, and what was dropped is not on disk all the same.
        d.sync(*file);
        BOOST_TEST(d.disk.durable_content("/file") == "old");
    }
    BOOST_TEST(counts.kept != 0);
    BOOST_TEST(counts.lost != 0);
    BOOST_TEST(counts.kept + counts.lost == static_cast<int>(seeds));
}

BOOST_AUTO_TEST_CASE(faults_strike_those_who_asked_for_them_only) {
    SimDiskOptions options;
    options.faults = {1, 1, 1, 1, 1, 0};
    Disk d(1, options);
    const auto file = d.open("/file");
    d.write(*file, "0123456789");
    d.sync(*file);
    BOOST_TEST(d.content("/file") == "0123456789");
    std::array<std::byte, 10> room{};
    BOOST_TEST(d.disk.read(*file, room, 0, SimDisk::Faults::configured) == -EIO);
    BOOST_TEST(d.disk.write(*file, as_bytes("x"), 0, SimDisk::Faults::configured) == -EIO);
}

// --- Room and numbers ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_full_disk_takes_what_has_room_and_no_more) {
    SimDiskOptions options;
    options.capacity_bytes = 1000;
    Disk d(1, options);
    const auto file = d.open("/file");
    const std::string text(600, 'x');
    d.write(*file, text);
    BOOST_TEST(d.disk.info().free_bytes == 400u);
    BOOST_TEST(d.disk.write(*file, as_bytes(text), 600, SimDisk::Faults::none) == 400);
    BOOST_TEST(d.disk.write(*file, as_bytes(text), 1000, SimDisk::Faults::none) == -ENOSPC);
    BOOST_TEST(d.disk.write(*file, as_bytes(text), 0, SimDisk::Faults::none) == 600);
    BOOST_TEST(d.disk.truncate(*file, 1001) == -ENOSPC);
    BOOST_TEST(d.disk.allocate(*file, 500, 501) == -ENOSPC);
    BOOST_TEST(d.disk.truncate(*file, 10) == 0);
    BOOST_TEST(d.disk.info().free_bytes == 990u);
}

BOOST_AUTO_TEST_CASE(a_removed_file_takes_room_until_the_last_one_closes_it) {
    Disk d(1);
    const std::uint64_t before = d.disk.info().free_bytes;
    auto file = d.open("/file");
    d.write(*file, std::string(5000, 'x'));
    BOOST_REQUIRE(d.disk.unlink("/file", false) == 0);
    d.sync_directory();
    BOOST_TEST(d.disk.info().free_bytes == before - 5000);
    std::array<std::byte, 10> room{};
    BOOST_TEST(d.disk.read(*file, room, 0, SimDisk::Faults::none) == 10);
    d.disk.close(*file);
    file.reset();
    BOOST_TEST(d.disk.info().free_bytes == before);
}

BOOST_AUTO_TEST_CASE(a_power_loss_keeps_count_of_the_room) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Disk d(seed);
        const std::uint64_t before = d.disk.info().free_bytes;
        d.make_durable("/file", std::string(3000, 'a'));
        {
            const auto file = d.open("/file");
            d.write(*file, std::string(4000, 'b'), 3000);
        }
        d.disk.lose_power();
        BOOST_TEST(d.disk.info().free_bytes == before - d.content("/file").size());
    }
}

BOOST_AUTO_TEST_CASE(a_freed_inode_number_is_used_again_with_another_generation) {
    for (const bool reuse : {true, false}) {
        SimDiskOptions options;
        options.reuse_inodes = reuse;
        Disk d(1, options);
        auto first = d.open("/first");
        const std::uint64_t ino = first->inode->ino;
        const std::uint64_t generation = first->inode->generation;
        BOOST_REQUIRE(d.disk.unlink("/first", false) == 0);
        d.sync_directory();
        d.disk.close(*first);
        first.reset();
        const auto second = d.open("/second");
        BOOST_TEST((second->inode->ino == ino) == reuse);
        BOOST_TEST(second->inode->generation != generation);
    }
}

BOOST_AUTO_TEST_CASE(appending_writes_go_to_the_end) {
    Disk d(1);
    const auto file = d.open("/file", O_CREAT | O_WRONLY | O_APPEND);
    d.write(*file, "one ");
    d.write(*file, "two", 0);
    BOOST_TEST(d.content("/file") == "one two");
}

BOOST_AUTO_TEST_CASE(each_machine_has_its_own_idea_of_the_time) {
    Disk d(1);
    const WallTime before = d.disk.wall();
    d.disk.set_wall_offset(-5s);
    BOOST_TEST((d.disk.wall() == before - 5s));
    const auto file = d.open("/file");
    BOOST_TEST((file->inode->btime == before - 5s));
}

BOOST_AUTO_TEST_SUITE_END()
