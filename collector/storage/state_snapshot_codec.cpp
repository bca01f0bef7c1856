#include "collector/storage/state_snapshot.h"
#include "shared/base/limits.h"
#include "shared/codec/crc32c.h"
#include "shared/codec/crc_frame.h"
#include "storage.pb.h"

#include <algorithm>
#include <optional>

namespace logboom::storage {

namespace {

constexpr std::string_view file_kind = "LBST";

constexpr Error corrupt{ErrorCode::corrupt, 0, "content of a state snapshot"};
constexpr Error malformed_facts{ErrorCode::malformed, 0, "segments of a state snapshot"};

/// Nothing for a number that this version does not know.
std::optional<StateSectionId> to_section_id(const std::uint32_t number) noexcept {
    switch (const auto id = static_cast<StateSectionId>(number)) {
    case StateSectionId::segments:
    case StateSectionId::agents:
    case StateSectionId::producers: return id;
    }
    return std::nullopt;
}

Result<Ok> check_head(const v1::StateHead& head, const Offset offset) {
    if (!head.is_whole() || head.offset() != offset.value) {
        return corrupt;
    }
    std::uint32_t previous = 0;
    for (const v1::StateSectionHead& section : head.sections()) {
        if (section.id() <= previous) {
            return corrupt;
        }
        previous = section.id();
        const std::optional<StateSectionId> id = to_section_id(section.id());
        if (!id || section.version() != version_of(*id)) {
            return Error{ErrorCode::unsupported, 0, "section of a state snapshot"};
        }
    }
    return Ok{};
}

SegmentFacts to_facts(const v1::SegmentEntry& entry) {
    SegmentFacts facts;
    facts.base_offset = Offset(entry.base_offset());
    facts.end_offset = Offset(entry.end_offset());
    facts.size_bytes = entry.size_bytes();
    facts.last_epoch = LeaderEpoch(entry.last_epoch());
    facts.first_append_ms = entry.first_append_ms();
    facts.last_append_ms = entry.last_append_ms();
    facts.offset_index_crc = entry.offset_index_crc();
    facts.time_index_crc = entry.time_index_crc();
    if (entry.has_largest_timestamp_ms()) {
        facts.largest.timestamp_ms = entry.largest_timestamp_ms();
        facts.largest.base_offset = Offset(entry.largest_base_offset());
        facts.largest.last_offset = Offset(entry.largest_last_offset());
    }
    return facts;
}

}  // namespace

Buffer& StateSections::add(const StateSectionId id) {
    LB_ASSERT(std::none_of(sections_.begin(), sections_.end(), [id](const Section& section) {
        return section.id == id;
    }));
    Section& section = sections_.emplace_back();
    section.id = id;
    return section.bytes;
}

ByteView StateSections::bytes_of(const StateSectionId id) const noexcept {
    const auto found =
        std::find_if(sections_.begin(), sections_.end(), [id](const Section& section) {
            return section.id == id;
        });
    return found == sections_.end() ? ByteView() : found->bytes.view();
}

void encode_state_snapshot(const Offset offset, const StateSections& sections, Buffer& out) {
    std::vector<const StateSections::Section*> in_order;
    for (const StateSections::Section& section : sections.all()) {
        in_order.push_back(&section);
    }
    std::sort(in_order.begin(), in_order.end(), [](const auto* const a, const auto* const b) {
        return a->id < b->id;
    });
    v1::StateHead head;
    head.set_offset(offset.value);
    head.set_is_whole(true);
    for (const StateSections::Section* const section : in_order) {
        v1::StateSectionHead& described = *head.add_sections();
        described.set_id(static_cast<std::uint32_t>(section->id));
        described.set_version(version_of(section->id));
        described.set_size_bytes(section->bytes.size());
        described.set_crc(codec::crc32c(section->bytes.view()));
    }
    const std::string payload = head.SerializeAsString();
    codec::append_framed_file(file_kind, state_snapshot_version, as_bytes(payload), out);
    for (const StateSections::Section* const section : in_order) {
        out.append(section->bytes.view());
    }
}

Result<StateSections> decode_state_snapshot(const ByteView file, const Offset offset) {
    LB_CHECK(codec::check_file_head(file, file_kind, state_snapshot_version));
    const ByteView frames = file.subspan(codec::framed_file_head_bytes);
    codec::CrcFrameReader reader(frames);
    ByteView payload;
    v1::StateHead head;
    if (reader.next(payload) != codec::CrcFrameReader::Found::frame
        || !head.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        return corrupt;
    }
    LB_CHECK(check_head(head, offset));
    ByteView rest = frames.subspan(reader.position());
    StateSections sections;
    for (const v1::StateSectionHead& described : head.sections()) {
        if (described.size_bytes() > rest.size()) {
            return corrupt;
        }
        const ByteView bytes = rest.first(static_cast<std::size_t>(described.size_bytes()));
        rest = rest.subspan(bytes.size());
        if (codec::crc32c(bytes) != described.crc()) {
            return corrupt;
        }
        sections.add(static_cast<StateSectionId>(described.id())).append(bytes);
    }
    if (!rest.empty()) {
        return corrupt;
    }
    return sections;
}

void encode_segment_facts(const std::vector<SegmentFacts>& segments, Buffer& out) {
    v1::SegmentList list;
    for (const SegmentFacts& facts : segments) {
        v1::SegmentEntry& entry = *list.add_segments();
        entry.set_base_offset(facts.base_offset.value);
        entry.set_end_offset(facts.end_offset.value);
        entry.set_size_bytes(facts.size_bytes);
        entry.set_last_epoch(facts.last_epoch.value);
        entry.set_first_append_ms(facts.first_append_ms);
        entry.set_last_append_ms(facts.last_append_ms);
        entry.set_offset_index_crc(facts.offset_index_crc);
        entry.set_time_index_crc(facts.time_index_crc);
        if (facts.largest.timestamp_ms >= 0) {
            entry.set_largest_timestamp_ms(facts.largest.timestamp_ms);
            entry.set_largest_base_offset(facts.largest.base_offset.value);
            entry.set_largest_last_offset(facts.largest.last_offset.value);
        }
    }
    const std::size_t size = list.ByteSizeLong();
    LB_ASSERT(list.SerializeToArray(out.extend(size), static_cast<int>(size)));
}

Result<std::vector<SegmentFacts>> decode_segment_facts(const ByteView bytes) {
    v1::SegmentList list;
    if (!list.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return malformed_facts;
    }
    std::vector<SegmentFacts> segments;
    segments.reserve(static_cast<std::size_t>(list.segments_size()));
    for (const v1::SegmentEntry& entry : list.segments()) {
        const SegmentFacts facts = to_facts(entry);
        const bool is_next = segments.empty() || facts.base_offset == segments.back().end_offset;
        const bool is_time_good = !entry.has_largest_timestamp_ms()
                               || facts.largest.timestamp_ms >= 0;
        if (!is_next || !is_time_good || facts.base_offset.value < 0
            || facts.end_offset < facts.base_offset) {
            return malformed_facts;
        }
        segments.push_back(facts);
    }
    return segments;
}

}  // namespace logboom::storage
