// JSON text of HTTP peers. What is read is written to text that is read alike.
#include "shared/json/json_value.h"
#include "shared/json/json_writer.h"
#include "tests/fuzz/fuzz.h"

#include <string>

using namespace logboom;
using namespace logboom::json;

namespace {

struct Put {
    JsonWriter& writer;
    std::size_t depth;

    void operator()(std::nullptr_t) const { writer.null(); }
    void operator()(const bool value) const { writer.boolean(value); }
    void operator()(const std::int64_t value) const { writer.number(value); }
    void operator()(double) const { writer.text("a number that is never written"); }
    void operator()(const std::string& value) const { writer.text(value); }
    void operator()(JsonValue::Array& values) const {
        writer.begin_array();
        for (JsonValue& value : values) {
            put(value);
        }
        writer.end_array();
    }
    void operator()(JsonValue::Object& members) const {
        writer.begin_object();
        for (auto& [name, value] : members) {
            writer.key(name);
            put(value);
        }
        writer.end_object();
    }
    void put(JsonValue& value) const {
        LB_ASSERT(depth < json_depth_max);
        std::visit(Put{writer, depth + 1}, value.content());
    }
};

std::string text_of(JsonValue& value) {
    JsonWriter writer;
    std::visit(Put{writer, 0}, value.content());
    return writer.take();
}

}  // namespace

LB_FUZZ_TARGET(json) {
    const std::string text(as_text(fuzz::view_of(data, size)));
    Result<JsonValue> first = parse_json(as_text(fuzz::view_of(data, size)));
    if (!first) {
        LB_ASSERT(first.code() == ErrorCode::malformed || first.code() == ErrorCode::too_large);
        return 0;
    }
    static_cast<void>(first->text("a"));
    static_cast<void>(first->number("a"));
    const std::string once = text_of(*first);
    Result<JsonValue> second = parse_json(once);
    LB_ASSERT(second.has_value());
    LB_ASSERT(text_of(*second) == once);
    LB_ASSERT(!parse_json(text + '\0' + "x").has_value());
    return 0;
}
