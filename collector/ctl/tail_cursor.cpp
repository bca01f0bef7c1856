#include "collector/ctl/tail_cursor.h"

#include <algorithm>
#include <charconv>

namespace logboom::ctl {

namespace {

template <typename Number>
bool parse_whole(const std::string_view text, Number& number) {
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    return parsed.ec == std::errc() && parsed.ptr == end && number >= 0;
}

}  // namespace

std::string to_string(const TailCursor& cursor) {
    std::string text;
    for (const auto& [partition, next] : cursor) {
        text += text.empty() ? "" : ",";
        text += partition.first + "/" + std::to_string(partition.second) + "@"
              + std::to_string(next);
    }
    return text;
}

std::optional<TailCursor> parse_tail_cursor(std::string_view text) {
    TailCursor cursor;
    while (!text.empty()) {
        const std::string_view item = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), item.size() + 1));
        const std::size_t slash = item.find('/');
        const std::size_t at = item.find('@');
        if (slash == std::string_view::npos || at == std::string_view::npos || slash == 0
            || at < slash) {
            return std::nullopt;
        }
        std::int32_t partition = 0;
        std::int64_t next = 0;
        if (!parse_whole(item.substr(slash + 1, at - slash - 1), partition)
            || !parse_whole(item.substr(at + 1), next)) {
            return std::nullopt;
        }
        cursor[{std::string(item.substr(0, slash)), partition}] = next;
    }
    return cursor.empty() ? std::nullopt : std::optional(std::move(cursor));
}

}  // namespace logboom::ctl
