#include "agent/source/file/checkpoint_codec.h"

#include "shared/codec/crc32c.h"
#include "shared/codec/endian.h"

#include <records.pb.h>

#include <algorithm>

namespace logboom::source {

namespace {

constexpr std::uint32_t magic = 0x4C424350;  // "LBCP"
constexpr std::byte version{frame_version_known};
constexpr std::size_t head_bytes = 16;
/// The longest value is an entry with a path of 4 KiB and names.
constexpr std::uint32_t value_bytes_max = 64u << 10;

std::string text_of(const ByteView bytes) {
    return std::string(as_text(bytes));
}

std::optional<Id128> id_of(const std::string& bytes) noexcept {
    Id128 id;
    if (bytes.size() != id.size()) {
        return std::nullopt;
    }
    std::ranges::copy(as_bytes(bytes), id.begin());
    return id;
}

template <typename Message>
void append_message(const Message& message, Buffer& out) {
    std::string text;
    message.SerializeToString(&text);
    out.append(text);
}

std::uint32_t checksum(const ByteView frame) noexcept {
    // Version, kind, zero, length; then the value behind the checksum itself.
    return codec::crc32c(frame.subspan(head_bytes), codec::crc32c(frame.subspan(4, 8)));
}

}  // namespace

void append_frame(const FrameKind kind, const ByteView value, Buffer& out) {
    LB_ASSERT(value.size() <= value_bytes_max);
    const std::size_t start = out.size();
    std::byte* const head = out.extend(head_bytes);
    codec::store_be(head, magic);
    head[4] = version;
    head[5] = static_cast<std::byte>(kind);
    codec::store_be(head + 6, std::uint16_t{0});
    codec::store_be(head + 8, static_cast<std::uint32_t>(value.size()));
    out.append(value);
    codec::store_be(out.data() + start + 12, checksum(out.view().subspan(start)));
}

Result<FrameView> read_frame(const ByteView bytes) {
    if (bytes.size() < head_bytes || codec::load_be<std::uint32_t>(bytes.data()) != magic) {
        return Error{ErrorCode::malformed, 0, "checkpoint frame"};
    }
    const auto length = codec::load_be<std::uint32_t>(bytes.data() + 8);
    if (length > value_bytes_max || length > bytes.size() - head_bytes) {
        return Error{ErrorCode::malformed, 0, "checkpoint frame length"};
    }
    const ByteView frame = bytes.first(head_bytes + length);
    if (codec::load_be<std::uint32_t>(bytes.data() + 12) != checksum(frame)) {
        return Error{ErrorCode::corrupt, 0, "checkpoint frame checksum"};
    }
    const auto kind = static_cast<std::uint8_t>(frame[5]);
    if (frame[4] != version || kind < 1 || kind > static_cast<std::uint8_t>(FrameKind::agent)) {
        return Error{ErrorCode::unsupported, 0, "checkpoint frame version"};
    }
    return FrameView{static_cast<FrameKind>(kind), frame.subspan(head_bytes), frame.size()};
}

unsigned frame_version(const ByteView bytes) noexcept {
    const bool is_frame = bytes.size() >= head_bytes
                       && codec::load_be<std::uint32_t>(bytes.data()) == magic;
    return is_frame ? std::to_integer<unsigned>(bytes[4]) : 0;
}

void encode_entry(const CheckpointEntry& entry, Buffer& out) {
    record::SourceCursor cursor;
    cursor.stream = entry.stream;
    cursor.generation = entry.generation;
    cursor.from = entry.offset;
    cursor.to = entry.offset;
    cursor.tail_len = entry.tail_len;
    cursor.tail_hash = entry.tail_hash;
    cursor.identity = entry.identity;
    Buffer encoded;
    record::encode_cursor(cursor, encoded);
    v1::AgentCheckpointEntry message;
    message.set_cursor(text_of(encoded.view()));
    message.set_input(entry.input);
    message.set_topic(entry.topic);
    if (entry.partition) {
        message.set_partition(entry.partition->value);
    }
    message.set_gone_since_ms(entry.gone_since_ms);
    message.set_passed_to(entry.passed_to);
    message.set_cut_at(entry.cut_at);
    append_message(message, out);
}

Result<CheckpointEntry> decode_entry(const ByteView value) {
    v1::AgentCheckpointEntry message;
    if (!message.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
        return Error{ErrorCode::malformed, 0, "checkpoint entry"};
    }
    LB_TRY(record::SourceCursor cursor, record::decode_cursor(as_bytes(message.cursor())));
    if (!cursor.identity) {
        return Error{ErrorCode::malformed, 0, "identity of a checkpoint entry"};
    }
    CheckpointEntry entry;
    entry.stream = cursor.stream;
    entry.generation = cursor.generation;
    entry.offset = cursor.to;
    entry.tail_len = cursor.tail_len;
    entry.tail_hash = cursor.tail_hash;
    entry.identity = std::move(*cursor.identity);
    entry.input = message.input();
    entry.topic = message.topic();
    if (message.has_partition()) {
        entry.partition = PartitionIndex(message.partition());
    }
    entry.gone_since_ms = message.gone_since_ms();
    entry.passed_to = message.passed_to();
    entry.cut_at = message.cut_at();
    return entry;
}

void encode_input(const StartedInput& input, Buffer& out) {
    codec::store_be(
        out.extend(sizeof input.started_ms), static_cast<std::uint64_t>(input.started_ms)
    );
    out.append(input.name);
}

Result<StartedInput> decode_input(const ByteView value) {
    StartedInput input;
    if (value.size() <= sizeof input.started_ms) {
        return Error{ErrorCode::malformed, 0, "input of a checkpoint"};
    }
    input.started_ms = static_cast<std::int64_t>(codec::load_be<std::uint64_t>(value.data()));
    input.name = text_of(value.subspan(sizeof input.started_ms));
    return input;
}

void encode_agent(const AgentIdentity& agent, Buffer& out) {
    v1::AgentIdentity message;
    message.set_agent_id(text_of(agent.agent_id));
    message.set_hash_seed(agent.hash_seed);
    message.set_agent_epoch(agent.agent_epoch);
    message.set_machine_id(agent.machine_id);
    append_message(message, out);
}

Result<AgentIdentity> decode_agent(const ByteView value) {
    v1::AgentIdentity message;
    const bool is_parsed = message.ParseFromArray(value.data(), static_cast<int>(value.size()));
    const std::optional<Id128> agent_id = id_of(message.agent_id());
    if (!is_parsed || !agent_id) {
        return Error{ErrorCode::malformed, 0, "agent identity"};
    }
    AgentIdentity agent;
    agent.agent_id = *agent_id;
    agent.hash_seed = message.hash_seed();
    agent.agent_epoch = message.agent_epoch();
    agent.machine_id = message.machine_id();
    return agent;
}

}  // namespace logboom::source
