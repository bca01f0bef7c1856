// Patterns for paths, and the paths of a foreign directory. The input: a pattern, a zero byte, a path.
#include "agent/source/file/glob.h"

#include "tests/fuzz/fuzz.h"

#include <string>

using namespace logboom;
using namespace logboom::source;

LB_FUZZ_TARGET(glob) {
    const std::string_view text = as_text(fuzz::view_of(data, size));
    const std::size_t zero = std::min(text.find('\0'), text.size());
    const std::string_view pattern = text.substr(0, zero);
    const std::string path = "/" + std::string(text.substr(std::min(zero + 1, text.size())));

    const Glob glob(pattern);
    LB_ASSERT(!glob.is_literal() || pattern.find('*') == std::string_view::npos);
    const bool is_match = glob.matches(path);
    LB_ASSERT(PathSet({std::string(pattern)}, {}).matches(path) <= is_match);
    const Exclusion exclusion({std::string(pattern)});
    LB_ASSERT(!exclusion.covers(path) || exclusion.covers_with_trees(path));
    static_cast<void>(exclusion.covers_tree(path));
    static_cast<void>(matches_name(pattern, base_name(path)));

    const std::string plain = without_detours(path);
    LB_ASSERT(plain.starts_with('/') && without_detours(plain) == plain);
    LB_ASSERT(plain == "/" || join_path(parent_of(plain), base_name(plain)) == plain);
    return 0;
}
