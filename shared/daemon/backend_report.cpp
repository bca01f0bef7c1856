#include "shared/daemon/backend_report.h"

namespace logboom::daemon {

namespace {

std::string reason_of(const io::BackendMaker& backend) {
    if (!backend.refusal().empty()) {
        return backend.refusal();
    }
    return backend.kind() == io::BackendKind::uring ? "available" : "configured";
}

}  // namespace

void log_backend(const Logger& log, const io::BackendMaker& backend) {
    if (!backend.refusal().empty()) {
        log.warn(
            "io_uring cannot be used; going on with epoll and threads",
            {kv("reason", logboom::quoted(backend.refusal()))}
        );
    } else if (backend.kind() == io::BackendKind::uring) {
        log.info("io_uring is used", {kv("rung", backend.rung())});
    } else {
        log.warn("epoll and threads are used in place of io_uring, as [io] backend says");
    }
}

void show_backend(
    metrics::Registry& registry, const std::string& prefix, const io::BackendMaker& backend
) {
    const std::string kind = io::to_string(backend.kind());
    const std::string reason = reason_of(backend);
    registry
        .gauge(
            prefix + "_runtime_backend",
            "How the kernel is asked, and why so.",
            {{"kind", kind}, {"reason", reason}}
        )
        .set(1);
    if (backend.kind() == io::BackendKind::uring) {
        registry
            .gauge(
                prefix + "_io_uring_rung",
                "Set-up flags that the kernel knows: 0 all, above it fewer."
            )
            .set(backend.rung());
    }
}

}  // namespace logboom::daemon
