// The ceiling: the least work that an agent or a collector of our kind can do, on one thread with
// blocking calls. What the real programs need is held against it (README.md).
//
//   floor agent CORPUS            reads blocks of 256 KiB from the page cache, finds every line end, makes
//                                 record batches (headers, LZ4, checksum, cursor) and sends them
//   floor collector CORPUS DIR REPEAT
//                                 receives such batches REPEAT times, checks their checksums, fills in the
//                                 offsets, appends to a file in DIR, one fdatasync for all that has
//                                 arrived, then acknowledges each; five batches are in flight
//   floor send CORPUS BYTES REPEAT
//                                 answers each small request with 1 MiB of such batches out of BYTES of them
//                                 that are in memory, all of them REPEAT times
//
// Prints one JSON object: CPU seconds per GB (1e9 bytes), of that process alone, and the rate. A GB is one of
// raw text; of what was sent for `send`.
#include "shared/record/batch.h"
#include "tests/bench/corpus.h"
#include "tests/bench/loopback.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace logboom::bench {

namespace {

constexpr std::size_t in_flight_max = 5;
using Acknowledgement = std::array<std::byte, 16>;

double cpu_seconds(const rusage& usage) {
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Runs `work` in a process of its own, so that its time is told apart.
template <typename Work>
pid_t start(const int own_socket, const int other_socket, Work work) {
    const pid_t pid = fork();
    if (pid < 0) {
        give_up("fork");
    }
    if (pid == 0) {
        close(other_socket);
        work(own_socket);
        std::_Exit(0);
    }
    return pid;
}

double wait_for(const pid_t pid) {
    int status = 0;
    rusage usage{};
    if (wait4(pid, &status, 0, &usage) != pid || status != 0) {
        std::fprintf(stderr, "the measured process failed\n");
        std::exit(1);
    }
    return cpu_seconds(usage);
}

void print_result(const double cpu, const std::uint64_t raw_bytes, const double seconds) {
    const double gigabytes = static_cast<double>(raw_bytes) / 1e9;
    std::printf(
        "{\"cpu_s_per_gb\":%.5f,\"mb_per_s\":%.2f}\n", cpu / gigabytes, 1000 * gigabytes / seconds
    );
}

// --- Agent ----------------------------------------------------------------------------------------------

void ship_file(const std::string& path, const int socket) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        give_up(path.c_str());
    }
    Batcher batcher(path, Marked::yes);
    std::vector<std::byte> block(block_bytes);
    Buffer batch;
    off_t at = 0;
    while (true) {
        const ssize_t got = pread(file, block.data(), block.size(), at);
        if (got <= 0) {
            break;
        }
        batch.clear();
        const ByteView bytes(block.data(), static_cast<std::size_t>(got));
        at += static_cast<off_t>(batcher.add_batch(bytes, batch));
        send_all(socket, batch.view());
    }
    shutdown(socket, SHUT_WR);
}

std::uint64_t file_size(const std::string& path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const off_t size = file < 0 ? -1 : lseek(file, 0, SEEK_END);
    if (size < 0) {
        give_up(path.c_str());
    }
    close(file);
    return static_cast<std::uint64_t>(size);
}

void measure_agent(const std::string& corpus) {
    const std::uint64_t raw_bytes = file_size(corpus);
    const SocketPair pair = connected_pair();
    const double begin = now_seconds();
    const pid_t pid = start(pair.client, pair.server, [&corpus](const int socket) {
        ship_file(corpus, socket);
    });
    close(pair.client);
    std::vector<std::byte> sink(block_bytes);
    while (recv(pair.server, sink.data(), sink.size(), 0) > 0) {}
    const double cpu = wait_for(pid);
    print_result(cpu, raw_bytes, now_seconds() - begin);
}

// --- Collector ------------------------------------------------------------------------------------------

class Appender {
public:
    explicit Appender(const std::string& path)
        : path_(path)
        , file_(open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)) {
        if (file_ < 0) {
            give_up(path.c_str());
        }
    }
    ~Appender() {
        close(file_);
        unlink(path_.c_str());
    }
    Appender(const Appender&) = delete;
    Appender& operator=(const Appender&) = delete;

    void append(const MutableByteView batch) {
        const Result<record::BatchView> view = record::BatchView::parse(batch);
        if (!view || !view->check_crc()) {
            give_up("a batch is damaged");
        }
        record::patch_base_offset(batch, next_offset_, LeaderEpoch(1));
        next_offset_ += view->header().last_offset_delta + 1;
        if (write(file_, batch.data(), batch.size()) != static_cast<ssize_t>(batch.size())) {
            give_up("write");
        }
    }
    void sync() {
        if (fdatasync(file_) != 0) {
            give_up("fdatasync");
        }
    }

private:
    std::string path_;
    int file_;
    Offset next_offset_;
};

/// Appends every whole batch of `received`; returns the bytes used and counts the batches.
std::size_t append_whole_batches(
    Appender& appender, const MutableByteView received, std::size_t& count
) {
    std::size_t used = 0;
    while (true) {
        const MutableByteView rest = received.subspan(used);
        const auto size = record::claimed_batch_size(rest);
        if (!size || *size > rest.size()) {
            return used;
        }
        appender.append(rest.first(*size));
        used += *size;
        ++count;
    }
}

