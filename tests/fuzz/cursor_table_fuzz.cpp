// The agents' positions of a state snapshot.
#include "collector/replica/cursor_table.h"

#include "tests/fuzz/fuzz.h"

using namespace logboom;
using namespace logboom::replica;

namespace {

constexpr std::size_t streams_max = 8;

/// The batch behind what is known is taken, and the same one again is not.
void check_next_batch(CursorTable& table, const Id128& agent, const CursorTable::Stream& stream) {
    record::SourceCursor cursor;
    cursor.agent_id = agent;
    cursor.agent_epoch = stream.known.agent_epoch;
    cursor.stream = stream.id;
    cursor.generation = stream.known.generation;
    cursor.from = stream.known.to;
    cursor.to = cursor.from == UINT64_MAX ? cursor.from : cursor.from + 1;
    const bool is_longer = cursor.to > cursor.from;
    LB_ASSERT(!is_longer || table.judge(cursor) == CursorTable::Verdict::append);
    table.advance(cursor, Offset(INT64_MAX - 1));
    LB_ASSERT(table.judge(cursor) == CursorTable::Verdict::duplicate);
    table.roll_back(Offset(INT64_MAX - 1));
    LB_ASSERT(*table.find(agent, stream.id) == stream.known);
}

}  // namespace

LB_FUZZ_TARGET(cursor_table) {
    const ByteView bytes = fuzz::view_of(data, size);
    const auto decode = [](const ByteView encoded) {
        return CursorTable::decode(encoded, streams_max);
    };
    const auto encode = [](const CursorTable& table, Buffer& out) {
        table.encode(Offset(INT64_MAX), out);
    };
    Result<CursorTable> table = fuzz::decode_and_back(bytes, decode, encode);
    if (table) {
        LB_ASSERT(table->size() <= streams_max);
        // The agent of the first entry: its id is the first field.
        Id128 agent{};
        if (size >= 6 + agent.size()) {
            std::memcpy(agent.data(), bytes.data() + 6, agent.size());
        }
        for (const CursorTable::Stream& stream : table->streams_of(agent)) {
            LB_ASSERT(stream.known.agent_epoch <= table->epoch_of(agent));
            if (stream.known.last_offset.value < INT64_MAX - 1) {
                check_next_batch(*table, agent, stream);
            }
        }
    }
    return 0;
}
