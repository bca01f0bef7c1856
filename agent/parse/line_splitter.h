// Cuts the blocks of one stream into lines (T31, T34). It keeps no bytes of an unfinished line: what
// `feed` did not consume is read again, together with what comes behind it. So the file itself is the
// buffer, and a stream at rest costs a few words.
//
//   at a line's start ──(longer than line_bytes_max, split)──> inside: parts 1, 2, ... until its LF
//      │ ^ ^ ^                                                      │
//      │ │ │ └────────────────────────(LF)──────────────────────────┘
//      │ │ └──(finish_cut)── awaiting: its first bytes, to be shown again <──(LF or flush, truncate)──┐
//      │ └───────────────────────────────────(LF, drop)─────────────────────────────────────┐         │
//      └──(longer, truncate or drop)──> skipping: bytes are passed over until the LF ───────┴─────────┘
//                                       the cursor stays before the line: a restart begins with it again
#pragma once

#include "agent/parse/newline.h"

#include <concepts>
#include <optional>
#include <utility>

namespace logboom::parse {

enum class LongLine : std::uint8_t { split, truncate, drop };

struct SplitOptions {
    std::uint32_t line_bytes_max = 0;
    LongLine on_long_line = LongLine::split;
    bool drop_empty = false;
};

/// What sets a record apart from a plain line.
struct LineMarks {
    std::uint32_t part = 0;  // of a long line, from 1; 0: not a part
    bool part_last = false;
    bool partial = false;            // sent without its line end, which may still come (T32)
    bool partial_continues = false;  // the rest of a line whose beginning was sent as partial
    std::uint64_t orig_bytes = 0;    // of a truncated line; 0: not truncated
};

/// Takes what the splitter finds. Values borrow from the block; `end` is the raw offset behind the line
/// and its end (T36).
template <typename T>
concept LineSink = requires(T& sink, ByteView value, std::uint64_t end, LineMarks marks) {
    sink.add(value, end);
    sink.add_marked(value, end, marks);
    sink.pass(end);
};

/// A line that is cut and whose end was found behind many blocks. Nothing of it was kept meanwhile, so its
/// first bytes have to be shown once more.
struct CutLine {
    std::uint64_t begin = 0;       // raw offset of its first byte
    std::uint64_t end = 0;         // behind its end
    std::uint32_t head_bytes = 0;  // to be shown, from `begin`
    LineMarks marks;
};

struct SplitCounts {
    std::uint64_t long_lines = 0;
    std::uint64_t dropped_long_bytes = 0;  // of lines cut or dropped by choice
    std::uint64_t empty_dropped = 0;
};

class LineSplitter {
public:
    explicit LineSplitter(const SplitOptions& options) noexcept : options_(options) {}

    /// Hands every line of `block`, whose first byte has the raw offset `offset`, to `sink`. Returns how
    /// many bytes need not be shown again; the next call begins with the byte behind them. If a line is
    /// awaited then, `finish_cut` comes first.
    template <LineSink Sink>
    std::size_t feed(ByteView block, std::uint64_t offset, Sink& sink);

    /// Hands out the unterminated tail of a file as an event of its own. `tail` is what `feed` did not
    /// consume; it may be empty while a long line is passed over, which then may be awaited.
    template <LineSink Sink>
    void flush_partial(ByteView tail, std::uint64_t offset, Sink& sink);

    /// The line whose beginning has to be shown before anything else, or nothing.
    [[nodiscard]] const std::optional<CutLine>& awaited() const noexcept { return awaited_; }
    /// Hands out the awaited line. `head` has its first `head_bytes`.
    template <LineSink Sink>
    void finish_cut(ByteView head, Sink& sink);

    /// A block must be at least this long to make progress with any line.
    [[nodiscard]] std::size_t block_bytes_min() const noexcept {
        return std::size_t{options_.line_bytes_max} + 5;  // byte order mark, CR and LF
    }

