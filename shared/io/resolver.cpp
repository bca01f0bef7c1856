#include "shared/io/resolver.h"

#include "shared/io/file_threads.h"

#include <netdb.h>
#include <netinet/in.h>
#ifdef LB_PORTABLE
#    include <nss.h>
#endif

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace logboom::io {

/// Held by the resolver and by its thread, so that either may end first.
struct Resolver::State {
    struct Query {
        Op* op = nullptr;  // null: it was withdrawn
        std::string host;
        std::vector<std::string> found;
    };

    std::mutex mutex;
    std::condition_variable wake;
    std::function<void()> on_answer;  // called under the mutex, never after `is_over`
    Lookup lookup;
    std::deque<Query> asked;  // the first is being looked up if there is a thread
    std::vector<Query> answered;
    bool has_thread = false;
    bool is_over = false;

    static void run(const std::shared_ptr<State>& state) {
        State& s = *state;
        std::unique_lock lock(s.mutex);
        for (;;) {
            s.wake.wait(lock, [&s] { return s.is_over || !s.asked.empty(); });
            if (s.is_over) {
                return;
            }
            const std::string host = s.asked.front().host;
            lock.unlock();
            std::vector<std::string> found = s.lookup(host);
            lock.lock();
            if (s.is_over) {
                return;
            }
            Query query = std::move(s.asked.front());
            s.asked.pop_front();
            if (query.op != nullptr) {
                query.found = std::move(found);
                s.answered.push_back(std::move(query));
                s.on_answer();
            }
        }
    }
};

Resolver::Resolver(std::function<void()> on_answer, Lookup lookup)
    : state_(std::make_shared<State>()) {
    state_->on_answer = std::move(on_answer);
    state_->lookup = std::move(lookup);
}

Resolver::~Resolver() {
    const std::lock_guard lock(state_->mutex);
    state_->is_over = true;
    state_->wake.notify_all();
}

void Resolver::submit(Op& op) {
    const std::lock_guard lock(state_->mutex);
    if (!state_->has_thread) {  // programs that know their peers by number have no such thread
        std::thread thread = start_helper([state = state_] { State::run(state); });
        if (!thread.joinable()) {  // the host has none for us: as if nobody knew the name
            state_->answered.push_back(State::Query{&op, {}, {}});
            state_->on_answer();
            return;
        }
        state_->has_thread = true;
        thread.detach();
    }
    State::Query& query = state_->asked.emplace_back();
    query.op = &op;
    query.host = op.path;
    state_->wake.notify_all();
}

bool Resolver::withdraw(Op& op) {
    const std::lock_guard lock(state_->mutex);
    const auto query = std::ranges::find(state_->asked, &op, &State::Query::op);
    if (query == state_->asked.end()) {
        return false;
    }
    if (query == state_->asked.begin()) {
        query->op = nullptr;  // in work
    } else {
        state_->asked.erase(query);
    }
    return true;
}

std::vector<std::pair<Op*, std::int32_t>> Resolver::collect() {
    std::vector<State::Query> answered;
    {
        const std::lock_guard lock(state_->mutex);
        answered.swap(state_->answered);
    }
    std::vector<std::pair<Op*, std::int32_t>> results;
    for (State::Query& query : answered) {
        results.emplace_back(query.op, query.found.empty() ? -ENOENT : 0);
        *static_cast<std::vector<std::string>*>(query.op->out) = std::move(query.found);
    }
    return results;
}

namespace {

/// A fully static program has the C library's own name services, files and DNS, inside. Any other that the
/// machine's nsswitch.conf names would be loaded from that machine, with another C library behind it.
void only_own_name_services() {
#ifdef LB_PORTABLE
    static std::once_flag once;
    std::call_once(once, [] { __nss_configure_lookup("hosts", "files dns"); });
#endif
}

}  // namespace

std::vector<std::string> Resolver::ask_system(const std::string& host) {
    // Nobody else is asked for this name (RFC 6761 6.3): a bare system has no /etc/hosts that knows it.
    if (host == "localhost") {
        return {"127.0.0.1", "::1"};
    }
    only_own_name_services();
    std::vector<std::string> addresses;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) {
        return addresses;
    }
    for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        const int failed = ::getnameinfo(
            a->ai_addr, a->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST
        );
        if (failed == 0) {
            addresses.emplace_back(text.data());
        }
    }
    ::freeaddrinfo(found);
    return addresses;
}

}  // namespace logboom::io
