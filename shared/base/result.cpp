#include "shared/base/result.h"

#include <cstring>

namespace logboom {

const char* to_string(const ErrorCode code) noexcept {
    switch (code) {
    case ErrorCode::internal: return "internal";
    case ErrorCode::io: return "io";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::timed_out: return "timed_out";
    case ErrorCode::closed: return "closed";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::malformed: return "malformed";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::too_large: return "too_large";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::already_exists: return "already_exists";
    case ErrorCode::not_leader: return "not_leader";
    case ErrorCode::out_of_range: return "out_of_range";
    case ErrorCode::no_space: return "no_space";
    case ErrorCode::storage_failed: return "storage_failed";
    case ErrorCode::fenced: return "fenced";
    case ErrorCode::rejected: return "rejected";
    case ErrorCode::busy: return "busy";
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::out_of_order: return "out_of_order";
    }
    LB_UNREACHABLE("ErrorCode");
}

std::string to_string(const Error& error) {
    std::string text = error.step;
    if (!text.empty()) {
        text += ": ";
    }
    text += to_string(error.code);
    if (error.sys_errno != 0) {
        text += " (";
        text += strerrordesc_np(error.sys_errno);
        text += ')';
    }
    return text;
}

}  // namespace logboom
