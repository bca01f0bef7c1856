#include "shared/config/check.h"

#include "shared/base/assert.h"
#include "shared/base/bytes.h"
#include "shared/config/convert.h"
#include "shared/config/parse.h"
#include "shared/config/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace logboom::config {
namespace {

/// Keys of the top level that belong to the format itself.
constexpr std::string_view override_key = "override";
constexpr std::string_view version_key = "config_version";
constexpr std::int64_t version = 1;

std::string join(const std::string_view section, const std::string_view key) {
    return section.empty() ? std::string(key) : fmt::format("{}.{}", section, key);
}

std::string head_of(const Section& section) {
    return section.kind == SectionKind::list ? fmt::format("[[{}]]", section.name)
                                             : fmt::format("[{}]", section.name);
}

bool is_text_like(const ValueType type) noexcept {
    switch (type) {
    case ValueType::boolean:
    case ValueType::integer: return false;
    case ValueType::text:
    case ValueType::name:
    case ValueType::topic:
    case ValueType::choice:
    case ValueType::duration:
    case ValueType::size:
    case ValueType::path:
    case ValueType::host_port:
    case ValueType::start_point:
    case ValueType::text_list:
    case ValueType::choice_list:
    case ValueType::path_list:
    case ValueType::glob_list:
    case ValueType::path_glob_list:
    case ValueType::host_port_list: return true;
    }
    return false;
}

bool is_list(const ValueType type) noexcept {
    return type == ValueType::text_list || type == ValueType::choice_list
        || type == ValueType::path_list || type == ValueType::glob_list
        || type == ValueType::path_glob_list || type == ValueType::host_port_list;
}

Node text_node(const std::string_view text) {
    Node node;
    node.kind = NodeKind::text;
    node.text = std::string(text);
    return node;
}

void put_place(Node& node, const Place place) {
    node.place = place;
    for (Node& item : node.items) {
        put_place(item, place);
    }
    for (Member& member : node.members) {
        member.key_place = place;
        put_place(member.value, place);
    }
}

/// What stands behind the `=` of a setting: TOML, or plain text where the option takes text, so that
/// nobody has to quote twice for a shell.
Node setting_node(const Option& option, const std::string_view text, const Place place) {
    const bool is_toml = !is_text_like(option.type) || text.starts_with('"')
                      || text.starts_with('\'') || text.starts_with('[') || text.starts_with('{');
    std::optional<Node> parsed = is_toml ? parse_value(text) : std::nullopt;
    Node node = parsed.has_value() ? *std::move(parsed) : text_node(text);
    if (is_list(option.type) && node.kind == NodeKind::text) {
        Node list;
        list.kind = NodeKind::array;
        list.items.push_back(std::move(node));
        node = std::move(list);
    }
    put_place(node, place);
    return node;
}

}  // namespace

Checker::Checker(const Schema& schema, const World& world, Problems& problems)
    : schema_(schema)
    , world_(world)
    , problems_(problems) {
    for (const Section& section : schema.sections) {
        std::vector<Table>& tables = values_.tables_[std::string(section.name)];
        if (section.kind == SectionKind::table) {
            tables.emplace_back();
        }
    }
}

void Checker::add_file(const Node& root) {
    read_overrides(root);
    walk(root, At{});
    overrides_.clear();
}

void Checker::read_overrides(const Node& root) {
    for (const Member& member : root.members) {
        if (member.key != override_key) {
            continue;
        }
        for (const Node& item : member.value.items) {
            if (item.kind == NodeKind::text) {
                overrides_.push_back(item.text);
            }
        }
        if (member.value.kind != NodeKind::array
            || overrides_.size() != member.value.items.size()) {
            problems_.add(
                member.value.place, "override: expected a list like [\"output.collectors\"]"
            );
        }
    }
}

void Checker::walk(const Node& node, const At& at) {
    for (const Member& member : node.members) {
        walk_member(member, at);
    }
}

void Checker::walk_member(const Member& member, const At& at) {
    const std::string child = join(at.section, member.key);
    if (const Option* const option = schema_.find_option(at.section, member.key)) {
        set(*option, member.value, member.key_place, at);
    } else if (const Section* const section = schema_.find_section(child)) {
        if (section->kind == SectionKind::list) {
            walk_tables(member, *section);
        } else {
            walk_section(member, child);
        }
    } else if (schema_.is_prefix(child)) {
        walk_section(member, child);
    } else if (child == version_key) {
        if (member.value.kind != NodeKind::integer || member.value.integer != version) {
            problems_.add(
                member.value.place,
                fmt::format("config_version: this program reads version {} only", version)
            );
        }
    } else if (child != override_key) {
        unknown_key(member, at);
    }
}

