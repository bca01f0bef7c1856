#include "collector/storage/batch_reader.h"

#include "shared/base/limits.h"

#include <algorithm>

namespace logboom::storage {

namespace {

bool is_zero(const ByteView bytes) noexcept {
    return std::all_of(bytes.begin(), bytes.end(), [](const std::byte b) {
        return b == std::byte{0};
    });
}

}  // namespace

Task<Result<ByteView>> BatchReader::window(const std::uint64_t bytes) {
    const std::uint64_t wanted = std::min(bytes, limit_ - position_);
    const bool is_there = position_ >= block_position_
                       && position_ + wanted <= block_position_ + block_.size();
    if (!is_there) {
        const std::uint64_t size =
            std::min(std::max<std::uint64_t>(wanted, block_bytes_), limit_ - position_);
        Slice block = env_.pool.allocate(static_cast<std::uint32_t>(size));
        LB_CO_TRY(const std::uint32_t got, co_await file_.pread(block.mutable_bytes(), position_));
        block_ = block.part(0, got);
        block_position_ = position_;
        if (got < size) {
            limit_ = position_ + got;
        }
    }
    const auto at = static_cast<std::size_t>(position_ - block_position_);
    const ByteView all = block_.view().subspan(at);
    co_return all.first(static_cast<std::size_t>(std::min<std::uint64_t>(all.size(), bytes)));
}

Task<Result<BatchReader::Found>> BatchReader::next() {
    if (batch_) {
        position_ += batch_->size();
        batch_.reset();
    }
    if (position_ >= limit_) {
        co_return Found::end;
    }
    LB_CO_TRY(const ByteView head, co_await window(limits::batch_header_bytes));
    if (head.empty()) {
        co_return Found::end;
    }
    if (is_zero(head)) {
        co_return Found::zeros;
    }
    const std::uint64_t size = record::claimed_batch_size(head).value_or(0);
    if (size < limits::batch_header_bytes || size > limits::batch_bytes_max
        || size > limit_ - position_) {
        co_return Found::damaged;
    }
    LB_CO_TRY(const ByteView bytes, co_await window(size));
    const Result<record::BatchView> batch = record::BatchView::parse(bytes);
    if (!batch || !batch->check_crc()) {
        co_return Found::damaged;
    }
    batch_ = *batch;
    co_return Found::batch;
}

Slice BatchReader::slice() const noexcept {
    return block_.part(
        static_cast<std::uint32_t>(position_ - block_position_),
        static_cast<std::uint32_t>(batch_->size())
    );
}

Task<Result<std::uint64_t>> find_data_end(
    Env& env, io::File& file, const std::uint64_t from, const std::uint64_t limit
) {
    Slice block = env.pool.allocate(limits::log_read_bytes);
    std::uint64_t end = from;
    for (std::uint64_t at = from; at < limit;) {
        const auto wanted = std::min<std::uint64_t>(block.size(), limit - at);
        const MutableByteView into = block.mutable_bytes().first(static_cast<std::size_t>(wanted));
        LB_CO_TRY(const std::uint32_t got, co_await file.pread(into, at));
        if (got == 0) {
            break;
        }
        const ByteView bytes = into.first(got);
        const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](const std::byte b) {
            return b != std::byte{0};
        });
        if (last != bytes.rend()) {
            end = at + static_cast<std::uint64_t>(std::distance(last, bytes.rend()));
        }
        at += got;
    }
    co_return end;
}

}  // namespace logboom::storage
