#include "agent/source/file/losses.h"

#include "shared/json/json_writer.h"
#include "shared/record/loss_topic.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace logboom::source {

namespace {

/// Told one by one; what a stream loses while these wait is told with the last of them.
constexpr std::size_t waiting_max = 2;

Id128 id_of_records(const Stream& stream) {
    return batch::derived_id(stream.uid, record::loss_topic);
}

ship::Position end_of(const Loss& loss) noexcept {
    return {loss.generation, loss.to};
}

/// The bytes before the lost ones are no longer in a file that we have.
bool has_lost_all(const Stream& stream, const Loss& loss) noexcept {
    return loss.generation < stream.generation || stream.state == StreamState::gone;
}

/// Paths are bytes (T7), JSON's text is not.
std::string escaped(const std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\\') {
            text += "\\\\";
        } else if (byte < 0x80) {
            text += c;
        } else {
            text += fmt::format("\\x{:02x}", byte);
        }
    }
    return text;
}

std::string rfc3339(const WallTime time) {
    const std::chrono::sys_time<Nanos> at(time.time_since_epoch());
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss<Millis> clock(std::chrono::floor<Millis>(at - day));
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        clock.hours().count(),
        clock.minutes().count(),
        clock.seconds().count(),
        clock.subseconds().count()
    );
}

}  // namespace

Losses::Losses(
    Env& env,
    StreamTable& streams,
    TurnQueue& turns,
    Checkpoint& checkpoint,
    batch::BatchRoom& room,
    const ship::Outlet& outlet,
    SourceMeters& meters,
    metrics::Registry& registry
)
    : env_(env)
    , streams_(streams)
    , turns_(turns)
    , checkpoint_(checkpoint)
    , room_(room)
    , outlet_(outlet)
    , meters_(meters)
    , records_(registry.counter(
          "logboom_agent_loss_records_total", "Records of lost bytes made, repetitions among them."
      )) {}

// --- What is lost --------------------------------------------------------------------------------

void Losses::lose_rest(Stream& stream, const LossReason reason) {
    stream.batcher.seal();  // what was read is still sent
    Loss loss;
    loss.reason = reason;
    loss.generation = stream.generation;
    loss.from = stream.batcher.position().offset;
    loss.to = loss.from + stream.unread_bytes();
    loss.awaited_to = stream.batcher.sealed_to();
    if (stream.rewind_to && stream.rewind_to->generation == stream.generation) {
        // What was sent behind that is not under way any more.
        loss.from = std::min(loss.from, stream.rewind_to->offset);
        loss.awaited_to = 0;
        stream.rewind_to.reset();
    }
    if (loss.from != loss.to || stream.acked_to < loss.awaited_to) {
        add(stream, std::move(loss));
    }
}

void Losses::lose_range(
    Stream& stream, const std::uint64_t generation, const std::uint64_t from, const std::uint64_t to
) {
    Loss loss;
    loss.generation = generation;
    loss.from = from;
    loss.to = to;
    add(stream, std::move(loss));
}

void Losses::add(Stream& stream, Loss loss) {
    loss.bytes = loss.to - loss.from;
    loss.before = stream.own_entry();
    if (stream.losses.size() < waiting_max) {
        stream.losses.push_back(std::move(loss));
    } else {
        Loss& last = stream.losses.back();
        if (last.is_counted) {
            meters_.lost(loss.reason, loss.bytes);
        }
        last.reason = loss.reason;
        last.from = last.generation == loss.generation ? std::min(last.from, loss.from) : loss.from;
        last.to = last.generation == loss.generation ? std::max(last.to, loss.to) : loss.to;
        last.generation = loss.generation;
        last.bytes += loss.bytes;
    }
    turns_.want(stream);
}

void Losses::learn(Stream& stream, const ship::Position known, const Tail tail) {
    if (known.generation > stream.generation) {  // what we remember is of content that is no more
        FileIdentity identity = stream.identity;
        identity.head_len = 0;
        identity.head_hash = 0;
        identity.size_seen = known.offset;
        streams_.set_identity(stream, std::move(identity));
    }
    std::vector<Loss>& losses = stream.losses;
    while (!losses.empty() && losses.front().generation < known.generation) {
        losses.erase(losses.begin());  // told in an earlier run: else nothing had come behind it
        stream.identity.size_seen = known.offset;  // what the file had then nobody knows
    }
    const bool is_of_before = known.generation + 1 == stream.generation;
    if (losses.empty() && is_of_before && known.offset < stream.cut_at) {
        lose_range(stream, known.generation, known.offset, stream.cut_at);
        return;
    }
    if (losses.empty() || losses.front().generation != known.generation) {
        return;
    }
    Loss& loss = losses.front();
    loss.awaited_to = 0;  // nothing is under way yet
    if (known.offset != loss.before.offset) {
        const std::uint64_t from_min = has_lost_all(stream, loss) ? 0 : loss.from;
        loss.from = std::clamp(known.offset, from_min, loss.to);
        loss.bytes = loss.to - loss.from;
        loss.before.offset = known.offset;
        loss.before.tail_len = tail.size;
        loss.before.tail_hash = tail.hash;
        loss.before.passed_to = 0;
    }
}

