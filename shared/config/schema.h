// How a program describes its configuration: one constant table of options. Parser, checks, the
// commented example file, the dump and "did you mean" all come from it.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace logboom::config {

enum class ValueType : std::uint8_t {
    boolean,
    integer,
    text,
    name,         ///< [a-z0-9][a-z0-9_-]*
    topic,        ///< a Kafka topic name
    choice,       ///< one of `choices`
    duration,     ///< "250ms" "5s" "10m" "7d", "0"; nanoseconds in min and max
    size,         ///< "64KiB" "10MB", a number of bytes
    path,         ///< absolute
    host_port,    ///< "lb1:7460", "[::1]:7460"; "" where Empty::allowed
    start_point,  ///< one of `choices`, or { since = DURATION }
    text_list,
    choice_list,     ///< each one of `choices`
    path_list,       ///< absolute
    glob_list,       ///< patterns with * ? [..] and **
    path_glob_list,  ///< the same, absolute
    host_port_list,
};

enum class Presence : std::uint8_t { optional, required };
enum class Empty : std::uint8_t { refused, allowed };
enum class Secret : std::uint8_t { no, yes };
enum class Reload : std::uint8_t { needs_restart, reloadable };

/// One key. Texts are literals.
struct Option {
    std::string_view section;  // "output.limits"
    std::string_view key;
    ValueType type = ValueType::text;
    /// The default as it would stand in the file; "" if there is none.
    std::string_view initial = "";
    /// In place of `initial` in the example file, for options whose default is nothing or says little.
    std::string_view example = "";
    std::string_view doc;           // one line
    std::string_view choices = "";  // "auto|uring|poll"
    std::int64_t min = std::numeric_limits<std::int64_t>::min();
    std::int64_t max = std::numeric_limits<std::int64_t>::max();
    Presence presence = Presence::optional;
    Empty empty = Empty::refused;
    Secret secret = Secret::no;
    Reload reload = Reload::needs_restart;
};

enum class SectionKind : std::uint8_t {
    table,  ///< [output]
    list,   ///< [[input.file]]: any number
};

struct Section {
    std::string_view name;
    SectionKind kind = SectionKind::table;
    std::string_view doc = "";
    /// Of a list: what is wrong when there is none; "" if there may be none.
    std::string_view required = "";
    /// Of a list: the tables (TOML) that hold when a configuration has none.
    std::string_view initial = "";
};

/// Order is that of the example file and the dump.
struct Schema {
    std::string_view program;
    std::string_view intro;  // comment lines at the top of the example, without '#'
    std::span<const Section> sections;
    std::span<const Option> options;

    [[nodiscard]] const Option* find_option(std::string_view section, std::string_view key) const;
    [[nodiscard]] const Section* find_section(std::string_view name) const;
    /// "input" of "input.file": a table that only holds other tables.
    [[nodiscard]] bool is_prefix(std::string_view name) const;
};

}  // namespace logboom::config
