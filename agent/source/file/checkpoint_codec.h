// Bytes of the agent's own files: CRC frames with Protobuf values. The only place of the agent that
// knows Protobuf.
//
//   frame:  magic "LBCP" (4)  version (1)  kind (1)  zero (2)  length (4)  crc32c (4)  value (length)
//
// Integers are big-endian. The checksum covers version to length and the value.
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/strong.h"
#include "shared/record/source_cursor.h"

#include <cstdint>
#include <optional>
#include <string>

namespace logboom::source {

using record::Id128;

/// What is remembered of one stream.
struct CheckpointEntry {
    Id128 stream{};
    std::uint64_t generation = 0;
    std::uint64_t offset = 0;  // acknowledged up to here
    std::uint32_t tail_len = 0;
    std::uint64_t tail_hash = 0;
    record::FileIdentity identity;
    std::string input;
    std::string topic;
    std::optional<PartitionIndex> partition;
    std::int64_t gone_since_ms = 0;  // 0: the file is still needed
    std::uint64_t passed_to = 0;     // bytes behind `offset` that yielded no record; 0: none
    std::uint64_t cut_at = 0;        // how far the generation before this one was handed out

    bool operator==(const CheckpointEntry&) const = default;
};

/// Who this agent is.
struct AgentIdentity {
    Id128 agent_id{};
    std::uint64_t hash_seed = 0;
    std::uint32_t agent_epoch = 0;
    std::string machine_id;  // of the machine that made it

    bool operator==(const AgentIdentity&) const = default;
};

/// An input that was started before, and when for the very first time (T22).
struct StartedInput {
    std::string name;
    std::int64_t started_ms = 0;
};

enum class FrameKind : std::uint8_t {
    stream = 1,     ///< a CheckpointEntry; the newest of a stream counts
    forgotten = 2,  ///< the 16 bytes of a stream that is dropped
    input = 3,      ///< a StartedInput: the time as 8 bytes, then the name
    agent = 4       ///< an AgentIdentity
};

void append_frame(FrameKind kind, ByteView value, Buffer& out);
void encode_entry(const CheckpointEntry& entry, Buffer& out);
void encode_input(const StartedInput& input, Buffer& out);
void encode_agent(const AgentIdentity& agent, Buffer& out);

[[nodiscard]] Result<CheckpointEntry> decode_entry(ByteView value);
[[nodiscard]] Result<StartedInput> decode_input(ByteView value);
[[nodiscard]] Result<AgentIdentity> decode_agent(ByteView value);

/// The version that the frame at the front of `bytes` has; 0 if it is none.
[[nodiscard]] unsigned frame_version(ByteView bytes) noexcept;
inline constexpr unsigned frame_version_known = 1;

struct FrameView {
    FrameKind kind = FrameKind::stream;
    ByteView value;
    std::size_t size = 0;  // of the whole frame
};
/// The frame at the front of `bytes`. Errors: `malformed`, `corrupt` if there is no whole and right one;
/// `unsupported` for another version or kind.
[[nodiscard]] Result<FrameView> read_frame(ByteView bytes);

}  // namespace logboom::source