void Losses::found_again(Stream& stream) {
    std::erase_if(stream.losses, [](const Loss& loss) {
        return loss.reason == LossReason::vanished_unread && !loss.is_counted;
    });
}

// --- How it is told ------------------------------------------------------------------------------

void Losses::tell(Stream& stream) {
    count(stream);
    while (!stream.losses.empty()) {
        Loss& loss = stream.losses.front();
        if (loss.before.offset < loss.awaited_to) {
            return;
        }
        if (loss.bytes != 0) {
            send(stream, loss);
            return;
        }
        forget_first(stream);
    }
}

void Losses::count(Stream& stream) {
    for (Loss& loss : stream.losses) {
        if (!std::exchange(loss.is_counted, true)) {
            meters_.lost(loss.reason, loss.bytes);
        }
    }
}

void Losses::send(Stream& stream, Loss& loss) {
    const Id128 id = id_of_records(stream);
    if (loss.is_sent || !has_met_ || !outlet_.has_room(id)) {
        return;
    }
    loss.is_sent = true;
    sent_[id] = stream.uid;
    batch::Batcher batcher(
        room_, id, {stream.path, stream.path_resolved, stream.identity}, records_
    );
    const ship::Position begin{loss.generation, loss.from};
    batcher.begin_at(begin, Tail(), record::GapReason::lost);
    batcher.look_at(ByteView(), loss.from);
    batcher.add(as_bytes(record_of(stream, loss)), loss.to);
    batcher.look_away();
    batcher.seal();
}

std::string Losses::record_of(const Stream& stream, const Loss& loss) const {
    const auto number = [](const std::uint64_t value) { return static_cast<std::int64_t>(value); };
    json::JsonWriter json;
    json.begin_object();
    json.text_field("agent", to_hex(room_.agent_id()));
    json.text_field("host", escaped(room_.options().host));
    json.text_field("stream", to_hex(stream.uid));
    json.text_field("path", escaped(stream.path));
    json.text_field("topic", stream.input.topic);
    json.text_field("reason", to_string(loss.reason));
    json.number_field("generation", number(loss.generation));
    json.number_field("from", number(loss.from));
    json.number_field("to", number(loss.to));
    json.number_field("bytes", number(loss.bytes));
    json.text_field("time", rfc3339(env_.clock.wall()));
    json.end_object();
    return json.take();
}

void Losses::handed_over(Stream& stream, const ship::Position position, const Tail tail) {
    for (Loss& loss : stream.losses) {
        if (loss.before.generation == position.generation) {
            loss.before.offset = position.offset;
            loss.before.tail_len = tail.size;
            loss.before.tail_hash = tail.hash;
            loss.before.passed_to = 0;
        }
    }
    if (!stream.losses.empty()) {
        checkpoint_.put(stream.to_entry());
        turns_.want(stream);
    }
}

bool Losses::take_back(Stream& stream, const ship::Position position) {
    if (stream.losses.empty()) {
        return false;
    }
    Loss& loss = stream.losses.front();
    if (!has_lost_all(stream, loss) || position.generation > loss.generation) {
        return false;
    }
    const std::uint64_t from = position.generation == loss.generation ? position.offset : 0;
    if (from < loss.from) {
        const std::uint64_t more = loss.from - from;
        if (loss.is_counted) {
            meters_.lost(loss.reason, more);
        }
        if (!loss.is_sent) {  // else it is below what the collector has been told
            loss.from = from;
            loss.bytes += more;
        }
    }
    loss.awaited_to = 0;
    loss.before.offset = from;
    loss.before.tail_len = 0;
    loss.before.passed_to = 0;
    turns_.want(stream);
    return true;
}

void Losses::forget_first(Stream& stream) {
    stream.losses.erase(stream.losses.begin());
    checkpoint_.put(stream.to_entry());
}

Stream* Losses::told_of(const Id128& id) const {
    const auto found = sent_.find(id);
    Stream* const stream = found == sent_.end() ? nullptr : streams_.find(found->second);
    return stream == nullptr || stream->losses.empty() ? nullptr : stream;
}

void Losses::acknowledged(const Id128& id, const ship::Position position) {
    Stream* const stream = told_of(id);
    sent_.erase(id);
    if (stream != nullptr && position >= end_of(stream->losses.front())) {
        forget_first(*stream);
        turns_.want(*stream);
    }
}

/// It is told again when there is room, without what the collector has been told before.
void Losses::rewind(const Id128& id, const ship::Position position) {
    Stream* const stream = told_of(id);
    if (stream == nullptr) {
        return;
    }
    Loss& loss = stream->losses.front();
    loss.is_sent = false;
    if (position.generation == loss.generation && position.offset > loss.from) {
        const std::uint64_t told = std::min(position.offset, loss.to) - loss.from;
        loss.from += told;
        loss.bytes -= std::min(told, loss.bytes);
    }
    turns_.want(*stream);
}

ship::Route Losses::route() {
    return {std::string(record::loss_topic), "", PartitionIndex(0)};
}

}  // namespace logboom::source
