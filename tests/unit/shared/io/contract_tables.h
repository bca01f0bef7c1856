// The tables behind the contract of the backends: each kind of operation with what it needs, how it succeeds,
// how it fails, and whom it waits for.
#pragma once

#include "tests/unit/shared/io/op_bench.h"

#include <vector>

namespace logboom::test {

inline constexpr int no_such_fd = 9999;

/// Each tells that its descriptor is not open.
inline const std::vector<OpKind> kinds_on_descriptors{
    OpKind::local_port,    OpKind::peer_address, OpKind::accept_multi,   OpKind::recv_multi,
    OpKind::recv,          OpKind::recv_some,    OpKind::sendmsg,        OpKind::shutdown,
    OpKind::close,         OpKind::read,         OpKind::writev,         OpKind::fdatasync,
    OpKind::fsync,         OpKind::statx,        OpKind::fallocate,      OpKind::ftruncate,
    OpKind::lock_file,     OpKind::has_writer,   OpKind::get_generation, OpKind::inotify_add,
    OpKind::inotify_remove};

/// An operation that has all it needs.
struct Case {
    OpKind kind;
    void (*prepare)(Bench&, OpProbe&);
    /// Of its result, and of what it did.
    bool (*is_right)(Bench&, OpProbe&);
    bool gives_descriptor = false;
};

inline bool is_zero(Bench&, OpProbe& p) {
    return p.op.res == 0;
}
inline bool is_descriptor(Bench&, OpProbe& p) {
    return p.op.res > 0;
}
inline void on_path(Bench& b, OpProbe& p, const std::string& name) {
    p.path = b.path(name);
    p.op.path = p.path.c_str();
}
inline bool exists(Bench& b, const std::string& name) {
    OpProbe p(OpKind::statx);
    on_path(b, p, name);
    p.op.out = &p.stat;
    return b.run(p) == 0;
}
inline std::uint64_t size_of(Bench& b, const int fd) {
    OpProbe p(OpKind::statx);
    p.op.fd = fd;
    p.op.path = "";
    p.op.flags = AT_EMPTY_PATH;
    p.op.out = &p.stat;
    BOOST_TEST(b.run(p) == 0);
    return p.stat.stx_size;
}

inline const std::vector<Case>& cases() {
    static const std::vector<Case> all{
        {OpKind::listen_tcp,
         [](Bench&, OpProbe& p) {
             p.address = {"127.0.0.1", 0};
             p.op.address = &p.address;
         },
         [](Bench& b, OpProbe& p) { return b.address_of(p.op.res).port != 0; },
         true},
        {OpKind::local_port,
         [](Bench& b, OpProbe& p) { p.op.fd = b.listen(); },
         [](Bench& b, OpProbe& p) { return p.op.res == b.address_of(p.op.fd).port; }},
        {OpKind::peer_address,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_pair().client;
             p.op.out = &p.address;
         },
         [](Bench&, OpProbe& p) {
             return p.op.res == 0 && p.address.host == "127.0.0.1" && p.address.port != 0;
         }},
        {OpKind::connect_tcp,
         [](Bench& b, OpProbe& p) {
             p.address = b.address_of(b.listen());
             p.op.address = &p.address;
         },
         is_descriptor,
         true},
        {OpKind::recv,
         [](Bench& b, OpProbe& p) {
             const Bench::Pair pair = b.make_pair();
             b.send(pair.server, "12345678");
             p.op.fd = pair.client;
             p.read_into_room(8);
         },
         [](Bench&, OpProbe& p) {
             // One that is cancelled may have a part.
             return p.op.res > 0 && std::string("12345678").starts_with(p.room_text());
         }},
        {OpKind::recv_some,
         [](Bench& b, OpProbe& p) {
             const Bench::Pair pair = b.make_pair();
             b.send(pair.server, "1234");
             p.op.fd = pair.client;
             p.read_into_room(8);
         },
         [](Bench&, OpProbe& p) {
             return p.op.res > 0 && std::string("1234").starts_with(p.room_text());
         }},
        {OpKind::sendmsg,
         [](Bench& b, OpProbe& p) {
             const Bench::Pair pair = b.make_pair();
             p.op.fd = pair.client;
             p.number = static_cast<std::uint64_t>(pair.server);
             p.write_from("some bytes");
         },
         [](Bench& b, OpProbe& p) {
             const auto size = static_cast<std::size_t>(p.op.res);
             const int peer = static_cast<int>(p.number);
             return p.op.res > 0 && b.receive(peer, size) == p.text.substr(0, size);
         }},
        {OpKind::shutdown,
         [](Bench& b, OpProbe& p) {
             const Bench::Pair pair = b.make_pair();
             p.op.fd = pair.client;
             p.op.flags = SHUT_WR;
             p.number = static_cast<std::uint64_t>(pair.server);
         },
         [](Bench& b, OpProbe& p) {
             return p.op.res == 0 && b.receive(static_cast<int>(p.number), 1).empty();
         }},
        {OpKind::resolve,
         [](Bench&, OpProbe& p) {
             p.op.path = "localhost";
             p.op.out = &p.hosts;
         },
         [](Bench&, OpProbe& p) { return p.op.res == 0 && !p.hosts.empty(); }},
        {OpKind::open,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "new");
             p.op.flags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
             p.op.mode = 0600;
         },
         is_descriptor,
         true},
        {OpKind::close,
         [](Bench& b, OpProbe& p) { p.op.fd = b.make_file("closed", "x"); },
         [](Bench& b, OpProbe& p) {
             b.forget(p.op.fd);
             return p.op.res == 0;
         }},
        {OpKind::read,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_file("read", "0123456789", O_RDONLY);
             p.op.off = 2;
             p.read_into_room(5);
         },
         [](Bench&, OpProbe& p) { return p.op.res == 5 && p.room_text() == "23456"; }},
        {OpKind::writev,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_file("written", "0123456789");
             p.op.off = 8;
             p.write_from("abcdef");
         },
         [](Bench& b, OpProbe& p) {
             OpProbe read(OpKind::read);
             read.op.fd = p.op.fd;
             read.read_into_room(100);
             b.run(read);
             return p.op.res == 6 && read.room_text() == "01234567abcdef";
         }},
        {OpKind::fdatasync, [](Bench& b, OpProbe& p) { p.op.fd = b.make_file("a", "x"); }, is_zero},
        {OpKind::fsync,
         [](Bench& b, OpProbe& p) { p.op.fd = b.open(b.world().dir(), O_RDONLY | O_DIRECTORY); },
         is_zero},
        {OpKind::statx,
         [](Bench& b, OpProbe& p) {
             b.make_file("looked-at", "12345");
             on_path(b, p, "looked-at");
             p.op.out = &p.stat;
         },
         [](Bench&, OpProbe& p) {
             return p.op.res == 0 && p.stat.stx_size == 5 && S_ISREG(p.stat.stx_mode)
                 && p.stat.stx_nlink == 1;
         }},
        {OpKind::fallocate,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_file("allocated", "x");
             p.op.off = 4096;
             p.op.length = 4096;
         },
         [](Bench& b, OpProbe& p) { return p.op.res == 0 && size_of(b, p.op.fd) == 8192; }},
        {OpKind::ftruncate,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_file("truncated", "0123456789");
             p.op.length = 3;
         },
         [](Bench& b, OpProbe& p) { return p.op.res == 0 && size_of(b, p.op.fd) == 3; }},
        {OpKind::rename,
         [](Bench& b, OpProbe& p) {
             b.make_file("from", "x");
             on_path(b, p, "from");
             p.path2 = b.path("to");
             p.op.path2 = p.path2.c_str();
         },
         [](Bench& b, OpProbe& p) {
             return p.op.res == 0 && !exists(b, "from") && exists(b, "to");
         }},
        {OpKind::unlink,
         [](Bench& b, OpProbe& p) {
             b.make_file("gone", "x");
             on_path(b, p, "gone");
         },
         [](Bench& b, OpProbe& p) { return p.op.res == 0 && !exists(b, "gone"); }},
        {OpKind::mkdir,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "made");
             p.op.mode = 0700;
         },
         [](Bench& b, OpProbe& p) { return p.op.res == 0 && exists(b, "made"); }},
        {OpKind::list_dir,
         [](Bench& b, OpProbe& p) {
             b.make_file("listed", "x");
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
             p.op.out = &p.entries;
         },
         [](Bench& b, OpProbe& p) {
             return p.op.res == 0 && std::ranges::any_of(p.entries, [&b](const io::DirEntry& e) {
                        return b.world().path(e.name) == b.path("listed")
                            && e.type == io::FileType::regular && e.ino != 0;
                    });
         }},
        {OpKind::statfs,
         [](Bench& b, OpProbe& p) {
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
             p.op.out = &p.info;
         },
         [](Bench&, OpProbe& p) {
             return p.op.res == 0 && p.info.total_bytes >= p.info.free_bytes && p.info.magic != 0;
         }},
        {OpKind::read_link,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "link");
             b.world().make_link("target of the link", p.path);
             p.op.out = &p.text;
         },
         [](Bench&, OpProbe& p) { return p.op.res == 0 && p.text == "target of the link"; }},
        {OpKind::lock_file, [](Bench& b, OpProbe& p) { p.op.fd = b.make_file("l", "x"); }, is_zero},
        {OpKind::has_writer,
         [](Bench& b, OpProbe& p) { p.op.fd = b.make_file("written-to", "x", O_RDONLY); },
         [](Bench& b, OpProbe& p) {
             // Some file systems know no leases, and only a file's owner may take one.
             return p.op.res == 1 || (b.is_real() && (p.op.res == -EINVAL || p.op.res == -EACCES));
         }},
        {OpKind::get_generation,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_file("generation", "x");
             p.op.out = &p.number;
         },
         [](Bench& b, OpProbe& p) {
             return p.op.res == 0 || (b.is_real() && (p.op.res == -ENOTTY || p.op.res == -ENOSYS));
         }},
        {OpKind::inotify_open, [](Bench&, OpProbe&) {}, is_descriptor, true},
        {OpKind::inotify_add,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.watch(b.world().dir());
             on_path(b, p, "watched");
             OpProbe made(OpKind::mkdir);
             on_path(b, made, "watched");
             b.run(made);
             p.op.flags = IN_CREATE;
         },
         [](Bench&, OpProbe& p) { return p.op.res > 1; }},
        {OpKind::inotify_remove,
         [](Bench& b, OpProbe& p) {
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
    void (*prepare)(Bench&, OpProbe&);
    /// Does what it waits for.
    void (*satisfy)(Bench&, OpProbe&);
    bool (*is_satisfied)(Bench&, OpProbe&);
};

inline const std::vector<Waiting>& waiting() {
    static const std::vector<Waiting> all{
        {OpKind::accept_multi,
         [](Bench& b, OpProbe& p) { p.op.fd = b.listen(); },
         [](Bench& b, OpProbe& p) { b.connect(b.address_of(p.op.fd)); },
         [](Bench& b, OpProbe& p) {
             for (const std::int32_t fd : p.events) {
                 b.adopt(fd);
             }
             return p.events.size() == 1;
         }},
        {OpKind::recv_multi,
         [](Bench& b, OpProbe& p) {
             const Bench::Pair pair = b.make_pair();
             p.op.fd = pair.client;
             p.number = static_cast<std::uint64_t>(pair.server);
         },
         [](Bench& b, OpProbe& p) { b.send(static_cast<int>(p.number), "some bytes"); },
         [](Bench&, OpProbe& p) { return p.received == "some bytes"; }},
        {OpKind::recv,
         [](Bench& b, OpProbe& p) {
             const Bench::Pair pair = b.make_pair();
             p.op.fd = pair.client;
             p.number = static_cast<std::uint64_t>(pair.server);
             p.read_into_room(100);
         },
         [](Bench& b, OpProbe& p) { b.send(static_cast<int>(p.number), std::string(100, 'x')); },
         [](Bench&, OpProbe& p) { return p.room_text() == std::string(100, 'x'); }},
        {OpKind::recv_some,
         [](Bench& b, OpProbe& p) {
             const Bench::Pair pair = b.make_pair();
             p.op.fd = pair.client;
             p.number = static_cast<std::uint64_t>(pair.server);
             p.read_into_room(100);
         },
         [](Bench& b, OpProbe& p) { b.send(static_cast<int>(p.number), "x"); },
         [](Bench&, OpProbe& p) { return p.room_text() == "x"; }},
        {OpKind::sendmsg,
         [](Bench& b, OpProbe& p) {
             const Bench::Pair pair = b.make_pair();
             p.op.fd = pair.client;
             p.number = static_cast<std::uint64_t>(pair.server);
             p.write_from(std::string(64u << 20, 'x'));
         },
         [](Bench& b, OpProbe& p) {
             while (p.completions == 0) {
                 OpProbe drain(OpKind::recv_multi);
                 drain.op.fd = static_cast<int>(p.number);
                 b.submit(drain);
                 b.run_until([&] { return p.completions != 0 || drain.completions != 0; });
                 b.cancel(drain);
                 b.wait(drain);
             }
         },
         [](Bench& b, OpProbe& p) { return p.op.res == (b.is_real() ? 64 << 20 : p.op.res); }},
        {OpKind::read,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.watch(b.world().dir());
             p.op.off = -1;
             p.read_into_room(4096);
         },
         [](Bench& b, OpProbe&) { b.make_file("appeared", "x"); },
         [](Bench&, OpProbe& p) {
             return p.op.res > static_cast<std::int32_t>(sizeof(inotify_event));
         }},
    };
    return all;
}

