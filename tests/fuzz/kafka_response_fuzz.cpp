// What a broker answers to our own clients. The API's key and version stand before header and body, for the
// client knows what it has asked.
#include "tests/fuzz/kafka_messages.h"

using namespace logboom;

LB_FUZZ_TARGET(kafka_response) {
    fuzz::Input input(data, size);
    const auto key = input.take<std::int16_t>();
    const auto version = input.take<std::int16_t>();
    const kafka::ApiInfo* const api = kafka::find_api(key);
    if (api == nullptr || !api->serves(version)) {
        return 0;
    }
    kafka::Reader reader(input.rest());
    const Result<std::int32_t> echoed = kafka::decode_response_header(reader, api->key, version);
    if (echoed) {
        const auto* const responses = static_cast<const fuzz::Responses*>(nullptr);
        fuzz::check_any(responses, reader, key, version);
    }
    return 0;
}
