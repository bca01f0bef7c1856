// A state snapshot, `<offset>.state`: what a partition knows beside its log of all batches below an offset,
// so that a start need not read them and retention may delete them. The sections belong to whoever
// writes them; the log writes one of its own, about its segments.
#pragma once

#include "collector/storage/segment_facts.h"
#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/base/strong.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace logboom::storage {

/// Numbers of sections are never used again for something else.
enum class StateSectionId : std::uint32_t {
    segments = 1,  ///< collector/storage: SegmentFacts
    agents = 2,    ///< collector/replica: CursorTable
    producers = 3  ///< collector/replica: ProducerTable, the idempotent producers
};

/// The version in which a section's bytes are written, and the only one that is read.
[[nodiscard]] constexpr std::uint32_t version_of(const StateSectionId id) noexcept {
    switch (id) {
    case StateSectionId::segments:
    case StateSectionId::agents:
    case StateSectionId::producers: return 1;
    }
    LB_UNREACHABLE("StateSectionId");
}

/// The sections of one snapshot, each at most once.
class StateSections {
public:
    /// A new, empty section; the reference is valid as long as the sections are.
    [[nodiscard]] Buffer& add(StateSectionId id);
    /// The section's bytes; empty if there is none.
    [[nodiscard]] ByteView bytes_of(StateSectionId id) const noexcept;

    struct Section {
        StateSectionId id{};
        Buffer bytes;
    };
    [[nodiscard]] const std::deque<Section>& all() const noexcept { return sections_; }

private:
    std::deque<Section> sections_;
};

/// Of the file's format.
inline constexpr std::uint8_t state_snapshot_version = 1;

/// The bytes of the file that holds the state of all batches below `offset`.
void encode_state_snapshot(Offset offset, const StateSections& sections, Buffer& out);
/// Errors: `unsupported` if the file or a section is of another version than ours, or a section unknown;
/// `corrupt` and `malformed` if the file is damaged, or that of another offset.
[[nodiscard]] Result<StateSections> decode_state_snapshot(ByteView file, Offset offset);

/// In the order of their offsets.
void encode_segment_facts(const std::vector<SegmentFacts>& segments, Buffer& out);
/// Errors: `malformed`. No bytes are no segments.
[[nodiscard]] Result<std::vector<SegmentFacts>> decode_segment_facts(ByteView bytes);

}  // namespace logboom::storage
