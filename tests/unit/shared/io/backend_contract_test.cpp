// What an IoBackend promises, asked of the ring on each rung and of the simulated kernel: an operation ends
// exactly once, never inside the call that began or cancelled it, with the same results and errors.
#include "shared/base/rng.h"
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
#include <csignal>
#include <functional>
#include <set>

using namespace logboom;
using io::Op;
using io::OpKind;
using test::IoWorld;

namespace {

constexpr int no_such_fd = 9999;

/// One operation, what it points to, and what became of it.
struct Probe {
    explicit Probe(const OpKind kind) {
        op.kind = kind;
        op.owner = this;
        op.on_done = [](Op& done) {
            auto& self = *static_cast<Probe*>(done.owner);
            BOOST_TEST(!self.is_inside_a_call);
            ++self.completions;
        };
        op.on_multi = [](Op& event, const std::int32_t res, const ByteView data) {
            auto& self = *static_cast<Probe*>(event.owner);
            BOOST_TEST(!self.is_inside_a_call);
            BOOST_TEST(self.completions == 0);
            self.events.push_back(res);
            self.received += as_text(data);
        };
    }
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

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
            Probe p(OpKind::close);
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

    void submit(Probe& p) {
        p.op.in_kernel = true;
        p.is_inside_a_call = true;
        backend().submit(p.op);
        p.is_inside_a_call = false;
    }
    void cancel(Probe& p) {
        p.is_inside_a_call = true;
        p.op.cancel_requested = true;
        backend().cancel(p.op);
        p.is_inside_a_call = false;
    }
    std::int32_t wait(Probe& p) {
        const SteadyTime give_up = backend().now() + 30s;
        while (p.completions == 0) {
            BOOST_REQUIRE((backend().now() < give_up));
            backend().poll(give_up);
        }
        BOOST_TEST(p.completions == 1);
        BOOST_TEST(!p.op.in_kernel);
        return p.op.res;
    }
    std::int32_t run(Probe& p) {
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
        Probe p(OpKind::open);
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
        Probe p(OpKind::writev);
        p.op.fd = fd;
        p.write_from(content);
        BOOST_REQUIRE(run(p) == static_cast<std::int32_t>(content.size()));
        return flags == O_RDWR ? fd : open(path(name), flags);
    }
    void close(const int fd) {
        Probe p(OpKind::close);
        p.op.fd = fd;
        BOOST_TEST(run(p) == 0);
        forget(fd);
    }
    int listen() {
        Probe p(OpKind::listen_tcp);
        p.address = {"127.0.0.1", 0};
        p.op.address = &p.address;
        const int fd = run(p);
        adopt(fd);
        return fd;
    }
    [[nodiscard]] SocketAddress address_of(const int listener) {
        Probe p(OpKind::local_port);
        p.op.fd = listener;
        return SocketAddress{"127.0.0.1", static_cast<std::uint16_t>(run(p))};
    }
    int connect(const SocketAddress& address) {
        Probe p(OpKind::connect_tcp);
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
        Probe accept(OpKind::accept_multi);
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
            Probe p(OpKind::sendmsg);
            p.op.fd = fd;
            p.write_from(bytes.substr(done));
            const std::int32_t res = run(p);
            BOOST_REQUIRE(res > 0);
            done += static_cast<std::size_t>(res);
        }
    }
    std::string receive(const int fd, const std::size_t size) {
        Probe p(OpKind::recv);
        p.op.fd = fd;
        p.read_into_room(size);
        run(p);
        return p.room_text();
    }
    void shut_down(const int fd, const int how) {
        Probe p(OpKind::shutdown);
        p.op.fd = fd;
        p.op.flags = static_cast<std::uint32_t>(how);
        BOOST_TEST(run(p) == 0);
    }
    int watch(const std::string& directory) {
        Probe made(OpKind::inotify_open);
        const int fd = run(made);
        adopt(fd);
        Probe p(OpKind::inotify_add);
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
    inline static int last_serial_ = 0;
};

/// An operation that has all it needs.
struct Case {
    OpKind kind;
    void (*prepare)(Bench&, Probe&);
    /// Of its result, and of what it did.
    bool (*is_right)(Bench&, Probe&);
    bool gives_descriptor = false;
};

bool is_zero(Bench&, Probe& p) {
    return p.op.res == 0;
}
bool is_descriptor(Bench&, Probe& p) {
    return p.op.res > 0;
}
void on_path(Bench& b, Probe& p, const std::string& name) {
    p.path = b.path(name);
    p.op.path = p.path.c_str();
}
bool exists(Bench& b, const std::string& name) {
    Probe p(OpKind::statx);
    on_path(b, p, name);
    p.op.out = &p.stat;
    return b.run(p) == 0;
}
std::uint64_t size_of(Bench& b, const int fd) {
    Probe p(OpKind::statx);
    p.op.fd = fd;
    p.op.path = "";
    p.op.flags = AT_EMPTY_PATH;
    p.op.out = &p.stat;
    BOOST_TEST(b.run(p) == 0);
    return p.stat.stx_size;
}

const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {OpKind::listen_tcp,
         [](Bench&, Probe& p) {
             p.address = {"127.0.0.1", 0};
             p.op.address = &p.address;
         },
         [](Bench& b, Probe& p) { return b.address_of(p.op.res).port != 0; },
         true},
        {OpKind::local_port,
         [](Bench& b, Probe& p) { p.op.fd = b.listen(); },
         [](Bench& b, Probe& p) { return p.op.res == b.address_of(p.op.fd).port; }},
        {OpKind::peer_address,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_pair().client;
             p.op.out = &p.address;
         },
         [](Bench&, Probe& p) {
             return p.op.res == 0 && p.address.host == "127.0.0.1" && p.address.port != 0;
         }},
        {OpKind::connect_tcp,
         [](Bench& b, Probe& p) {
             p.address = b.address_of(b.listen());
             p.op.address = &p.address;
         },
         is_descriptor,
         true},
        {OpKind::recv,
         [](Bench& b, Probe& p) {
             const Bench::Pair pair = b.make_pair();
             b.send(pair.server, "12345678");
             p.op.fd = pair.client;
             p.read_into_room(8);
         },
         [](Bench&, Probe& p) {
             // One that is cancelled may have a part.
             return p.op.res > 0 && std::string("12345678").starts_with(p.room_text());
         }},
        {OpKind::sendmsg,
         [](Bench& b, Probe& p) {
             const Bench::Pair pair = b.make_pair();
             p.op.fd = pair.client;
             p.number = static_cast<std::uint64_t>(pair.server);
             p.write_from("some bytes");
         },
         [](Bench& b, Probe& p) {
             const auto size = static_cast<std::size_t>(p.op.res);
             const int peer = static_cast<int>(p.number);
             return p.op.res > 0 && b.receive(peer, size) == p.text.substr(0, size);
         }},
        {OpKind::shutdown,
         [](Bench& b, Probe& p) {
             const Bench::Pair pair = b.make_pair();
             p.op.fd = pair.client;
             p.op.flags = SHUT_WR;
             p.number = static_cast<std::uint64_t>(pair.server);
         },
         [](Bench& b, Probe& p) {
             return p.op.res == 0 && b.receive(static_cast<int>(p.number), 1).empty();
         }},
        {OpKind::resolve,
         [](Bench&, Probe& p) {
             p.op.path = "localhost";
             p.op.out = &p.hosts;
         },
         [](Bench&, Probe& p) { return p.op.res == 0 && !p.hosts.empty(); }},
        {OpKind::open,
         [](Bench& b, Probe& p) {
             on_path(b, p, "new");
             p.op.flags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
             p.op.mode = 0600;
         },
         is_descriptor,
         true},
        {OpKind::close,
         [](Bench& b, Probe& p) { p.op.fd = b.make_file("closed", "x"); },
         [](Bench& b, Probe& p) {
             b.forget(p.op.fd);
             return p.op.res == 0;
         }},
        {OpKind::read,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_file("read", "0123456789", O_RDONLY);
             p.op.off = 2;
             p.read_into_room(5);
         },
         [](Bench&, Probe& p) { return p.op.res == 5 && p.room_text() == "23456"; }},
        {OpKind::writev,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_file("written", "0123456789");
             p.op.off = 8;
             p.write_from("abcdef");
         },
         [](Bench& b, Probe& p) {
             Probe read(OpKind::read);
             read.op.fd = p.op.fd;
             read.read_into_room(100);
             b.run(read);
             return p.op.res == 6 && read.room_text() == "01234567abcdef";
         }},
        {OpKind::fdatasync, [](Bench& b, Probe& p) { p.op.fd = b.make_file("a", "x"); }, is_zero},
        {OpKind::fsync,
         [](Bench& b, Probe& p) { p.op.fd = b.open(b.world().dir(), O_RDONLY | O_DIRECTORY); },
         is_zero},
        {OpKind::statx,
         [](Bench& b, Probe& p) {
             b.make_file("looked-at", "12345");
             on_path(b, p, "looked-at");
             p.op.out = &p.stat;
         },
         [](Bench&, Probe& p) {
             return p.op.res == 0 && p.stat.stx_size == 5 && S_ISREG(p.stat.stx_mode)
                 && p.stat.stx_nlink == 1;
         }},
        {OpKind::fallocate,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_file("allocated", "x");
             p.op.off = 4096;
             p.op.length = 4096;
         },
         [](Bench& b, Probe& p) { return p.op.res == 0 && size_of(b, p.op.fd) == 8192; }},
        {OpKind::ftruncate,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_file("truncated", "0123456789");
             p.op.length = 3;
         },
         [](Bench& b, Probe& p) { return p.op.res == 0 && size_of(b, p.op.fd) == 3; }},
        {OpKind::rename,
         [](Bench& b, Probe& p) {
             b.make_file("from", "x");
             on_path(b, p, "from");
             p.path2 = b.path("to");
             p.op.path2 = p.path2.c_str();
         },
         [](Bench& b, Probe& p) { return p.op.res == 0 && !exists(b, "from") && exists(b, "to"); }},
        {OpKind::unlink,
         [](Bench& b, Probe& p) {
             b.make_file("gone", "x");
             on_path(b, p, "gone");
         },
         [](Bench& b, Probe& p) { return p.op.res == 0 && !exists(b, "gone"); }},
        {OpKind::mkdir,
         [](Bench& b, Probe& p) {
             on_path(b, p, "made");
             p.op.mode = 0700;
         },
         [](Bench& b, Probe& p) { return p.op.res == 0 && exists(b, "made"); }},
        {OpKind::list_dir,
         [](Bench& b, Probe& p) {
             b.make_file("listed", "x");
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
             p.op.out = &p.entries;
         },
         [](Bench& b, Probe& p) {
             return p.op.res == 0 && std::ranges::any_of(p.entries, [&b](const io::DirEntry& e) {
                        return b.world().path(e.name) == b.path("listed")
                            && e.type == io::FileType::regular && e.ino != 0;
                    });
         }},
        {OpKind::statfs,
         [](Bench& b, Probe& p) {
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
             p.op.out = &p.info;
         },
         [](Bench&, Probe& p) {
             return p.op.res == 0 && p.info.total_bytes >= p.info.free_bytes && p.info.magic != 0;
         }},
        {OpKind::read_link,
         [](Bench& b, Probe& p) {
             on_path(b, p, "link");
             b.world().make_link("target of the link", p.path);
             p.op.out = &p.text;
         },
         [](Bench&, Probe& p) { return p.op.res == 0 && p.text == "target of the link"; }},
        {OpKind::lock_file, [](Bench& b, Probe& p) { p.op.fd = b.make_file("l", "x"); }, is_zero},
        {OpKind::has_writer,
         [](Bench& b, Probe& p) { p.op.fd = b.make_file("written-to", "x", O_RDONLY); },
         [](Bench& b, Probe& p) {
             // Some file systems know no leases, and only a file's owner may take one.
             return p.op.res == 1 || (b.is_real() && (p.op.res == -EINVAL || p.op.res == -EACCES));
         }},
        {OpKind::get_generation,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_file("generation", "x");
             p.op.out = &p.number;
         },
         [](Bench& b, Probe& p) {
             return p.op.res == 0 || (b.is_real() && (p.op.res == -ENOTTY || p.op.res == -ENOSYS));
         }},
        {OpKind::inotify_open, [](Bench&, Probe&) {}, is_descriptor, true},
        {OpKind::inotify_add,
         [](Bench& b, Probe& p) {
             p.op.fd = b.watch(b.world().dir());
             on_path(b, p, "watched");
             Probe made(OpKind::mkdir);
             on_path(b, made, "watched");
             b.run(made);
             p.op.flags = IN_CREATE;
         },
         [](Bench&, Probe& p) { return p.op.res > 1; }},
        {OpKind::inotify_remove,
         [](Bench& b, Probe& p) {
             p.op.fd = b.watch(b.world().dir());
             p.op.length = 1;
         },
         is_zero},
    };
    return all;
}

