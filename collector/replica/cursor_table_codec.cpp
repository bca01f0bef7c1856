#include "collector/replica/cursor_table.h"
#include "shared/codec/byte_reader.h"
#include "storage.pb.h"

#include <algorithm>
#include <limits>

namespace logboom::replica {

namespace {

constexpr Error malformed{ErrorCode::malformed, 0, "agents' positions of a state snapshot"};

void append_entry(
    const Id128& agent, const Id128& stream, const KnownPosition& position, Buffer& out
) {
    v1::AgentPosition message;
    message.set_agent_id(std::string(as_text(agent)));
    message.set_agent_epoch(position.agent_epoch);
    message.set_stream(std::string(as_text(stream)));
    message.set_generation(position.generation);
    message.set_to(position.to);
    message.set_last_offset(position.last_offset.value);
    message.set_tail_len(position.tail_len);
    message.set_tail_hash(position.tail_hash);
    if (position.identity) {
        Buffer identity;
        record::encode_identity(*position.identity, identity);
        message.set_identity(std::string(as_text(identity.view())));
    }
    const std::size_t size = message.ByteSizeLong();
    codec::store_be(out.extend(sizeof(std::uint32_t)), static_cast<std::uint32_t>(size));
    LB_ASSERT(message.SerializeToArray(out.extend(size), static_cast<int>(size)));
}

bool read_id(const std::string& bytes, Id128& id) {
    if (bytes.size() != id.size()) {
        return false;
    }
    std::ranges::copy(as_bytes(bytes), id.begin());
    return true;
}

Result<KnownPosition> read_entry(const ByteView bytes, Id128& agent, Id128& stream) {
    v1::AgentPosition message;
    const bool is_message = bytes.size() <= std::size_t{std::numeric_limits<int>::max()}
                         && message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    if (!is_message || !read_id(message.agent_id(), agent) || !read_id(message.stream(), stream)
        || message.last_offset() < 0) {
        return malformed;
    }
    KnownPosition position;
    position.agent_epoch = message.agent_epoch();
    position.generation = message.generation();
    position.to = message.to();
    position.last_offset = Offset(message.last_offset());
    position.tail_len = message.tail_len();
    position.tail_hash = message.tail_hash();
    if (message.has_identity()) {
        LB_TRY(position.identity, record::decode_identity(as_bytes(message.identity())));
    }
    return position;
}

}  // namespace

void CursorTable::encode(const Offset end, Buffer& out) const {
    std::map<Key, const KnownPosition*> settled;
    for (const auto& [key, position] : positions_) {
        settled.emplace_hint(settled.end(), key, &position);
    }
    // The latest first, so that of several batches of one stream what was before the first one stays.
    for (auto undo = undo_.rbegin(); undo != undo_.rend() && undo->last_offset >= end; ++undo) {
        settled[undo->key] = &undo->before;
    }
    for (const auto& [key, position] : settled) {
        if (position->last_offset.value >= 0) {
            append_entry(key.agent, key.stream, *position, out);
        }
    }
}

Result<CursorTable> CursorTable::decode(const ByteView bytes, const std::size_t streams_max) {
    CursorTable table(streams_max);
    codec::ByteReader reader(bytes);
    while (reader.remaining() != 0) {
        const auto size = reader.be<std::uint32_t>();
        const ByteView entry = reader.bytes(size);
        Key key;
        if (!reader.ok()) {
            return malformed;
        }
        LB_TRY(KnownPosition position, read_entry(entry, key.agent, key.stream));
        const bool is_rising = table.positions_.empty() || table.positions_.rbegin()->first < key;
        if (!is_rising) {
            return malformed;
        }
        if (table.size() == streams_max) {
            return Error{ErrorCode::too_large, 0, "agents' positions of a state snapshot"};
        }
        table.put(key, std::move(position));
    }
    return table;
}

}  // namespace logboom::replica
