#include "shared/http/health.h"

#include <fmt/format.h>

#include <algorithm>

namespace logboom::http {
namespace {

/// A JSON string. Names and details are our own literals; what JSON gives a meaning is escaped anyway.
std::string json_text(const std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += fmt::format("\\{}", c);
        } else if (byte < 0x20) {
            out += fmt::format("\\u{:04x}", byte);
        } else {
            out.push_back(c);
        }
    }
    return out + "\"";
}

}  // namespace

Response metrics_response(const metrics::Registry& registry) {
    Response response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = registry.text();
    return response;
}

Response healthz_response() {
    Response response;
    response.body = "ok\n";
    return response;
}

Response readyz_response(const std::vector<ReadyCheck>& checks) {
    const bool is_ready = std::all_of(checks.begin(), checks.end(), [](const ReadyCheck& check) {
        return check.ok;
    });
    std::string items;
    for (const ReadyCheck& check : checks) {
        items += fmt::format(
            "{}{{\"name\":{},\"ok\":{}", items.empty() ? "" : ",", json_text(check.name), check.ok
        );
        if (!check.detail.empty()) {
            items += fmt::format(",\"detail\":{}", json_text(check.detail));
        }
        items += "}";
    }
    Response response;
    response.status = is_ready ? 200 : 503;
    response.content_type = "application/json";
    response.body = fmt::format("{{\"ready\":{},\"checks\":[{}]}}\n", is_ready, items);
    return response;
}

}  // namespace logboom::http
