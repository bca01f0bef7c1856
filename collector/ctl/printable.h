// Foreign bytes made fit for terminals and for JSON.
#pragma once

#include "shared/base/bytes.h"

#include <string>
#include <string_view>

namespace logboom::ctl {

/// One line that cannot harm a terminal: control characters (also C1 and those that turn the writing
/// direction) and bytes that are not UTF-8 are shown as `\n`, `\x1b`, `\u202e`. Tabs stay.
[[nodiscard]] std::string printable(std::string_view foreign);

/// UTF-8 in any case: bytes that are not are shown as `\xNN`, everything else is unchanged.
[[nodiscard]] std::string as_utf8(std::string_view foreign);
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

[[nodiscard]] std::string to_base64(ByteView bytes);

}  // namespace logboom::ctl
