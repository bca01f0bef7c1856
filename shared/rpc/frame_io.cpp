#include "shared/rpc/frame_io.h"

#include "shared/codec/crc32c.h"

#include <string>
#include <utility>

namespace logboom::rpc {
namespace {

/// The fixed header, without taking it from the connection: a refusal still needs its bytes.
Task<Result<FrameHead>> peek_head(Env& env, Conn& conn, const FrameReadOptions options) {
    const SteadyTime idle_deadline = options.idle_timeout == Nanos::zero()
                                       ? no_deadline
                                       : env.clock.now() + options.idle_timeout;
    LB_CO_CHECK(co_await conn.peek(1, idle_deadline));
    const SteadyTime deadline = env.clock.now() + options.frame_timeout;
    const auto bytes = co_await conn.peek(frame_head_bytes, deadline);
    if (!bytes.has_value()) {
        const bool is_cut_off = bytes.code() == ErrorCode::closed && !conn.buffered().empty();
        co_return is_cut_off ? Error{ErrorCode::malformed, 0, "frame cut off"} : bytes.error();
    }
    co_return decode_frame_head(bytes->first(frame_head_bytes), options.limits);
}

Task<Result<Slice>> read_part(Conn& conn, const std::uint32_t size, const SteadyTime deadline) {
    if (size == 0) {
        co_return Slice();
    }
    auto part = co_await conn.read_exact(size, deadline);
    if (!part.has_value() && part.code() == ErrorCode::closed) {
        co_return Error{ErrorCode::malformed, 0, "frame cut off"};
    }
    co_return part;
}

bool is_worth_a_refusal(const ErrorCode code) noexcept {
    return code == ErrorCode::malformed || code == ErrorCode::unsupported
        || code == ErrorCode::too_large;
}

}  // namespace

Task<Result<Frame>> read_frame(Env& env, Conn& conn, const FrameReadOptions options) {
    Frame frame;
    const auto head = co_await peek_head(env, conn, options);
    if (!head.has_value()) {
        if (is_worth_a_refusal(head.code())) {
            std::string sentence = refusal_text(conn.buffered(), head.error());
            // Best effort: the connection is given up either way, and `head` tells why.
            [[maybe_unused]] const auto told =
                co_await send_refusal(conn, FrameHead(), std::move(sentence));
        }
        co_return head.error();
    }
    conn.consume(frame_head_bytes);
    frame.head = *head;
    const SteadyTime deadline = env.clock.now() + options.frame_timeout;
    if (options.budget != nullptr) {
        const std::uint64_t bytes = std::uint64_t{head->header_bytes} + head->payload_bytes;
        LB_CO_CHECK(co_await options.budget->acquire(bytes, deadline));
        frame.room = FrameRoom(*options.budget, bytes);
    }
    LB_CO_TRY(frame.header, co_await read_part(conn, head->header_bytes, deadline));
    if (codec::crc32c(frame.header.view()) != head->header_crc) {
        co_return Error{ErrorCode::malformed, 0, "frame header checksum"};
    }
    LB_CO_TRY(frame.payload, co_await read_part(conn, head->payload_bytes, deadline));
    co_return frame;
}

Task<Result<Ok>> send_frame(
    Conn& conn, FrameHead head, const ByteView header, std::vector<Slice> payload
) {
    std::uint64_t payload_bytes = 0;
    for (const Slice& piece : payload) {
        payload_bytes += piece.size();
    }
    if (header.size() > limits::rpc_header_bytes_max
        || payload_bytes > limits::rpc_payload_bytes_max) {
        co_return Error{ErrorCode::too_large, 0, "send frame"};
    }
    head.payload_bytes = static_cast<std::uint32_t>(payload_bytes);
    Buffer front(frame_head_bytes + header.size());
    append_frame(head, header, front);
    std::vector<Slice> pieces;
    pieces.reserve(1 + payload.size());
    pieces.push_back(conn.pool().copy_of(front.view()));
    for (Slice& piece : payload) {
        pieces.push_back(std::move(piece));
    }
    co_return co_await conn.send(std::move(pieces));
}

Task<Result<Ok>> send_refusal(Conn& conn, FrameHead head, const std::string sentence) {
    head.kind = FrameKind::refusal;
    std::vector<Slice> payload;
    payload.push_back(conn.pool().copy_of(as_bytes(sentence)));
    co_return co_await send_frame(conn, head, ByteView(), std::move(payload));
}

}  // namespace logboom::rpc
