#include "agent/source/file/checkpoint.h"

#include <algorithm>
#include <utility>

namespace logboom::source {

namespace {

constexpr std::size_t load_bytes_max = 256u << 20;  // 200,000 streams with long paths

}  // namespace

Checkpoint::Checkpoint(Env& env, CheckpointOptions options, metrics::Registry& registry)
    : env_(env)
    , options_(std::move(options))
    , changed_(env.scheduler)
    , hurry_(env.scheduler)
    , written_(env.scheduler)
    , scope_(env.scheduler)
    , writes_(registry.counter("logboom_agent_checkpoint_writes_total", "Writes of the checkpoint.")
      )
    , failures_(registry.counter(
          "logboom_agent_checkpoint_failures_total", "Writes that failed; retried."
      )) {}

std::string Checkpoint::path(const std::string_view name) const {
    return options_.dir + "/" + std::string(name);
}

Task<Result<Ok>> Checkpoint::start() {
    Result<bool> is_loaded = co_await load(path("checkpoint.log"));
    if (!is_loaded || !*is_loaded) {
        is_loaded = co_await load(path("checkpoint.old"));
    }
    was_empty_ = !is_loaded || !*is_loaded;
    if (was_empty_) {
        LB_REACHED(env_, checkpoint_lost);
    }
    LB_CO_CHECK(co_await compact());  // a torn tail and what is superseded end here
    scope_.spawn(run());
    co_return Ok{};
}

Task<void> Checkpoint::stop() {
    scope_.cancel();
    co_await scope_.join();
    [[maybe_unused]] const Result<Ok> flushed = co_await flush();
    if (file_ != nullptr) {
        [[maybe_unused]] const Result<Ok> closed = co_await file_->close();
    }
}

/// False: there is no such file, or nothing in it can be read.
Task<Result<bool>> Checkpoint::load(std::string name) {
    const Result<std::string> content = co_await env_.fs.read_file(name, load_bytes_max);
    if (!content) {
        if (content.error().sys_errno != ENOENT && content.code() != ErrorCode::not_found) {
            env_.log.warn(
                "checkpoint cannot be read; going on with the collectors' positions",
                {kv("file", quoted(name)), kv("error", to_string(content.error()))}
            );
        }
        co_return false;
    }
    entries_.clear();
    inputs_.clear();
    const std::size_t valid_bytes = replay(as_bytes(*content));
    if (valid_bytes < content->size()) {
        LB_REACHED(env_, checkpoint_cut);
        env_.log.warn(
            "checkpoint cut at its first bad record",
            {kv("file", quoted(name)),
             kv("valid_bytes", valid_bytes),
             kv("dropped_bytes", content->size() - valid_bytes)}
        );
    }
    co_return valid_bytes > 0;
}

/// Returns how many bytes were right.
std::size_t Checkpoint::replay(const ByteView bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        const Result<FrameView> frame = read_frame(bytes.subspan(at));
        if (!frame) {
            return at;
        }
        if (frame->kind == FrameKind::stream) {
            Result<CheckpointEntry> entry = decode_entry(frame->value);
            if (!entry) {
                return at;
            }
            entries_[entry->stream] = std::move(*entry);
        } else if (frame->kind == FrameKind::forgotten && frame->value.size() == sizeof(Id128)) {
            Id128 stream;
            std::ranges::copy(frame->value, stream.begin());
            entries_.erase(stream);
        } else if (frame->kind == FrameKind::input) {
            Result<StartedInput> input = decode_input(frame->value);
            if (!input) {
                return at;
            }
            inputs_[std::move(input->name)] = input->started_ms;
        }
        at += frame->size;
    }
    return at;
}

void Checkpoint::put(CheckpointEntry entry) {
    const Id128 stream = entry.stream;
    entries_[stream] = std::move(entry);
    dirty_.insert(stream);
    changed_.set();
}

void Checkpoint::put_new(CheckpointEntry entry) {
    put(std::move(entry));
    hurry_.set();
}

void Checkpoint::forget(const Id128& stream) {
    if (entries_.erase(stream) != 0) {
        dirty_.insert(stream);
        changed_.set();
    }
}

std::optional<WallTime> Checkpoint::input_started(const std::string& name) const {
    const auto found = inputs_.find(name);
    return found == inputs_.end() ? std::nullopt : std::optional(WallTime(Millis(found->second)));
}

void Checkpoint::put_input(const std::string& name, const WallTime started) {
    if (inputs_.try_emplace(name, to_unix_ms(started)).second) {
        dirty_inputs_.insert(name);
        changed_.set();
    }
}

Task<void> Checkpoint::run() {
    while (!scope_.is_cancelled()) {
        const bool has_pending = !dirty_.empty() || !dirty_inputs_.empty();
        if (!has_pending && is_synced_) {
            changed_.reset();
            [[maybe_unused]] const Result<Ok> woken = co_await changed_.wait();
            continue;
        }
        const Result<Ok> hurried = co_await hurry_.wait(env_.clock.now() + options_.write_interval);
        if (hurried) {
            [[maybe_unused]] const Result<Ok> slept = co_await env_.sleep(options_.new_stream_delay
            );
            hurry_.reset();
        }
        if (scope_.is_cancelled()) {
            co_return;
        }
        co_await begin_writing();
        const Result<Ok> written = co_await write_what_is_due();
        end_writing();
        note(written);
    }
}

Task<void> Checkpoint::begin_writing() {
    while (is_writing_) {
        written_.reset();
        co_await written_.wait_uncancelled();
    }
    is_writing_ = true;
}

void Checkpoint::end_writing() {
    is_writing_ = false;
    written_.set();
}

