#include "agent/parse/newline.h"

#if defined(__x86_64__)
#    include <immintrin.h>
#endif

namespace logboom::parse {

void newline_masks_portable(
    const std::byte* const data, const std::size_t masks_count, std::uint64_t* const masks
) noexcept {
    std::fill_n(masks, masks_count, 0);
    const std::byte* const end = data + masks_count * mask_bytes;
    const std::byte* at = data;
    while (at < end) {
        const void* const hit = std::memchr(at, '\n', static_cast<std::size_t>(end - at));
        if (hit == nullptr) {
            return;
        }
        const auto index = static_cast<std::size_t>(static_cast<const std::byte*>(hit) - data);
        masks[index / mask_bytes] |= std::uint64_t{1} << (index % mask_bytes);
        at = data + index + 1;
    }
}

namespace {

using MasksFunction = void (*)(const std::byte*, std::size_t, std::uint64_t*) noexcept;

#if defined(__x86_64__)
__attribute__((target("avx2"))) void newline_masks_avx2(
    const std::byte* data, const std::size_t masks_count, std::uint64_t* const masks
) noexcept {
    const __m256i newline = _mm256_set1_epi8('\n');
    for (std::size_t k = 0; k < masks_count; ++k, data += mask_bytes) {
        const __m256i low =
            _mm256_loadu_si256(static_cast<const __m256i*>(static_cast<const void*>(data)));
        const __m256i high =
            _mm256_loadu_si256(static_cast<const __m256i*>(static_cast<const void*>(data + 32)));
        const auto low_mask =
            static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, newline)));
        const auto high_mask =
            static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, newline)));
        masks[k] = low_mask | (std::uint64_t{high_mask} << 32);
    }
}

MasksFunction choose() noexcept {
    return __builtin_cpu_supports("avx2") != 0 ? newline_masks_avx2 : newline_masks_portable;
}
#else
MasksFunction choose() noexcept {
    return newline_masks_portable;
}
#endif

}  // namespace

void newline_masks(
    const std::byte* const data, const std::size_t masks_count, std::uint64_t* const masks
) noexcept {
    static const MasksFunction chosen = choose();
    chosen(data, masks_count, masks);
}

}  // namespace logboom::parse