/// An operation that cannot be done.
struct Failure {
    const char* what;
    OpKind kind;
    std::int32_t expected;
    void (*prepare)(Bench&, OpProbe&);
};

inline void to_nobody(Bench& b, OpProbe& p) {
    const int listener = b.listen();
    p.address = b.address_of(listener);
    p.op.address = &p.address;
    b.close(listener);
}

inline const std::vector<Failure>& failures() {
    static const std::vector<Failure> all{
        {"listen on a port that is taken",
         OpKind::listen_tcp,
         -EADDRINUSE,
         [](Bench& b, OpProbe& p) {
             p.address = b.address_of(b.listen());
             p.op.address = &p.address;
         }},
        {"listen on another's address",
         OpKind::listen_tcp,
         -EADDRNOTAVAIL,
         [](Bench&, OpProbe& p) {
             p.address = {"203.0.113.1", 0};
             p.op.address = &p.address;
         }},
        {"listen on a name",
         OpKind::listen_tcp,
         -EADDRNOTAVAIL,
         [](Bench&, OpProbe& p) {
             p.address = {"no address", 0};
             p.op.address = &p.address;
         }},
        {"connect where nobody listens", OpKind::connect_tcp, -ECONNREFUSED, to_nobody},
        {"receive from a file",
         OpKind::recv,
         -ENOTSOCK,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_file("file", "x");
             p.read_into_room(1);
         }},
        {"receive what is there from a file",
         OpKind::recv_some,
         -ENOTSOCK,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_file("file", "x");
             p.read_into_room(1);
         }},
        {"send after the own end",
         OpKind::sendmsg,
         -EPIPE,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_pair().client;
             b.shut_down(p.op.fd, SHUT_WR);
             p.write_from("x");
         }},
        {"resolve what cannot be a name",
         OpKind::resolve,
         -ENOENT,
         [](Bench&, OpProbe& p) {
             p.path = std::string(300, 'a');
             p.op.path = p.path.c_str();
             p.op.out = &p.hosts;
         }},
        {"open what is not there",
         OpKind::open,
         -ENOENT,
         [](Bench& b, OpProbe& p) { on_path(b, p, "missing"); }},
        {"open in a directory that is not there",
         OpKind::open,
         -ENOENT,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "missing/file");
             p.op.flags = O_CREAT | O_RDWR;
         }},
        {"open below a file",
         OpKind::open,
         -ENOTDIR,
         [](Bench& b, OpProbe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file/below");
         }},
        {"create what is there",
         OpKind::open,
         -EEXIST,
         [](Bench& b, OpProbe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.flags = O_CREAT | O_EXCL | O_RDWR;
         }},
        {"open a directory for writing",
         OpKind::open,
         -EISDIR,
         [](Bench& b, OpProbe& p) {
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
             p.op.flags = O_RDWR;
         }},
        {"open a file as a directory",
         OpKind::open,
         -ENOTDIR,
         [](Bench& b, OpProbe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.flags = O_RDONLY | O_DIRECTORY;
         }},
        {"open a link that is not to be followed",
         OpKind::open,
         -ELOOP,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "link");
             b.world().make_link("anywhere", p.path);
             p.op.flags = O_RDONLY | O_NOFOLLOW;
         }},
        {"read what is open for writing",
         OpKind::read,
         -EBADF,
         [](Bench& b, OpProbe& p) {
             b.make_file("file", "x");
             p.op.fd = b.open(b.path("file"), O_WRONLY);
             p.read_into_room(1);
         }},
        {"read a directory",
         OpKind::read,
         -EISDIR,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.open(b.world().dir(), O_RDONLY);
             p.read_into_room(1);
         }},
        {"write what is open for reading",
         OpKind::writev,
         -EBADF,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_file("file", "x", O_RDONLY);
             p.write_from("yy");
         }},
        {"stat what is not there",
         OpKind::statx,
         -ENOENT,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "missing");
             p.op.out = &p.stat;
         }},
        {"allocate what is open for reading",
         OpKind::fallocate,
         -EBADF,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.make_file("file", "x", O_RDONLY);
             p.op.length = 10;
         }},
        {"truncate what is open for reading",
         OpKind::ftruncate,
         -EINVAL,
         [](Bench& b, OpProbe& p) { p.op.fd = b.make_file("file", "x", O_RDONLY); }},
        {"rename what is not there",
         OpKind::rename,
         -ENOENT,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "missing");
             p.path2 = b.path("to");
             p.op.path2 = p.path2.c_str();
         }},
        {"rename into a directory that is not there",
         OpKind::rename,
         -ENOENT,
         [](Bench& b, OpProbe& p) {
             b.make_file("from", "x");
             on_path(b, p, "from");
             p.path2 = b.path("missing/to");
             p.op.path2 = p.path2.c_str();
         }},
        {"remove what is not there",
         OpKind::unlink,
         -ENOENT,
         [](Bench& b, OpProbe& p) { on_path(b, p, "missing"); }},
        {"remove a directory as a file",
         OpKind::unlink,
         -EISDIR,
         [](Bench& b, OpProbe& p) {
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
         }},
        {"remove a file as a directory",
         OpKind::unlink,
         -ENOTDIR,
         [](Bench& b, OpProbe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.flags = AT_REMOVEDIR;
         }},
        {"remove a directory that is not empty",
         OpKind::unlink,
         -ENOTEMPTY,
         [](Bench& b, OpProbe& p) {
             b.make_file("file", "x");
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
             p.op.flags = AT_REMOVEDIR;
         }},
        {"make a directory that is there",
         OpKind::mkdir,
         -EEXIST,
         [](Bench& b, OpProbe& p) {
             p.path = b.world().dir();
             p.op.path = p.path.c_str();
         }},
        {"make a directory in one that is not there",
         OpKind::mkdir,
         -ENOENT,
         [](Bench& b, OpProbe& p) { on_path(b, p, "missing/dir"); }},
        {"list what is not there",
         OpKind::list_dir,
         -ENOENT,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "missing");
             p.op.out = &p.entries;
         }},
        {"list a file",
         OpKind::list_dir,
         -ENOTDIR,
         [](Bench& b, OpProbe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.out = &p.entries;
         }},
        {"look up the file system of what is not there",
         OpKind::statfs,
         -ENOENT,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "missing");
             p.op.out = &p.info;
         }},
        {"read a link that is not there",
         OpKind::read_link,
         -ENOENT,
         [](Bench& b, OpProbe& p) {
             on_path(b, p, "missing");
             p.op.out = &p.text;
         }},
        {"read a file as a link",
         OpKind::read_link,
         -EINVAL,
         [](Bench& b, OpProbe& p) {
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.out = &p.text;
         }},
        {"lock what another has locked",
         OpKind::lock_file,
         -EAGAIN,
         [](Bench& b, OpProbe& p) {
             OpProbe first(OpKind::lock_file);
             first.op.fd = b.make_file("file", "x");
             BOOST_TEST(b.run(first) == 0);
             p.op.fd = b.open(b.path("file"), O_RDWR);
         }},
        {"watch what is not there",
         OpKind::inotify_add,
         -ENOENT,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.watch(b.world().dir());
             on_path(b, p, "missing");
             p.op.flags = IN_CREATE;
         }},
        {"watch a file as a directory",
         OpKind::inotify_add,
         -ENOTDIR,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.watch(b.world().dir());
             b.make_file("file", "x");
             on_path(b, p, "file");
             p.op.flags = IN_CREATE | IN_ONLYDIR;
         }},
        {"end a watch that is not there",
         OpKind::inotify_remove,
         -EINVAL,
         [](Bench& b, OpProbe& p) {
             p.op.fd = b.watch(b.world().dir());
             p.op.length = 77;
         }},
    };
    return all;
}

/// What each kind on a descriptor needs besides it.
inline void on_missing_descriptor(Bench& b, OpProbe& p) {
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

}  // namespace logboom::test
