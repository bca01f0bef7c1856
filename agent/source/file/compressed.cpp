#include "agent/source/file/compressed.h"

#include <algorithm>
#include <array>

namespace logboom::source {

namespace {

constexpr std::array<std::string_view, 6> suffixes{".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip"};

// gzip with deflate, zstd, xz, lz4 frame, zip: an archive's first member and an archive of none.
constexpr std::array<std::string_view, 6> magics{
    std::string_view("\x1F\x8B\x08"),
    std::string_view("\x28\xB5\x2F\xFD"),
    std::string_view("\xFD\x37zXZ\0", 6),
    std::string_view("\x04\x22\x4D\x18"),
    std::string_view("PK\x03\x04"),
    std::string_view("PK\x05\x06"),
};

/// "BZh", the block size as a digit, and the beginning of the first block, or of the end where there is none.
bool is_bzip2(const std::string_view head) noexcept {
    constexpr std::size_t digit_at = 3;
    constexpr std::string_view block = "\x31\x41\x59\x26\x53\x59";
    constexpr std::string_view end = "\x17\x72\x45\x38\x50\x90";
    if (!head.starts_with("BZh") || head.size() < digit_at + 1 + block.size()) {
        return false;
    }
    const std::string_view rest = head.substr(digit_at + 1);
    return head[digit_at] >= '1' && head[digit_at] <= '9'
        && (rest.starts_with(block) || rest.starts_with(end));
}

}  // namespace

bool has_compressed_name(const std::string_view name) noexcept {
    return std::any_of(suffixes.begin(), suffixes.end(), [name](const std::string_view suffix) {
        return name.ends_with(suffix);
    });
}

bool is_compressed(const ByteView head) noexcept {
    const std::string_view text = as_text(head);
    return is_bzip2(text)
        || std::any_of(magics.begin(), magics.end(), [text](const std::string_view magic) {
               return text.starts_with(magic);
           });
}

}  // namespace logboom::source
