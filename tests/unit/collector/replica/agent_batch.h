// What agents ship: a batch with the cursor of its source inside, and the envelope beside it.
#pragma once

#include "shared/base/bytes.h"
#include "shared/record/batch_builder.h"
#include "shared/record/source_cursor.h"
#include "shared/rpc/agent_messages.h"

#include <string>
#include <utility>

namespace logboom::tests {

inline record::Id128 id_of(const std::uint8_t number) {
    record::Id128 id{};
    id.fill(std::byte{number});
    return id;
}

/// The cursor of [from, to) of a stream of an agent.
inline record::SourceCursor cursor_of(
    const record::Id128& stream, const std::uint64_t from, const std::uint64_t to
) {
    record::SourceCursor cursor;
    cursor.agent_id = id_of(0xaa);
    cursor.agent_epoch = 1;
    cursor.stream = stream;
    cursor.generation = 1;
    cursor.from = from;
    cursor.to = to;
    cursor.tail_len = 4;
    cursor.tail_hash = to * 7;
    return cursor;
}

inline Buffer batch_of(const record::SourceCursor& cursor, const std::string& value = "line") {
    record::BatchBuilder builder;
    builder.begin(record::RecordHeaders());
    builder.append(1'700'000'000'000, as_bytes(value));
    Buffer out;
    static_cast<void>(builder.seal(cursor, out));
    return out;
}

inline rpc::BatchEnvelope envelope_of(
    const record::SourceCursor& cursor, const std::string& topic = "t"
) {
    rpc::BatchEnvelope envelope;
    envelope.topic = topic;
    envelope.stream = cursor.stream;
    envelope.generation = cursor.generation;
    envelope.from = cursor.from;
    envelope.to = cursor.to;
    envelope.agent_epoch = cursor.agent_epoch;
    return envelope;
}

}  // namespace logboom::tests
