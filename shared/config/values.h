// A configuration after the checks: every option of the schema with its value or default.
#pragma once

#include "shared/base/time.h"
#include "shared/config/problems.h"
#include "shared/config/units.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::config {

/// Which field counts is decided by the option's type.
struct Value {
    bool boolean = false;
    std::int64_t number = 0;  // integers, nanoseconds, bytes; of a start point: since
    std::string text;
    std::vector<std::string> list;
    Place place;  // unknown: the default
};

/// One table. The getters take keys of the schema. Where a value was wrong, or is absent and has no
/// default, they give zero or nothing: the problems say so already, and the checks can go on.
class Table {
public:
    [[nodiscard]] bool has(std::string_view key) const {
        return values_.find(key) != values_.end();
    }
    [[nodiscard]] bool boolean(std::string_view key) const { return get(key).boolean; }
    [[nodiscard]] std::int64_t integer(std::string_view key) const { return get(key).number; }
    [[nodiscard]] Nanos duration(std::string_view key) const { return Nanos(get(key).number); }
    [[nodiscard]] std::uint64_t size(std::string_view key) const {
        return static_cast<std::uint64_t>(get(key).number);
    }
    [[nodiscard]] const std::string& text(std::string_view key) const { return get(key).text; }
    [[nodiscard]] const std::vector<std::string>& list(std::string_view key) const {
        return get(key).list;
    }
    /// Nothing for "".
    [[nodiscard]] std::optional<HostPort> host_port(std::string_view key) const;
    [[nodiscard]] std::vector<HostPort> host_ports(std::string_view key) const;

    /// Of the value, else of the table's head; unknown for defaults.
    [[nodiscard]] Place place(std::string_view key) const;
    [[nodiscard]] Place place() const noexcept { return place_; }

    /// For the dump.
    [[nodiscard]] const Value& value(std::string_view key) const { return get(key); }

private:
    friend class Checker;
    [[nodiscard]] const Value& get(std::string_view key) const;

    std::map<std::string, Value, std::less<>> values_;
    Place place_;
};

class Values {
public:
    /// `section` is one of the schema. A list has its tables in the order of files and lines.
    [[nodiscard]] const Table& table(std::string_view section) const;
    [[nodiscard]] const std::vector<Table>& tables(std::string_view section) const;

private:
    friend class Checker;
    std::map<std::string, std::vector<Table>, std::less<>> tables_;
};

}  // namespace logboom::config
