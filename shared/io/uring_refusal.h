// Why there is no ring on this host, for its operator and for the program that may do without one.
#pragma once

#include <string>

namespace logboom::io {

struct UringRefusal {
    /// Which call failed and why, what the usual causes are and what to do about each (R15). Several lines,
    /// of which the first stands for itself.
    std::string text;
    /// The host has no io_uring for us, by its kernel or its policy: PollBackend may stand in (R17). Else
    /// there is one, and what is missing is memory or descriptors: an error like any other.
    bool is_unavailable = false;

    [[nodiscard]] std::string first_line() const { return text.substr(0, text.find('\n')); }
};

/// `call` failed with `error`, an errno.
[[nodiscard]] UringRefusal explain_refusal(const char* call, int error);

}  // namespace logboom::io
