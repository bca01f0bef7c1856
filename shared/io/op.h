// An I/O is data: a plain Op, in the awaiter and so in the coroutine's frame, is handed to an
// IoBackend. Only shared/io, the simulator and its tests know this type (io-runtime 4.1).
#pragma once

#include "shared/base/bytes.h"
#include "shared/base/time.h"
#include "shared/io/scheduler.h"

#include <sys/uio.h>

#include <coroutine>
#include <cstdint>

namespace logboom::io {

enum class OpKind : std::uint8_t {
    // Networking. `address` names host and port (or path); see net.h.
    listen_tcp,    // -> fd; backlog and SO_REUSEPORT set; `flags` 1: reuse port
    local_port,    // of `fd` -> port
    peer_address,  // of `fd`, `out` = SocketAddress*
    accept_multi,  // multishot: on_multi(res = fd of a connection); `length` as in connect_tcp
    connect_tcp,   // -> connected fd (socket made by the backend); `length`: TCP_USER_TIMEOUT in ms
    recv_multi,    // multishot: on_multi(data); res 0 = end of stream
    recv,          // exactly once, MSG_WAITALL: fills buf[0, len) unless the stream ends
    recv_some,     // exactly once: what is there, at most buf[0, len); res 0 = end of stream
    sendmsg,       // gathers iov[0, iov_count) with MSG_WAITALL | MSG_NOSIGNAL; short counts happen
    shutdown,      // `flags`: SHUT_WR or SHUT_RDWR
    resolve,       // `path` = host, `out` = std::vector<std::string>*: numeric addresses
    // Files.
    open,    // `path`, `flags`, `mode` -> fd
    close,   // any fd
    read,    // buf[0, len) at `off`; `off` = -1: stream (inotify)
    writev,  // iov at `off`
    fdatasync,
    fsync,      // also of a directory's fd
    statx,      // of `fd` (path "") or `path`; `out` = struct statx*; `flags` AT_...
    fallocate,  // `off` = begin, `length`
    ftruncate,  // `length`
    rename,     // `path` -> `path2`
    unlink,     // `path`; `flags` AT_REMOVEDIR
    mkdir,
    list_dir,   // `path`, `out` = std::vector<DirEntry>*; `flags`: a ListDetail
    statfs,     // `path`, `out` = FsInfo*
    read_link,  // `path`, `out` = std::string*
    lock_file,  // exclusive OFD lock on `fd`, not waiting; -EAGAIN: somebody has it
    // What a tailer asks of a file.
    has_writer,      // 1 / 0 by a read lease on `fd` (agent-design T14); -EACCES etc.: cannot tell
    get_generation,  // FS_IOC_GETVERSION of `fd`, `out` = std::uint64_t*
    // inotify.
    inotify_open,    // -> fd
    inotify_add,     // `fd`, `path`, `flags` = mask -> watch id
    inotify_remove,  // `fd`, `length` = watch id
};

[[nodiscard]] const char* to_string(OpKind kind) noexcept;

struct Op {
    OpKind kind{};
    int fd = -1;
    std::byte* buf = nullptr;
    std::uint32_t len = 0;
    std::uint32_t iov_count = 0;
    const iovec* iov = nullptr;
    std::int64_t off = 0;
    std::int64_t length = 0;
    const char* path =
        nullptr;  // zero-terminated; lives until the completion, as all pointers here
    const char* path2 = nullptr;
    const void* address = nullptr;  // const SocketAddress*
    std::uint32_t flags = 0;
    std::uint32_t mode = 0;
    void* out = nullptr;

    std::int32_t res = 0;  // >= 0 or -errno
    bool in_kernel = false;
    bool cancel_requested = false;
    Scheduler* scheduler = nullptr;
    std::coroutine_handle<> waiter;  // posted at the completion, unless on_done is set
    void (*on_done
    )(Op&) = nullptr;  // called once, at the (last) completion; must not run product code
    /// Multishot kinds: each event before the last. `data` is valid during the call only.
    void (*on_multi)(Op&, std::int32_t res, ByteView data) = nullptr;
    void* owner = nullptr;  // of on_done and on_multi
    // For the backend alone.
    std::uint64_t backend_id = 0;
    bool is_retried = false;
    void* backend_data = nullptr;
};

}  // namespace logboom::io
