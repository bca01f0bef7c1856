#include "shared/io/fs.h"

#include "shared/base/rng.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/inotify.h>

#include <algorithm>

using namespace logboom;
using io::DirEntry;
using io::File;
using io::FileStat;
using io::FileType;
using io::WatchEvent;
using test::code_of;
using test::IoWorld;
using test::on_every_backend;
using test::on_every_seed;
using test::SimChoices;

namespace {

Task<Result<Ok>> make_file(IoWorld& w, std::string path, std::string content) {
    LB_CO_TRY(File file, co_await w.fs().open(path, O_CREAT | O_TRUNC | O_WRONLY));
    LB_CO_CHECK(co_await file.pwrite(as_bytes(content), 0));
    co_return co_await file.close();
}

Task<Result<std::string>> content_of(IoWorld& w, std::string path) {
    return w.fs().read_file(std::move(path), 16u << 20);
}

std::string some_text(const std::size_t size) {
    std::string text;
    for (std::uint64_t i = 0; text.size() < size; ++i) {
        text += std::to_string(i) + ' ';
    }
    text.resize(size);
    return text;
}

/// Every so often something goes wrong that a caller does not need to know.
SimChoices with_harmless_faults() {
    SimChoices choices;
    choices.disk.faults.interrupted = 0.2;
    choices.disk.faults.short_read = 0.3;
    choices.disk.faults.short_write = 0.3;
    return choices;
}

Task<Result<Ok>> write_and_read_in_pieces(IoWorld& w) {
    // More pieces than one call takes, of any size, the empty ones among them.
    Rng rng(7);
    const std::string text = some_text(300'000);
    std::vector<ByteView> pieces;
    ByteView rest = as_bytes(text);
    while (!rest.empty()) {
        const std::uint64_t wanted = rng.chance(0.2) ? 0 : rng.below(3000);
        const std::size_t size = std::min<std::size_t>(rest.size(), wanted);
        pieces.push_back(rest.first(size));
        rest = rest.subspan(size);
    }
    LB_CO_TRY(File file, co_await w.fs().open(w.path("pieces"), O_CREAT | O_RDWR));
    LB_CO_CHECK(co_await file.pwrite(as_bytes("head"), 0));
    LB_CO_CHECK(co_await file.pwritev(std::move(pieces), 4));
    std::vector<std::byte> room(400'000);
    LB_CO_TRY(const std::uint32_t size, co_await file.pread(room, 4));
    BOOST_TEST(size == text.size());
    BOOST_TEST((as_text(ByteView(room).first(size)) == text));
    LB_CO_TRY(const std::uint32_t middle, co_await file.pread(std::span(room).first(100), 1004));
    BOOST_TEST(middle == 100u);
    BOOST_TEST(as_text(ByteView(room).first(100)) == text.substr(1000, 100));
    co_return co_await file.close();
}

Task<Result<Ok>> wait_for_events(IoWorld& w, io::Watcher& watcher, std::vector<WatchEvent>& into) {
    LB_CO_TRY(std::vector<WatchEvent> events, co_await watcher.next());
    static_cast<void>(w);
    std::ranges::move(events, std::back_inserter(into));
    co_return Ok{};
}

Task<void> note_end_of_wait(IoWorld& w, io::Watcher& watcher, ErrorCode& into) {
    std::vector<WatchEvent> none;
    const Result<Ok> result = co_await wait_for_events(w, watcher, none);
    into = code_of(result);
}

Task<Result<Ok>> fill_descriptors(IoWorld& w) {
    for (int i = 0; i < 200; ++i) {
        LB_CO_TRY(const File file, co_await w.fs().open(w.path("file"), O_CREAT | O_RDWR));
        BOOST_TEST(file.fd() < 20);
    }
    co_return Ok{};
}

Task<Result<Ok>> replace_again_and_again(IoWorld& w, int& done) {
    for (;; ++done) {
        const std::string content = std::to_string(done + 1) + some_text(3000);
        LB_CO_CHECK(co_await w.fs().replace_file(w.path("state"), as_bytes(content)));
    }
}
Task<void> forget_outcome(Task<Result<Ok>> task) {
    [[maybe_unused]] const Result<Ok> outcome = co_await std::move(task);
}

}  // namespace

// --- File ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(file)

BOOST_AUTO_TEST_CASE(what_the_kernel_refuses_comes_back_as_a_code_to_act_on) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        const auto missing = co_await w.fs().open(w.path("missing"), O_RDONLY);
        BOOST_TEST(code_of(missing) == ErrorCode::not_found);
        BOOST_TEST(missing.error().sys_errno == ENOENT);
        LB_CO_CHECK(co_await make_file(w, w.path("file"), "x"));
        const auto taken = co_await w.fs().open(w.path("file"), O_CREAT | O_EXCL | O_WRONLY);
        BOOST_TEST(code_of(taken) == ErrorCode::already_exists);
        const auto below = co_await w.fs().open(w.path("file/below"), O_RDONLY);
        BOOST_TEST(code_of(below) == ErrorCode::io);
        BOOST_TEST(below.error().sys_errno == ENOTDIR);

        LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_RDONLY));
        const auto written = co_await file.pwrite(as_bytes("y"), 0);
        BOOST_TEST(code_of(written) == ErrorCode::io);
        BOOST_TEST(written.error().sys_errno == EBADF);
        co_return co_await file.close();
    });
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_half_way_is_an_error) {
    SimChoices choices;
    choices.disk.faults.write_error = 1;
    on_every_seed(
        [](IoWorld& w) -> Task<Result<Ok>> {
            LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_CREAT | O_WRONLY));
            const auto written = co_await file.pwrite(as_bytes("0123456789"), 0);
            BOOST_TEST(code_of(written) == ErrorCode::io);
            BOOST_TEST(written.error().sys_errno == EIO);
            co_return co_await file.close();
        },
        choices
    );
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_told_also_when_a_part_has_room) {
    SimChoices choices;
    choices.disk.capacity_bytes = 5000;
    on_every_seed(
        [](IoWorld& w) -> Task<Result<Ok>> {
            LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_CREAT | O_WRONLY));
            const std::string text = some_text(6000);
            const auto written = co_await file.pwrite(as_bytes(text), 0);
            BOOST_TEST(code_of(written) == ErrorCode::no_space);
            const auto allocated = co_await file.allocate(0, 1u << 20);
            BOOST_TEST(code_of(allocated) == ErrorCode::no_space);
            LB_CO_TRY(const FileStat stat, co_await file.stat());
            BOOST_TEST(stat.size == 5000u);
            co_return co_await file.close();
        },
        choices
    );
}

