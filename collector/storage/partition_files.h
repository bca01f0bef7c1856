// Takes away what lies on disk of a partition that is no more.
#pragma once

#include "collector/storage/layout.h"
#include "shared/io/env.h"

#include <string>

namespace logboom::storage {

/// Removes the partition's directory with all files in it; one that is not there is no error. Its log is
/// closed. The removal is durable once the log directory is synced. Errors: `io` for what cannot be removed:
/// some files may be gone then.
Task<Result<Ok>> remove_partition_files(Env& env, std::string log_dir, PartitionKey key);

}  // namespace logboom::storage
