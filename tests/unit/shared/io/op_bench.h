// One operation at a time on a world's backend, without tasks: what each backend promises is asked with this.
#pragma once

#include "shared/io/fs.h"
#include "shared/io/io_backend.h"
#include "shared/io/net.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace logboom::test {

using io::Op;
using io::OpKind;

class Bench;

/// One operation, what it points to, and what became of it.
struct OpProbe {
    explicit OpProbe(const OpKind kind) {
        op.kind = kind;
        op.owner = this;
        op.on_done = [](Op& done) {
            auto& self = *static_cast<OpProbe*>(done.owner);
            BOOST_TEST(!self.is_inside_a_call);
            ++self.completions;
            if (self.then) {
                self.then();
            }
        };
        op.on_multi = [](Op& event, const std::int32_t res, const ByteView data) {
            auto& self = *static_cast<OpProbe*>(event.owner);
            BOOST_TEST(!self.is_inside_a_call);
            BOOST_TEST(self.completions == 0);
            self.events.push_back(res);
            self.received += as_text(data);
        };
    }
    OpProbe(const OpProbe&) = delete;
    OpProbe& operator=(const OpProbe&) = delete;

    [[nodiscard]] std::string room_text() const {
        const auto size = static_cast<std::size_t>(std::max(0, op.res));
        return std::string(as_text(ByteView(room).first(std::min(size, room.size()))));
    }
    void read_into_room(const std::size_t size) {
        room.resize(size);
        op.buf = room.data();
        op.len = static_cast<std::uint32_t>(size);
    }
    /// In two pieces.
    void write_from(std::string bytes) {
        text = std::move(bytes);
        const std::size_t half = text.size() / 2;
        iov[0] = {text.data(), half};
        iov[1] = {text.data() + half, text.size() - half};
        op.iov = iov.data();
        op.iov_count = 2;
        op.out = &message;
    }

    Op op;
    std::string path;
    std::string path2;
    std::string text;
    std::vector<std::byte> room;
    std::array<iovec, 2> iov{};
    msghdr message{};
    SocketAddress address{};
    struct statx stat {};
    std::vector<io::DirEntry> entries;
    std::vector<std::string> hosts;
    io::FsInfo info;
    std::uint64_t number = 0;

    std::function<void()> then;  // inside its completion
    Bench* bench = nullptr;      // for events that act
    bool is_inside_a_call = false;
    int completions = 0;
    std::vector<std::int32_t> events;  // of a multishot operation
    std::string received;
};

/// Runs operations on a world's backend, without tasks.
class Bench {
public:
    explicit Bench(IoWorld& world) : world_(world), serial_(++last_serial_) {}
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
    ~Bench() {
        for (const int fd : open_) {
            OpProbe p(OpKind::close);
            p.op.fd = fd;
            static_cast<void>(run(p));
        }
    }

    [[nodiscard]] IoWorld& world() noexcept { return world_; }
    [[nodiscard]] io::IoBackend& backend() noexcept { return world_.backend(); }
    [[nodiscard]] bool is_real() noexcept { return world_.sim() == nullptr; }
    /// A name that no other bench of this world uses.
    [[nodiscard]] std::string path(const std::string& name) {
        return world_.path(std::to_string(serial_) + "-" + name);
    }

    void submit(OpProbe& p) {
        p.op.in_kernel = true;
        p.is_inside_a_call = true;
        backend().submit(p.op);
        p.is_inside_a_call = false;
    }
    /// Where the kernel still has it: nobody may cancel what has ended.
    void cancel(OpProbe& p) {
        if (!p.op.in_kernel) {
            return;
        }
        p.is_inside_a_call = true;
        p.op.cancel_requested = true;
        backend().cancel(p.op);
        p.is_inside_a_call = false;
    }
    std::int32_t wait(OpProbe& p) {
        const SteadyTime give_up = backend().now() + 30s;
        while (p.completions == 0) {
            BOOST_REQUIRE((backend().now() < give_up));
            backend().poll(give_up);
        }
        BOOST_TEST(p.completions == 1);
        BOOST_TEST(!p.op.in_kernel);
        return p.op.res;
    }
    std::int32_t run(OpProbe& p) {
        submit(p);
        return wait(p);
    }
    /// Lets a little time pass, in which what is done is told.
    void pass(const Nanos time) { backend().poll(backend().now() + time); }
    /// Whatever was to come has come.
    void pass_a_while() {
        for (int turn = 0; turn < 5; ++turn) {
            pass(200us);
        }
    }
    void run_until(const std::function<bool()>& condition) {
        const SteadyTime give_up = backend().now() + 30s;
        while (!condition()) {
            BOOST_REQUIRE((backend().now() < give_up));
            backend().poll(give_up);
        }
    }