BOOST_AUTO_TEST_CASE(a_sync_that_fails_is_told) {
    SimChoices choices;
    choices.disk.faults.sync_error = 1;
    on_every_seed(
        [](IoWorld& w) -> Task<Result<Ok>> {
            LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_CREAT | O_WRONLY));
            LB_CO_CHECK(co_await file.pwrite(as_bytes("x"), 0));
            const auto data_synced = co_await file.fdatasync();
            BOOST_TEST(code_of(data_synced) == ErrorCode::io);
            const auto synced = co_await file.fsync();
            BOOST_TEST(code_of(synced) == ErrorCode::io);
            const auto dir_synced = co_await w.fs().sync_dir(w.dir());
            BOOST_TEST(code_of(dir_synced) == ErrorCode::io);
            co_return co_await file.close();
        },
        choices
    );
}

BOOST_AUTO_TEST_CASE(a_read_error_is_told) {
    SimChoices choices;
    choices.disk.faults.read_error = 1;
    on_every_seed(
        [](IoWorld& w) -> Task<Result<Ok>> {
            LB_CO_CHECK(co_await make_file(w, w.path("file"), "x"));
            const auto content = co_await content_of(w, w.path("file"));
            BOOST_TEST(code_of(content) == ErrorCode::io);
            co_return Ok{};
        },
        choices
    );
}

BOOST_AUTO_TEST_CASE(all_pieces_are_written_and_all_bytes_read_whatever_one_call_does) {
    on_every_backend(write_and_read_in_pieces);
    on_every_seed(write_and_read_in_pieces, with_harmless_faults());
}

BOOST_AUTO_TEST_CASE(empty_pieces_are_no_reason_to_fail) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_CREAT | O_RDWR));
        std::vector<ByteView> none;
        LB_CO_CHECK(co_await file.pwritev(std::move(none), 0));
        std::vector<ByteView> only_empty(3);
        LB_CO_CHECK(co_await file.pwritev(std::move(only_empty), 0));
        // As many as one call takes, before the first byte.
        std::vector<ByteView> late(70);
        late.push_back(as_bytes("late"));
        LB_CO_CHECK(co_await file.pwritev(std::move(late), 0));
        LB_CO_CHECK(co_await file.close());
        LB_CO_TRY(const std::string content, co_await content_of(w, w.path("file")));
        BOOST_TEST(content == "late");
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_read_ends_at_the_end_of_the_file) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await make_file(w, w.path("file"), "0123456789"));
        LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_RDONLY));
        std::array<std::byte, 100> room{};
        LB_CO_TRY(const std::uint32_t rest, co_await file.pread(room, 6));
        BOOST_TEST(as_text(ByteView(room).first(rest)) == "6789");
        LB_CO_TRY(const std::uint32_t at_end, co_await file.pread(room, 10));
        BOOST_TEST(at_end == 0u);
        LB_CO_TRY(const std::uint32_t behind, co_await file.pread(room, 1u << 30));
        BOOST_TEST(behind == 0u);
        const MutableByteView nothing;
        LB_CO_TRY(const std::uint32_t none, co_await file.pread(nothing, 0));
        BOOST_TEST(none == 0u);
        co_return co_await file.close();
    });
}

