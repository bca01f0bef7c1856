// Reads JSON text into values.
#pragma once

#include "shared/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace logboom::json {

/// One value with all that is in it. A number that is no integer of 64 bits is a double.
class JsonValue {
public:
    using Array = std::vector<JsonValue>;
    using Object = std::vector<std::pair<std::string, JsonValue>>;  // in the text's order
    using Content =
        std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object>;

    JsonValue() = default;
    explicit JsonValue(Content content) : content_(std::move(content)) {}

    /// The member of that name; nothing if there is none, or this is no object.
    [[nodiscard]] const JsonValue* member(std::string_view name) const noexcept;
    /// The member's text; empty if there is none, or it is no text.
    [[nodiscard]] std::string_view text(std::string_view name) const noexcept;
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const noexcept;
    /// Nothing if this is no array.
    [[nodiscard]] const Array* array() const noexcept { return std::get_if<Array>(&content_); }
    [[nodiscard]] Content& content() noexcept { return content_; }

private:
    Content content_ = nullptr;
};

/// Errors: `malformed`; `too_large` if values are nested deeper than `json_depth_max`.
[[nodiscard]] Result<JsonValue> parse_json(std::string_view text);

inline constexpr std::size_t json_depth_max = 64;

}  // namespace logboom::json
