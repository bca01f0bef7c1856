#include "shared/io/poll_backend.h"

#include "shared/io/epoll_waits.h"
#include "shared/io/file_threads.h"
#include "shared/io/op_calls.h"
#include "shared/io/real_time.h"
#include "shared/io/resolver.h"
#include "shared/io/wake_event.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <map>
#include <vector>

namespace logboom::io {

namespace {

/// Rounded up: a loop that is woken too early would only wait again.
int timeout_ms(const SteadyTime until, const SteadyTime now) noexcept {
    if (until == SteadyTime::max()) {
        return -1;
    }
    if (until <= now) {
        return 0;
    }
    const auto left = std::chrono::ceil<Millis>(until - now).count();
    return static_cast<int>(std::min<std::int64_t>(left, INT_MAX));
}

}  // namespace

/// A descriptor that threads work on is closed when they are done with it, so that none of them meets the
/// next file of its number.
struct PollBackend::State {
    explicit State(const PollOptions& options)
        : waits(
            [](Op& op, const std::int32_t res) { complete(op, res); }, options.receive_buffer_bytes
        )
        , resolver([this] { on_answer(); })
        , threads(std::make_unique<FileThreads>([this] { on_answer(); }, options.file_threads_max)
          ) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State();

    struct Calls {
        std::size_t count = 0;
        Op* close = nullptr;  // until they have ended
    };

    WakeEvent wake_event;
    std::atomic<bool> has_answers{false};
    EpollWaits waits;
    Resolver resolver;
    std::unique_ptr<FileThreads> threads;
    std::map<int, Calls> calls;                       // with the threads, by descriptor
    std::vector<std::pair<Op*, std::int32_t>> ready;  // over, told on the next turn
    std::map<const Op*, std::unique_ptr<Op>> late_closes;