BOOST_AUTO_TEST_CASE(a_hole_between_two_writes_reads_as_zeros) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_CREAT | O_RDWR));
        LB_CO_CHECK(co_await file.pwrite(as_bytes("a"), 0));
        LB_CO_CHECK(co_await file.pwrite(as_bytes("b"), 3));
        LB_CO_CHECK(co_await file.close());
        LB_CO_TRY(const std::string content, co_await content_of(w, w.path("file")));
        BOOST_TEST(content == std::string("a\0\0b", 4));
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(what_was_cut_off_does_not_come_back_when_the_file_grows_again) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_CREAT | O_RDWR));
        LB_CO_CHECK(co_await file.pwrite(as_bytes("0123456789"), 0));
        LB_CO_CHECK(co_await file.truncate(2));
        LB_CO_CHECK(co_await file.truncate(5));
        LB_CO_CHECK(co_await file.allocate(0, 8));
        LB_CO_TRY(const FileStat stat, co_await file.stat());
        BOOST_TEST(stat.size == 8u);
        LB_CO_CHECK(co_await file.close());
        LB_CO_TRY(const std::string content, co_await content_of(w, w.path("file")));
        BOOST_TEST(content == std::string("01\0\0\0\0\0\0", 8));
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_second_lock_is_refused_until_the_first_file_is_closed) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(File first, co_await w.fs().open(w.path("lock"), O_CREAT | O_RDWR));
        LB_CO_CHECK(co_await first.lock());
        LB_CO_CHECK(co_await first.lock());
        LB_CO_TRY(File second, co_await w.fs().open(w.path("lock"), O_RDWR));
        const auto refused = co_await second.lock();
        BOOST_TEST(code_of(refused) == ErrorCode::busy);
        LB_CO_CHECK(co_await first.close());
        LB_CO_CHECK(co_await second.lock());
        co_return co_await second.close();
    });
}

BOOST_AUTO_TEST_CASE(a_writer_is_seen_until_it_closes_also_after_rename_and_removal) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(File writer, co_await w.fs().open(w.path("log"), O_CREAT | O_WRONLY));
        LB_CO_TRY(File reader, co_await w.fs().open(w.path("log"), O_RDONLY));
        const auto at_first = co_await reader.has_writer();
        if (w.sim() == nullptr && !at_first) {
            BOOST_TEST_MESSAGE("skipped: this file system knows no leases");
            LB_CO_CHECK(co_await writer.close());
            co_return co_await reader.close();
        }
        BOOST_TEST((at_first == std::optional(true)));
        LB_CO_CHECK(co_await w.fs().rename(w.path("log"), w.path("log.1")));
        const auto renamed = co_await reader.has_writer();
        BOOST_TEST((renamed == std::optional(true)));
        LB_CO_CHECK(co_await w.fs().unlink(w.path("log.1")));
        const auto removed = co_await reader.has_writer();
        BOOST_TEST((removed == std::optional(true)));
        LB_CO_CHECK(co_await writer.close());
        const auto closed = co_await reader.has_writer();
        BOOST_TEST((closed == std::optional(false)));
        LB_CO_CHECK(co_await reader.close());
        const auto cannot_tell = co_await reader.has_writer();
        BOOST_TEST(!cannot_tell.has_value());
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(the_look_for_a_writer_leaves_nothing_in_a_writers_way) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await make_file(w, w.path("log"), "x"));
        LB_CO_TRY(File reader, co_await w.fs().open(w.path("log"), O_RDONLY));
        for (int round = 0; round < 5; ++round) {
            [[maybe_unused]] const auto answer = co_await reader.has_writer();
            LB_CO_TRY(
                File writer, co_await w.fs().open(w.path("log"), O_WRONLY | O_APPEND | O_NONBLOCK)
            );
            LB_CO_CHECK(co_await writer.close());
        }
        co_return co_await reader.close();
    });
}