Task<Result<Ok>> Checkpoint::write_what_is_due() {
    LB_CO_CHECK(co_await write_pending());
    if (!is_synced_ && env_.clock.now() >= synced_at_ + options_.sync_interval) {
        LB_CO_CHECK(co_await sync());
    }
    if (should_compact() || LB_FAULT(env_, compact_early)) {
        LB_REACHED(env_, checkpoint_compacted);
        LB_CO_CHECK(co_await compact());
    }
    co_return Ok{};
}

void Checkpoint::note(const Result<Ok>& written) {
    const bool is_failing = !written && written.code() != ErrorCode::cancelled;
    if (is_failing) {
        failures_.add();
        LB_REACHED(env_, checkpoint_write_failed);
    }
    if (is_failing && !is_failing_) {
        env_.log.error(
            "checkpoint cannot be written; trying again, nothing is lost while collectors answer",
            {kv("dir", quoted(options_.dir)), kv("error", to_string(written.error()))}
        );
    }
    is_failing_ = is_failing;
}

void Checkpoint::append_entry(const CheckpointEntry& entry, Buffer& out) {
    value_.clear();
    encode_entry(entry, value_);
    append_frame(FrameKind::stream, value_.view(), out);
}

void Checkpoint::append_input(const std::string& name, Buffer& out) {
    value_.clear();
    encode_input(StartedInput{name, inputs_.at(name)}, value_);
    append_frame(FrameKind::input, value_.view(), out);
}

Task<Result<Ok>> Checkpoint::write_pending() {
    Buffer out;
    std::vector<Id128> streams;
    for (const Id128& stream : dirty_) {
        if (streams.size() == options_.updates_max) {
            break;
        }
        streams.push_back(stream);
        const auto entry = entries_.find(stream);
        if (entry == entries_.end()) {
            append_frame(FrameKind::forgotten, stream, out);
        } else {
            append_entry(entry->second, out);
        }
    }
    const std::set<std::string> inputs = std::exchange(dirty_inputs_, {});
    for (const std::string& input : inputs) {
        append_input(input, out);
    }
    if (out.empty()) {
        co_return Ok{};
    }
    for (const Id128& stream : streams) {
        dirty_.erase(stream);
    }
    const Result<Ok> written = co_await file_->pwrite(out.view(), file_bytes_);
    if (!written) {
        dirty_.insert(streams.begin(), streams.end());
        dirty_inputs_.insert(inputs.begin(), inputs.end());
        co_return written.error();
    }
    file_bytes_ += out.size();
    is_synced_ = false;
    writes_.add();
    co_return Ok{};
}

Task<Result<Ok>> Checkpoint::sync() {
    is_synced_ = true;
    const Result<Ok> synced = co_await file_->fdatasync();
    synced_at_ = env_.clock.now();
    if (!synced) {
        // The pages may be gone without a further error: everything is written anew.
        const Result<Ok> compacted = co_await compact();
        is_synced_ = compacted.has_value();
        co_return compacted;
    }
    co_return Ok{};
}

Task<Result<Ok>> Checkpoint::flush() {
    co_await begin_writing();
    const Result<Ok> written = co_await write_all();
    end_writing();
    note(written);
    co_return written;
}

Task<Result<Ok>> Checkpoint::write_all() {
    while (!dirty_.empty() || !dirty_inputs_.empty()) {
        LB_CO_CHECK(co_await write_pending());
    }
    if (is_synced_) {
        co_return Ok{};
    }
    co_return co_await sync();
}

bool Checkpoint::should_compact() const noexcept {
    const std::uint64_t size_max =
        std::min(options_.file_bytes_max, std::max(options_.compact_bytes_min, 4 * live_bytes_));
    return file_bytes_ > std::max(size_max, 2 * live_bytes_);
}

Task<Result<Ok>> Checkpoint::compact() {
    Buffer out;
    for (const auto& [input, started_ms] : inputs_) {
        append_input(input, out);
    }
    for (const auto& [stream, entry] : entries_) {
        append_entry(entry, out);
    }
    const std::set<Id128> written = std::exchange(dirty_, {});
    dirty_inputs_.clear();
    constexpr int flags = O_RDWR | O_CREAT | O_TRUNC;
    const std::string name = path("checkpoint.log");
    const std::string next_name = path("checkpoint.new");
    Result<io::File> opened = co_await env_.fs.open(next_name, flags);
    if (!opened) {
        dirty_.insert(written.begin(), written.end());
        co_return opened.error();
    }
    auto next = std::make_unique<io::File>(std::move(*opened));
    Result<Ok> done = co_await next->pwrite(out.view(), 0);
    if (done) {
        done = co_await next->fsync();
    }
    if (done) {
        const Result<Ok> kept = co_await env_.fs.rename(name, path("checkpoint.old"));
        done = kept || kept.error().sys_errno == ENOENT || kept.code() == ErrorCode::not_found
                 ? Result<Ok>(Ok{})
                 : kept;
    }
    if (done) {
        done = co_await env_.fs.rename(next_name, name);
    }
    if (done) {
        done = co_await env_.fs.sync_dir(options_.dir);
    }
    if (!done) {
        dirty_.insert(written.begin(), written.end());
        [[maybe_unused]] const Result<Ok> closed = co_await next->close();
        co_return done;
    }
    std::swap(file_, next);
    file_bytes_ = out.size();
    live_bytes_ = out.size();
    is_synced_ = true;
    synced_at_ = env_.clock.now();
    if (next != nullptr) {
        [[maybe_unused]] const Result<Ok> closed = co_await next->close();
    }
    co_return Ok{};
}

}  // namespace logboom::source
