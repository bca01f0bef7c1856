// What the kernel tells of watched directories: the names in it are those of other people's files.
#include "shared/io/watch_events.h"

#include "tests/fuzz/fuzz.h"

#include <sys/inotify.h>

using namespace logboom;
using namespace logboom::io;

namespace {

/// As the kernel writes them: the name with a zero byte behind it, padded to the size of the head.
void encode(const std::vector<WatchEvent>& events, Buffer& out) {
    for (const WatchEvent& event : events) {
        const std::size_t unit = sizeof(inotify_event);
        inotify_event head{};
        head.wd = event.watch;
        head.mask = event.mask;
        head.cookie = event.cookie;
        head.len = static_cast<std::uint32_t>(
            event.name.empty() ? 0 : (event.name.size() / unit + 1) * unit
        );
        out.append(std::as_bytes(std::span(&head, 1)));
        out.append(as_bytes(event.name));
        for (std::size_t left = head.len - event.name.size(); left > 0; --left) {
            out.append(ByteView(std::array{std::byte{0}}));
        }
    }
}

bool is_same_event(const WatchEvent& a, const WatchEvent& b) {
    return a.watch == b.watch && a.mask == b.mask && a.cookie == b.cookie && a.name == b.name;
}

}  // namespace

LB_FUZZ_TARGET(watch_events) {
    const std::vector<WatchEvent> events = parse_watch_events(fuzz::view_of(data, size));
    LB_ASSERT(events.size() <= size / sizeof(inotify_event));
    for (const WatchEvent& event : events) {
        LB_ASSERT(event.name.find('\0') == std::string::npos);
    }
    Buffer bytes;
    encode(events, bytes);
    const fuzz::Exact exact(bytes.view());
    LB_ASSERT(std::ranges::equal(parse_watch_events(exact.view()), events, is_same_event));
    return 0;
}