BOOST_AUTO_TEST_CASE(a_new_file_in_the_place_of_a_removed_one_has_another_generation_or_inode) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(File first, co_await w.fs().open(w.path("file"), O_CREAT | O_RDWR));
        LB_CO_TRY(const FileStat first_stat, co_await first.stat());
        const auto first_generation = co_await first.generation();
        LB_CO_CHECK(co_await first.close());
        LB_CO_CHECK(co_await w.fs().unlink(w.path("file")));
        LB_CO_TRY(File second, co_await w.fs().open(w.path("file"), O_CREAT | O_RDWR));
        LB_CO_TRY(const FileStat second_stat, co_await second.stat());
        const auto second_generation = co_await second.generation();
        if (first_generation) {
            BOOST_TEST(second_generation.has_value());
            const bool is_told_apart = first_stat.ino != second_stat.ino
                                    || first_generation != second_generation;
            BOOST_TEST(is_told_apart);
        } else {
            BOOST_TEST((w.sim() == nullptr));  // tmpfs, for one, has none
        }
        co_return co_await second.close();
    });
}

BOOST_AUTO_TEST_CASE(a_file_moves_with_its_descriptor_and_is_closed_once) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_CREAT | O_RDWR));
        File moved(std::move(file));
        BOOST_TEST(moved.is_open());
        LB_CO_TRY(File other, co_await w.fs().open(w.path("other"), O_CREAT | O_RDWR));
        const int fd = moved.fd();
        other = std::move(moved);
        BOOST_TEST(other.fd() == fd);
        LB_CO_CHECK(co_await other.close());
        BOOST_TEST(!other.is_open());
        LB_CO_CHECK(co_await other.close());  // nothing to do
        const auto written = co_await other.pwrite(as_bytes("x"), 0);
        BOOST_TEST(code_of(written) == ErrorCode::io);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(files_that_die_without_being_closed_give_their_descriptors_back) {
    SimChoices choices;
    choices.backend.descriptors_max = 20;
    on_every_seed(fill_descriptors, choices);
}

BOOST_AUTO_TEST_SUITE_END()

// --- Fs ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(fs)

BOOST_AUTO_TEST_CASE(what_is_not_there_is_not_found_by_anything) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        const std::string missing = w.path("missing");
        const auto stat = co_await w.fs().stat(missing);
        BOOST_TEST(code_of(stat) == ErrorCode::not_found);
        const auto renamed = co_await w.fs().rename(missing, w.path("to"));
        BOOST_TEST(code_of(renamed) == ErrorCode::not_found);
        const auto removed = co_await w.fs().unlink(missing);
        BOOST_TEST(code_of(removed) == ErrorCode::not_found);
        const auto dir_removed = co_await w.fs().remove_dir(missing);
        BOOST_TEST(code_of(dir_removed) == ErrorCode::not_found);
        const auto listed = co_await w.fs().list(missing);
        BOOST_TEST(code_of(listed) == ErrorCode::not_found);
        const auto synced = co_await w.fs().sync_dir(missing);
        BOOST_TEST(code_of(synced) == ErrorCode::not_found);
        const auto info = co_await w.fs().info(missing);
        BOOST_TEST(code_of(info) == ErrorCode::not_found);
        const auto link = co_await w.fs().read_link(missing);
        BOOST_TEST(code_of(link) == ErrorCode::not_found);
        const auto content = co_await w.fs().read_file(missing, 10);
        BOOST_TEST(code_of(content) == ErrorCode::not_found);
        const auto made = co_await w.fs().make_dir(w.path("missing/below"));
        BOOST_TEST(code_of(made) == ErrorCode::not_found);
        const auto replaced = co_await w.fs().replace_file(w.path("missing/f"), as_bytes("x"));
        BOOST_TEST(code_of(replaced) == ErrorCode::not_found);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_directory_is_no_file_and_a_file_no_directory) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await make_file(w, w.path("file"), "x"));
        LB_CO_CHECK(co_await w.fs().make_dir(w.path("dir")));
        LB_CO_CHECK(co_await make_file(w, w.path("dir/inside"), "x"));
        const auto removed = co_await w.fs().unlink(w.path("dir"));
        BOOST_TEST(removed.error().sys_errno == EISDIR);
        const auto dir_removed = co_await w.fs().remove_dir(w.path("file"));
        BOOST_TEST(dir_removed.error().sys_errno == ENOTDIR);
        const auto full_removed = co_await w.fs().remove_dir(w.path("dir"));
        BOOST_TEST(full_removed.error().sys_errno == ENOTEMPTY);
        const auto listed = co_await w.fs().list(w.path("file"));
        BOOST_TEST(listed.error().sys_errno == ENOTDIR);
        const auto deep = co_await w.fs().make_dirs(w.path("file/a/b"));
        BOOST_TEST(deep.error().sys_errno == ENOTDIR);
        const auto over = co_await w.fs().rename(w.path("file"), w.path("dir"));
        BOOST_TEST(over.error().sys_errno == EISDIR);
        const auto under = co_await w.fs().rename(w.path("dir"), w.path("file"));
        BOOST_TEST(under.error().sys_errno == ENOTDIR);
        LB_CO_CHECK(co_await w.fs().make_dir(w.path("empty")));
        const auto onto_full = co_await w.fs().rename(w.path("empty"), w.path("dir"));
        BOOST_TEST(onto_full.error().sys_errno == ENOTEMPTY);
        LB_CO_CHECK(co_await w.fs().rename(w.path("dir"), w.path("empty")));
        const auto read = co_await content_of(w, w.path("empty"));
        BOOST_TEST(read.error().sys_errno == EISDIR);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(directories_are_made_with_their_parents_and_those_that_exist_are_no_error) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await w.fs().make_dirs(w.path("a/b/c/d")));
        LB_CO_CHECK(co_await w.fs().make_dirs(w.path("a/b/c/d")));
        LB_CO_CHECK(co_await w.fs().make_dir(w.path("a/b")));
        LB_CO_TRY(const FileStat stat, co_await w.fs().stat(w.path("a/b/c/d")));
        BOOST_TEST((stat.type == FileType::directory));
        LB_CO_CHECK(co_await w.fs().remove_dir(w.path("a/b/c/d")));
        const auto gone = co_await w.fs().stat(w.path("a/b/c/d"));
        BOOST_TEST(code_of(gone) == ErrorCode::not_found);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(all_names_of_a_path_are_on_disk_although_somebody_else_made_its_parents) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        sim::SimMachineOptions options;
        options.seed = seed;
        sim::SimMachine machine(options);
        for (const char* const path : {"/a", "/a/b", "/a/b/c"}) {  // as `mkdir -p` leaves them
            BOOST_REQUIRE(machine.disk().make_dir(path, 0750) == 0);
        }
        BOOST_REQUIRE(machine.run(machine.env().fs.make_dirs("/a/b/c")).has_value());
        machine.restart_after(sim::CrashKind::power_loss);
        BOOST_REQUIRE(machine.exists("/a/b/c"));
    }
}

