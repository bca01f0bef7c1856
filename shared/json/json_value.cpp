#include "shared/json/json_value.h"

#include "shared/json/rapidjson.h"

#include <algorithm>

namespace logboom::json {

namespace {

/// Whether there is a surrogate in `text`, which no UTF-8 has: RapidJSON checks what stands there as bytes,
/// and of the escapes only the first of a pair.
bool has_half_of_a_pair(const std::string_view text) noexcept {
    for (std::size_t at = text.find('\xED'); at < text.size(); at = text.find('\xED', at + 1)) {
        if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xA0) {
            return true;
        }
    }
    return false;
}

/// Builds the value as RapidJSON tells of its pieces. Its own depth is bounded, and so is that of the values,
/// which are destroyed by recursion. False ends the parsing.
class Builder : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Builder> {
public:
    bool Null() { return add(JsonValue()); }
    bool Bool(const bool value) { return add(JsonValue(value)); }
    bool Int(const int value) { return Int64(value); }
    bool Uint(const unsigned value) { return Int64(value); }
    bool Int64(const std::int64_t value) { return add(JsonValue(value)); }
    bool Uint64(const std::uint64_t value) { return Double(static_cast<double>(value)); }
    bool Double(const double value) { return add(JsonValue(value)); }
    bool String(const char* const text, const rapidjson::SizeType size, bool /*copy*/) {
        return !has_half_of_a_pair({text, size}) && add(JsonValue(std::string(text, size)));
    }
    bool Key(const char* const text, const rapidjson::SizeType size, bool /*copy*/) {
        keys_.back().assign(text, size);
        return !has_half_of_a_pair(keys_.back());
    }
    bool StartObject() { return begin(JsonValue(JsonValue::Object())); }
    bool StartArray() { return begin(JsonValue(JsonValue::Array())); }
    bool EndObject(rapidjson::SizeType /*count*/) { return end(); }
    bool EndArray(rapidjson::SizeType /*count*/) { return end(); }

    [[nodiscard]] bool is_too_deep() const noexcept { return is_too_deep_; }
    [[nodiscard]] JsonValue take() { return std::move(whole_); }

private:
    bool begin(JsonValue value) {
        if (open_.size() >= json_depth_max) {
            is_too_deep_ = true;
            return false;
        }
        open_.push_back(std::move(value));
        keys_.emplace_back();
        return true;
    }
    bool end() {
        JsonValue done = std::move(open_.back());
        open_.pop_back();
        keys_.pop_back();
        return add(std::move(done));
    }
    bool add(JsonValue value) {
        if (open_.empty()) {
            whole_ = std::move(value);
        } else if (auto* const array = std::get_if<JsonValue::Array>(&open_.back().content())) {
            array->push_back(std::move(value));
        } else {
            auto& object = std::get<JsonValue::Object>(open_.back().content());
            object.emplace_back(std::move(keys_.back()), std::move(value));
        }
        return true;
    }

    JsonValue whole_;
    std::vector<JsonValue> open_;
    std::vector<std::string> keys_;  // of the objects in `open_`: what the next value is called
    bool is_too_deep_ = false;
};

}  // namespace

const JsonValue* JsonValue::member(const std::string_view name) const noexcept {
    const auto* const object = std::get_if<Object>(&content_);
    if (object == nullptr) {
        return nullptr;
    }
    const auto found = std::ranges::find(*object, name, &Object::value_type::first);
    return found == object->end() ? nullptr : &found->second;
}

std::string_view JsonValue::text(const std::string_view name) const noexcept {
    const JsonValue* const found = member(name);
    const auto* const text = found == nullptr ? nullptr
                                              : std::get_if<std::string>(&found->content_);
    return text == nullptr ? std::string_view() : *text;
}

std::optional<std::int64_t> JsonValue::number(const std::string_view name) const noexcept {
    const JsonValue* const found = member(name);
    const auto* const number = found == nullptr ? nullptr
                                                : std::get_if<std::int64_t>(&found->content_);
    return number == nullptr ? std::nullopt : std::optional(*number);
}

Result<JsonValue> parse_json(const std::string_view text) {
    Builder builder;
    rapidjson::Reader reader;
    rapidjson::MemoryStream stream(text.data(), text.size());
    constexpr unsigned flags = rapidjson::kParseIterativeFlag
                             | rapidjson::kParseValidateEncodingFlag;
    if (text.empty() || reader.Parse<flags>(stream, builder).IsError()) {
        return builder.is_too_deep() ? Error{ErrorCode::too_large, 0, "json depth"}
                                     : Error{ErrorCode::malformed, 0, "json"};
    }
    if (stream.Tell() != text.size()) {  // a zero byte, which RapidJSON takes for the end
        return Error{ErrorCode::malformed, 0, "json"};
    }
    return builder.take();
}

}  // namespace logboom::json
