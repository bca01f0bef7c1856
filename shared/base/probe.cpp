#include "shared/base/probe.h"

namespace logboom {

const char* to_string(const Mark mark) noexcept {
    switch (mark) {
    case Mark::file_truncated: return "file_truncated";
    case Mark::copy_followed: return "copy_followed";
    case Mark::copy_skipped: return "copy_skipped";
    case Mark::rotated_while_away: return "rotated_while_away";
    case Mark::file_vanished: return "file_vanished";
    case Mark::line_start_searched: return "line_start_searched";
    case Mark::stream_brought_back: return "stream_brought_back";
    case Mark::checkpoint_cut: return "checkpoint_cut";
    case Mark::checkpoint_lost: return "checkpoint_lost";
    case Mark::checkpoint_write_failed: return "checkpoint_write_failed";
    case Mark::checkpoint_compacted: return "checkpoint_compacted";
    case Mark::position_rejected: return "position_rejected";
    case Mark::batch_was_known: return "batch_was_known";
    case Mark::batch_put_off: return "batch_put_off";
    case Mark::request_unanswered: return "request_unanswered";
    case Mark::cursor_duplicate: return "cursor_duplicate";
    case Mark::cursor_overlap: return "cursor_overlap";
    case Mark::cursor_gap: return "cursor_gap";
    case Mark::cursor_fenced: return "cursor_fenced";
    case Mark::cursor_gap_allowed: return "cursor_gap_allowed";
    case Mark::producer_duplicate: return "producer_duplicate";
    case Mark::producer_out_of_order: return "producer_out_of_order";
    case Mark::append_dropped: return "append_dropped";
    case Mark::state_restored: return "state_restored";
    case Mark::state_rebuilt: return "state_rebuilt";
    case Mark::torn_tail_cut: return "torn_tail_cut";
    case Mark::segment_rolled: return "segment_rolled";
    case Mark::segment_deleted: return "segment_deleted";
    case Mark::disk_full: return "disk_full";
    case Mark::storage_given_up: return "storage_given_up";
    case Mark::read_from_file: return "read_from_file";
    case Mark::count: break;
    }
    return "unknown";
}

const char* to_string(const FaultPoint point) noexcept {
    switch (point) {
    case FaultPoint::drop_connection: return "drop_connection";
    case FaultPoint::put_off_batch: return "put_off_batch";
    case FaultPoint::roll_segment_early: return "roll_segment_early";
    case FaultPoint::write_state_early: return "write_state_early";
    case FaultPoint::compact_early: return "compact_early";
    case FaultPoint::count: break;
    }
    return "unknown";
}

}  // namespace logboom
