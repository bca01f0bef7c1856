#include "shared/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace logboom {

void assertion_failed(
    const char* const kind, const char* const what, const char* const file, const int line
) noexcept {
    std::fprintf(stderr, "%s:%d: %s failed: %s\n", file, line, kind, what);
    std::fflush(stderr);
    std::abort();
}

}  // namespace logboom