/// An operation that ends when somebody else does something.
struct Waiting {
    OpKind kind;
    void (*prepare)(Bench&, Probe&);
};

const std::vector<Waiting>& waiting() {
    static const std::vector<Waiting> all{
        {OpKind::accept_multi, [](Bench& b, Probe& p) { p.op.fd = b.listen(); }},
        {OpKind::recv_multi, [](Bench& b, Probe& p) { p.op.fd = b.make_pair().client; }},
        {OpKind::recv,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_pair().client;
             p.read_into_room(100);
         }},
        {OpKind::sendmsg,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_pair().client;
             p.write_from(std::string(64u << 20, 'x'));
         }},
        {OpKind::read,
         [](Bench& b, Probe& p) {
             p.op.fd = b.watch(b.world().dir());
             p.op.off = -1;
             p.read_into_room(4096);
         }},
    };
    return all;
}

/// An operation that cannot be done.
struct Failure {
    const char* what;
    OpKind kind;
    std::int32_t expected;
    void (*prepare)(Bench&, Probe&);
};

void to_nobody(Bench& b, Probe& p) {
    const int listener = b.listen();
    p.address = b.address_of(listener);
    p.op.address = &p.address;
    b.close(listener);
}

const std::vector<Failure>& failures() {
    static const std::vector<Failure> all{
        {"listen on a port that is taken",
         OpKind::listen_tcp,
         -EADDRINUSE,
         [](Bench& b, Probe& p) {
             p.address = b.address_of(b.listen());
             p.op.address = &p.address;
         }},
        {"listen on another's address",
         OpKind::listen_tcp,
         -EADDRNOTAVAIL,
         [](Bench&, Probe& p) {
             p.address = {"203.0.113.1", 0};
             p.op.address = &p.address;
         }},
        {"listen on a name",
         OpKind::listen_tcp,
         -EADDRNOTAVAIL,
         [](Bench&, Probe& p) {
             p.address = {"no address", 0};
             p.op.address = &p.address;
         }},
        {"connect where nobody listens", OpKind::connect_tcp, -ECONNREFUSED, to_nobody},
        {"receive from a file",
         OpKind::recv,
         -ENOTSOCK,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_file("file", "x");
             p.read_into_room(1);
         }},
        {"send after the own end",
         OpKind::sendmsg,
         -EPIPE,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_pair().client;
             b.shut_down(p.op.fd, SHUT_WR);
             p.write_from("x");
         }},
        {"resolve what cannot be a name",
         OpKind::resolve,
         -ENOENT,
         [](Bench&, Probe& p) {
             p.path = std::string(300, 'a');
             p.op.path = p.path.c_str();
             p.op.out = &p.hosts;
         }},
        {"open what is not there",
         OpKind::open,
         -ENOENT,
         [](Bench& b, Probe& p) { on_path(b, p, "missing"); }},
        {"open in a directory that is not there",
         OpKind::open,
         -ENOENT,
         [](Bench& b, Probe& p) {
             on_path(b, p, "missing/file");
             p.op.flags = O_CREAT | O_RDWR;
         }},
        {"open below a file",
         OpKind::open,
         -ENOTDIR,
         [](Bench& b, Probe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file/below");
         }},
        {"create what is there",
         OpKind::open,
         -EEXIST,
         [](Bench& b, Probe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.flags = O_CREAT | O_EXCL | O_RDWR;
         }},
        {"open a directory for writing",
         OpKind::open,
         -EISDIR,
         [](Bench& b, Probe& p) {
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
             p.op.flags = O_RDWR;
         }},
        {"open a file as a directory",
         OpKind::open,
         -ENOTDIR,
         [](Bench& b, Probe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.flags = O_RDONLY | O_DIRECTORY;
         }},
        {"open a link that is not to be followed",
         OpKind::open,
         -ELOOP,
         [](Bench& b, Probe& p) {
             on_path(b, p, "link");
             b.world().make_link("anywhere", p.path);
             p.op.flags = O_RDONLY | O_NOFOLLOW;
         }},
        {"read what is open for writing",
         OpKind::read,
         -EBADF,
         [](Bench& b, Probe& p) {
             b.make_file("file", "x");
             p.op.fd = b.open(b.path("file"), O_WRONLY);
             p.read_into_room(1);
         }},
        {"read a directory",
         OpKind::read,
         -EISDIR,
         [](Bench& b, Probe& p) {
             p.op.fd = b.open(b.world().dir(), O_RDONLY);
             p.read_into_room(1);
         }},
        {"write what is open for reading",
         OpKind::writev,
         -EBADF,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_file("file", "x", O_RDONLY);
             p.write_from("yy");
         }},
        {"stat what is not there",
         OpKind::statx,
         -ENOENT,
         [](Bench& b, Probe& p) {
             on_path(b, p, "missing");
             p.op.out = &p.stat;
         }},
        {"allocate what is open for reading",
         OpKind::fallocate,
         -EBADF,
         [](Bench& b, Probe& p) {
             p.op.fd = b.make_file("file", "x", O_RDONLY);
             p.op.length = 10;
         }},
        {"truncate what is open for reading",
         OpKind::ftruncate,
         -EINVAL,
         [](Bench& b, Probe& p) { p.op.fd = b.make_file("file", "x", O_RDONLY); }},
        {"rename what is not there",
         OpKind::rename,
         -ENOENT,
         [](Bench& b, Probe& p) {
             on_path(b, p, "missing");
             p.path2 = b.path("to");
             p.op.path2 = p.path2.c_str();
         }},
        {"rename into a directory that is not there",
         OpKind::rename,
         -ENOENT,
         [](Bench& b, Probe& p) {
             b.make_file("from", "x");
             on_path(b, p, "from");
             p.path2 = b.path("missing/to");
             p.op.path2 = p.path2.c_str();
         }},
        {"remove what is not there",
         OpKind::unlink,
         -ENOENT,
         [](Bench& b, Probe& p) { on_path(b, p, "missing"); }},
        {"remove a directory as a file",
         OpKind::unlink,
         -EISDIR,
         [](Bench& b, Probe& p) {
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
         }},
        {"remove a file as a directory",
         OpKind::unlink,
         -ENOTDIR,
         [](Bench& b, Probe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.flags = AT_REMOVEDIR;
         }},
        {"remove a directory that is not empty",
         OpKind::unlink,
         -ENOTEMPTY,
         [](Bench& b, Probe& p) {
             b.make_file("file", "x");
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
             p.op.flags = AT_REMOVEDIR;
         }},
        {"make a directory that is there",
         OpKind::mkdir,
         -EEXIST,
         [](Bench& b, Probe& p) {
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
         }},
        {"make a directory in one that is not there",
         OpKind::mkdir,
         -ENOENT,
         [](Bench& b, Probe& p) { on_path(b, p, "missing/dir"); }},
        {"list what is not there",
         OpKind::list_dir,
         -ENOENT,
         [](Bench& b, Probe& p) {
             on_path(b, p, "missing");
             p.op.out = &p.entries;
         }},
        {"list a file",
         OpKind::list_dir,
         -ENOTDIR,
         [](Bench& b, Probe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.out = &p.entries;
         }},
        {"look up the file system of what is not there",
         OpKind::statfs,
         -ENOENT,
         [](Bench& b, Probe& p) {
             on_path(b, p, "missing");
             p.op.out = &p.info;
         }},
        {"read a link that is not there",
         OpKind::read_link,
         -ENOENT,
         [](Bench& b, Probe& p) {
             on_path(b, p, "missing");
             p.op.out = &p.text;
         }},
        {"read a file as a link",
         OpKind::read_link,
         -EINVAL,
         [](Bench& b, Probe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.out = &p.text;
         }},
        {"lock what another has locked",
         OpKind::lock_file,
         -EAGAIN,
         [](Bench& b, Probe& p) {
             Probe first(OpKind::lock_file);
             first.op.fd = b.make_file("file", "x");
             BOOST_TEST(b.run(first) == 0);
             p.op.fd = b.open(b.path("file"), O_RDWR);
         }},
        {"watch what is not there",
         OpKind::inotify_add,
         -ENOENT,
         [](Bench& b, Probe& p) {
             p.op.fd = b.watch(b.world().dir());
             on_path(b, p, "missing");
             p.op.flags = IN_CREATE;
         }},
        {"watch a file as a directory",
         OpKind::inotify_add,
         -ENOTDIR,
         [](Bench& b, Probe& p) {
             p.op.fd = b.watch(b.world().dir());
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.flags = IN_CREATE | IN_ONLYDIR;
         }},
        {"end a watch that is not there",
         OpKind::inotify_remove,
         -EINVAL,
         [](Bench& b, Probe& p) {
             p.op.fd = b.watch(b.world().dir());
             p.op.length = 77;
         }},
    };
    return all;
}

