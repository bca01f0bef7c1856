// The example file and the dump: the schema as text.
#include "shared/config/config.h"
#include "shared/config/units.h"

#include <fmt/format.h>

#include <algorithm>

namespace logboom::config {
namespace {

constexpr std::size_t comment_column = 36;

std::string toml_text(const std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += fmt::format("\\{}", c);
        } else if (byte < 0x20 || byte == 0x7F) {
            out += fmt::format("\\u{:04X}", byte);
        } else {
            out.push_back(c);
        }
    }
    return out + "\"";
}

/// A text that is read again by the same rules: "$" would begin a reference.
std::string toml_value_text(const std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        escaped += c == '$' ? "$$" : std::string(1, c);
    }
    return toml_text(escaped);
}

std::string shown(const Option& option, const Value& value) {
    if (option.secret == Secret::yes) {
        return toml_text("<secret>");
    }
    switch (option.type) {
    case ValueType::boolean: return value.boolean ? "true" : "false";
    case ValueType::integer: return fmt::format("{}", value.number);
    case ValueType::duration: return toml_text(format_duration(Nanos(value.number)));
    case ValueType::size: return toml_text(format_size(value.number));
    case ValueType::start_point:
        return value.text == "since"
                 ? fmt::format("{{ since = \"{}\" }}", format_duration(Nanos(value.number)))
                 : toml_text(value.text);
    case ValueType::text:
    case ValueType::name:
    case ValueType::topic:
    case ValueType::choice:
    case ValueType::path:
    case ValueType::host_port: return toml_value_text(value.text);
    case ValueType::text_list:
    case ValueType::choice_list:
    case ValueType::path_list:
    case ValueType::glob_list:
    case ValueType::path_glob_list:
    case ValueType::host_port_list: break;
    }
    std::string items;
    for (const std::string& item : value.list) {
        items += fmt::format("{}{}", items.empty() ? "" : ", ", toml_value_text(item));
    }
    return fmt::format("[{}]", items);
}

std::string with_comment(std::string line, const std::string& comment) {
    if (comment.empty()) {
        return line + "\n";
    }
    if (line.size() + 2 < comment_column) {
        line.resize(comment_column - 2, ' ');
    }
    return fmt::format("{}  # {}\n", line, comment);
}

/// "auto | uring | poll: how the kernel is asked".
std::string comment_of(const Option& option) {
    std::string comment;
    for (const char c : option.choices) {
        comment += c == '|' ? " | " : std::string(1, c);
    }
    if (!comment.empty() && !option.doc.empty()) {
        comment += ": ";
    }
    return comment + std::string(option.doc);
}

std::string option_example(const Option& option) {
    const std::string_view value = option.initial.empty() || !option.example.empty()
                                     ? option.example
                                     : option.initial;
    return with_comment(fmt::format("# {} = {}", option.key, value), comment_of(option));
}

std::string commented(const std::string_view text, const std::string_view mark) {
    std::string out;
    std::size_t begin = 0;
    while (begin < text.size()) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = text.substr(begin, end - begin);
        out += fmt::format("{}{}{}\n", mark, line.empty() ? "" : " ", line);
        begin = end + 1;
    }
    return out;
}

std::string section_head(const Section& section) {
    return section.kind == SectionKind::list ? fmt::format("[[{}]]", section.name)
                                             : fmt::format("[{}]", section.name);
}

std::string section_example(const Schema& schema, const Section& section) {
    std::string out = "\n";
    const bool is_list = section.kind == SectionKind::list;
    // The head of a list stays a comment: an empty table would miss what is required in it.
    out += with_comment((is_list ? "# " : "") + section_head(section), std::string(section.doc));
    for (const Option& option : schema.options) {
        if (option.section == section.name) {
            out += option_example(option);
        }
    }
    if (!section.initial.empty()) {
        out += "#\n# Without any, these hold:\n" + commented(section.initial, "#");
    }
    return out;
}

}  // namespace

std::string example_text(const Schema& schema) {
    std::string out = commented(schema.intro, "#");
    for (const Section& section : schema.sections) {
        out += section_example(schema, section);
    }
    return out;
}

std::string dump_text(const Schema& schema, const Loaded& loaded, const DumpKind kind) {
    std::string out;
    for (const Section& section : schema.sections) {
        for (const Table& table : loaded.values.tables(section.name)) {
            out += fmt::format("{}{}\n", out.empty() ? "" : "\n", section_head(section));
            for (const Option& option : schema.options) {
                if (option.section != section.name || !table.has(option.key)) {
                    continue;
                }
                const Value& value = table.value(option.key);
                out += with_comment(
                    fmt::format("{} = {}", option.key, shown(option, value)),
                    kind == DumpKind::origins ? loaded.problems.where(value.place) : ""
                );
            }
        }
    }
    return out;
}

}  // namespace logboom::config
