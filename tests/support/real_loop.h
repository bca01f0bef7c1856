// Runs one task on a real loop and backend, for tests of parts that need an Env and no simulator.
#pragma once

#include "shared/io/event_loop.h"
#include "shared/io/uring_backend.h"

#include <functional>
#include <memory>
#include <string>

namespace logboom::test {

struct NoSink final : LogSink {
    void write(LogLevel, std::string_view) override {}
};

/// `make` is a plain call that makes the task; it runs to its end before this returns.
inline void run_on_loop(const std::function<Task<void>(Shard&)>& make) {
    auto made = io::UringBackend::make(io::UringOptions::for_agent());
    LB_ASSERT(std::holds_alternative<std::unique_ptr<io::UringBackend>>(made));
    const auto backend = std::move(std::get<std::unique_ptr<io::UringBackend>>(made));
    NoSink sink;
    io::EnvHolder holder(*backend, sink, LogLevel::error, 1, 1u << 20);
    io::EventLoop loop(*backend, holder, 0);
    loop.run(make(loop.shard()));
}

}  // namespace logboom::test