BOOST_AUTO_TEST_CASE(a_stat_tells_what_a_file_is) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(File file, co_await w.fs().open(w.path("file"), O_CREAT | O_RDWR, 0600));
        LB_CO_CHECK(co_await file.pwrite(as_bytes("12345"), 0));
        LB_CO_TRY(const FileStat by_file, co_await file.stat());
        LB_CO_TRY(const FileStat by_path, co_await w.fs().stat(w.path("file")));
        LB_CO_TRY(const FileStat dir, co_await w.fs().stat(w.dir()));
        BOOST_TEST((by_file.type == FileType::regular));
        BOOST_TEST(by_file.size == 5u);
        BOOST_TEST((by_file.mode & 0777) == 0600u);
        BOOST_TEST(by_file.link_count == 1u);
        BOOST_TEST(by_file.ino == by_path.ino);
        BOOST_TEST(by_file.dev == by_path.dev);
        BOOST_TEST(by_file.dev == dir.dev);
        BOOST_TEST(by_file.ino != dir.ino);
        BOOST_TEST((dir.type == FileType::directory));
        BOOST_TEST(to_unix_ms(by_file.mtime) > 1'577'836'800'000);  // 2020
        LB_CO_CHECK(co_await w.fs().unlink(w.path("file")));
        LB_CO_TRY(const FileStat unlinked, co_await file.stat());
        BOOST_TEST(unlinked.link_count == 0u);
        BOOST_TEST(unlinked.size == 5u);
        co_return co_await file.close();
    });
}

