#include "agent/source/file/checkpoint.h"

#include "tests/sim/sim_machine.h"
#include "tests/unit/agent/read_batch.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::source;
using namespace logboom::tests;

namespace {

const std::string log_path = "/state/checkpoint.log";
const std::string old_path = "/state/checkpoint.old";
constexpr std::int64_t start_ms = 1'700'000'000'123;

CheckpointEntry entry_of(const unsigned number, const std::uint64_t offset) {
    CheckpointEntry entry;
    entry.stream = id_of(number);
    entry.offset = offset;
    entry.input = "app";
    entry.topic = "logs";
    entry.identity.fs_id = "fsid:1";
    entry.identity.ino = number;
    entry.identity.path_seen = "/var/log/app.log";
    return entry;
}

/// Frames as a checkpoint writes them, without one.
Buffer frames_of(const std::vector<CheckpointEntry>& entries) {
    Buffer out;
    Buffer input;
    encode_input(StartedInput{"app", start_ms}, input);
    append_frame(FrameKind::input, input.view(), out);
    for (const CheckpointEntry& entry : entries) {
        Buffer value;
        encode_entry(entry, value);
        append_frame(FrameKind::stream, value.view(), out);
    }
    return out;
}

struct CheckpointBench {
    explicit CheckpointBench(const std::uint64_t seed = 1)
        : machine(sim::SimMachineOptions{seed, 1, {}}) {
        static_cast<void>(machine.disk().make_dir("/state", 0755));
        machine.disk().sync_all();
        options.dir = "/state";
    }
    Checkpoint& open() {
        checkpoint = &machine.make<Checkpoint>(machine.env(), options, registry);
        const Result<Ok> started = machine.run(checkpoint->start());
        BOOST_REQUIRE(started.has_value());
        return *checkpoint;
    }
    void stop() {
        machine.run(checkpoint->stop());
        machine.end_program();
        machine.start();
    }
    Checkpoint& open_after(const sim::CrashKind kind) {
        machine.restart_after(kind);
        return open();
    }
    [[nodiscard]] std::uint64_t offset_of(const unsigned number) const {
        const auto found = checkpoint->entries().find(id_of(number));
        return found == checkpoint->entries().end() ? 0 : found->second.offset;
    }
    [[nodiscard]] std::uint64_t size_now() { return machine.content(log_path).size(); }

    sim::SimMachine machine;
    metrics::Registry registry;
    CheckpointOptions options;
    Checkpoint* checkpoint = nullptr;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint)

// --- What is not as it should be, D5 -------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_checkpoint_torn_at_any_byte_loads_what_stands_before) {
    const std::vector<CheckpointEntry> entries{entry_of(1, 10), entry_of(2, 20), entry_of(1, 30)};
    const Buffer whole = frames_of(entries);
    std::vector<std::size_t> ends;  // of each frame
    for (std::size_t at = 0; at < whole.size();) {
        at += read_frame(whole.view().subspan(at))->size;
        ends.push_back(at);
    }
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        CheckpointBench bench;
        bench.machine.set_content(log_path, as_text(whole.view().first(size)));
        const Checkpoint& checkpoint = bench.open();
        const auto count = static_cast<std::size_t>(
            std::ranges::count_if(ends, [size](const std::size_t end) { return end <= size; })
        );
        BOOST_TEST(checkpoint.input_started("app").has_value() == (count >= 1), size);
        BOOST_TEST(bench.offset_of(1) == (count >= 4 ? 30u : count >= 2 ? 10u : 0u), size);
        BOOST_TEST(bench.offset_of(2) == (count >= 3 ? 20u : 0u), size);
        BOOST_TEST(checkpoint.was_empty() == (count == 0), size);
        const bool is_torn = std::ranges::find(ends, size) == ends.end() && size != 0;
        BOOST_TEST(bench.machine.has_logged("checkpoint cut at its first bad record") == is_torn);
    }
}

