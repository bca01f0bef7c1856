// Plain blocking sockets for benchmarks: a pair of ends over the loopback, and whole sends and receives.
// Whatever fails ends the program: a benchmark has no second way.
#pragma once

#include "shared/base/bytes.h"

#include <sys/uio.h>

#include <cstdint>
#include <vector>

namespace logboom::bench {

/// Prints what failed with errno's text and ends the program.
[[noreturn]] void give_up(const char* step) noexcept;

/// Two ends of one TCP connection over 127.0.0.1, without Nagle's delay.
struct SocketPair {
    int client = -1;
    int server = -1;
};
[[nodiscard]] SocketPair connected_pair();

/// A connection to a port of 127.0.0.1.
[[nodiscard]] int connect_to(std::uint16_t port);

void send_all(int socket, ByteView bytes);
/// Sends all pieces in order; leaves `pieces` in any state.
void send_pieces(int socket, std::vector<iovec>& pieces);
/// Fills `bytes`; false if the peer closed before.
[[nodiscard]] bool receive_all(int socket, MutableByteView bytes);

/// Monotonic seconds.
[[nodiscard]] double now_seconds();

}  // namespace logboom::bench