    void on_answer() noexcept;
    [[nodiscard]] bool is_closing(int fd) const;
    void begin_call(Op& op);
    void end_call(const Op& op);
    void begin_close(Op& op);
    [[nodiscard]] bool withdraw_close(const Op& op);
    void collect();
};

PollBackend::State::~State() {
    threads.reset();  // it does all that it was asked for
    for (const auto& [fd, work] : calls) {
        if (work.close != nullptr) {
            ::close(fd);
        }
    }
}

/// Called by other threads.
void PollBackend::State::on_answer() noexcept {
    if (!has_answers.exchange(true, std::memory_order_acq_rel)) {
        wake_event.set();
    }
}

bool PollBackend::State::is_closing(const int fd) const {
    const auto at = calls.find(fd);
    return at != calls.end() && at->second.close != nullptr;
}

void PollBackend::State::begin_call(Op& op) {
    if (op.fd >= 0) {
        ++calls[op.fd].count;
    }
    threads->submit(op);
}

void PollBackend::State::end_call(const Op& op) {
    if (op.fd < 0 || op.kind == OpKind::close) {
        return;
    }
    const auto at = calls.find(op.fd);
    --at->second.count;
    if (at->second.count == 0) {
        Op* const close = at->second.close;
        calls.erase(at);
        if (close != nullptr) {
            threads->submit(*close);
        }
    }
}

void PollBackend::State::begin_close(Op& op) {
    waits.forget(op.fd);
    const auto at = calls.find(op.fd);
    if (at == calls.end()) {
        threads->submit(op);
    } else {
        at->second.close = &op;
    }
}

bool PollBackend::State::withdraw_close(const Op& op) {
    const auto at = calls.find(op.fd);
    if (at == calls.end() || at->second.close != &op) {
        return false;
    }
    at->second.close = nullptr;
    return true;
}

void PollBackend::State::collect() {
    if (!has_answers.exchange(false, std::memory_order_acq_rel)) {
        return;
    }
    for (const auto& [op, res] : threads->collect()) {
        end_call(*op);
        complete(*op, res);
    }
    for (const auto& [op, res] : resolver.collect()) {
        complete(*op, res);
    }
}

// --- The seam ------------------------------------------------------------------------------------

std::variant<std::unique_ptr<PollBackend>, std::string> PollBackend::make(const PollOptions& options
) {
    auto state = std::make_unique<State>(options);
    std::int32_t refusal = state->wake_event.open(EFD_NONBLOCK);
    if (refusal < 0) {
        return std::string("eventfd: ") + strerrordesc_np(-refusal);
    }
    refusal = state->waits.open(state->wake_event.fd());
    if (refusal < 0) {
        return std::string("epoll: ") + strerrordesc_np(-refusal);
    }
    return std::unique_ptr<PollBackend>(new PollBackend(std::move(state)));
}

PollBackend::PollBackend(std::unique_ptr<State> state) : state_(std::move(state)) {}

PollBackend::~PollBackend() = default;

void PollBackend::submit(Op& op) {
    State& s = *state_;
    LB_ASSERT(op.in_kernel);
    if (s.is_closing(op.fd)) {
        s.ready.emplace_back(&op, -EBADF);
        return;
    }
    switch (op.kind) {
    case OpKind::listen_tcp:
    case OpKind::local_port:
    case OpKind::peer_address:
    case OpKind::shutdown:
    case OpKind::read_link:
    case OpKind::lock_file:
    case OpKind::has_writer:
    case OpKind::get_generation:
    case OpKind::inotify_open:
    case OpKind::inotify_add:
    case OpKind::inotify_remove: s.ready.emplace_back(&op, run_call(op)); return;
    case OpKind::accept_multi:
    case OpKind::connect_tcp:
    case OpKind::recv_multi:
    case OpKind::recv:
    case OpKind::recv_some:
    case OpKind::sendmsg: s.waits.add(op); return;
    case OpKind::resolve: s.resolver.submit(op); return;
    case OpKind::close: s.begin_close(op); return;
    case OpKind::read:
        if (op.off < 0) {
            s.waits.add(op);
        } else {
            s.begin_call(op);
        }
        return;
    case OpKind::open:
    case OpKind::writev:
    case OpKind::fdatasync:
    case OpKind::fsync:
    case OpKind::statx:
    case OpKind::fallocate:
    case OpKind::ftruncate:
    case OpKind::rename:
    case OpKind::unlink:
    case OpKind::mkdir:
    case OpKind::list_dir:
    case OpKind::statfs: s.begin_call(op); return;
    }
}

void PollBackend::cancel(Op& op) {
    State& s = *state_;
    if (s.waits.cancel(op)) {
        return;
    }
    const bool is_withdrawn = s.threads->withdraw(op);
    if (is_withdrawn) {
        s.end_call(op);
    }
    if (is_withdrawn || s.withdraw_close(op) || s.resolver.withdraw(op)) {
        s.ready.emplace_back(&op, -ECANCELED);
    }
    // Else it is in work or over: it is told on a later turn.
}

void PollBackend::close_later(const int fd) {
    State& s = *state_;
    auto made = std::make_unique<Op>();
    Op& op = *made;
    op.kind = OpKind::close;
    op.fd = fd;
    op.owner = &s;
    op.on_done = [](Op& done) { static_cast<State*>(done.owner)->late_closes.erase(&done); };
    op.in_kernel = true;
    s.late_closes.emplace(&op, std::move(made));
    submit(op);
}

void PollBackend::poll(const SteadyTime until) {
    State& s = *state_;
    const bool has_news = !s.ready.empty() || s.waits.has_due();
    s.waits.wait(has_news ? 0 : timeout_ms(until, now()));
    s.waits.try_due();
    s.collect();
    for (const auto& [op, res] : std::exchange(s.ready, {})) {
        complete(*op, res);
    }
}

void PollBackend::wake() noexcept {
    state_->wake_event.set();
}

SteadyTime PollBackend::now() {
    return boot_time();
}

WallTime PollBackend::wall() {
    return real_time();
}

}  // namespace logboom::io