    /// Forgets where it was: the next byte begins a line.
    void reset() noexcept;
    /// The next byte lies inside a line, `bytes_before` behind the line's beginning: after a restart.
    void resume_inside_line(std::uint64_t bytes_before) noexcept;
    /// Whether bytes were passed over that the cursor does not cover.
    [[nodiscard]] bool is_skipping() const noexcept { return skipping_; }
    /// Counts since the last call.
    [[nodiscard]] SplitCounts take_counts() noexcept {
        return std::exchange(counts_, SplitCounts());
    }

private:
    [[nodiscard]] bool is_plain() const noexcept { return part_ == 0 && !skipping_ && !continues_; }
    template <LineSink Sink>
    void finish_odd_line(ByteView line, std::uint64_t offset, Sink& sink);
    template <LineSink Sink>
    std::size_t cut_parts(ByteView rest, std::uint64_t offset, Sink& sink);
    template <LineSink Sink>
    std::size_t add_part(ByteView text, std::uint64_t offset, Sink& sink);
    template <LineSink Sink>
    void add_plain(ByteView value, std::uint64_t end, Sink& sink);
    template <LineSink Sink>
    std::size_t end_skipping(ByteView block, std::uint64_t offset, Sink& sink);
    template <LineSink Sink>
    void leave_out_long(ByteView text, std::uint64_t end, Sink& sink);
    void begin_skipping(ByteView text, std::uint64_t offset) noexcept;
    void skip(ByteView rest) noexcept;
    void await_head(std::uint64_t end, bool is_partial) noexcept;

