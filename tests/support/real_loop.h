// Runs one task on a real loop and backend, for tests of parts that need an Env and no simulator.
#pragma once

#include "shared/io/backend_maker.h"
#include "shared/io/event_loop.h"

#include <functional>
#include <memory>
#include <string>

namespace logboom::test {

struct NoSink final : LogSink {
    void write(LogLevel, std::string_view) override {}
};

/// `make` is a plain call that makes the task; it runs to its end before this returns.
inline void run_on_loop(const std::function<Task<void>(Shard&)>& make) {
    io::BackendMaker maker(io::BackendChoice::automatic, io::UringOptions::for_agent());
    auto made = maker.make();
    LB_ASSERT(std::holds_alternative<std::unique_ptr<io::IoBackend>>(made));
    const auto backend = std::move(std::get<std::unique_ptr<io::IoBackend>>(made));
    NoSink sink;
    io::EnvHolder holder(*backend, sink, LogLevel::error, 1, 1u << 20);
    io::EventLoop loop(*backend, holder, 0);
    loop.run(make(loop.shard()));
}

}  // namespace logboom::test
