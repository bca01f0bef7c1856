// Rare branches that the simulator wants to see taken, and places where it may make one happen (LB_REACHED
// and LB_FAULT). Outside of the simulator nobody is asked: Env's probe is null, and each costs one branch.
#pragma once

#include <cstddef>
#include <cstdint>

namespace logboom {

/// A branch that a good run of many seeds has taken.
enum class Mark : std::uint8_t {
    // The agent's files.
    file_truncated,
    copy_followed,
    copy_skipped,
    rotated_while_away,
    file_vanished,
    line_start_searched,
    stream_brought_back,
    checkpoint_cut,
    checkpoint_lost,
    checkpoint_write_failed,
    checkpoint_compacted,
    // The agent's shipping.
    position_rejected,
    batch_was_known,
    batch_put_off,
    request_unanswered,
    // The collector's partitions.
    cursor_duplicate,
    cursor_overlap,
    cursor_gap,
    cursor_fenced,
    cursor_gap_allowed,
    producer_duplicate,
    producer_out_of_order,
    append_dropped,
    // The collector's logs.
    state_restored,
    state_rebuilt,
    torn_tail_cut,
    segment_rolled,
    segment_deleted,
    disk_full,
    storage_given_up,
    read_from_file,
    count  ///< none: how many there are
};
[[nodiscard]] const char* to_string(Mark mark) noexcept;

/// Something that may happen at any time, and seldom does by itself.
enum class FaultPoint : std::uint8_t {
    drop_connection,
    put_off_batch,
    roll_segment_early,
    write_state_early,
    compact_early,
    count  ///< none: how many there are
};
[[nodiscard]] const char* to_string(FaultPoint point) noexcept;

inline constexpr std::size_t marks_count = static_cast<std::size_t>(Mark::count);
inline constexpr std::size_t fault_points_count = static_cast<std::size_t>(FaultPoint::count);

/// Who watches one node. Shard: that of the Env that names it.
class Probe {
public:
    Probe() = default;
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    virtual ~Probe() = default;
    virtual void reached(Mark mark) = 0;
    [[nodiscard]] virtual bool strikes(FaultPoint point) = 0;
};

}  // namespace logboom

/// `env` is anything with a member `probe`.
#define LB_REACHED(env, mark)                            \
    do {                                                 \
        if ((env).probe != nullptr) {                    \
            (env).probe->reached(::logboom::Mark::mark); \
        }                                                \
    } while (false)

/// Whether it is to happen here and now.
#define LB_FAULT(env, point) \
    ((env).probe != nullptr && (env).probe->strikes(::logboom::FaultPoint::point))
