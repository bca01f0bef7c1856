#include "agent/parse/line_splitter.h"

namespace logboom::parse {

std::size_t bom_bytes(const ByteView bytes) noexcept {
    constexpr std::size_t size = 3;
    const bool is_bom = bytes.size() >= size && bytes[0] == std::byte{0xEF}
                     && bytes[1] == std::byte{0xBB} && bytes[2] == std::byte{0xBF};
    return is_bom ? size : 0;
}

std::size_t utf8_cut(const ByteView bytes, const std::size_t size_max) noexcept {
    constexpr std::size_t continuation_bytes_max = 3;
    std::size_t size = size_max;
    for (std::size_t back = 0; back <= continuation_bytes_max && size > 0; ++back, --size) {
        if ((bytes[size] & std::byte{0xC0}) != std::byte{0x80}) {
            return size;
        }
    }
    return size_max;
}

void LineSplitter::reset() noexcept {
    part_ = 0;
    continues_ = false;
    skipping_ = false;
    skipped_bytes_ = 0;
    has_skipped_cr_ = false;
    awaited_.reset();
}

void LineSplitter::resume_inside_line(const std::uint64_t bytes_before) noexcept {
    reset();
    if (bytes_before == 0) {
        return;
    }
    // Each part is at most three bytes shorter than the longest, so the distance tells how many there
    // were; any other distance is that of a partial tail.
    const std::uint64_t size_max = options_.line_bytes_max;
    const std::uint64_t parts = (bytes_before + size_max - 1) / size_max;
    if (options_.on_long_line == LongLine::split && bytes_before + 3 * parts >= parts * size_max) {
        part_ = static_cast<std::uint32_t>(parts);
    } else {
        continues_ = true;
    }
}

void LineSplitter::begin_skipping(const ByteView text, const std::uint64_t offset) noexcept {
    ++counts_.long_lines;
    skipping_ = true;
    skipped_from_ = offset;
    skip(text);
}

void LineSplitter::skip(const ByteView rest) noexcept {
    if (!rest.empty()) {
        skipped_bytes_ += rest.size();
        has_skipped_cr_ = rest.back() == std::byte{'\r'};
    }
}

void LineSplitter::await_head(const std::uint64_t end, const bool is_partial) noexcept {
    CutLine line;
    line.begin = skipped_from_;
    line.end = end;
    line.head_bytes = options_.line_bytes_max + 1;  // the cut looks at the byte behind it
    line.marks.orig_bytes = skipped_bytes_;
    line.marks.partial = is_partial;
    line.marks.partial_continues = continues_;
    awaited_ = line;
    skipping_ = false;
}

}  // namespace logboom::parse
