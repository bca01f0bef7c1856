#include "shared/io/op.h"

#include "shared/base/result.h"
#include "shared/io/op_awaiter.h"

namespace logboom::io {

const char* to_string(const OpKind kind) noexcept {
    switch (kind) {
    case OpKind::listen_tcp: return "listen_tcp";
    case OpKind::local_port: return "local_port";
    case OpKind::peer_address: return "peer_address";
    case OpKind::accept_multi: return "accept_multi";
    case OpKind::connect_tcp: return "connect_tcp";
    case OpKind::recv_multi: return "recv_multi";
    case OpKind::recv: return "recv";
    case OpKind::recv_some: return "recv_some";
    case OpKind::sendmsg: return "sendmsg";
    case OpKind::shutdown: return "shutdown";
    case OpKind::resolve: return "resolve";
    case OpKind::open: return "open";
    case OpKind::close: return "close";
    case OpKind::read: return "read";
    case OpKind::writev: return "writev";
    case OpKind::fdatasync: return "fdatasync";
    case OpKind::fsync: return "fsync";
    case OpKind::statx: return "statx";
    case OpKind::fallocate: return "fallocate";
    case OpKind::ftruncate: return "ftruncate";
    case OpKind::rename: return "rename";
    case OpKind::unlink: return "unlink";
    case OpKind::mkdir: return "mkdir";
    case OpKind::list_dir: return "list_dir";
    case OpKind::statfs: return "statfs";
    case OpKind::read_link: return "read_link";
    case OpKind::lock_file: return "lock_file";
    case OpKind::has_writer: return "has_writer";
    case OpKind::get_generation: return "get_generation";
    case OpKind::inotify_open: return "inotify_open";
    case OpKind::inotify_add: return "inotify_add";
    case OpKind::inotify_remove: return "inotify_remove";
    }
    LB_UNREACHABLE("OpKind");
}

Error to_error(const std::int32_t negative_errno, const char* const step) noexcept {
    LB_ASSERT(negative_errno < 0);
    const std::int32_t number = -negative_errno;
    switch (number) {
    case ECANCELED: return {ErrorCode::cancelled, 0, step};
    case ENOENT: return {ErrorCode::not_found, number, step};
    case EEXIST: return {ErrorCode::already_exists, number, step};
    case ENOSPC:
    case EDQUOT: return {ErrorCode::no_space, number, step};
    case EPIPE:
    case ECONNRESET: return {ErrorCode::closed, number, step};
    case ETIMEDOUT: return {ErrorCode::timed_out, number, step};
    case EAGAIN: return {ErrorCode::busy, number, step};
    default: return {ErrorCode::io, number, step};
    }
}

}  // namespace logboom::io
