#include "shared/http/message.h"

#include <fmt/format.h>

namespace logboom::http {

const char* reason(const std::uint16_t status) noexcept {
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Payload Too Large";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Unknown";
    }
}

Response plain_response(const std::uint16_t status) {
    Response response;
    response.status = status;
    response.body = fmt::format("{}\n", reason(status));
    return response;
}

std::string encode_response(
    const Response& response, const Connection connection, const Body body
) {
    std::string out = fmt::format(
        "HTTP/1.1 {} {}\r\n"
        "Content-Type: {}\r\n"
        "Content-Length: {}\r\n"
        "Connection: {}\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "\r\n",
        response.status,
        reason(response.status),
        response.content_type,
        response.body.size(),
        connection == Connection::close ? "close" : "keep-alive"
    );
    if (body == Body::sent) {
        out += response.body;
    }
    return out;
}

}  // namespace logboom::http
