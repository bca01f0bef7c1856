// Writes batches of ours as hexadecimal lines, for read_ours.py to read with other people's code.
//   write_batches          four lines: a name, the number of records, the batch
#include "shared/record/batch_builder.h"

#include <cstdio>
#include <string>

using namespace logboom;
using namespace logboom::record;

namespace {

void print_batch(const char* const name, const int count, const bool is_marked) {
    RecordHeaders headers;
    headers.add("lb.host", "web-01");
    headers.add("lb.path", "/var/log/app.log");
    BatchBuilder builder;
    builder.begin(headers);
    for (int n = 0; n < count; ++n) {
        builder.append(1'700'000'000'000 + n, as_bytes("line " + std::to_string(n)));
    }
    Buffer out;
    SourceCursor cursor;
    cursor.to = 1000;
    const SealedBatch sealed = is_marked ? builder.seal(cursor, out)
                                         : builder.seal_without_cursor(out);
    std::printf("%s %d %s\n", name, sealed.records_count, to_hex(out.view()).c_str());
}

}  // namespace

int main() {
    print_batch("plain", 3, false);
    print_batch("lz4", 300, false);
    print_batch("lz4-of-many-blocks", 20'000, false);
    print_batch("marked", 20'000, true);
    return 0;
}
