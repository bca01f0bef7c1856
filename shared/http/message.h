// Requests and responses of HTTP/1.1, as plain structs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace logboom::http {

struct Request {
    std::string method;  // "GET"
    std::string path;    // the target up to '?', as it came
    std::string query;   // what stands behind it
    std::string body;
    bool keep_alive = true;
};

struct Response {
    std::uint16_t status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
};

/// "Not Found"; "Unknown" for a status that we never send.
[[nodiscard]] const char* reason(std::uint16_t status) noexcept;
/// A response whose body is the reason.
[[nodiscard]] Response plain_response(std::uint16_t status);

enum class Connection : std::uint8_t { keep_alive, close };
enum class Body : std::uint8_t { sent, left_out };  // left out: the answer to HEAD

/// Status line, header fields and body as they are sent.
[[nodiscard]] std::string encode_response(
    const Response& response, Connection connection, Body body = Body::sent
);

}  // namespace logboom::http