/// What each kind on a descriptor needs besides it.
void on_missing_descriptor(Bench& b, Probe& p) {
    p.op.fd = no_such_fd;
    p.read_into_room(10);
    p.write_from("text");
    p.op.length = 1;
    switch (p.op.kind) {
    case OpKind::statx:
        p.op.path = "";
        p.op.flags = AT_EMPTY_PATH;
        p.op.out = &p.stat;
        break;
    case OpKind::peer_address: p.op.out = &p.address; break;
    case OpKind::get_generation: p.op.out = &p.number; break;
    case OpKind::inotify_add:
        p.path = b.world().dir();
        p.op.path = p.path.c_str();
        p.op.flags = IN_CREATE;
        break;
    default: break;
    }
}

void in_every_world(void (*const act)(Bench&)) {
    const auto on_bench = [act](IoWorld& world) {
        Bench bench(world);
        act(bench);
    };
    test::with_every_ring(on_bench);
    test::with_every_seed(on_bench);
}

/// Of an operation that was cancelled at some moment.
void check_cancelled(Bench& b, const Case& c, Probe& p) {
    b.wait(p);
    b.pass_a_while();
    BOOST_TEST(p.completions == 1);
    if (c.gives_descriptor && p.op.res >= 0) {
        b.adopt(p.op.res);
    }
    if (p.op.res != -ECANCELED) {
        BOOST_TEST(c.is_right(b, p), "result " << p.op.res);
    }
}

