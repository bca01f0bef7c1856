#include "shared/io/watch_events.h"

#include <sys/inotify.h>

#include <cstring>

namespace logboom::io {

std::vector<WatchEvent> parse_watch_events(ByteView bytes) {
    std::vector<WatchEvent> events;
    while (bytes.size() >= sizeof(inotify_event)) {
        inotify_event head{};
        std::memcpy(&head, bytes.data(), sizeof head);
        bytes = bytes.subspan(sizeof head);
        if (bytes.size() < head.len) {
            break;
        }
        WatchEvent event;
        event.watch = head.wd;
        event.mask = head.mask;
        event.cookie = head.cookie;
        const std::string_view padded = as_text(bytes.first(head.len));
        event.name = padded.substr(0, padded.find('\0'));
        bytes = bytes.subspan(head.len);
        events.push_back(std::move(event));
    }
    return events;
}

}  // namespace logboom::io
