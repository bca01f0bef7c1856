// Streams without files, for tests of what holds and queues them.
#pragma once

#include "agent/source/file/stream_table.h"
#include "agent/source/file/turn_queue.h"
#include "tests/unit/agent/batch/batch_bench.h"

#include <memory>
#include <utility>

namespace logboom::tests {

class StreamBench {
public:
    StreamBench() : input{.name = "app", .topic = "logs", .paths = source::PathSet({"/*"}, {})} {}

    source::Stream& add(const unsigned number, const std::uint64_t ino) {
        record::FileIdentity identity;
        identity.fs_id = "fs";
        identity.ino = ino;
        identity.gen = 1;
        identity.btime_ns = 1000;
        identity.head_len = 10;
        identity.head_hash = number;
        identity.path_seen = "/log";
        return table.add(std::make_unique<source::Stream>(
            batches.room, input, id_of(number), std::move(identity)
        ));
    }
    void set_head(source::Stream& stream, const std::uint32_t size, const std::uint64_t hash) {
        record::FileIdentity identity = stream.identity;
        identity.head_len = size;
        identity.head_hash = hash;
        table.set_identity(stream, std::move(identity));
    }

    BatchBench batches;
    source::FileInput input;
    source::StreamTable table;
};

}  // namespace logboom::tests