void cancel_after(Bench& world_bench, const Case& c, const Nanos delay) {
    BOOST_TEST_CONTEXT(to_string(c.kind)) {
        Bench b(world_bench.world());
        Probe p(c.kind);
        c.prepare(b, p);
        b.submit(p);
        const SteadyTime until = b.backend().now() + delay;
        while (p.completions == 0 && b.backend().now() < until) {
            b.backend().poll(until);
        }
        if (p.completions == 0) {
            b.cancel(p);
        }
        check_cancelled(b, c, p);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(backend_contract)

BOOST_AUTO_TEST_CASE(what_cannot_be_done_ends_once_with_the_same_error_everywhere) {
    in_every_world([](Bench& world_bench) {
        for (const Failure& failure : failures()) {
            BOOST_TEST_CONTEXT(failure.what) {
                Bench b(world_bench.world());
                Probe p(failure.kind);
                failure.prepare(b, p);
                const std::int32_t res = b.run(p);
                BOOST_TEST(res == failure.expected);
                b.pass_a_while();
                BOOST_TEST(p.completions == 1);
                if (res >= 0
                    && (failure.kind == OpKind::open || failure.kind == OpKind::listen_tcp)) {
                    b.adopt(res);
                }
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_not_open_is_told_by_every_kind_that_takes_one) {
    in_every_world([](Bench& b) {
        for (const OpKind kind :
             {OpKind::local_port,  OpKind::peer_address,  OpKind::accept_multi,
              OpKind::recv_multi,  OpKind::recv,          OpKind::sendmsg,
              OpKind::shutdown,    OpKind::close,         OpKind::read,
              OpKind::writev,      OpKind::fdatasync,     OpKind::fsync,
              OpKind::statx,       OpKind::fallocate,     OpKind::ftruncate,
              OpKind::lock_file,   OpKind::has_writer,    OpKind::get_generation,
              OpKind::inotify_add, OpKind::inotify_remove}) {
            BOOST_TEST_CONTEXT(to_string(kind)) {
                Probe p(kind);
                on_missing_descriptor(b, p);
                BOOST_TEST(b.run(p) == -EBADF);
                BOOST_TEST(p.events.empty());
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(every_kind_does_its_work_and_ends_once_and_never_inside_submit) {
    in_every_world([](Bench& world_bench) {
        for (const Case& c : cases()) {
            BOOST_TEST_CONTEXT(to_string(c.kind)) {
                Bench b(world_bench.world());
                Probe p(c.kind);
                c.prepare(b, p);
                const std::int32_t res = b.run(p);
                if (c.gives_descriptor) {
                    b.adopt(res);
                }
                BOOST_TEST(c.is_right(b, p), "result " << res);
                BOOST_TEST((c.kind != OpKind::recv || res == 8), "a whole receive");
                b.pass_a_while();
                BOOST_TEST(p.completions == 1);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(every_kind_that_is_cancelled_at_once_ends_once_and_never_inside_the_call) {
    in_every_world([](Bench& b) {
        for (const Case& c : cases()) {
            cancel_after(b, c, Nanos::zero());
        }
    });
}

BOOST_AUTO_TEST_CASE(every_kind_that_is_cancelled_some_time_later_ends_once) {
    in_every_world([](Bench& b) {
        Rng rng(1);
        for (const Case& c : cases()) {
            for (int round = 0; round < 4; ++round) {
                cancel_after(b, c, Nanos(static_cast<std::int64_t>(rng.below(200'000))));
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(what_waits_for_somebody_ends_when_it_is_cancelled_and_not_before) {
    in_every_world([](Bench& world_bench) {
        for (const Waiting& w : waiting()) {
            BOOST_TEST_CONTEXT(to_string(w.kind)) {
                Bench b(world_bench.world());
                Probe p(w.kind);
                w.prepare(b, p);
                if (w.kind == OpKind::sendmsg && !b.is_real()) {
                    continue;  // a simulated send ends with a part at any time
                }
                b.submit(p);
                b.pass_a_while();
                BOOST_TEST(p.completions == 0);
                b.cancel(p);
                b.cancel(p);
                const std::int32_t res = b.wait(p);
                const bool is_part = w.kind == OpKind::sendmsg && res > 0;
                BOOST_TEST((res == -ECANCELED || is_part), res);
                b.pass_a_while();
                BOOST_TEST(p.completions == 1);
                BOOST_TEST(p.events.empty());
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(what_waits_survives_the_closing_of_its_descriptor_and_ends_once) {
    in_every_world([](Bench& world_bench) {
        for (const Waiting& w : waiting()) {
            BOOST_TEST_CONTEXT(to_string(w.kind)) {
                Bench b(world_bench.world());
                Probe p(w.kind);
                w.prepare(b, p);
                b.submit(p);
                b.pass(50us);
                b.close(p.op.fd);
                if (p.completions == 0) {
                    b.cancel(p);
                }
                b.wait(p);
                b.pass_a_while();
                BOOST_TEST(p.completions == 1);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(shutting_down_ends_what_waits_on_a_connection) {
    in_every_world([](Bench& world_bench) {
        for (const Waiting& w : waiting()) {
            if (w.kind == OpKind::recv || w.kind == OpKind::recv_multi
                || w.kind == OpKind::sendmsg) {
                BOOST_TEST_CONTEXT(to_string(w.kind)) {
                    Bench b(world_bench.world());
                    Probe p(w.kind);
                    w.prepare(b, p);
                    b.submit(p);
                    b.pass(50us);
                    b.shut_down(p.op.fd, SHUT_RDWR);
                    const std::int32_t res = b.wait(p);
                    const bool is_send = w.kind == OpKind::sendmsg;
                    BOOST_TEST((is_send ? res > 0 || res == -EPIPE : res == 0), res);
                    b.pass_a_while();
                    BOOST_TEST(p.completions == 1);
                }
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(a_read_at_the_end_of_a_file_is_short_and_behind_it_empty) {
    in_every_world([](Bench& b) {
        const int fd = b.make_file("short", "0123456789");
        for (const auto& [offset, expected] :
             std::vector<std::pair<std::int64_t, std::string>>{{7, "789"}, {10, ""}, {5000, ""}}) {
            Probe p(OpKind::read);
            p.op.fd = fd;
            p.op.off = offset;
            p.read_into_room(100);
            BOOST_TEST(b.run(p) == static_cast<std::int32_t>(expected.size()));
            BOOST_TEST(p.room_text() == expected);
        }
    });
}

BOOST_AUTO_TEST_CASE(a_receive_that_the_stream_ends_is_short) {
    in_every_world([](Bench& b) {
        const Bench::Pair pair = b.make_pair();
        Probe p(OpKind::recv);
        p.op.fd = pair.client;
        p.read_into_room(100);
        b.submit(p);
        b.send(pair.server, "only this");
        b.shut_down(pair.server, SHUT_WR);
        BOOST_TEST(b.wait(p) == 9);
        BOOST_TEST(p.room_text() == "only this");
        Probe next(OpKind::recv);
        next.op.fd = pair.client;
        next.read_into_room(100);
        BOOST_TEST(b.run(next) == 0);
    });
}

BOOST_AUTO_TEST_CASE(a_receive_that_is_cancelled_half_way_tells_what_it_has) {
    in_every_world([](Bench& b) {
        const Bench::Pair pair = b.make_pair();
        Probe p(OpKind::recv);
        p.op.fd = pair.client;
        p.read_into_room(100);
        b.submit(p);
        b.send(pair.server, "half");
        b.pass_a_while();
        b.pass(10ms);
        BOOST_TEST(p.completions == 0);
        b.cancel(p);
        BOOST_TEST(b.wait(p) == 4);
        BOOST_TEST(p.room_text() == "half");
    });
}

BOOST_AUTO_TEST_CASE(a_write_that_meets_a_limit_is_short_and_then_fails) {
    if (IoWorld::ring_refusal().empty()) {
        const auto world = IoWorld::on_ring(0);
        Bench b(*world);
        const int fd = b.make_file("limited", "");
        const auto handler = std::signal(SIGXFSZ, SIG_IGN);
        rlimit old{};
        BOOST_REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
        const rlimit small{4096, old.rlim_max};
        BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
        Probe first(OpKind::writev);
        first.op.fd = fd;
        first.write_from(std::string(10'000, 'x'));
        const std::int32_t part = b.run(first);
        Probe second(OpKind::writev);
        second.op.fd = fd;
        second.op.off = 4096;
        second.write_from("yy");
        const std::int32_t refused = b.run(second);
        BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
        std::signal(SIGXFSZ, handler);
        BOOST_TEST(part == 4096);
        BOOST_TEST(refused == -EFBIG);
    }
    test::SimChoices choices;
    choices.disk.capacity_bytes = 4096;
    const auto world = IoWorld::simulated(1, choices);
    Bench b(*world);
    Probe first(OpKind::writev);
    first.op.fd = b.make_file("limited", "");
    first.write_from(std::string(10'000, 'x'));
    BOOST_TEST(b.run(first) == 4096);
    Probe second(OpKind::writev);
    second.op.fd = first.op.fd;
    second.op.off = 4096;
    second.write_from("yy");
    BOOST_TEST(b.run(second) == -ENOSPC);
}

BOOST_AUTO_TEST_CASE(a_multishot_receive_gives_pieces_in_order_and_then_the_end) {
    in_every_world([](Bench& b) {
        const Bench::Pair pair = b.make_pair();
        std::string sent;
        for (int i = 0; i < 20'000; ++i) {
            sent += std::to_string(i) + ' ';
        }
        std::string received;
        bool has_ended = false;
        Probe send(OpKind::sendmsg);
        send.op.fd = pair.server;
        std::size_t begun = 0;
        while (!has_ended) {
            Probe p(OpKind::recv_multi);
            p.op.fd = pair.client;
            b.submit(p);
            if (begun == 0) {
                b.send(pair.server, sent.substr(0, 10'000));
                begun = 10'000;
            }
            while (p.completions == 0) {
                if (received.size() + p.received.size() >= begun && begun < sent.size()) {
                    b.send(pair.server, sent.substr(begun, 10'000));
                    begun += 10'000;
                    if (begun >= sent.size()) {
                        b.shut_down(pair.server, SHUT_WR);
                    }
                }
                b.pass(10ms);
            }
            // Out of shared buffers: it is armed again.
            BOOST_REQUIRE((p.op.res == 0 || p.op.res == -ENOBUFS));
            received += p.received;
            has_ended = p.op.res == 0;
        }
        BOOST_TEST((received == sent));
    });
}

BOOST_AUTO_TEST_CASE(a_multishot_accept_gives_each_connection_once) {
    in_every_world([](Bench& b) {
        const int listener = b.listen();
        const SocketAddress address = b.address_of(listener);
        Probe accept(OpKind::accept_multi);
        accept.op.fd = listener;
        b.submit(accept);
        std::set<int> clients;
        for (int i = 0; i < 20; ++i) {
            clients.insert(b.connect(address));
        }
        b.run_until([&accept] { return accept.events.size() == 20; });
        std::set<int> descriptors = clients;
        for (const std::int32_t fd : accept.events) {
            b.adopt(fd);
            descriptors.insert(fd);
        }
        BOOST_TEST(descriptors.size() == 40u);
        b.cancel(accept);
        BOOST_TEST(b.wait(accept) == -ECANCELED);
        BOOST_TEST(accept.events.size() == 20u);
    });
}

BOOST_AUTO_TEST_CASE(a_watch_tells_what_happened_in_whole_events) {
    in_every_world([](Bench& b) {
        Probe p(OpKind::read);
        p.op.fd = b.watch(b.world().dir());
        p.op.off = -1;
        p.read_into_room(4096);
        b.submit(p);
        b.make_file("appeared", "x");
        const std::int32_t res = b.wait(p);
        BOOST_REQUIRE(res > static_cast<std::int32_t>(sizeof(inotify_event)));
        inotify_event head{};
        std::memcpy(&head, p.room.data(), sizeof head);
        BOOST_TEST(head.wd == 1);
        BOOST_TEST(head.mask == static_cast<std::uint32_t>(IN_CREATE));
        BOOST_TEST(sizeof head + head.len == static_cast<std::size_t>(res));
        const std::string name(p.room_text().c_str() + sizeof head);
        BOOST_TEST(b.world().path(name) == b.path("appeared"));
    });
}

BOOST_AUTO_TEST_CASE(more_operations_than_any_queue_has_room_for_all_end_once) {
    in_every_world([](Bench& b) {
        const int fd = b.make_file("many", "0123456789");
        std::vector<std::unique_ptr<Probe>> probes;
        for (int i = 0; i < 3000; ++i) {
            auto& p = *probes.emplace_back(std::make_unique<Probe>(OpKind::read));
            p.op.fd = fd;
            p.op.off = i % 10;
            p.read_into_room(1);
            b.submit(p);
        }
        for (std::size_t i = 0; i < probes.size(); ++i) {
            BOOST_TEST(b.wait(*probes[i]) == 1);
            BOOST_TEST(probes[i]->room_text() == std::to_string(i % 10));
        }
        b.pass_a_while();
        BOOST_TEST(std::ranges::all_of(probes, [](const auto& p) { return p->completions == 1; }));
    });
}

BOOST_AUTO_TEST_CASE(closing_later_closes) {
    in_every_world([](Bench& b) {
        const int fd = b.make_file("closed", "x");
        b.backend().close_later(fd);
        b.forget(fd);
        const auto is_closed = [&b, fd] {
            Probe p(OpKind::fdatasync);
            p.op.fd = fd;
            return b.run(p) == -EBADF;
        };
        b.run_until(is_closed);
    });
}

BOOST_AUTO_TEST_CASE(a_poll_without_completions_waits_for_its_time_and_not_at_all_for_a_past_one) {
    in_every_world([](Bench& b) {
        b.backend().poll(SteadyTime::min());
        b.backend().poll(b.backend().now() - 1s);
        const SteadyTime until = b.backend().now() + 3ms;
        // Something else may end a poll early; its time does for certain.
        for (int turn = 0; turn < 100 && b.backend().now() < until; ++turn) {
            b.backend().poll(until);
        }
        BOOST_TEST((b.backend().now() >= until));
        BOOST_TEST(to_unix_ms(b.backend().wall()) > 1'577'836'800'000);  // 2020
    });
}

BOOST_AUTO_TEST_SUITE_END()