void Checker::walk_section(const Member& member, const std::string& name) {
    if (member.value.kind != NodeKind::table) {
        problems_.add(
            member.key_place,
            fmt::format("'{}' is a table: write its keys under [{}]", member.key, name)
        );
        return;
    }
    At at{name, name, nullptr};
    if (schema_.find_section(name) != nullptr) {
        at.table = &values_.tables_.find(name)->second.front();
        if (!at.table->place_.is_known()) {
            at.table->place_ = member.key_place;
        }
    }
    walk(member.value, at);
}

void Checker::walk_tables(const Member& member, const Section& section) {
    const bool is_list_of_tables =
        member.value.kind == NodeKind::array
        && std::all_of(member.value.items.begin(), member.value.items.end(), [](const Node& item) {
               return item.kind == NodeKind::table;
           });
    if (!is_list_of_tables) {
        problems_.add(
            member.key_place,
            fmt::format("there may be several: write {} with two brackets", head_of(section))
        );
        return;
    }
    for (const Node& item : member.value.items) {
        Table& table = add_table(section, item.place);
        walk(item, At{std::string(section.name), number_of_last(section), &table});
    }
}

Table& Checker::add_table(const Section& section, const Place place) {
    std::vector<Table>& tables = values_.tables_.find(section.name)->second;
    tables.emplace_back();
    tables.back().place_ = place;
    return tables.back();
}

std::string Checker::number_of_last(const Section& section) const {
    const std::size_t count = values_.tables_.find(section.name)->second.size();
    return fmt::format("{}[{}]", section.name, count - 1);
}

void Checker::set(const Option& option, const Node& node, const Place key_place, const At& at) {
    LB_ASSERT(at.table != nullptr);
    const std::string path = join(at.path, option.key);
    const auto before = at.table->values_.find(option.key);
    const bool may_replace = is_setting_
                          || std::find(overrides_.begin(), overrides_.end(), path)
                                 != overrides_.end();
    if (before != at.table->values_.end() && !may_replace) {
        problems_.add(
            key_place,
            fmt::format(
                "{} is set twice, first at {}", path, problems_.where(before->second.place)
            ),
            fmt::format("to replace it: override = [\"{}\"] at the top of this file", path)
        );
        return;
    }
    if (std::optional<Value> value = convert(option, node, path, world_, problems_)) {
        at.table->values_[std::string(option.key)] = *std::move(value);
    } else {
        // It was given, though wrongly: not a missing one as well.
        at.table->values_[std::string(option.key)].place = node.place;
    }
}

std::vector<std::string_view> Checker::known_beside(const std::string_view section) const {
    std::vector<std::string_view> words;
    for (const Option& option : schema_.options) {
        if (option.section == section) {
            words.push_back(option.key);
        }
    }
    for (const Section& other : schema_.sections) {
        std::string_view name = other.name;
        if (!section.empty()) {
            if (!name.starts_with(section) || name.size() <= section.size()
                || name[section.size()] != '.') {
                continue;
            }
            name.remove_prefix(section.size() + 1);
        }
        words.push_back(name.substr(0, name.find('.')));
    }
    return words;
}

std::string Checker::elsewhere(const std::string_view key) const {
    for (const Option& option : schema_.options) {
        if (option.key == key) {
            const Section* const section = schema_.find_section(option.section);
            return fmt::format("that key belongs to {}", head_of(*section));
        }
    }
    for (const Section& section : schema_.sections) {
        const std::size_t dot = section.name.rfind('.');
        if (dot != std::string_view::npos && section.name.substr(dot + 1) == key) {
            return fmt::format("did you mean {}?", head_of(section));
        }
    }
    return "";
}

void Checker::unknown_key(const Member& member, const At& at) {
    const std::string_view near = nearest(member.key, known_beside(at.section));
    std::string hint = near.empty() ? elsewhere(member.key)
                                    : fmt::format("did you mean '{}'?", near);
    const Section* const section = schema_.find_section(at.section);
    const std::string where = section != nullptr ? head_of(*section)
                                                 : fmt::format("[{}]", at.section);
    const bool is_table = at.section.empty() && member.value.kind == NodeKind::table;
    problems_.add(
        member.key_place,
        at.section.empty()
            ? fmt::format("unknown {} {}", is_table ? "table" : "key", quoted(member.key))
            : fmt::format("unknown key {} in {}", quoted(member.key), where),
        std::move(hint)
    );
}