BOOST_AUTO_TEST_CASE(links_are_followed_unless_told_otherwise) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await make_file(w, w.path("file"), "12345"));
        w.make_link(w.path("file"), w.path("link"));
        w.make_link(w.path("nowhere"), w.path("broken"));
        w.make_link(w.path("loop"), w.path("loop"));
        LB_CO_TRY(const FileStat followed, co_await w.fs().stat(w.path("link")));
        BOOST_TEST((followed.type == FileType::regular));
        BOOST_TEST(followed.size == 5u);
        LB_CO_TRY(const FileStat link, co_await w.fs().stat(w.path("link"), false));
        BOOST_TEST((link.type == FileType::symlink));
        LB_CO_TRY(const std::string target, co_await w.fs().read_link(w.path("link")));
        BOOST_TEST(target == w.path("file"));
        const auto broken = co_await w.fs().stat(w.path("broken"));
        BOOST_TEST(code_of(broken) == ErrorCode::not_found);
        const auto loop = co_await w.fs().stat(w.path("loop"));
        BOOST_TEST(loop.error().sys_errno == ELOOP);
        LB_CO_TRY(const std::string content, co_await content_of(w, w.path("link")));
        BOOST_TEST(content == "12345");
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_rename_replaces_what_was_there) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await make_file(w, w.path("old"), "old"));
        LB_CO_CHECK(co_await make_file(w, w.path("new"), "new"));
        LB_CO_TRY(File old, co_await w.fs().open(w.path("old"), O_RDONLY));
        LB_CO_CHECK(co_await w.fs().rename(w.path("new"), w.path("old")));
        LB_CO_TRY(const std::string content, co_await content_of(w, w.path("old")));
        BOOST_TEST(content == "new");
        const auto gone = co_await w.fs().stat(w.path("new"));
        BOOST_TEST(code_of(gone) == ErrorCode::not_found);
        // Who has it open reads on.
        std::array<std::byte, 10> room{};
        LB_CO_TRY(const std::uint32_t size, co_await old.pread(room, 0));
        BOOST_TEST(as_text(ByteView(room).first(size)) == "old");
        LB_CO_CHECK(co_await w.fs().rename(w.path("old"), w.path("old")));
        co_return co_await old.close();
    });
}

BOOST_AUTO_TEST_CASE(a_directory_is_listed_in_byte_order_with_types) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(const std::vector<DirEntry> none, co_await w.fs().list(w.dir()));
        BOOST_TEST(none.empty());
        for (const char* const name : {"b", "B", "a10", "a9", "\xC3\xA4", "Z"}) {
            LB_CO_CHECK(co_await make_file(w, w.path(name), "x"));
        }
        LB_CO_CHECK(co_await w.fs().make_dir(w.path("dir")));
        LB_CO_CHECK(co_await make_file(w, w.path("dir/inside"), "x"));
        w.make_link("b", w.path("link"));
        LB_CO_TRY(const std::vector<DirEntry> entries, co_await w.fs().list(w.dir()));
        std::vector<std::string> names;
        for (const DirEntry& entry : entries) {
            names.push_back(entry.name);
            const FileType expected = entry.name == "dir"  ? FileType::directory
                                    : entry.name == "link" ? FileType::symlink
                                                           : FileType::regular;
            // Some file systems do not tell.
            BOOST_TEST((entry.type == expected || entry.type == FileType::unknown), entry.name);
            LB_CO_TRY(const FileStat stat, co_await w.fs().stat(w.path(entry.name), false));
            BOOST_TEST(entry.ino == stat.ino);
        }
        const std::vector<std::string> expected{
            "B", "Z", "a10", "a9", "b", "dir", "link", "\xC3\xA4"};
        BOOST_TEST(names == expected);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_large_directory_is_listed_whole) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        for (int i = 0; i < 300; ++i) {
            const std::string name = std::string(50, 'x') + std::to_string(i);
            LB_CO_CHECK(co_await make_file(w, w.path(name), ""));
        }
        LB_CO_TRY(const std::vector<DirEntry> entries, co_await w.fs().list(w.dir()));
        BOOST_TEST(entries.size() == 300u);
        BOOST_TEST(std::ranges::is_sorted(entries, {}, &DirEntry::name));
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(the_file_system_tells_its_size) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(const io::FsInfo info, co_await w.fs().info(w.dir()));
        BOOST_TEST(info.total_bytes > 1'000'000u);
        BOOST_TEST(info.free_bytes <= info.total_bytes);
        BOOST_TEST(info.magic != 0u);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_file_above_the_limit_is_not_read) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await make_file(w, w.path("file"), "0123456789"));
        const auto larger = co_await w.fs().read_file(w.path("file"), 9);
        BOOST_TEST(code_of(larger) == ErrorCode::too_large);
        LB_CO_TRY(const std::string exact, co_await w.fs().read_file(w.path("file"), 10));
        BOOST_TEST(exact == "0123456789");
        LB_CO_CHECK(co_await make_file(w, w.path("empty"), ""));
        LB_CO_TRY(const std::string empty, co_await w.fs().read_file(w.path("empty"), 0));
        BOOST_TEST(empty.empty());
        const std::string text = some_text(200'000);
        LB_CO_CHECK(co_await make_file(w, w.path("large"), text));
        LB_CO_TRY(const std::string large, co_await w.fs().read_file(w.path("large"), 1u << 20));
        BOOST_TEST((large == text));
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(replacing_a_file_leaves_nothing_else_behind) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_CHECK(co_await w.fs().replace_file(w.path("state"), as_bytes("first, longer")));
        LB_CO_CHECK(co_await w.fs().replace_file(w.path("state"), as_bytes("second")));
        LB_CO_TRY(const std::string content, co_await content_of(w, w.path("state")));
        BOOST_TEST(content == "second");
        LB_CO_TRY(const std::vector<DirEntry> entries, co_await w.fs().list(w.dir()));
        BOOST_TEST(entries.size() == 1u);
        co_return Ok{};
    });
}

