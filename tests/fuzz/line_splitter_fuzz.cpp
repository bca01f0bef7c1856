// The line splitter: read in blocks of any size, a file gives the same lines. The input: a choice of the
// options, of the longest line, then the file.
#include "agent/parse/line_splitter.h"

#include "tests/fuzz/fuzz.h"

#include <array>
#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::parse;

namespace {

struct Event {
    std::string value;
    std::uint64_t end = 0;
    LineMarks marks;
};

bool operator==(const Event& a, const Event& b) {
    return a.value == b.value && a.end == b.end && a.marks.part == b.marks.part
        && a.marks.part_last == b.marks.part_last && a.marks.partial == b.marks.partial
        && a.marks.partial_continues == b.marks.partial_continues
        && a.marks.orig_bytes == b.marks.orig_bytes;
}

struct Sink {
    void add(const ByteView value, const std::uint64_t end) { add_marked(value, end, LineMarks()); }
    void add_marked(const ByteView value, const std::uint64_t end, const LineMarks marks) {
        LB_ASSERT(events.empty() || end >= last_end);
        events.push_back(Event{std::string(as_text(value)), end, marks});
        last_end = end;
    }
    void pass(const std::uint64_t end) {
        LB_ASSERT(end >= last_end);
        last_end = end;
    }

    std::vector<Event> events;
    std::uint64_t last_end = 0;
};

struct Outcome {
    std::vector<Event> events;
    std::uint64_t dropped_bytes = 0;
    std::uint64_t long_lines = 0;
    std::uint64_t empty_dropped = 0;
};

void show_awaited(LineSplitter& splitter, const ByteView file, Sink& sink) {
    if (splitter.awaited()) {
        const CutLine line = *splitter.awaited();
        LB_ASSERT(line.begin + line.head_bytes <= file.size());
        splitter.finish_cut(file.subspan(line.begin, line.head_bytes), sink);
    }
}

/// Reads as a tailer does: what was not consumed is shown again, and at the end it is a partial line.
Outcome split(const ByteView file, const SplitOptions& options, const std::size_t block_bytes) {
    LineSplitter splitter(options);
    Sink sink;
    std::size_t at = 0;
    while (at < file.size()) {
        const fuzz::Exact block(file.subspan(at, std::min(block_bytes, file.size() - at)));
        const std::size_t used = splitter.feed(block.view(), at, sink);
        LB_ASSERT(used <= block.view().size());
        show_awaited(splitter, file, sink);
        if (used == 0) {
            LB_ASSERT(at + block.view().size() == file.size());
            break;
        }
        at += used;
    }
    splitter.flush_partial(file.subspan(at), at, sink);
    show_awaited(splitter, file, sink);
    const SplitCounts counts = splitter.take_counts();
    return {
        std::move(sink.events), counts.dropped_long_bytes, counts.long_lines, counts.empty_dropped};
}

void check_events(
    const Outcome& outcome, const std::size_t file_bytes, const SplitOptions& options
) {
    for (const Event& event : outcome.events) {
        LB_ASSERT(event.end <= file_bytes);
        LB_ASSERT(event.marks.partial || event.value.size() <= options.line_bytes_max);
        LB_ASSERT(event.value.find('\n') == std::string::npos);
        LB_ASSERT(
            !options.drop_empty || !event.value.empty() || event.marks.partial
            || event.marks.part != 0 || event.marks.orig_bytes != 0
        );
    }
}

void check_masks(const ByteView file) {
    constexpr std::size_t masks_max = 16;
    const std::size_t count = std::min(file.size() / mask_bytes, masks_max);
    std::array<std::uint64_t, masks_max> fast{};
    std::array<std::uint64_t, masks_max> portable{};
    newline_masks(file.data(), count, fast.data());
    newline_masks_portable(file.data(), count, portable.data());
    LB_ASSERT(fast == portable);
}

}  // namespace

LB_FUZZ_TARGET(line_splitter) {
    fuzz::Input input(data, size);
    const auto choice = input.take<std::uint8_t>();
    SplitOptions options;
    options.on_long_line = static_cast<LongLine>(choice % 3);
    options.drop_empty = (choice & 0x80) != 0;
    options.line_bytes_max = 8u + input.take<std::uint8_t>() % 100u;
    const ByteView file = input.rest();

    const Outcome whole = split(file, options, std::max<std::size_t>(file.size(), 1));
    check_events(whole, file.size(), options);
    const std::size_t block_bytes_min = LineSplitter(options).block_bytes_min();
    constexpr std::array<std::size_t, 4> more_bytes{0, 1, 30, 100};
    const std::size_t more = more_bytes[size % more_bytes.size()];
    const Outcome blocks = split(file, options, block_bytes_min + more);
    LB_ASSERT(blocks.events == whole.events);
    LB_ASSERT(blocks.dropped_bytes == whole.dropped_bytes);
    LB_ASSERT(blocks.long_lines == whole.long_lines);
    LB_ASSERT(blocks.empty_dropped == whole.empty_dropped);
    check_masks(file);
    return 0;
}