void receive_batches(const std::string& directory, const int socket) {
    Appender appender(directory + "/floor.log");
    std::vector<std::byte> room(4u << 20);
    const std::vector<std::byte> acknowledgements(in_flight_max * sizeof(Acknowledgement));
    std::size_t filled = 0;
    while (true) {
        const ssize_t got = recv(socket, room.data() + filled, room.size() - filled, 0);
        if (got <= 0) {
            return;
        }
        filled += static_cast<std::size_t>(got);
        std::size_t count = 0;
        const MutableByteView received(room.data(), filled);
        const std::size_t used = append_whole_batches(appender, received, count);
        std::memmove(room.data(), room.data() + used, filled - used);
        filled -= used;
        if (count != 0) {
            appender.sync();
            const ByteView answer(acknowledgements);
            send_all(socket, answer.first(count * sizeof(Acknowledgement)));
        }
    }
}

void send_batches(const BatchedCorpus& corpus, const int repeat, const int socket) {
    std::size_t in_flight = 0;
    Acknowledgement answer{};
    const auto await_one = [&in_flight, &answer, socket] {
        if (!receive_all(socket, answer)) {
            give_up("the receiver is gone");
        }
        --in_flight;
    };
    for (int round = 0; round < repeat; ++round) {
        for (const Buffer& batch : corpus.batches) {
            if (in_flight == in_flight_max) {
                await_one();
            }
            send_all(socket, batch.view());
            ++in_flight;
        }
    }
    while (in_flight != 0) {
        await_one();
    }
}

void measure_collector(const std::string& path, const std::string& directory, const int repeat) {
    const SocketPair pair = connected_pair();
    const pid_t pid = start(pair.server, pair.client, [&directory](const int socket) {
        receive_batches(directory, socket);
    });
    close(pair.server);
    const BatchedCorpus corpus = batch_corpus(path, Marked::no);
    const double begin = now_seconds();
    send_batches(corpus, repeat, pair.client);
    const double seconds = now_seconds() - begin;
    close(pair.client);
    print_result(wait_for(pid), corpus.raw_bytes * static_cast<std::uint64_t>(repeat), seconds);
}

// --- Consumer -------------------------------------------------------------------------------------------

constexpr std::size_t answer_bytes = 1u << 20;
/// As large as a Fetch request.
using Question = std::array<std::byte, 80>;

void answer_questions(const int socket, const std::vector<iovec>& batches) {
    Question question{};
    std::size_t next = 0;
    while (receive_all(socket, question)) {
        std::vector<iovec> pieces(1);
        std::uint32_t size = 0;
        while (next != batches.size() && size + batches[next].iov_len <= answer_bytes) {
            size += static_cast<std::uint32_t>(batches[next].iov_len);
            pieces.push_back(batches[next]);
            ++next;
        }
        next = next == batches.size() ? 0 : next;
        pieces.front() = {&size, sizeof size};
        send_pieces(socket, pieces);
    }
}

void measure_send(const std::string& path, const std::uint64_t bytes_max, const int repeat) {
    BatchedCorpus corpus = batch_corpus(path, Marked::no);
    std::vector<iovec> batches;
    std::uint64_t bytes = 0;
    for (Buffer& batch : corpus.batches) {
        if (bytes + batch.size() > bytes_max) {
            break;
        }
        bytes += batch.size();
        batches.push_back({batch.data(), batch.size()});
    }
    const SocketPair pair = connected_pair();
    const double begin = now_seconds();
    const pid_t pid = start(pair.server, pair.client, [&batches](const int socket) {
        answer_questions(socket, batches);
    });
    close(pair.server);
    const std::uint64_t wanted = bytes * static_cast<std::uint64_t>(repeat);
    std::vector<std::byte> answer(answer_bytes);
    for (std::uint64_t got = 0; got < wanted;) {
        std::uint32_t size = 0;
        send_all(pair.client, Question{});
        if (!receive_all(pair.client, std::as_writable_bytes(std::span(&size, 1)))
            || !receive_all(pair.client, MutableByteView(answer).first(size))) {
            give_up("the sender is gone");
        }
        got += size;
    }
    const double seconds = now_seconds() - begin;
    close(pair.client);
    print_result(wait_for(pid), wanted, seconds);
}

int run(const int argc, char** const argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "agent" && argc == 3) {
        measure_agent(argv[2]);
        return 0;
    }
    if (what == "collector" && argc == 5) {
        measure_collector(argv[2], argv[3], std::atoi(argv[4]));
        return 0;
    }
    if (what == "send" && argc == 5) {
        measure_send(argv[2], std::strtoull(argv[3], nullptr, 10), std::atoi(argv[4]));
        return 0;
    }
    std::fputs(
        "usage: floor agent CORPUS | floor collector CORPUS DIR REPEAT | floor send CORPUS BYTES REPEAT\n",
        stderr
    );
    return 2;
}

}  // namespace

}  // namespace logboom::bench

int main(const int argc, char** const argv) {
    return logboom::bench::run(argc, argv);
}
