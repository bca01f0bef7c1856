// Writes JSON text piece by piece. This folder is the only one that knows RapidJSON.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace logboom::json {

/// One JSON value after the other, compact, without line ends. The caller keeps the grammar: a key
/// before each value of an object, every begin with its end.
///
/// Text must be UTF-8: bytes of log lines are made so before.
class JsonWriter {
public:
    JsonWriter();
    JsonWriter(const JsonWriter&) = delete;
    JsonWriter& operator=(const JsonWriter&) = delete;
    ~JsonWriter();

    void begin_object();
    void end_object();
    void begin_array();
    void end_array();
    void key(std::string_view name);
    void text(std::string_view value);
    void number(std::int64_t value);
    void boolean(bool value);
    void null();

    void text_field(const std::string_view name, const std::string_view value) {
        key(name);
        text(value);
    }
    void number_field(const std::string_view name, const std::int64_t value) {
        key(name);
        number(value);
    }

    /// What was written; the writer is ready for the next value then.
    [[nodiscard]] std::string take();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace logboom::json
