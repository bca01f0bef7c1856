#include "shared/config/convert.h"

#include "shared/base/bytes.h"
#include "shared/base/limits.h"
#include "shared/config/interpolate.h"
#include "shared/config/suggest.h"
#include "shared/config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace logboom::config {
namespace {

std::vector<std::string_view> split(const std::string_view choices) {
    std::vector<std::string_view> words;
    std::size_t begin = 0;
    while (begin <= choices.size()) {
        const std::size_t end = std::min(choices.find('|', begin), choices.size());
        words.push_back(choices.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

std::string listed(const std::vector<std::string_view>& words) {
    std::string out;
    for (const std::string_view word : words) {
        out += fmt::format("{}\"{}\"", out.empty() ? "" : ", ", word);
    }
    return out;
}

bool is_name(const std::string_view text) noexcept {
    const auto is_word = [](const char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    };
    return !text.empty() && is_word(text.front())
        && std::all_of(text.begin(), text.end(), [&](const char c) {
               return is_word(c) || c == '_' || c == '-';
           });
}

bool is_topic(const std::string_view text) noexcept {
    return !text.empty() && text.size() <= limits::topic_name_bytes_max && text != "."
        && text != ".." && std::all_of(text.begin(), text.end(), [](const char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                   || c == '.' || c == '_' || c == '-';
           });
}

/// A bracket that is opened is closed.
bool is_glob(const std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == '[') {
            const std::size_t close = text.find(']', at + 2);
            if (close == std::string_view::npos) {
                return false;
            }
            at = close;
        }
    }
    return !text.empty();
}

const char* form_of(const ValueType type) noexcept {
    switch (type) {
    case ValueType::boolean: return "true or false";
    case ValueType::integer: return "a whole number";
    case ValueType::text: return "text";
    case ValueType::name: return "a name of a-z, 0-9, '_' and '-'";
    case ValueType::topic: return "a topic name (letters, digits, '.', '_', '-'; up to 249)";
    case ValueType::choice: return "one of a few words";
    case ValueType::duration: return "a duration like \"250ms\", \"5s\", \"10m\", \"7d\"";
    case ValueType::size: return "a size like \"64KiB\", \"1GiB\", \"10MB\" or a number of bytes";
    case ValueType::path: return "an absolute path";
    case ValueType::host_port: return "an address like \"host:7460\" or \"[::1]:7460\"";
    case ValueType::start_point: return "a word or { since = \"24h\" }";
    case ValueType::text_list: return "a list of texts";
    case ValueType::choice_list: return "a list of words";
    case ValueType::path_list: return "a list of absolute paths";
    case ValueType::glob_list: return "a list of patterns";
    case ValueType::path_glob_list: return "a list of absolute paths or patterns";
    case ValueType::host_port_list: return "a list of addresses like \"host:7460\"";
    }
    LB_UNREACHABLE("value type");
}

class Conversion {
public:
    Conversion(
        const Option& option, const std::string& path, const World& world, Problems& problems
    )
        : option_(option)
        , path_(path)
        , world_(world)
        , problems_(problems) {}

    std::optional<Value> convert(const Node& node) {
        Value value;
        value.place = node.place;
        bool is_good = false;
        switch (option_.type) {
        case ValueType::boolean: is_good = read_boolean(node, value); break;
        case ValueType::integer: is_good = read_integer(node, value); break;
        case ValueType::duration:
        case ValueType::size: is_good = read_quantity(node, value); break;
        case ValueType::start_point: is_good = read_start_point(node, value); break;
        case ValueType::text:
        case ValueType::name:
        case ValueType::topic:
        case ValueType::choice:
        case ValueType::path:
        case ValueType::host_port: is_good = read_text(node, value.text); break;
        case ValueType::text_list: is_good = read_list(node, ValueType::text, value); break;
        case ValueType::choice_list: is_good = read_list(node, ValueType::choice, value); break;
        case ValueType::path_list: is_good = read_list(node, ValueType::path, value); break;
        case ValueType::glob_list: is_good = read_globs(node, ValueType::text, value); break;
        case ValueType::path_glob_list: is_good = read_globs(node, ValueType::path, value); break;
        case ValueType::host_port_list:
            is_good = read_list(node, ValueType::host_port, value);
            break;
        }
        return is_good ? std::optional<Value>(std::move(value)) : std::nullopt;
    }

private:
    bool refuse(const Node& node, const std::string& why, std::string hint = "") {
        problems_.add(node.place, fmt::format("{}: {}", path_, why), std::move(hint));
        return false;
    }

    bool refuse_kind(const Node& node) {
        const std::string found = node.kind == NodeKind::text ? quoted(node.text)
                                                              : std::string(to_string(node.kind));
        return refuse(node, fmt::format("expected {}, found {}", form_of(option_.type), found));
    }

    /// The text of a string value with its references replaced.
    std::optional<Interpolated> text_of(const Node& node) {
        auto outcome = interpolate(node.text, world_);
        if (const auto* const problem = std::get_if<InterpolationProblem>(&outcome)) {
            static_cast<void>(refuse(node, problem->message));
            return std::nullopt;
        }
        return std::get<Interpolated>(std::move(outcome));
    }

    /// A string that is one reference feeds a key of another type: it is read as that type.
    std::optional<std::string> reference_of(const Node& node) {
        if (node.kind != NodeKind::text) {
            static_cast<void>(refuse_kind(node));
            return std::nullopt;
        }
        std::optional<Interpolated> text = text_of(node);
        if (text.has_value() && !text->is_one_reference) {
            static_cast<void>(refuse_kind(node));
            return std::nullopt;
        }
        return text.has_value() ? std::optional<std::string>(text->text) : std::nullopt;
    }

    bool read_boolean(const Node& node, Value& value) {
        if (node.kind == NodeKind::boolean) {
            value.boolean = node.boolean;
            return true;
        }
        const std::optional<std::string> text = reference_of(node);
        if (!text.has_value()) {
            return false;
        }
        value.boolean = *text == "true";
        return *text == "true" || *text == "false" || refuse_kind(node);
    }

    bool read_integer(const Node& node, Value& value) {
        if (node.kind == NodeKind::integer) {
            value.number = node.integer;
            return is_in_range(node, value.number);
        }
        const std::optional<std::string> text = reference_of(node);
        if (!text.has_value()) {
            return false;
        }
        const char* const end = text->data() + text->size();
        const auto [rest, error] = std::from_chars(text->data(), end, value.number);
        if (error != std::errc() || rest != end) {
            return refuse(node, fmt::format("{} is no whole number", quoted(*text)));
        }
        return is_in_range(node, value.number);
    }

    bool read_quantity(const Node& node, Value& value) {
        if (option_.type == ValueType::size && node.kind == NodeKind::integer) {
            value.number = node.integer;
            return node.integer >= 0 ? is_in_range(node, value.number) : refuse_kind(node);
        }
        if (node.kind != NodeKind::text) {
            return refuse_kind(node);
        }
        const std::optional<Interpolated> text = text_of(node);
        if (!text.has_value()) {
            return false;
        }
        if (option_.type == ValueType::size) {
            const std::optional<std::int64_t> bytes = parse_size(text->text);
            value.number = bytes.value_or(0);
            return bytes.has_value() ? is_in_range(node, *bytes) : refuse_kind(node);
        }
        const std::optional<Nanos> duration = parse_duration(text->text);
        value.number = duration.value_or(Nanos::zero()).count();
        return duration.has_value() ? is_in_range(node, value.number) : refuse_kind(node);
    }

    bool is_in_range(const Node& node, const std::int64_t number) {
        if (number < option_.min) {
            return refuse(node, fmt::format("{} is below {}", shown(number), shown(option_.min)));
        }
        if (number > option_.max) {
            return refuse(node, fmt::format("{} is above {}", shown(number), shown(option_.max)));
        }
        return true;
    }

    [[nodiscard]] std::string shown(const std::int64_t number) const {
        switch (option_.type) {
        case ValueType::duration: return format_duration(Nanos(number));
        case ValueType::size: return format_size(number);
        default: return fmt::format("{}", number);
        }
    }

    bool read_start_point(const Node& node, Value& value) {
        if (node.kind != NodeKind::table) {
            return read_text(node, value.text);
        }
        if (node.members.size() != 1 || node.members.front().key != "since"
            || node.members.front().value.kind != NodeKind::text) {
            return refuse_kind(node);
        }
        const Node& since = node.members.front().value;
        const std::optional<Interpolated> text = text_of(since);
        const std::optional<Nanos> duration = text.has_value() ? parse_duration(text->text)
                                                               : std::nullopt;
        if (!duration.has_value()) {
            return text.has_value() && refuse(since, "since is a duration like \"24h\"");
        }
        value.text = "since";
        value.number = duration->count();
        return true;
    }

    bool read_text(const Node& node, std::string& out) {
        return read_text(node, option_.type, out);
    }

    bool read_text(const Node& node, const ValueType type, std::string& out) {
        if (node.kind != NodeKind::text) {
            return refuse_kind(node);
        }
        std::optional<Interpolated> text = text_of(node);
        if (!text.has_value()) {
            return false;
        }
        out = std::move(text->text);
        if (out.empty()) {
            return option_.empty == Empty::allowed || refuse(node, "must not be empty");
        }
        return has_form(node, type, out);
    }

    bool has_form(const Node& node, const ValueType type, const std::string& text) {
        const auto expect = [&](const bool is_good) {
            return is_good
                || refuse(node, fmt::format("{} is not {}", quoted(text), form_of(type)));
        };
        if (text.find('\0') != std::string::npos) {
            return refuse(node, "a value cannot have a NUL character");
        }
        switch (type) {
        case ValueType::name: return expect(is_name(text));
        case ValueType::topic: return expect(is_topic(text));
        case ValueType::path: return expect(text.starts_with('/'));
        case ValueType::host_port: return expect(parse_host_port(text).has_value());
        case ValueType::choice:
        case ValueType::start_point: return is_choice(node, text);
        default: return true;
        }
    }

    bool is_choice(const Node& node, const std::string& text) {
        const std::vector<std::string_view> words = split(option_.choices);
        if (std::find(words.begin(), words.end(), text) != words.end()) {
            return true;
        }
        const std::string_view near = nearest(text, words);
        const bool has_since = option_.type == ValueType::start_point;
        return refuse(
            node,
            fmt::format(
                "{} is not one of {}{}",
                quoted(text),
                listed(words),
                has_since ? ", { since = ... }" : ""
            ),
            near.empty() ? "" : fmt::format("did you mean \"{}\"?", near)
        );
    }

    bool read_list(const Node& node, const ValueType item_type, Value& value) {
        if (node.kind != NodeKind::array) {
            return refuse_kind(node);
        }
        if (node.items.empty() && option_.empty == Empty::refused) {
            return refuse(node, "must not be an empty list");
        }
        bool is_good = true;
        for (const Node& item : node.items) {
            std::string text;
            is_good = read_text(item, item_type, text) && is_good;
            value.list.push_back(std::move(text));
        }
        return is_good;
    }

    bool read_globs(const Node& node, const ValueType item_type, Value& value) {
        if (!read_list(node, item_type, value)) {
            return false;
        }
        bool is_good = true;
        for (std::size_t i = 0; i < value.list.size(); ++i) {
            if (!is_glob(value.list[i])) {
                is_good = refuse(
                    node.items[i],
                    fmt::format("{} is no pattern: '[' without ']'", quoted(value.list[i]))
                );
            }
        }
        return is_good;
    }

    const Option& option_;
    const std::string& path_;
    const World& world_;
    Problems& problems_;
};

}  // namespace

std::optional<Value> convert(
    const Option& option,
    const Node& node,
    const std::string& path,
    const World& world,
    Problems& problems
) {
    return Conversion(option, path, world, problems).convert(node);
}

}  // namespace logboom::config
