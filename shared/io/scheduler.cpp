#include "shared/io/scheduler.h"

#include <utility>

namespace logboom::io {

void Scheduler::run_ready(const std::size_t resumes_max) {
    for (std::size_t n = 0; n < resumes_max && !ready_.empty(); ++n) {
        if (shuffle_ != nullptr && ready_.size() > 1) {
            std::swap(ready_.front(), ready_[shuffle_->below(ready_.size())]);
        }
        const std::coroutine_handle<> task = ready_.front();
        ready_.pop_front();
        task.resume();
    }
}

}  // namespace logboom::io
