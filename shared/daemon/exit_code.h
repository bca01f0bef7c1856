// Exit codes of our programs; documented, and scripts rely on them.
#pragma once

namespace logboom::daemon {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_config = 78;  // EX_CONFIG; systemd is told not to restart on it

}  // namespace logboom::daemon
