#include "agent/parse/line_splitter.h"

#include "shared/base/rng.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

using namespace logboom;
using namespace logboom::parse;

namespace {

constexpr std::uint32_t line_max = 16;
constexpr const char* bom = "\xEF\xBB\xBF";
constexpr std::array all_modes{LongLine::split, LongLine::truncate, LongLine::drop};

/// What a splitter handed out: a record, or that bytes were passed over.
struct Seen {
    std::string value;
    std::uint64_t end = 0;
    LineMarks marks;
    bool is_passed = false;

    bool operator==(const Seen& other) const {
        const auto key = [](const Seen& seen) {
            return std::tie(
                seen.value,
                seen.end,
                seen.is_passed,
                seen.marks.part,
                seen.marks.part_last,
                seen.marks.partial,
                seen.marks.partial_continues,
                seen.marks.orig_bytes
            );
        };
        return key(*this) == key(other);
    }
};

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    if (seen.is_passed) {
        return out << "passed to " << seen.end;
    }
    out << quoted(seen.value) << " to " << seen.end;
    const LineMarks& marks = seen.marks;
    out << (marks.part != 0 ? " part " + std::to_string(marks.part) : "");
    out << (marks.part_last ? " last" : "") << (marks.partial ? " partial" : "");
    out << (marks.partial_continues ? " continues" : "");
    return out << (marks.orig_bytes != 0 ? " of " + std::to_string(marks.orig_bytes) : "");
}

struct Sink {
    std::vector<Seen> seen;

    void add(const ByteView value, const std::uint64_t end) { add_marked(value, end, LineMarks()); }
    void add_marked(const ByteView value, const std::uint64_t end, const LineMarks& marks) {
        seen.push_back({std::string(as_text(value)), end, marks});
    }
    void pass(const std::uint64_t end) { seen.push_back({"", end, LineMarks(), true}); }
};

SplitOptions options_of(const LongLine mode, const bool drop_empty = false) {
    SplitOptions options;
    options.line_bytes_max = line_max;
    options.on_long_line = mode;
    options.drop_empty = drop_empty;
    return options;
}

/// The longest cut of at most `line_max` bytes in front of a byte that begins a character.
std::size_t plain_cut(const std::string& text) {
    for (std::size_t back = 0; back <= 3; ++back) {
        if ((static_cast<unsigned char>(text[line_max - back]) & 0xC0) != 0x80) {
            return line_max - back;
        }
    }
    return line_max;
}

/// The rules T31 and T34, with the whole file at hand: what a splitter must hand out in the end.
std::vector<Seen> expected_of(const std::string& file, const SplitOptions& options) {
    std::vector<Seen> seen;
    std::size_t begin = file.starts_with(bom) ? 3u : 0u;
    for (;;) {
        const std::size_t newline = file.find('\n', begin);
        if (newline == std::string::npos) {
            break;
        }
        std::string text = file.substr(begin, newline - begin);
        if (text.ends_with('\r')) {
            text.pop_back();
        }
        const std::uint64_t end = newline + 1;
        LineMarks marks;
        if (text.empty() && options.drop_empty) {
            seen.push_back({"", end, marks, true});
        } else if (text.size() <= line_max) {
            seen.push_back({text, end, marks});
        } else if (options.on_long_line == LongLine::drop) {
            seen.push_back({"", end, marks, true});
        } else if (options.on_long_line == LongLine::truncate) {
            marks.orig_bytes = text.size();
            seen.push_back({text.substr(0, plain_cut(text)), end, marks});
        } else {
            std::uint64_t part_end = begin;
            while (text.size() > line_max) {
                const std::size_t size = plain_cut(text);
                part_end += size;
                ++marks.part;
                seen.push_back({text.substr(0, size), part_end, marks});
                text.erase(0, size);
            }
            ++marks.part;
            marks.part_last = true;
            seen.push_back({text, end, marks});
        }
        begin = end;
    }
    // Of a last line without its end what is a part whatever comes behind it, be it CR and LF.
    std::string text = file.substr(std::min(begin, file.size()));
    std::uint64_t part_end = begin;
    LineMarks marks;
    while (options.on_long_line == LongLine::split && text.size() >= line_max + 2) {
        const std::size_t size = plain_cut(text);
        part_end += size;
        ++marks.part;
        seen.push_back({text.substr(0, size), part_end, marks});
        text.erase(0, size);
    }
    return seen;
}

/// Feeds a file as a tailer does: what was not consumed is shown again, with more behind it.
class Feeder {
public:
    explicit Feeder(const SplitOptions& options) : splitter_(options) {}