BOOST_AUTO_TEST_CASE(what_stands_behind_a_bad_record_is_cut_off_and_written_over) {
    CheckpointBench bench;
    const Buffer whole = frames_of({entry_of(1, 10), entry_of(2, 20)});
    bench.machine.set_content(log_path, as_text(whole.view()));
    bench.machine.flip_bit(log_path, whole.size() - 30, 3);
    Checkpoint& checkpoint = bench.open();
    BOOST_TEST(bench.offset_of(1) == 10u);
    BOOST_TEST(bench.offset_of(2) == 0u);
    checkpoint.put(entry_of(3, 40));
    bench.stop();
    bench.open();
    BOOST_TEST(bench.offset_of(1) == 10u);
    BOOST_TEST(bench.offset_of(2) == 0u);
    BOOST_TEST(bench.offset_of(3) == 40u);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_which_nothing_can_be_read_starts_empty) {
    CheckpointBench bench;
    bench.machine.set_content(log_path, "this is no checkpoint");
    bench.machine.set_content(old_path, std::string(5000, '\xFF'));
    const Checkpoint& checkpoint = bench.open();
    BOOST_TEST(checkpoint.was_empty());
    BOOST_TEST(checkpoint.entries().empty());
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_cannot_be_read_does_not_stop_the_start) {
    CheckpointBench bench;
    bench.machine.set_content(log_path, as_text(frames_of({entry_of(1, 10)}).view()));
    bench.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::read ? EIO : sim::OpGate::passes;
    });
    BOOST_TEST(bench.open().was_empty());
    BOOST_TEST(bench.machine.has_logged("checkpoint cannot be read"));
}

BOOST_AUTO_TEST_CASE(the_generation_before_is_read_when_the_newest_cannot) {
    CheckpointBench bench;
    bench.machine.set_content(log_path, "garbage");
    bench.machine.set_content(old_path, as_text(frames_of({entry_of(1, 10)}).view()));
    BOOST_TEST(!bench.open().was_empty());
    BOOST_TEST(bench.offset_of(1) == 10u);
}

BOOST_AUTO_TEST_CASE(a_compaction_that_was_interrupted_loses_nothing) {
    // Whatever of its four steps the kill comes between.
    for (int step = 0; step < 6; ++step) {
        CheckpointBench bench;
        bench.open().put(entry_of(1, 10));
        bench.stop();
        int ops = 0;
        bench.machine.judge_ops([&ops, step](const io::Op& op) {
            const bool is_step = op.kind == io::OpKind::writev || op.kind == io::OpKind::fsync
                              || op.kind == io::OpKind::rename;
            return is_step && ops++ >= step ? sim::OpGate::held : sim::OpGate::passes;
        });
        Checkpoint& interrupted =
            bench.machine.make<Checkpoint>(bench.machine.env(), bench.options, bench.registry);
        const auto started = bench.machine.begin(interrupted.start());
        bench.machine.run_for(1s);
        BOOST_TEST(started.is_there() == (step == 5));
        bench.machine.judge_ops(nullptr);
        bench.open_after(sim::CrashKind::killed);
        BOOST_TEST(bench.offset_of(1) == 10u, "step " << step);
    }
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_waited_out) {
    CheckpointBench bench;
    Checkpoint& checkpoint = bench.open();
    bench.machine.judge_ops([](const io::Op& op) {
        return op.kind == io::OpKind::writev ? ENOSPC : sim::OpGate::passes;
    });
    checkpoint.put(entry_of(1, 10));
    checkpoint.put_input("app", WallTime(Millis(start_ms)));
    bench.machine.run_for(1min);
    BOOST_TEST(bench.machine.has_logged("checkpoint cannot be written"));
    bench.machine.judge_ops(nullptr);
    bench.machine.run_for(3s);
    BOOST_TEST(bench.open_after(sim::CrashKind::killed).input_started("app").has_value());
    BOOST_TEST(bench.offset_of(1) == 10u);
}

