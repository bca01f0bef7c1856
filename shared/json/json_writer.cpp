#include "shared/json/json_writer.h"

#include "shared/base/assert.h"
#include "shared/json/rapidjson.h"

namespace logboom::json {

namespace {

rapidjson::SizeType size_of(const std::string_view text) noexcept {
    return static_cast<rapidjson::SizeType>(text.size());
}

/// RapidJSON wants a pointer also for no bytes.
const char* data_of(const std::string_view text) noexcept {
    return text.empty() ? "" : text.data();
}

}  // namespace

struct JsonWriter::State {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer{buffer};
};

JsonWriter::JsonWriter() : state_(std::make_unique<State>()) {}
JsonWriter::~JsonWriter() = default;

void JsonWriter::begin_object() {
    state_->writer.StartObject();
}
void JsonWriter::end_object() {
    state_->writer.EndObject();
}
void JsonWriter::begin_array() {
    state_->writer.StartArray();
}
void JsonWriter::end_array() {
    state_->writer.EndArray();
}
void JsonWriter::key(const std::string_view name) {
    state_->writer.Key(data_of(name), size_of(name));
}
void JsonWriter::text(const std::string_view value) {
    state_->writer.String(data_of(value), size_of(value));
}
void JsonWriter::number(const std::int64_t value) {
    state_->writer.Int64(value);
}
void JsonWriter::boolean(const bool value) {
    state_->writer.Bool(value);
}
void JsonWriter::null() {
    state_->writer.Null();
}
std::string JsonWriter::take() {
    LB_ASSERT(state_->writer.IsComplete());
    std::string json(state_->buffer.GetString(), state_->buffer.GetSize());
    state_->buffer.Clear();
    state_->writer.Reset(state_->buffer);
    return json;
}

}  // namespace logboom::json
