// One log on one simulated machine, for tests of this folder.
#pragma once

#include "collector/storage/log.h"
#include "shared/codec/byte_reader.h"
#include "tests/sim/sim_machine.h"
#include "tests/unit/shared/record/record_fixture.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace logboom::tests {

inline const std::string log_dir = "/log";
inline const storage::PartitionKey log_key{record::Id128{std::byte{0xab}}, PartitionIndex(3)};
inline const std::string partition_dir = log_dir + "/" + storage::partition_dir_name(log_key);

inline std::string segment_path(
    const std::int64_t base_offset, const std::string_view suffix = storage::log_suffix
) {
    return partition_dir + "/" + storage::segment_file_name(Offset(base_offset), suffix);
}

/// A batch of records that all have one timestamp.
inline Buffer batch_at(const std::int64_t timestamp_ms, const std::vector<std::string>& values) {
    record::BatchBuilder builder;
    builder.begin(record::RecordHeaders());
    for (const std::string& value : values) {
        builder.append(timestamp_ms, as_bytes(value));
    }
    Buffer out;
    static_cast<void>(builder.seal_without_cursor(out));
    return out;
}

/// `bytes` bytes that do not pack.
inline std::string noise(const std::size_t bytes, const std::uint64_t seed = 1) {
    Rng rng(seed);
    std::string made(bytes, ' ');
    for (char& c : made) {
        c = static_cast<char>(rng.next());
    }
    return made;
}

/// A batch of one record that has exactly that size.
inline Buffer batch_of_size(const std::size_t size_bytes) {
    constexpr std::size_t probe_bytes = 400;  // lengths of 64 to 8191 take two bytes
    const std::size_t rest = plain_batch({std::string(probe_bytes, 'x')}).size() - probe_bytes;
    BOOST_REQUIRE((size_bytes >= rest + 64 && size_bytes <= rest + probe_bytes));
    return plain_batch({std::string(size_bytes - rest, 'x')});
}

inline std::string text_of(const Buffer& bytes) {
    return std::string(as_text(bytes.view()));
}

/// The values of batches that lie one behind the other.
inline std::vector<std::string> values_in(ByteView batches) {
    std::vector<std::string> values;
    while (!batches.empty()) {
        const std::vector<std::string> more = values_of(batches);
        values.insert(values.end(), more.begin(), more.end());
        batches = batches.subspan(record::BatchView::parse(batches)->size());
    }
    return values;
}

/// The bytes as a log that is empty up to `base_offset` gets them.
inline Buffer at_offset(
    Buffer batch, const std::int64_t base_offset, const std::int32_t epoch = 0
) {
    record::patch_base_offset(batch.mutable_view(), Offset(base_offset), LeaderEpoch(epoch));
    return batch;
}

/// Notes what a log tells.
struct LogTold final : storage::LogObserver {
    void encode_state(const Offset end, storage::StateSections& sections) const override {
        encoded.push_back(end.value);
        Buffer& bytes = sections.add(storage::StateSectionId::agents);
        for (const std::int64_t offset : known) {
            if (offset < end.value) {
                codec::store_be(bytes.extend(sizeof offset), offset);
            }
        }
    }
    Result<Ok> restore_state(const storage::StateSections& sections) override {
        recovered.clear();
        known.clear();
        codec::ByteReader reader(sections.bytes_of(storage::StateSectionId::agents));
        while (reader.remaining() != 0) {
            known.insert(reader.be<std::int64_t>());
        }
        ++restores;
        return reader.ok() ? Result<Ok>(Ok{})
                           : Result<Ok>(Error{ErrorCode::malformed, 0, "a test's section"});
    }
    void on_recovered_batch(const record::BatchView& batch) override {
        recovered.push_back(batch.header().base_offset.value);
        known.insert(batch.header().base_offset.value);
    }
    void on_written(const Offset end) override { written = end; }
    void on_synced(const Offset end) override { synced = end; }
    void on_dropped(const Offset from) override {
        dropped.push_back(from.value);
        known.erase(known.lower_bound(from.value), known.end());
    }

    void on_start_moved(const Offset log_start) override { started_at.push_back(log_start.value); }

    std::vector<std::int64_t> recovered;  // batches that were read at the start
    /// The state of this test's log: the base offsets of all batches there ever were.
    std::set<std::int64_t> known;
    mutable std::vector<std::int64_t> encoded;
    int restores = 0;
    std::vector<std::int64_t> started_at;
    Offset written;
    Offset synced;
    std::vector<std::int64_t> dropped;
};

struct LogWorldOptions {
    sim::SimMachineOptions machine;
    std::uint64_t segment_bytes = limits::segment_bytes_default;
    std::int64_t segment_ms = -1;
    std::int64_t retention_ms = -1;
    std::int64_t retention_bytes = -1;
    std::uint64_t tail_cache_bytes = limits::tail_cache_bytes_default;
};

class LogWorld {
public:
    explicit LogWorld(LogWorldOptions options = LogWorldOptions())
        : machine(options.machine)
        , options_(options) {}

    /// Starts the log directory and opens the log.
    Result<Ok> open() {
        Result<storage::DirectoryStart> start =
            machine.run(storage::start_log_directory(machine.env(), log_dir));
        if (!start) {
            return start.error();
        }
        return open_as(std::move(*start));
    }
    /// Opens the log as if the directory had been found so.
    Result<Ok> open_as(storage::DirectoryStart start) {
        sim::Outcome<Result<Ok>> opened = begin_open(std::move(start));
        machine.run_until([&opened] { return opened.is_there(); });
        return opened.value();
    }
    sim::Outcome<Result<Ok>> begin_open(storage::DirectoryStart start) {
        parts_ = &machine.make<Parts>(machine.env(), options_, std::move(start));
        return machine.begin(parts_->log.open());
    }
    void must_open() { BOOST_REQUIRE(open().has_value()); }

