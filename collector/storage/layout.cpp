#include "collector/storage/layout.h"

#include "shared/base/bytes.h"
#include "shared/codec/crc_frame.h"

#include <charconv>

namespace logboom::storage {

namespace {

constexpr std::size_t offset_digits = 20;

}  // namespace

std::string partition_dir_name(const PartitionKey& key) {
    return to_hex(key.topic) + "-" + std::to_string(key.index.value);
}

std::string segment_file_name(const Offset base_offset, const std::string_view suffix) {
    LB_ASSERT(base_offset.value >= 0);
    std::string digits = std::to_string(base_offset.value);
    digits.insert(0, offset_digits - digits.size(), '0');
    return digits.append(suffix);
}

std::optional<Offset> parse_segment_file_name(
    const std::string_view name, const std::string_view suffix
) noexcept {
    if (name.size() != offset_digits + suffix.size() || !name.ends_with(suffix)) {
        return std::nullopt;
    }
    std::int64_t value = 0;
    const char* const end = name.data() + offset_digits;
    const auto [stopped_at, error] = std::from_chars(name.data(), end, value);
    const bool has_sign = name.front() == '-';  // "-0" is a number, too
    if (error != std::errc() || stopped_at != end || has_sign) {
        return std::nullopt;
    }
    return Offset(value);
}

void report_other_version(
    const Logger& log, const std::string& path, const ByteView file, const std::uint8_t supported
) {
    LB_ASSERT(file.size() >= codec::framed_file_head_bytes);
    log.error(
        "a file is of another version of its format: start the program that wrote it",
        {kv("file", quoted(path)),
         kv("version", std::to_integer<unsigned>(file[codec::framed_file_version_at])),
         kv("supported", supported)}
    );
}

}  // namespace logboom::storage