    void adopt(const int fd) {
        BOOST_REQUIRE(fd >= 0);
        open_.insert(fd);
    }
    void forget(const int fd) { open_.erase(fd); }
    int open(const std::string& at, const int flags) {
        OpProbe p(OpKind::open);
        p.path = at;
        p.op.path = p.path.c_str();
        p.op.flags = static_cast<std::uint32_t>(flags | O_CLOEXEC);
        p.op.mode = 0640;
        const int fd = run(p);
        adopt(fd);
        return fd;
    }
    int make_file(const std::string& name, const std::string& content, const int flags = O_RDWR) {
        const int fd = open(path(name), O_CREAT | O_RDWR);
        OpProbe p(OpKind::writev);
        p.op.fd = fd;
        p.write_from(content);
        BOOST_REQUIRE(run(p) == static_cast<std::int32_t>(content.size()));
        return flags == O_RDWR ? fd : open(path(name), flags);
    }
    void close(const int fd) {
        OpProbe p(OpKind::close);
        p.op.fd = fd;
        BOOST_TEST(run(p) == 0);
        forget(fd);
    }
    int listen() {
        OpProbe p(OpKind::listen_tcp);
        p.address = {"127.0.0.1", 0};
        p.op.address = &p.address;
        const int fd = run(p);
        adopt(fd);
        return fd;
    }
    [[nodiscard]] SocketAddress address_of(const int listener) {
        OpProbe p(OpKind::local_port);
        p.op.fd = listener;
        return SocketAddress{"127.0.0.1", static_cast<std::uint16_t>(run(p))};
    }
    int connect(const SocketAddress& address) {
        OpProbe p(OpKind::connect_tcp);
        p.address = address;
        p.op.address = &p.address;
        const int fd = run(p);
        adopt(fd);
        return fd;
    }
    struct Pair {
        int client;
        int server;
    };
    Pair make_pair() {
        const int listener = listen();
        OpProbe accept(OpKind::accept_multi);
        accept.op.fd = listener;
        submit(accept);
        Pair pair{};
        pair.client = connect(address_of(listener));
        run_until([&accept] { return !accept.events.empty(); });
        pair.server = accept.events.front();
        adopt(pair.server);
        cancel(accept);
        wait(accept);
        close(listener);
        return pair;
    }
    void send(const int fd, const std::string& bytes) {
        std::size_t done = 0;
        while (done < bytes.size()) {
            OpProbe p(OpKind::sendmsg);
            p.op.fd = fd;
            p.write_from(bytes.substr(done));
            const std::int32_t res = run(p);
            BOOST_REQUIRE(res > 0);
            done += static_cast<std::size_t>(res);
        }
    }
    std::string receive(const int fd, const std::size_t size) {
        OpProbe p(OpKind::recv);
        p.op.fd = fd;
        p.read_into_room(size);
        run(p);
        return p.room_text();
    }
    void shut_down(const int fd, const int how) {
        OpProbe p(OpKind::shutdown);
        p.op.fd = fd;
        p.op.flags = static_cast<std::uint32_t>(how);
        BOOST_TEST(run(p) == 0);
    }
    /// From here on the kernel has no descriptor left for us.
    void use_up_descriptors() {
        if (is_real()) {
            BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &descriptors_) == 0);
            const rlimit few{3, descriptors_.rlim_max};
            BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
            return;
        }
        for (;;) {
            OpProbe p(OpKind::inotify_open);
            if (run(p) < 0) {
                return;
            }
            adopt(p.op.res);
        }
    }
    void give_descriptors_back() {
        if (is_real()) {
            BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &descriptors_) == 0);
        }
    }
    int watch(const std::string& directory) {
        OpProbe made(OpKind::inotify_open);
        const int fd = run(made);
        adopt(fd);
        OpProbe p(OpKind::inotify_add);
        p.path = directory;
        p.op.fd = fd;
        p.op.path = p.path.c_str();
        p.op.flags = IN_CREATE;
        BOOST_REQUIRE(run(p) > 0);
        return fd;
    }

private:
    IoWorld& world_;
    int serial_;
    std::set<int> open_;
    rlimit descriptors_{};
    inline static int last_serial_ = 0;
};

}  // namespace logboom::test