BOOST_AUTO_TEST_CASE(after_a_sync_that_failed_everything_is_written_anew) {
    // The pages may be gone without a further error.
    CheckpointBench bench;
    Checkpoint& checkpoint = bench.open();
    checkpoint.put(entry_of(1, 10));
    bench.machine.run_for(2s);
    int failures = 1;
    bench.machine.judge_ops([&failures](const io::Op& op) {
        return op.kind == io::OpKind::fdatasync && failures-- > 0 ? EIO : sim::OpGate::passes;
    });
    bench.machine.run_for(10s);
    BOOST_TEST(failures == 0);
    bench.machine.disk().lose_power();
    bench.machine.restart_after(sim::CrashKind::killed);
    bench.open();
    BOOST_TEST(bench.offset_of(1) == 10u);
}

// --- What is as it should be ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_first_start_finds_nothing_and_makes_a_file) {
    CheckpointBench bench;
    const Checkpoint& checkpoint = bench.open();
    BOOST_TEST(checkpoint.was_empty());
    BOOST_TEST(!checkpoint.input_started("app").has_value());
    BOOST_TEST(bench.machine.exists(log_path));
}

BOOST_AUTO_TEST_CASE(everything_comes_back_after_a_stop) {
    CheckpointBench bench;
    Checkpoint& checkpoint = bench.open();
    checkpoint.put(entry_of(1, 10));
    checkpoint.put(entry_of(2, 20));
    checkpoint.put(entry_of(1, 11));
    checkpoint.put_input("app", WallTime(Millis(start_ms)));
    checkpoint.put(entry_of(3, 30));
    checkpoint.forget(id_of(2));
    bench.stop();
    const Checkpoint& again = bench.open();
    BOOST_TEST(!again.was_empty());
    BOOST_TEST((again.input_started("app") == WallTime(Millis(start_ms))));
    BOOST_TEST(again.entries().size() == 2u);
    BOOST_TEST((again.entries().at(id_of(1)) == entry_of(1, 11)));
    BOOST_TEST((again.entries().at(id_of(3)) == entry_of(3, 30)));
}

BOOST_AUTO_TEST_CASE(what_was_forgotten_after_it_was_written_stays_forgotten) {
    CheckpointBench bench;
    Checkpoint& checkpoint = bench.open();
    checkpoint.put(entry_of(1, 10));
    bench.machine.run_for(2s);
    checkpoint.forget(id_of(1));
    checkpoint.forget(id_of(77));
    bench.machine.run_for(2s);
    BOOST_TEST(bench.open_after(sim::CrashKind::killed).entries().empty());
}

BOOST_AUTO_TEST_CASE(updates_are_written_together_a_second_after_the_first) {
    // D5: group commit.
    CheckpointBench bench;
    Checkpoint& checkpoint = bench.open();
    const std::uint64_t before = bench.size_now();
    int writes = 0;
    bench.machine.judge_ops([&writes](const io::Op& op) {
        writes += op.kind == io::OpKind::writev ? 1 : 0;
        return sim::OpGate::passes;
    });
    for (int i = 1; i <= 9; ++i) {
        checkpoint.put(entry_of(1, static_cast<std::uint64_t>(i)));
        checkpoint.put(entry_of(2, static_cast<std::uint64_t>(i)));
        bench.machine.run_for(100ms);
    }
    BOOST_TEST(bench.size_now() == before);
    bench.machine.run_for(150ms);
    BOOST_TEST(writes == 1);
    BOOST_TEST(bench.size_now() > before);
    bench.open_after(sim::CrashKind::killed);
    BOOST_TEST(bench.offset_of(1) == 9u);
    BOOST_TEST(bench.offset_of(2) == 9u);
}

