#include "shared/io/backend_maker.h"

#include "shared/base/assert.h"

namespace logboom::io {

namespace {

constexpr const char* do_without =
    "\nTo do without io_uring set [io] backend = \"poll\" (epoll and threads)";

std::variant<std::unique_ptr<IoBackend>, std::string> make_poll_backend() {
    auto made = PollBackend::make(PollOptions());
    if (auto* const text = std::get_if<std::string>(&made)) {
        return std::move(*text);
    }
    return std::unique_ptr<IoBackend>(std::move(std::get<std::unique_ptr<PollBackend>>(made)));
}

}  // namespace

const char* to_string(const BackendKind kind) noexcept {
    switch (kind) {
    case BackendKind::uring: return "io_uring";
    case BackendKind::poll: return "poll";
    }
    LB_UNREACHABLE("BackendKind");
}

std::variant<std::unique_ptr<IoBackend>, std::string> BackendMaker::make() {
    if (choice_ != BackendChoice::poll) {
        auto made = UringBackend::make(uring_);
        if (auto* const ring = std::get_if<std::unique_ptr<UringBackend>>(&made)) {
            choice_ = BackendChoice::uring;
            rung_ = (*ring)->stats().rung;
            return std::unique_ptr<IoBackend>(std::move(*ring));
        }
        const UringRefusal& refusal = std::get<UringRefusal>(made);
        if (choice_ == BackendChoice::uring && refusal.is_unavailable) {
            return refusal.text + do_without;
        }
        if (!refusal.is_unavailable) {
            return refusal.text;
        }
        refusal_ = refusal.first_line();
    }
    choice_ = BackendChoice::poll;
    kind_ = BackendKind::poll;
    return make_poll_backend();
}

}  // namespace logboom::io