    /// A clean stop with its mark, and the next program's start.
    storage::CleanLog close() {
        const Result<storage::CleanLog> closed = machine.run(parts_->log.close());
        BOOST_REQUIRE(closed.has_value());
        machine.run(parts_->directory.stop());
        std::vector<storage::CleanLog> logs(1, *closed);
        const Result<Ok> marked =
            machine.run(storage::write_clean_marker(machine.env(), log_dir, logs));
        BOOST_REQUIRE(marked.has_value());
        end();
        return *closed;
    }
    /// What was opened, or could not be, is let go; then the next program's start.
    void end() {
        machine.end_program();
        machine.start();
    }
    void kill() { machine.restart_after(sim::CrashKind::killed); }
    void lose_power() { machine.restart_after(sim::CrashKind::power_loss); }

    /// Queues a batch.
    Result<storage::AppendPtr> queue(
        const Buffer& batch,
        const storage::Log::Awaited awaited = storage::Log::Awaited::yes,
        const std::int32_t epoch = 0
    ) {
        Slice bytes = machine.env().pool.copy_of(batch.view());
        Result<storage::AppendPtr> queued =
            log().append(std::move(bytes), LeaderEpoch(epoch), awaited);
        if (queued) {
            told().known.insert((*queued)->base_offset.value);
        }
        return queued;
    }
    /// Appends a batch and waits until it is synced.
    Result<Ok> append(const Buffer& batch, const std::int32_t epoch = 0) {
        Result<storage::AppendPtr> queued = queue(batch, storage::Log::Awaited::yes, epoch);
        if (!queued) {
            return queued.error();
        }
        return machine.run(storage::Log::wait(std::move(*queued)));
    }
    void must_append(const Buffer& batch, const std::int32_t epoch = 0) {
        BOOST_REQUIRE(append(batch, epoch).has_value());
    }
    void must_append(const std::vector<std::string>& values) { must_append(plain_batch(values)); }

    Result<std::vector<Slice>> read(
        const std::int64_t from, const std::uint32_t bytes_max = 1u << 30
    ) {
        return machine.run(log().read(Offset(from), bytes_max, log().synced_end()));
    }
    /// All records of the log, read batch by batch.
    std::vector<std::string> values() {
        std::vector<std::string> found;
        std::int64_t next = log().start_offset().value;
        while (next < log().synced_end().value) {
            const Result<std::vector<Slice>> batches = read(next, 1);
            BOOST_REQUIRE(batches.has_value());
            BOOST_REQUIRE(batches->size() == 1u);
            const ByteView bytes = batches->front().view();
            const std::vector<std::string> more = values_of(bytes);
            found.insert(found.end(), more.begin(), more.end());
            next = record::decode_batch_header(bytes).end_offset().value;
        }
        return found;
    }

    /// One pass of retention.
    void retain() { machine.run(parts_->retention.run_pass()); }
    sim::Outcome<Result<Ok>> begin_pass() { return machine.begin(pass(parts_->retention)); }
    /// The offsets of the state snapshots, rising.
    std::vector<std::int64_t> snapshots() {
        std::vector<std::int64_t> offsets;
        for (const std::string& name : machine.names_in(partition_dir)) {
            const auto offset = storage::parse_segment_file_name(name, storage::state_suffix);
            if (offset) {
                offsets.push_back(offset->value);
            }
        }
        return offsets;
    }
    /// So that the next start reads the whole log.
    void remove_snapshots() {
        for (const std::int64_t offset : snapshots()) {
            machine.remove(segment_path(offset, storage::state_suffix));
        }
    }

    [[nodiscard]] storage::Log& log() { return parts_->log; }
    [[nodiscard]] storage::LogDirectory& directory() { return parts_->directory; }
    [[nodiscard]] LogTold& told() { return parts_->told; }

    sim::SimMachine machine;

private:
    struct Parts {
        Parts(Env& env, const LogWorldOptions& options, storage::DirectoryStart found)
            : start(std::move(found))
            , directory(env, directory_options(options), start, has_failed)
            , log(env, directory, log_key, log_options(options), told)
            , retention(env, directory) {}

        static storage::LogOptions log_options(const LogWorldOptions& options) {
            storage::LogOptions made;
            made.segment_bytes = options.segment_bytes;
            made.segment_ms = options.segment_ms;
            made.retention_ms = options.retention_ms;
            made.retention_bytes = options.retention_bytes;
            return made;
        }

        static storage::LogDirectoryOptions directory_options(const LogWorldOptions& options) {
            storage::LogDirectoryOptions made;
            made.path = log_dir;
            made.tail_cache_bytes = options.tail_cache_bytes;
            return made;
        }

        storage::DirectoryStart start;
        std::atomic<bool> has_failed{false};
        storage::LogDirectory directory;
        LogTold told;
        storage::Log log;
        storage::Retention retention;
    };

    static Task<Result<Ok>> pass(storage::Retention& retention) {
        co_await retention.run_pass();
        co_return Ok{};
    }

    LogWorldOptions options_;
    Parts* parts_ = nullptr;
};

}  // namespace logboom::tests