BOOST_AUTO_TEST_CASE(a_file_that_could_not_be_replaced_is_the_old_one) {
    SimChoices choices;
    choices.disk.capacity_bytes = 1000;
    on_every_seed(
        [](IoWorld& w) -> Task<Result<Ok>> {
            LB_CO_CHECK(co_await w.fs().replace_file(w.path("state"), as_bytes("old")));
            const std::string large = some_text(2000);
            const auto replaced = co_await w.fs().replace_file(w.path("state"), as_bytes(large));
            BOOST_TEST(code_of(replaced) == ErrorCode::no_space);
            LB_CO_TRY(const std::string content, co_await content_of(w, w.path("state")));
            BOOST_TEST(content == "old");
            co_return Ok{};
        },
        choices
    );
}

BOOST_AUTO_TEST_CASE(a_power_loss_leaves_one_whole_version_of_a_replaced_file) {
    int outcomes_before = 0;
    int outcomes_after = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        const auto world = IoWorld::simulated(seed);
        IoWorld& w = *world;
        test::SimSide& sim = w.the_sim();
        int done = 0;
        {
            auto scope = std::make_unique<Scope>(w.scheduler());
            scope->spawn(forget_outcome(replace_again_and_again(w, done)));
            const SteadyTime end = sim.events.now() + Millis(5 + seed);
            while (sim.events.now() < end) {
                w.scheduler().run_ready(100);
                w.backend().poll(end);
            }
            w.sim_backend().drop_all(io::SimBackend::Descriptors::lost);
            w.scheduler().begin_crash();
        }
        sim.disk.lose_power();
        std::shared_ptr<io::SimOpenFile> file;
        if (sim.disk.open(w.path("state"), O_RDONLY, 0, file) < 0) {
            BOOST_TEST(done == 0, "seed " << seed);
            continue;
        }
        std::string content(10'000, '\0');
        const MutableByteView room = std::as_writable_bytes(std::span(content));
        const std::int32_t size = sim.disk.read(*file, room, 0, io::SimDisk::Faults::none);
        content.resize(static_cast<std::size_t>(std::max(size, 0)));
        const bool is_old = content == std::to_string(done) + some_text(3000);
        const bool is_new = content == std::to_string(done + 1) + some_text(3000);
        BOOST_TEST((is_old || is_new), "seed " << seed);
        outcomes_before += is_old ? 1 : 0;
        outcomes_after += is_new ? 1 : 0;
    }
    BOOST_TEST(outcomes_before != 0);
    BOOST_TEST(outcomes_after != 0);
}

BOOST_AUTO_TEST_SUITE_END()

// --- Watcher -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(watcher)

BOOST_AUTO_TEST_CASE(what_is_not_there_cannot_be_watched) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(io::Watcher watcher, co_await w.fs().watch());
        const auto missing = co_await watcher.add(w.path("missing"), IN_CREATE);
        BOOST_TEST(code_of(missing) == ErrorCode::not_found);
        const auto removed = co_await watcher.remove(7);
        BOOST_TEST(removed.error().sys_errno == EINVAL);
        co_return co_await watcher.close();
    });
}

BOOST_AUTO_TEST_CASE(a_wait_for_events_ends_with_its_scope) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(io::Watcher watcher, co_await w.fs().watch());
        LB_CO_CHECK(co_await watcher.add(w.dir(), IN_CREATE));
        ErrorCode ended{};
        Scope scope(w.scheduler());
        scope.spawn(note_end_of_wait(w, watcher, ended));
        for (int turn = 0; turn < 3; ++turn) {
            LB_CO_CHECK(co_await w.env().sleep(1ms));
        }
        BOOST_TEST(ended == ErrorCode{});
        scope.cancel();
        co_await scope.join();
        BOOST_TEST(ended == ErrorCode::cancelled);
        co_return co_await watcher.close();
    });
}

