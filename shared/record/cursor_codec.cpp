#include "records.pb.h"
#include "shared/base/assert.h"
#include "shared/record/source_cursor.h"

#include <cstring>
#include <limits>

namespace logboom::record {

namespace {

constexpr Error malformed_cursor{ErrorCode::malformed, 0, "source cursor"};
constexpr Error malformed_identity{ErrorCode::malformed, 0, "file identity"};

void append_message(const google::protobuf::MessageLite& message, Buffer& out) {
    const std::size_t size = message.ByteSizeLong();
    std::byte* const to = out.extend(size);
    LB_ASSERT(message.SerializeToArray(to, static_cast<int>(size)));
}

bool parse_message(const ByteView bytes, google::protobuf::MessageLite& message) {
    return bytes.size() <= std::size_t{std::numeric_limits<int>::max()}
        && message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

bool read_id(const std::string& bytes, Id128& id) {
    if (bytes.size() != id.size()) {
        return false;
    }
    std::memcpy(id.data(), bytes.data(), id.size());
    return true;
}

void set_id(const Id128& id, std::string& bytes) {
    bytes.assign(as_text(ByteView(id)));
}

void fill(const FileIdentity& identity, v1::FileIdentity& message) {
    message.set_fs_id(identity.fs_id);
    message.set_ino(identity.ino);
    if (identity.gen) {
        message.set_gen(*identity.gen);
    }
    if (identity.btime_ns) {
        message.set_btime_ns(*identity.btime_ns);
    }
    message.set_head_len(identity.head_len);
    message.set_head_hash(identity.head_hash);
    message.set_size_seen(identity.size_seen);
    message.set_path_seen(identity.path_seen);
    if (identity.predecessor) {
        set_id(*identity.predecessor, *message.mutable_predecessor());
    }
}

Result<FileIdentity> read(const v1::FileIdentity& message) {
    if (message.fs_id().size() > fs_id_bytes_max
        || message.path_seen().size() > path_seen_bytes_max) {
        return malformed_identity;
    }
    FileIdentity identity;
    identity.fs_id = message.fs_id();
    identity.ino = message.ino();
    if (message.has_gen()) {
        identity.gen = message.gen();
    }
    if (message.has_btime_ns()) {
        identity.btime_ns = message.btime_ns();
    }
    identity.head_len = message.head_len();
    identity.head_hash = message.head_hash();
    identity.size_seen = message.size_seen();
    identity.path_seen = message.path_seen();
    if (!message.predecessor().empty()) {
        if (!read_id(message.predecessor(), identity.predecessor.emplace())) {
            return malformed_identity;
        }
    }
    return identity;
}

}  // namespace

void encode_identity(const FileIdentity& identity, Buffer& out) {
    v1::FileIdentity message;
    fill(identity, message);
    append_message(message, out);
}

Result<FileIdentity> decode_identity(const ByteView bytes) {
    v1::FileIdentity message;
    if (!parse_message(bytes, message)) {
        return malformed_identity;
    }
    return read(message);
}

void encode_cursor(const SourceCursor& cursor, Buffer& out) {
    v1::SourceCursor message;
    set_id(cursor.agent_id, *message.mutable_agent_id());
    message.set_agent_epoch(cursor.agent_epoch);
    set_id(cursor.stream, *message.mutable_stream());
    message.set_generation(cursor.generation);
    message.set_from(cursor.from);
    message.set_to(cursor.to);
    message.set_gap_reason(static_cast<std::uint32_t>(cursor.gap_reason));
    message.set_tail_len(cursor.tail_len);
    message.set_tail_hash(cursor.tail_hash);
    if (cursor.identity) {
        fill(*cursor.identity, *message.mutable_identity());
    }
    append_message(message, out);
}

Result<SourceCursor> decode_cursor(const ByteView bytes) {
    v1::SourceCursor message;
    SourceCursor cursor;
    if (!parse_message(bytes, message) || !read_id(message.agent_id(), cursor.agent_id)
        || !read_id(message.stream(), cursor.stream) || message.from() > message.to()) {
        return malformed_cursor;
    }
    if (message.gap_reason() > static_cast<std::uint32_t>(GapReason::new_generation)) {
        return Error{ErrorCode::unsupported, 0, "gap reason of a source cursor"};
    }
    cursor.agent_epoch = message.agent_epoch();
    cursor.generation = message.generation();
    cursor.from = message.from();
    cursor.to = message.to();
    cursor.gap_reason = static_cast<GapReason>(message.gap_reason());
    cursor.tail_len = message.tail_len();
    cursor.tail_hash = message.tail_hash();
    if (message.has_identity()) {
        LB_TRY(cursor.identity, read(message.identity()));
    }
    return cursor;
}

}  // namespace logboom::record