    /// Shows the file up to `visible`.
    void show(const std::string& file, const std::size_t visible) {
        while (true) {
            const std::string_view block = std::string_view(file).substr(at_, visible - at_);
            at_ += splitter_.feed(as_bytes(block), at_, sink_);
            if (!splitter_.awaited()) {
                return;
            }
            show_head(file);
        }
    }
    void flush(const std::string& file) {
        splitter_.flush_partial(as_bytes(std::string_view(file).substr(at_)), at_, sink_);
        at_ = file.size();
        if (splitter_.awaited()) {
            show_head(file);
        }
    }
    void resume(const std::size_t at, const std::uint64_t bytes_before) {
        at_ = at;
        splitter_.resume_inside_line(bytes_before);
    }

    [[nodiscard]] const std::vector<Seen>& seen() const noexcept { return sink_.seen; }
    [[nodiscard]] std::size_t at() const noexcept { return at_; }
    [[nodiscard]] LineSplitter& splitter() noexcept { return splitter_; }

private:
    void show_head(const std::string& file) {
        const CutLine line = *splitter_.awaited();
        const std::string_view head = std::string_view(file).substr(line.begin, line.head_bytes);
        splitter_.finish_cut(as_bytes(head), sink_);
    }

    LineSplitter splitter_;
    Sink sink_;
    std::size_t at_ = 0;
};

std::vector<Seen> split(const std::string& file, const SplitOptions& options) {
    Feeder feeder(options);
    feeder.show(file, file.size());
    return feeder.seen();
}

std::vector<std::string> values_of(const std::vector<Seen>& seen) {
    std::vector<std::string> values;
    for (const Seen& one : seen) {
        values.push_back(one.is_passed ? "(passed)" : one.value);
    }
    return values;
}

std::vector<std::string> values_in(const std::string& file, const SplitOptions& options) {
    return values_of(split(file, options));
}

using Values = std::vector<std::string>;

/// Small files in which each rule occurs, also where lines are as long as they may be.
std::vector<std::string> corpus() {
    const std::string full(line_max, 'f');
    return {
        "",
        "\n",
        "\r\n",
        "\n\n\r\n\r\n\n",
        "one\ntwo\r\nthree\r\r\nfour",
        std::string("a\0b\n\0\n\v\f\n", 9) + "x\xC2\x85y\xE2\x80\xA8z\n",
        std::string(bom) + "first\n" + bom + "second\n",
        std::string(bom) + "\n",
        std::string(bom) + full + "\r\n" + full + "\n",
        std::string(bom) + full + "f\n",
        full + "\n" + full + "\r\n" + full + "x\n" + full + "x\r\n" + full + full + "\n",
        full + full + full + "\r\n\r\nafter\n",
        "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4x\xC3\xA4\xC3\xA4\n",
        "123456789012345\xF0\x9F\x98\x80tail\n12345678901234\xE2\x82\xAC\n",
        "short\n" + std::string(3 * line_max, '\x80') + "\n" + full + "\r",
        full + full + "\rnot the end\n",
    };
}