    SplitOptions options_;
    std::uint32_t part_ = 0;  // parts of the current line handed out
    bool continues_ = false;
    bool skipping_ = false;
    std::uint64_t skipped_from_ = 0;
    std::uint64_t skipped_bytes_ = 0;
    bool has_skipped_cr_ = false;  // as the last byte; no part of the line if its LF comes next
    std::optional<CutLine> awaited_;
    SplitCounts counts_;
};

/// Without the CR at its end, if there is one.
[[nodiscard]] inline ByteView without_cr(const ByteView line) noexcept {
    return !line.empty() && line.back() == std::byte{'\r'} ? line.first(line.size() - 1) : line;
}
/// Bytes of a UTF-8 byte order mark at the front: 3 or 0.
[[nodiscard]] std::size_t bom_bytes(ByteView bytes) noexcept;
/// The largest size up to `size_max` that does not cut a UTF-8 sequence. Bytes that are no UTF-8 are cut
/// at `size_max`. `bytes` is longer than `size_max`.
[[nodiscard]] std::size_t utf8_cut(ByteView bytes, std::size_t size_max) noexcept;

template <LineSink Sink>
void LineSplitter::add_plain(const ByteView value, const std::uint64_t end, Sink& sink) {
    if (value.empty() && options_.drop_empty) {
        ++counts_.empty_dropped;
        sink.pass(end);
        return;
    }
    sink.add(value, end);
}

template <LineSink Sink>
std::size_t LineSplitter::feed(const ByteView block, const std::uint64_t offset, Sink& sink) {
    LB_ASSERT(!awaited_);
    std::size_t start = 0;
    if (skipping_) {
        start = end_skipping(block, offset, sink);
        if (skipping_ || awaited_) {
            return start;
        }
    }
    // A byte order mark is no part of the first line's text, but the cursor counts it.
    std::size_t bom = offset == 0 ? bom_bytes(block) : 0;
    const std::size_t plain_max = options_.line_bytes_max;
    const std::size_t first = start;
    for_each_newline(block.subspan(first), [&](const std::size_t behind_first) {
        const std::size_t at = first + behind_first;
        const std::size_t length = at - start;
        if (length <= plain_max && is_plain()) [[likely]] {
            const ByteView value = without_cr(block.subspan(start + bom, length - bom));
            add_plain(value, offset + at + 1, sink);
        } else {
            const ByteView line = block.subspan(start, length + 1);
            finish_odd_line(line.subspan(bom), offset + start + bom, sink);
        }
        bom = 0;
        start = at + 1;
    });
    const ByteView rest = block.subspan(start);
    return start + cut_parts(rest, offset + start, sink);
}

/// Looks for the end of the line that is passed over. Returns how many bytes belong to it.
template <LineSink Sink>
std::size_t LineSplitter::end_skipping(
    const ByteView block, const std::uint64_t offset, Sink& sink
) {
    const std::size_t newline = as_text(block).find('\n');
    if (newline == std::string_view::npos) {
        skip(block);
        return block.size();
    }
    skip(block.first(newline));
    skipped_bytes_ -= has_skipped_cr_ && skipped_bytes_ != 0 ? 1 : 0;  // 0: flushed just now
    const std::uint64_t end = offset + newline + 1;
    if (options_.on_long_line == LongLine::truncate) {
        await_head(end, false);
    } else {
        counts_.dropped_long_bytes += skipped_bytes_;
        reset();
        sink.pass(end);
    }
    return newline + 1;
}

template <LineSink Sink>
void LineSplitter::finish_cut(const ByteView head, Sink& sink) {
    const CutLine line = *awaited_;
    LB_ASSERT(head.size() == line.head_bytes);
    const std::size_t size = utf8_cut(head, options_.line_bytes_max);
    counts_.dropped_long_bytes += line.marks.orig_bytes - size;
    reset();
    continues_ = line.marks.partial;
    sink.add_marked(head.first(size), line.end, line.marks);
}

/// Hands out the first part of `text`, which is longer than a line may be. Returns its size.
template <LineSink Sink>
std::size_t LineSplitter::add_part(const ByteView text, const std::uint64_t offset, Sink& sink) {
    const std::size_t size = utf8_cut(text, options_.line_bytes_max);
    counts_.long_lines += part_ == 0 ? 1 : 0;
    LineMarks marks;
    marks.part = ++part_;
    marks.partial_continues = std::exchange(continues_, false);
    sink.add_marked(text.first(size), offset + size, marks);
    return size;
}

/// A long line that is at hand whole, and is cut or dropped.
template <LineSink Sink>
void LineSplitter::leave_out_long(const ByteView text, const std::uint64_t end, Sink& sink) {
    ++counts_.long_lines;
    std::size_t kept = 0;
    if (options_.on_long_line == LongLine::truncate) {
        kept = utf8_cut(text, options_.line_bytes_max);
        LineMarks marks;
        marks.orig_bytes = text.size();
        marks.partial_continues = continues_;
        sink.add_marked(text.first(kept), end, marks);
    } else {
        sink.pass(end);
    }
    counts_.dropped_long_bytes += text.size() - kept;
    reset();
}

/// `line` ends with its LF.
template <LineSink Sink>
void LineSplitter::finish_odd_line(ByteView line, std::uint64_t offset, Sink& sink) {
    const std::uint64_t end = offset + line.size();
    ByteView text = without_cr(line.first(line.size() - 1));
    const bool is_long = text.size() > options_.line_bytes_max;
    if (is_long && part_ == 0 && options_.on_long_line != LongLine::split) {
        leave_out_long(text, end, sink);
        return;
    }
    while (text.size() > options_.line_bytes_max) {
        const std::size_t size = add_part(text, offset, sink);
        offset += size;
        text = text.subspan(size);
    }
    if (is_plain()) {
        add_plain(text, end, sink);
    } else {
        LineMarks marks;
        marks.part = part_ == 0 ? 0 : part_ + 1;
        marks.part_last = part_ != 0;
        marks.partial_continues = continues_;
        sink.add_marked(text, end, marks);
    }
    reset();
}

/// `rest` has no LF. Consumes what can be handed out or passed over without knowing the line's end.
template <LineSink Sink>
std::size_t LineSplitter::cut_parts(const ByteView rest, const std::uint64_t offset, Sink& sink) {
    std::size_t used = 0;
    std::size_t bom = offset == 0 ? bom_bytes(rest) : 0;
    // With CR and LF still to come the line could end right behind its longest form.
    while (rest.size() - used >= bom + options_.line_bytes_max + 2) {
        const ByteView text = rest.subspan(used + bom);
        if (options_.on_long_line != LongLine::split && part_ == 0) {
            begin_skipping(text, offset + used + bom);
            return rest.size();
        }
        used += bom + add_part(text, offset + used + bom, sink);
        bom = 0;
    }
    return used;
}

template <LineSink Sink>
void LineSplitter::flush_partial(const ByteView tail, const std::uint64_t offset, Sink& sink) {
    if (skipping_) {
        skip(tail);
        if (options_.on_long_line == LongLine::truncate) {
            await_head(offset + tail.size(), true);
        } else {  // it is dropped to its end, wherever that is
            counts_.dropped_long_bytes += std::exchange(skipped_bytes_, 0);
        }
        return;
    }
    if (tail.empty()) {
        return;
    }
    const std::size_t bom = offset == 0 ? bom_bytes(tail) : 0;
    LineMarks marks;
    marks.partial = true;
    marks.partial_continues = continues_;
    marks.part = part_ == 0 ? 0 : part_ + 1;
    sink.add_marked(tail.subspan(bom), offset + tail.size(), marks);
    reset();
    continues_ = true;
}

}  // namespace logboom::parse
