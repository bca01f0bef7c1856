#include "collector/storage/partition_files.h"

namespace logboom::storage {

Task<Result<Ok>> remove_partition_files(
    Env& env, const std::string log_dir, const PartitionKey key
) {
    const std::string path = log_dir + "/" + partition_dir_name(key);
    const Result<std::vector<io::DirEntry>> entries = co_await env.fs.list(path);
    if (!entries) {
        co_return entries.code() == ErrorCode::not_found ? Result<Ok>(Ok{}) : entries.error();
    }
    for (const io::DirEntry& entry : *entries) {
        LB_CO_CHECK(co_await env.fs.unlink(path + "/" + entry.name));
    }
    co_return co_await env.fs.remove_dir(path);
}

}  // namespace logboom::storage