void Checker::add_built_in_tables() {
    for (const Section& section : schema_.sections) {
        if (section.initial.empty() || !values_.tables_.find(section.name)->second.empty()) {
            continue;
        }
        const std::optional<Node> root = parse_built_in(section.initial);
        LB_ASSERT(root.has_value());
        walk(*root, At{});
    }
}

/// "input.file[1].topic" -> the second table of input.file and "topic".
bool Checker::resolve(const std::string_view target, const Place place, At& at, std::string& key) {
    const std::size_t dot = target.rfind('.');
    key = std::string(target.substr(dot + 1));
    std::string_view name = dot == std::string_view::npos ? "" : target.substr(0, dot);
    at.path = std::string(name);
    std::size_t number = 0;
    const std::size_t open = name.find('[');
    const bool has_number = open != std::string_view::npos && name.ends_with(']');
    if (has_number) {
        const std::string_view digits = name.substr(open + 1, name.size() - open - 2);
        const auto [rest, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error != std::errc() || rest != digits.data() + digits.size()) {
            problems_.add(place, fmt::format("{} is no number of a table", quoted(digits)));
            return false;
        }
        name = name.substr(0, open);
    }
    at.section = std::string(name);
    const Section* const section = schema_.find_section(name);
    if (section == nullptr) {
        problems_.add(place, fmt::format("unknown table {}", quoted(name)));
        return false;
    }
    std::vector<Table>& tables = values_.tables_.find(name)->second;
    if (has_number != (section->kind == SectionKind::list) || number > tables.size()) {
        problems_.add(
            place,
            section->kind == SectionKind::list
                ? fmt::format("write {}[N].{} with N from 0 to {}", name, key, tables.size())
                : fmt::format("{} is one table: leave out the number", head_of(*section))
        );
        return false;
    }
    at.table = number == tables.size() ? &add_table(*section, place) : &tables[number];
    return true;
}

void Checker::add_setting(const std::string& setting) {
    Place place;
    place.source = problems_.add_source({"--set", setting, Source::Kind::command_line});
    place.line = 1;
    place.column = 1;
    const std::size_t equals = setting.find('=');
    place.width = static_cast<std::uint32_t>(std::min(equals, setting.size()));
    if (equals == std::string::npos) {
        problems_.add(place, "expected section.key=value");
        return;
    }
    Member member;
    At at;
    if (!resolve(std::string_view(setting).substr(0, equals), place, at, member.key)) {
        return;
    }
    member.key_place = place;
    const Option* const option = schema_.find_option(at.section, member.key);
    if (option == nullptr) {
        unknown_key(member, at);
        return;
    }
    Place value_place = place;
    value_place.column = static_cast<std::uint32_t>(equals + 2);
    value_place.width = static_cast<std::uint32_t>(setting.size() - equals - 1);
    const std::string_view text = std::string_view(setting).substr(equals + 1);
    is_setting_ = true;
    set(*option, setting_node(*option, text, value_place), place, at);
    is_setting_ = false;
}

void Checker::fill_defaults(
    const Section& section, Table& table, const std::string& path, const bool is_complete
) {
    for (const Option& option : schema_.options) {
        if (option.section != section.name || table.has(option.key)) {
            continue;
        }
        if (!option.initial.empty()) {
            const std::optional<Node> node = parse_value(option.initial);
            LB_ASSERT(node.has_value());
            std::optional<Value> value =
                convert(option, *node, join(path, option.key), world_, problems_);
            if (value.has_value()) {
                table.values_[std::string(option.key)] = *std::move(value);
            }
        } else if (option.presence == Presence::required && is_complete) {
            problems_.add(
                table.place_,
                fmt::format("{} is required", join(path, option.key)),
                fmt::format("add {} = {}", option.key, option.example)
            );
        }
    }
}

Values Checker::finish(const bool is_complete, const Place file) {
    for (const Section& section : schema_.sections) {
        std::vector<Table>& tables = values_.tables_.find(section.name)->second;
        for (std::size_t i = 0; i < tables.size(); ++i) {
            const bool is_list_of_tables = section.kind == SectionKind::list;
            const std::string path = is_list_of_tables ? fmt::format("{}[{}]", section.name, i)
                                                       : std::string(section.name);
            fill_defaults(section, tables[i], path, is_complete);
        }
        if (tables.empty() && !section.required.empty() && is_complete) {
            problems_.add(file, std::string(section.required));
        }
    }
    return std::move(values_);
}

}  // namespace logboom::config
