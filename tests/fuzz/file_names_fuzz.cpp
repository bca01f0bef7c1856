// Names in directories that others write to as well, and the first bytes of their files.
#include "agent/source/file/compressed.h"
#include "collector/storage/layout.h"
#include "tests/fuzz/fuzz.h"

using namespace logboom;

LB_FUZZ_TARGET(file_names) {
    const ByteView bytes = fuzz::view_of(data, size);
    const std::string_view name = as_text(bytes);
    for (const std::string_view suffix : {storage::log_suffix, storage::state_suffix}) {
        const std::optional<Offset> base = storage::parse_segment_file_name(name, suffix);
        LB_ASSERT(!base || storage::segment_file_name(*base, suffix) == name);
    }
    LB_ASSERT(!source::has_compressed_name(name) || name.find('.') != std::string_view::npos);
    LB_ASSERT(!source::is_compressed(bytes) || size > 2);
    return 0;
}
