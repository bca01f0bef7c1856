#include "shared/config/parse.h"

#include "shared/base/assert.h"
#include "shared/base/limits.h"
#include "shared/config/scan.h"

// Errors come back as values; the library throws nothing that we would have to catch here.
#define TOML_EXCEPTIONS 0
// The library asserts that a table's head begins with a letter of a key before it looks, and then
// reports what is there instead: the file's mistake, which must not end the program. With NDEBUG it
// would even promise it to the compiler.
#undef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(sizeof(static_cast<bool>(expr)))
#include <toml++/toml.h>

#include <algorithm>
#include <utility>

namespace logboom::config {
namespace {

/// Deeper than any table of ours; the conversion below recurses.
constexpr int depth_max = 16;

Place place_of(const toml::source_region& region, const std::size_t source) {
    Place place;
    place.source = source;
    place.line = region.begin.line;
    place.column = region.begin.column;
    const bool is_one_line = region.end.line == region.begin.line;
    if (is_one_line && region.end.column > region.begin.column) {
        place.width = region.end.column - region.begin.column;
    }
    return place;
}

class Converter {
public:
    Converter(const std::size_t source, Problems& problems)
        : source_(source)
        , problems_(problems) {}

    Node convert(const toml::node& from, const int depth) {
        Node to;
        to.place = place_of(from.source(), source_);
        switch (from.type()) {
        case toml::node_type::none: LB_UNREACHABLE("a parsed node has a type");
        case toml::node_type::table: convert_table(*from.as_table(), to, depth); break;
        case toml::node_type::array: convert_array(*from.as_array(), to, depth); break;
        case toml::node_type::string:
            to.kind = NodeKind::text;
            to.text = from.as_string()->get();
            break;
        case toml::node_type::integer:
            to.kind = NodeKind::integer;
            to.integer = from.as_integer()->get();
            break;
        case toml::node_type::boolean:
            to.kind = NodeKind::boolean;
            to.boolean = from.as_boolean()->get();
            break;
        case toml::node_type::floating_point: to.kind = NodeKind::floating; break;
        case toml::node_type::date:
        case toml::node_type::time:
        case toml::node_type::date_time: to.kind = NodeKind::date; break;
        }
        return to;
    }

private:
    void convert_table(const toml::table& from, Node& to, const int depth) {
        to.kind = NodeKind::table;
        if (is_too_deep(to, depth)) {
            return;
        }
        for (const auto& [key, value] : from) {
            Member member;
            member.key = std::string(key.str());
            member.key_place = place_of(key.source(), source_);
            member.value = convert(value, depth + 1);
            to.members.push_back(std::move(member));
        }
    }

    void convert_array(const toml::array& from, Node& to, const int depth) {
        to.kind = NodeKind::array;
        if (is_too_deep(to, depth)) {
            return;
        }
        for (const toml::node& item : from) {
            to.items.push_back(convert(item, depth + 1));
        }
    }

    bool is_too_deep(const Node& node, const int depth) {
        if (depth > depth_max) {
            problems_.add(node.place, "nested too deeply");
        }
        return depth > depth_max;
    }

    std::size_t source_;
    Problems& problems_;
};

/// Blanks line `line` if it looks like `key = value`; other lines carry structure, and what follows
/// them could not be understood without it.
bool pass_over_line(std::string& text, const std::uint32_t line) {
    std::size_t begin = 0;
    for (std::uint32_t n = 1; n < line; ++n) {
        begin = text.find('\n', begin);
        if (begin == std::string::npos) {
            return false;
        }
        ++begin;
    }
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view found = std::string_view(text).substr(begin, end - begin);
    const std::size_t first = found.find_first_not_of(" \t");
    if (first == std::string_view::npos || found[first] == '[' || found[first] == '#'
        || found.find('=') == std::string_view::npos) {
        return false;
    }
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(begin), end - begin, ' ');
    return true;
}

Place place_at(const std::string_view text, const std::size_t at, const std::size_t source) {
    const std::string_view before = text.substr(0, at);
    const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    Place place;
    place.source = source;
    place.line = 1 + static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
    place.column = 1;
    for (const char c : before.substr(line_begin)) {
        place.column += (static_cast<unsigned char>(c) & 0xC0u) == 0x80u ? 0 : 1;
    }
    return place;
}

/// Parses once. On a mistake adds a problem and returns its line.
std::optional<std::uint32_t> parse_once(
    const std::string& text, const std::size_t source, Problems& problems, Node& root
) {
    if (const std::optional<std::size_t> stray = find_stray_character(text)) {
        const Place place = place_at(text, *stray, source);
        problems.add(place, "this character can only stand in quotes or in a comment");
        return place.line;
    }
    const toml::parse_result result = toml::parse(std::string_view(text));
    if (!result) {
        const toml::parse_error& error = result.error();
        problems.add(place_of(error.source(), source), std::string(error.description()));
        return error.source().begin.line;
    }
    root = Converter(source, problems).convert(result.table(), 0);
    return std::nullopt;
}

}  // namespace

const char* to_string(const NodeKind kind) noexcept {
    switch (kind) {
    case NodeKind::boolean: return "true or false";
    case NodeKind::integer: return "a number";
    case NodeKind::floating: return "a number with a fraction";
    case NodeKind::text: return "text";
    case NodeKind::date: return "a date or time";
    case NodeKind::array: return "a list";
    case NodeKind::table: return "a table";
    }
    LB_UNREACHABLE("node kind");
}

Parsed parse(const std::size_t index, Problems& problems) {
    Parsed parsed;
    std::string text = problems.source(index).text;
    for (std::size_t attempt = 0; attempt < limits::config_problems_max; ++attempt) {
        const auto bad_line = parse_once(text, index, problems, parsed.root);
        if (!bad_line.has_value()) {
            break;
        }
        parsed.is_complete = false;
        if (!pass_over_line(text, *bad_line)) {
            break;
        }
    }
    return parsed;
}

std::optional<Node> parse_built_in(const std::string_view text) {
    if (find_stray_character(text).has_value()) {
        return std::nullopt;
    }
    const toml::parse_result result = toml::parse(text);
    if (!result) {
        return std::nullopt;
    }
    Problems ignored;
    return Converter(Place::no_source, ignored).convert(result.table(), 0);
}

std::optional<Node> parse_value(const std::string_view text) {
    std::optional<Node> root = parse_built_in("value = " + std::string(text));
    if (!root.has_value() || root->members.size() != 1) {
        return std::nullopt;
    }
    Node value = std::move(root->members.front().value);
    return value;
}

}  // namespace logboom::config