BOOST_AUTO_TEST_CASE(updates_survive_a_power_loss_5_seconds_later) {
    // D5: fdatasync each 5 s.
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CheckpointBench bench(seed);
        Checkpoint& checkpoint = bench.open();
        checkpoint.put(entry_of(1, 10));
        bench.machine.run_for(7s);
        checkpoint.put(entry_of(1, 20));
        bench.machine.run_for(7s);
        checkpoint.put(entry_of(1, 30));
        bench.machine.run_for(2s);
        bench.open_after(sim::CrashKind::power_loss);
        const std::uint64_t offset = bench.offset_of(1);
        BOOST_TEST((offset == 20u || offset == 30u), "seed " << seed << ": " << offset);
    }
}

BOOST_AUTO_TEST_CASE(a_checkpoint_without_news_is_neither_written_nor_synced) {
    // Law 9: idle costs nothing.
    CheckpointBench bench;
    bench.open().put(entry_of(1, 10));
    bench.machine.run_for(10s);
    int ops = 0;
    bench.machine.judge_ops([&ops](const io::Op&) {
        ++ops;
        return sim::OpGate::passes;
    });
    bench.machine.run_for(1h);
    BOOST_TEST(ops == 0);
}

BOOST_AUTO_TEST_CASE(thousands_of_updates_are_all_written) {
    // D5: a write has at most 1,000 of them.
    CheckpointBench bench;
    Checkpoint& checkpoint = bench.open();
    for (unsigned i = 1; i <= 3500; ++i) {
        checkpoint.put(entry_of(i, i));
    }
    bench.machine.run_for(10s);
    BOOST_TEST(bench.open_after(sim::CrashKind::killed).entries().size() == 3500u);
    BOOST_TEST(bench.offset_of(3500) == 3500u);
}

BOOST_AUTO_TEST_CASE(a_file_that_has_grown_far_beyond_what_lives_is_written_anew) {
    // D5.
    CheckpointBench bench;
    bench.options.compact_bytes_min = 4096;
    Checkpoint& checkpoint = bench.open();
    std::uint64_t largest = 0;
    for (int i = 1; i <= 500; ++i) {
        checkpoint.put(entry_of(1, static_cast<std::uint64_t>(i)));
        bench.machine.run_for(1100ms);
        largest = std::max(largest, bench.size_now());
    }
    BOOST_TEST(largest > 2000u);
    BOOST_TEST(largest < 4096u + 500u);
    BOOST_TEST(bench.machine.exists(old_path));
    bench.machine.run_for(10s);
    bench.open_after(sim::CrashKind::power_loss);
    BOOST_TEST(bench.offset_of(1) == 500u);
}

BOOST_AUTO_TEST_CASE(random_kills_and_power_losses_never_bring_back_what_never_was) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        CheckpointBench bench(seed);
        bench.options.compact_bytes_min = 2048;
        Checkpoint* checkpoint = &bench.open();
        Rng rng(seed);
        std::uint64_t step = 0;
        std::map<unsigned, std::uint64_t> latest;
        for (int life = 0; life < 8; ++life) {
            for (std::uint64_t n = rng.below(60); n != 0; --n) {
                const auto number = static_cast<unsigned>(1 + rng.below(4));
                checkpoint->put(entry_of(number, ++step));
                latest[number] = step;
                bench.machine.run_for(Millis(rng.below(900)));
            }
            const bool is_power = rng.chance(0.5);
            if (rng.chance(0.3)) {
                bench.machine.run_for(10s);  // by now all is written and synced
                checkpoint = &bench.open_after(
                    is_power ? sim::CrashKind::power_loss : sim::CrashKind::killed
                );
                for (const auto& [number, offset] : latest) {
                    BOOST_TEST(bench.offset_of(number) == offset, "seed " << seed);
                }
            } else {
                checkpoint = &bench.open_after(
                    is_power ? sim::CrashKind::power_loss : sim::CrashKind::killed
                );
            }
            for (auto& [number, offset] : latest) {
                BOOST_TEST(bench.offset_of(number) <= offset, "seed " << seed);
                offset = bench.offset_of(number);
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