BOOST_AUTO_TEST_CASE(events_tell_what_happened_to_which_name_in_order) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(io::Watcher watcher, co_await w.fs().watch());
        const std::uint32_t mask = IN_CREATE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE;
        LB_CO_TRY(const int watch, co_await watcher.add(w.dir(), mask));
        LB_CO_CHECK(co_await make_file(w, w.path("log"), "x"));
        LB_CO_CHECK(co_await w.fs().rename(w.path("log"), w.path("log.1")));
        LB_CO_CHECK(co_await w.fs().make_dir(w.path("sub")));
        LB_CO_CHECK(co_await w.fs().unlink(w.path("log.1")));
        std::vector<WatchEvent> events;
        while (events.size() < 6) {
            LB_CO_CHECK(co_await wait_for_events(w, watcher, events));
        }
        const std::vector<std::pair<std::uint32_t, std::string>> expected{
            {IN_CREATE, "log"},
            {IN_MODIFY, "log"},
            {IN_MOVED_FROM, "log"},
            {IN_MOVED_TO, "log.1"},
            {IN_CREATE | IN_ISDIR, "sub"},
            {IN_DELETE, "log.1"}};
        for (std::size_t i = 0; i < expected.size(); ++i) {
            BOOST_TEST(events[i].mask == expected[i].first, i);
            BOOST_TEST(events[i].name == expected[i].second, i);
            BOOST_TEST(events[i].watch == watch);
        }
        BOOST_TEST(events[2].cookie == events[3].cookie);
        BOOST_TEST(events[2].cookie != 0u);
        BOOST_TEST(events.size() == expected.size());
        co_return co_await watcher.close();
    });
}

BOOST_AUTO_TEST_CASE(events_are_told_apart_by_what_they_ask_of_a_reader) {
    WatchEvent event;
    event.mask = IN_Q_OVERFLOW;
    BOOST_TEST(event.is_overflow());
    BOOST_TEST(!event.is_written());
    event.mask = IN_IGNORED;
    BOOST_TEST(event.is_end_of_watch());
    BOOST_TEST(!event.is_overflow());
    event.mask = IN_MODIFY;
    BOOST_TEST(event.is_written());
    event.mask = IN_CLOSE_WRITE;
    BOOST_TEST(event.is_written());
    event.mask = IN_CREATE | IN_ISDIR;
    BOOST_TEST(event.is_directory());
    BOOST_TEST(!event.is_written());
    BOOST_TEST(!event.is_end_of_watch());
}

BOOST_AUTO_TEST_CASE(a_removed_watch_says_so_and_is_silent_then) {
    on_every_backend([](IoWorld& w) -> Task<Result<Ok>> {
        LB_CO_TRY(io::Watcher watcher, co_await w.fs().watch());
        LB_CO_TRY(const int watch, co_await watcher.add(w.dir(), IN_CREATE));
        LB_CO_CHECK(co_await watcher.remove(watch));
        std::vector<WatchEvent> events;
        LB_CO_CHECK(co_await wait_for_events(w, watcher, events));
        BOOST_TEST(events.size() == 1u);
        BOOST_TEST((events.front().mask & IN_IGNORED) != 0u);
        LB_CO_CHECK(co_await make_file(w, w.path("unseen"), "x"));
        ErrorCode ended{};
        Scope scope(w.scheduler());
        scope.spawn(note_end_of_wait(w, watcher, ended));
        LB_CO_CHECK(co_await w.env().sleep(2ms));
        BOOST_TEST(scope.count() == 1u);
        scope.cancel();
        co_await scope.join();
        co_return co_await watcher.close();
    });
}

BOOST_AUTO_TEST_CASE(events_that_were_lost_are_told) {
    SimChoices choices;
    choices.backend.watch_queue_max = 10;
    on_every_seed(
        [](IoWorld& w) -> Task<Result<Ok>> {
            LB_CO_TRY(io::Watcher watcher, co_await w.fs().watch());
            LB_CO_CHECK(co_await watcher.add(w.dir(), IN_CREATE));
            for (int i = 0; i < 30; ++i) {
                LB_CO_CHECK(co_await make_file(w, w.path(std::to_string(i)), ""));
            }
            std::vector<WatchEvent> events;
            LB_CO_CHECK(co_await wait_for_events(w, watcher, events));
            BOOST_TEST(events.size() == 11u);
            BOOST_TEST(events.back().mask == static_cast<std::uint32_t>(IN_Q_OVERFLOW));
            BOOST_TEST(events.back().watch == -1);
            co_return co_await watcher.close();
        },
        choices
    );
}

BOOST_AUTO_TEST_SUITE_END()