std::string random_file(Rng& rng) {
    static const std::vector<std::string> pieces{
        "a",
        "bc",
        "\n",
        "\r\n",
        "\r",
        std::string(1, '\0'),
        "\xC3\xA4",
        "\xF0\x9F\x98\x80",
        "\x80",
        bom};
    std::string file = rng.chance(0.2) ? bom : "";
    for (std::uint64_t n = rng.below(120); n != 0; --n) {
        file += pieces[rng.below(pieces.size())];
        if (rng.chance(0.1)) {
            file.append(rng.below(3 * line_max), 'l');
        }
    }
    return file;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(line_splitter)

// --- T31: what ends a line, and what does not ----------------------------------------------------

BOOST_AUTO_TEST_CASE(a_line_ends_with_lf_or_with_one_cr_and_lf) {
    const Values values = values_in("one\ntwo\r\nthree\r\r\n", options_of(LongLine::split));
    BOOST_TEST(values == (Values{"one", "two", "three\r"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nul_vt_ff_nel_and_ls_are_data) {
    const std::string line("a\0b\v\f\xC2\x85\xE2\x80\xA8z", 12);
    const Values values = values_in(line + "\n", options_of(LongLine::split));
    BOOST_TEST(values == Values{line}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_empty_line_is_a_record_unless_they_are_dropped_and_counted) {
    const std::string file = "a\n\n\r\nb\n";
    BOOST_TEST(
        values_in(file, options_of(LongLine::split)) == (Values{"a", "", "", "b"}),
        boost::test_tools::per_element()
    );
    Feeder feeder(options_of(LongLine::split, true));
    feeder.show(file, file.size());
    BOOST_TEST(
        values_of(feeder.seen()) == (Values{"a", "(passed)", "(passed)", "b"}),
        boost::test_tools::per_element()
    );
    BOOST_TEST(feeder.splitter().take_counts().empty_dropped == 2u);
    BOOST_TEST(feeder.splitter().take_counts().empty_dropped == 0u);
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_is_taken_off_at_the_beginning_of_a_file_only) {
    const std::string file = std::string(bom) + "one\n" + bom + "two\n";
    const std::vector<Seen> seen = split(file, options_of(LongLine::split));
    BOOST_TEST(
        values_of(seen) == (Values{"one", std::string(bom) + "two"}),
        boost::test_tools::per_element()
    );
    // T36: the cursor counts it all the same.
    BOOST_TEST(seen.at(0).end == 7u);
}

BOOST_AUTO_TEST_CASE(a_block_from_the_middle_of_a_file_keeps_what_looks_like_a_mark) {
    LineSplitter splitter(options_of(LongLine::split));
    Sink sink;
    const std::string block = std::string(bom) + "x\n";
    BOOST_TEST(splitter.feed(as_bytes(block), 100, sink) == block.size());
    BOOST_TEST(sink.seen.at(0).value == std::string(bom) + "x");
}

BOOST_AUTO_TEST_CASE(a_last_line_without_its_end_is_left_in_the_file) {
    LineSplitter splitter(options_of(LongLine::split));
    Sink sink;
    BOOST_TEST(splitter.feed(as_bytes("done\nto be conti"), 0, sink) == 5u);
    BOOST_TEST(sink.seen.size() == 1u);
    BOOST_TEST(splitter.feed(as_bytes("to be continued\n"), 5, sink) == 16u);
    BOOST_TEST(sink.seen.at(1).value == "to be continued");
    BOOST_TEST(sink.seen.at(1).end == 21u);
}

// --- T34: long lines -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_line_of_just_the_longest_size_is_no_long_line) {
    for (const LongLine mode : all_modes) {
        const std::string full(line_max, 'f');
        const std::string file = full + "\n" + full + "\r\n" + bom;
        Feeder feeder(options_of(mode));
        feeder.show(file, file.size());
        BOOST_TEST(
            values_of(feeder.seen()) == (Values{full, full}), boost::test_tools::per_element()
        );
        BOOST_TEST(feeder.splitter().take_counts().long_lines == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_long_line_is_split_into_numbered_parts_of_which_the_last_is_marked) {
    const std::string file = std::string(2 * line_max, 'a') + "bc\nnext\n";
    const std::vector<Seen> seen = split(file, options_of(LongLine::split));
    BOOST_REQUIRE(seen.size() == 4u);
    BOOST_TEST(seen[0].value == std::string(line_max, 'a'));
    BOOST_TEST(seen[0].marks.part == 1u);
    BOOST_TEST(seen[0].end == line_max);
    BOOST_TEST(!seen[0].marks.part_last);
    BOOST_TEST(seen[1].marks.part == 2u);
    BOOST_TEST(seen[2].value == "bc");
    BOOST_TEST(seen[2].marks.part == 3u);
    BOOST_TEST(seen[2].marks.part_last);
    BOOST_TEST(seen[2].end == 2 * line_max + 3);
    BOOST_TEST(seen[3].value == "next");
    BOOST_TEST(seen[3].marks.part == 0u);
}

BOOST_AUTO_TEST_CASE(a_part_ends_before_a_character_that_does_not_fit_whole) {
    // Four bytes of which one, two or three would fit.
    for (std::size_t fitting = 1; fitting <= 3; ++fitting) {
        const std::string begin(line_max - fitting, 'x');
        const std::string file = begin + "\xF0\x9F\x98\x80 and on and on\n";
        const std::vector<Seen> seen = split(file, options_of(LongLine::split));
        BOOST_TEST(seen.at(0).value == begin);
        BOOST_TEST(seen.at(1).value.starts_with("\xF0\x9F\x98\x80"));
        const std::vector<Seen> cut = split(file, options_of(LongLine::truncate));
        BOOST_TEST(cut.at(0).value == begin);
    }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_utf8_are_cut_at_the_limit) {
    const std::string file(40, '\x80');
    const std::vector<Seen> seen = split(file + "\n", options_of(LongLine::split));
    BOOST_TEST(seen.at(0).value.size() == line_max);
}

BOOST_AUTO_TEST_CASE(a_long_line_that_is_cut_keeps_its_first_bytes_and_tells_how_long_it_was) {
    const std::string file = "0123456789abcdef-too-much\r\nnext\n";
    Feeder feeder(options_of(LongLine::truncate));
    feeder.show(file, file.size());
    BOOST_REQUIRE(feeder.seen().size() == 2u);
    BOOST_TEST(feeder.seen()[0].value == "0123456789abcdef");
    BOOST_TEST(feeder.seen()[0].marks.orig_bytes == 25u);
    BOOST_TEST(feeder.seen()[0].end == 27u);
    BOOST_TEST(feeder.seen()[1].value == "next");
    const SplitCounts counts = feeder.splitter().take_counts();
    BOOST_TEST(counts.long_lines == 1u);
    BOOST_TEST(counts.dropped_long_bytes == 9u);
}

BOOST_AUTO_TEST_CASE(a_long_line_that_is_dropped_is_passed_over_and_counted) {
    const std::string file = "before\n" + std::string(100, 'x') + "\nafter\n";
    Feeder feeder(options_of(LongLine::drop));
    feeder.show(file, file.size());
    BOOST_TEST(
        values_of(feeder.seen()) == (Values{"before", "(passed)", "after"}),
        boost::test_tools::per_element()
    );
    const SplitCounts counts = feeder.splitter().take_counts();
    BOOST_TEST(counts.long_lines == 1u);
    BOOST_TEST(counts.dropped_long_bytes == 100u);
}

BOOST_AUTO_TEST_CASE(the_cursor_stays_before_a_line_that_is_being_passed_over) {
    for (const LongLine mode : {LongLine::truncate, LongLine::drop}) {
        Feeder feeder(options_of(mode));
        const std::string file = "a\n" + std::string(500, 'x');
        feeder.show(file, file.size());
        BOOST_TEST(feeder.at() == file.size());  // none of it need be kept or shown again
        BOOST_TEST(feeder.splitter().is_skipping());
        BOOST_TEST(feeder.seen().size() == 1u);
        BOOST_TEST(feeder.seen().back().end == 2u);
    }
}

BOOST_AUTO_TEST_CASE(nothing_of_a_long_line_is_kept_and_its_beginning_is_asked_for_at_its_end) {
    LineSplitter splitter(options_of(LongLine::truncate));
    Sink sink;
    const std::string file = "a\n" + std::string(line_max, 'k') + std::string(84, 'x')
                           + "\r\nnext\n";
    BOOST_TEST(splitter.feed(as_bytes(std::string_view(file).substr(0, 60)), 0, sink) == 60u);
    BOOST_TEST(!splitter.awaited());
    const std::string_view rest = std::string_view(file).substr(60);
    const std::size_t used = splitter.feed(as_bytes(rest), 60, sink);
    BOOST_TEST(
        rest.substr(used) == "next\n"
    );  // it is not looked at before the long line is handed out
    BOOST_REQUIRE(splitter.awaited().has_value());
    BOOST_TEST(splitter.awaited()->begin == 2u);
    BOOST_TEST(splitter.awaited()->end == 60u + used);
    BOOST_TEST(splitter.awaited()->head_bytes == line_max + 1);
    splitter.finish_cut(as_bytes(std::string_view(file).substr(2, line_max + 1)), sink);
    BOOST_TEST(!splitter.awaited());
    BOOST_REQUIRE(sink.seen.size() == 2u);
    BOOST_TEST(sink.seen[1].value == std::string(line_max, 'k'));
    BOOST_TEST(sink.seen[1].marks.orig_bytes == line_max + 84);
    BOOST_TEST(splitter.take_counts().dropped_long_bytes == 84u);
}

BOOST_AUTO_TEST_CASE(a_long_line_that_continues_a_partial_tail_says_so_when_it_is_cut) {
    Feeder feeder(options_of(LongLine::truncate));
    const std::string begin = "tail";
    const std::string file = begin + std::string(100, 'x') + "\n";
    feeder.show(begin, begin.size());
    feeder.flush(begin);
    feeder.show(file, 40);
    feeder.show(file, file.size());
    BOOST_TEST(feeder.seen().at(1).marks.partial_continues);
    BOOST_TEST(feeder.seen().at(1).marks.orig_bytes == 100u);
}

BOOST_AUTO_TEST_CASE(what_is_left_of_a_dropped_line_is_counted_right_behind_a_flush) {
    Feeder feeder(options_of(LongLine::drop));
    const std::string begin = std::string(100, 'x') + "\r";
    feeder.show(begin, begin.size());
    feeder.flush(begin);
    feeder.show(begin + "\n", begin.size() + 1);
    BOOST_TEST(feeder.splitter().take_counts().dropped_long_bytes == 101u);
}

BOOST_AUTO_TEST_CASE(an_endless_line_never_needs_more_than_one_block_of_the_smallest_size) {
    for (const LongLine mode : all_modes) {
        Feeder feeder(options_of(mode));
        const std::string file(10'000, '\x80');
        while (feeder.at() != file.size()) {
            const std::size_t before = feeder.at();
            const std::size_t block = feeder.splitter().block_bytes_min();
            feeder.show(file, std::min(file.size(), before + block));
            if (file.size() - before < block) {
                break;  // what is left may still be a line of a good size
            }
            BOOST_REQUIRE(feeder.at() > before);
        }
        BOOST_TEST(file.size() - feeder.at() < feeder.splitter().block_bytes_min());
    }
}

// --- T32: the tail without its line end ----------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_tail_is_sent_as_partial_and_what_follows_continues_it) {
    Feeder feeder(options_of(LongLine::split));
    feeder.show("done\ntai", 8);
    feeder.flush("done\ntai");
    feeder.show("done\ntail\nnext\n", 15);
    BOOST_REQUIRE(feeder.seen().size() == 4u);
    BOOST_TEST(feeder.seen()[1].value == "tai");
    BOOST_TEST(feeder.seen()[1].end == 8u);
    BOOST_TEST(feeder.seen()[1].marks.partial);
    BOOST_TEST(!feeder.seen()[1].marks.partial_continues);
    BOOST_TEST(feeder.seen()[2].value == "l");
    BOOST_TEST(!feeder.seen()[2].marks.partial);
    BOOST_TEST(feeder.seen()[2].marks.partial_continues);
    BOOST_TEST(!feeder.seen()[3].marks.partial_continues);
}

BOOST_AUTO_TEST_CASE(the_tail_of_a_line_in_parts_is_the_next_part) {
    const std::string file = std::string(line_max, 'a') + "rest";
    Feeder feeder(options_of(LongLine::split));
    feeder.show(file, file.size());
    feeder.flush(file);
    BOOST_REQUIRE(feeder.seen().size() == 2u);
    BOOST_TEST(feeder.seen()[1].value == "rest");
    BOOST_TEST(feeder.seen()[1].marks.part == 2u);
    BOOST_TEST(feeder.seen()[1].marks.partial);
    BOOST_TEST(!feeder.seen()[1].marks.part_last);
}

BOOST_AUTO_TEST_CASE(the_tail_of_a_file_that_is_nothing_else_comes_without_its_mark) {
    Feeder feeder(options_of(LongLine::split));
    const std::string file = std::string(bom) + "only";
    feeder.show(file, file.size());
    feeder.flush(file);
    BOOST_TEST(values_of(feeder.seen()) == Values{"only"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_a_tail_there_is_nothing_to_flush) {
    Feeder feeder(options_of(LongLine::split));
    feeder.show("a\n", 2);
    feeder.flush("a\n");
    feeder.show("a\nb\n", 4);
    BOOST_TEST(values_of(feeder.seen()) == (Values{"a", "b"}), boost::test_tools::per_element());
    BOOST_TEST(!feeder.seen().back().marks.partial_continues);
}

BOOST_AUTO_TEST_CASE(the_tail_of_a_long_line_that_is_cut_is_sent_too) {
    // The end of a file that was rotated away must not be lost because its last line was too long.
    const std::string file = std::string(line_max, 'k') + "lost and gone";
    Feeder feeder(options_of(LongLine::truncate));
    feeder.show(file, file.size());
    feeder.flush(file);
    BOOST_REQUIRE(feeder.seen().size() == 1u);
    BOOST_TEST(feeder.seen()[0].value == std::string(line_max, 'k'));
    BOOST_TEST(feeder.seen()[0].end == file.size());
    BOOST_TEST(feeder.seen()[0].marks.partial);
    BOOST_TEST(feeder.seen()[0].marks.orig_bytes == file.size());
    BOOST_TEST(!feeder.splitter().is_skipping());
}

BOOST_AUTO_TEST_CASE(the_tail_of_a_long_line_that_is_dropped_is_dropped_too) {
    const std::string file = std::string(line_max, 'k') + "lost and gone";
    Feeder feeder(options_of(LongLine::drop));
    feeder.show(file, file.size());
    feeder.flush(file);
    feeder.show(file + " for good\nnext\n", file.size() + 15);
    BOOST_TEST(
        values_of(feeder.seen()) == (Values{"(passed)", "next"}), boost::test_tools::per_element()
    );
}

// --- However the bytes come ----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(two_pieces_give_the_records_of_one_wherever_they_meet) {
    for (const std::string& file : corpus()) {
        for (const LongLine mode : all_modes) {
            for (const bool drop_empty : {false, true}) {
                const SplitOptions options = options_of(mode, drop_empty);
                const std::vector<Seen> expected = expected_of(file, options);
                for (std::size_t cut = 0; cut <= file.size(); ++cut) {
                    Feeder feeder(options);
                    feeder.show(file, cut);
                    feeder.show(file, file.size());
                    BOOST_TEST_CONTEXT(
                        quoted(file) << " in two at " << cut << ", mode " << static_cast<int>(mode)
                    ) {
                        BOOST_TEST(feeder.seen() == expected, boost::test_tools::per_element());
                    }
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(random_blocks_give_the_records_of_the_whole_file) {
    Rng rng(3);
    for (int round = 0; round < 3000; ++round) {
        const std::string file = random_file(rng);
        const SplitOptions options = options_of(all_modes[rng.below(3)], rng.chance(0.5));
        const std::uint64_t block_bytes_max = rng.chance(0.5) ? 5 : 60;
        Feeder feeder(options);
        std::size_t visible = 0;
        while (visible < file.size()) {
            visible = std::min<std::size_t>(file.size(), visible + 1 + rng.below(block_bytes_max));
            feeder.show(file, visible);
        }
        BOOST_TEST_CONTEXT("round " << round << ": " << quoted(file, 400)) {
            BOOST_TEST(
                feeder.seen() == expected_of(file, options), boost::test_tools::per_element()
            );
        }
    }
}

BOOST_AUTO_TEST_CASE(whoever_begins_behind_any_record_gets_the_rest_of_them) {
    // T36: a cursor may stand behind each record, be it a part of a line.
    Rng rng(4);
    for (int round = 0; round < 300; ++round) {
        const std::string file = random_file(rng);
        const SplitOptions options = options_of(all_modes[rng.below(3)], rng.chance(0.5));
        const std::vector<Seen> all = split(file, options);
        for (std::size_t i = 0; i < all.size(); ++i) {
            const std::size_t at = all[i].end;
            const std::size_t newline = at == 0 ? std::string::npos : file.rfind('\n', at - 1);
            std::size_t line_begin = newline == std::string::npos ? 0 : newline + 1;
            line_begin += line_begin == 0 && file.starts_with(bom) ? 3u : 0u;
            Feeder feeder(options);
            feeder.resume(at, at - line_begin);
            feeder.show(file, file.size());
            const auto next = all.begin() + static_cast<std::ptrdiff_t>(i) + 1;
            BOOST_TEST_CONTEXT("round " << round << " behind " << at << ": " << quoted(file, 400)) {
                BOOST_TEST(
                    feeder.seen() == std::vector<Seen>(next, all.end()),
                    boost::test_tools::per_element()
                );
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(whoever_begins_behind_a_partial_tail_continues_it) {
    LineSplitter splitter(options_of(LongLine::split));
    splitter.resume_inside_line(5);
    Sink sink;
    BOOST_TEST(splitter.feed(as_bytes("rest\nnext\n"), 5, sink) == 10u);
    BOOST_TEST(sink.seen.at(0).marks.partial_continues);
    BOOST_TEST(sink.seen.at(0).marks.part == 0u);
    BOOST_TEST(!sink.seen.at(1).marks.partial_continues);
}

BOOST_AUTO_TEST_CASE(a_reset_begins_a_new_line) {
    for (const LongLine mode : all_modes) {
        Feeder feeder(options_of(mode));
        const std::string file(100, 'x');
        feeder.show(file, file.size());
        feeder.splitter().reset();
        BOOST_TEST(!feeder.splitter().is_skipping());
        Sink sink;
        BOOST_TEST(feeder.splitter().feed(as_bytes("new\n"), 0, sink) == 4u);
        BOOST_TEST(sink.seen == std::vector<Seen>(1, Seen{"new", 4, LineMarks()}));
    }
}

BOOST_AUTO_TEST_SUITE_END()
