#include "collector/metadata/journal.h"

#include "shared/base/limits.h"
#include "shared/codec/crc_frame.h"

namespace logboom::metadata {

namespace {

constexpr std::string_view file_kind = "LBMJ";
/// A compacted journal begins with one frame of the largest size; the store makes it anew before what
/// follows is as large.
constexpr std::size_t journal_bytes_max = 2 * std::size_t{limits::crc_frame_bytes_max};

/// Whether a whole frame begins anywhere behind the first damaged one. A write that was cut short has
/// nothing behind it, because each one was synced before the next began.
bool has_frame_behind(const ByteView torn) {
    for (std::size_t at = 1; at + codec::crc_frame_head_bytes < torn.size(); ++at) {
        codec::CrcFrameReader reader(torn.subspan(at));
        ByteView payload;
        if (reader.next(payload) == codec::CrcFrameReader::Found::frame) {
            return true;
        }
    }
    return false;
}

}  // namespace

void report_other_version(
    const Logger& log, const std::string& path, const ByteView file, const std::uint8_t supported
) {
    LB_ASSERT(file.size() >= codec::framed_file_head_bytes);
    log.error(
        "a file of the metadata is of another version of its format: start the program that wrote it",
        {kv("file", quoted(path)),
         kv("version", std::to_integer<unsigned>(file[codec::framed_file_version_at])),
         kv("supported", supported)}
    );
}

Task<Result<std::vector<JournalRecord>>> Journal::open() {
    LB_CO_CHECK(co_await open_file());
    LB_CO_TRY(const std::string bytes, co_await env_.fs.read_file(path_, journal_bytes_max));
    const ByteView file = as_bytes(bytes);
    const Result<Ok> head = codec::check_file_head(file, file_kind, journal_version);
    if (!head && head.code() == ErrorCode::unsupported) {
        report_other_version(env_.log, path_, file, journal_version);
    }
    LB_CO_CHECK(head);
    codec::CrcFrameReader reader(file.subspan(codec::framed_file_head_bytes));
    std::vector<JournalRecord> records;
    ByteView payload;
    auto found = reader.next(payload);
    for (; found == codec::CrcFrameReader::Found::frame; found = reader.next(payload)) {
        LB_CO_TRY(JournalRecord record, decode_journal_record(payload));
        records.push_back(std::move(record));
    }
    size_bytes_ = codec::framed_file_head_bytes + reader.position();
    const bool is_torn = found == codec::CrcFrameReader::Found::torn;
    if (is_torn && has_frame_behind(file.subspan(size_bytes_))) {
        co_return Error{ErrorCode::corrupt, 0, "frame of the metadata journal"};
    }
    if (size_bytes_ < file.size()) {
        dropped_bytes_ = file.size() - size_bytes_;
        env_.log.warn(
            "torn tail of the metadata journal cut off",
            {kv("file", quoted(path_)), kv("dropped_bytes", dropped_bytes_)}
        );
        LB_CO_CHECK(co_await cut_to(size_bytes_));
    }
    co_return records;
}

Task<Result<Ok>> Journal::open_file() {
    Result<io::File> file = co_await env_.fs.open(path_, O_RDWR | O_NOFOLLOW);
    if (!file && file.code() == ErrorCode::not_found) {
        Buffer head;
        codec::append_file_head(file_kind, journal_version, head);
        LB_CO_CHECK(co_await env_.fs.replace_file(path_, head.view()));
        file = co_await env_.fs.open(path_, O_RDWR | O_NOFOLLOW);
    }
    if (!file) {
        co_return file.error();
    }
    file_ = std::move(*file);
    co_return Ok{};
}

Task<Result<Ok>> Journal::cut_to(const std::uint64_t size) {
    LB_CO_CHECK(co_await file_.truncate(size));
    co_return co_await file_.fdatasync();
}

Task<Result<Ok>> Journal::append(const JournalRecord& record) {
    if (has_failed_) {
        co_return Error{ErrorCode::storage_failed, 0, "metadata journal"};
    }
    Buffer payload;
    encode(record, payload);
    if (payload.size() > limits::crc_frame_bytes_max) {
        co_return Error{ErrorCode::too_large, 0, "record of the metadata"};
    }
    Buffer frame;
    codec::append_crc_frame(payload.view(), frame);
    const Result<Ok> written = co_await file_.pwrite(frame.view(), size_bytes_);
    if (!written && written.code() == ErrorCode::no_space) {
        const Result<Ok> cut = co_await cut_to(size_bytes_);
        co_return cut ? written.error() : give_up(cut.error());
    }
    if (!written) {
        co_return give_up(written.error());
    }
    const Result<Ok> synced = co_await file_.fdatasync();
    if (!synced) {
        co_return give_up(synced.error());
    }
    size_bytes_ += frame.size();
    co_return Ok{};
}

Task<Result<Ok>> Journal::compact(const JournalRecord& record) {
    Buffer payload;
    encode(record, payload);
    if (payload.size() > limits::crc_frame_bytes_max) {
        co_return Error{ErrorCode::too_large, 0, "image of the metadata"};
    }
    Buffer file;
    codec::append_framed_file(file_kind, journal_version, payload.view(), file);
    const Result<Ok> replaced = co_await env_.fs.replace_file(path_, file.view());
    if (!replaced) {
        co_return co_await after_failed_replacement(replaced.error());
    }
    [[maybe_unused]] const Result<Ok> closed = co_await file_.close();
    const Result<Ok> opened = co_await open_file();
    if (!opened) {
        co_return give_up(opened.error());
    }
    size_bytes_ = file.size();
    co_return Ok{};
}

/// Whether the name still belongs to the file that we write to: what is appended to another one is lost.
Task<Result<Ok>> Journal::after_failed_replacement(const Error error) {
    const Result<io::FileStat> named = co_await env_.fs.stat(path_);
    const Result<io::FileStat> ours = co_await file_.stat();
    const bool is_as_before = named && ours && named->dev == ours->dev && named->ino == ours->ino;
    co_return is_as_before ? error : give_up(error);
}

Task<void> Journal::close() {
    if (file_.is_open()) {
        [[maybe_unused]] const Result<Ok> closed = co_await file_.close();
    }
}

Error Journal::give_up(const Error& error) {
    has_failed_ = true;
    env_.log.error(
        "metadata journal given up after an I/O error: topics cannot be changed any more; check the "
        "disk and start again",
        {kv("file", quoted(path_)), kv("error", to_string(error))}
    );
    return Error{ErrorCode::storage_failed, error.sys_errno, "metadata journal"};
}

}  // namespace logboom::metadata
