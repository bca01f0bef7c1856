// The small languages inside configuration values: durations, sizes, addresses, references.
#include "shared/config/interpolate.h"
#include "shared/config/parse.h"
#include "shared/config/scan.h"
#include "shared/config/units.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/config_world.h"

#include <string>

using namespace logboom;
using namespace logboom::config;

namespace {

void check_units(const std::string_view text) {
    if (const std::optional<Nanos> duration = parse_duration(text)) {
        LB_ASSERT(duration->count() >= 0);
        LB_ASSERT(parse_duration(format_duration(*duration)) == duration);
    }
    if (const std::optional<std::int64_t> bytes = parse_size(text)) {
        LB_ASSERT(*bytes >= 0);
        LB_ASSERT(parse_size(format_size(*bytes)) == bytes);
    }
    if (const std::optional<HostPort> address = parse_host_port(text)) {
        LB_ASSERT(!address->host.empty());
        LB_ASSERT(parse_host_port(to_string(*address)) == address);
    }
}

void check_references(const std::string_view text) {
    test::ConfigFiles files;
    files.environment["NAME"] = "value";
    const auto found = interpolate(text, files.world());
    if (const auto* const problem = std::get_if<InterpolationProblem>(&found)) {
        LB_ASSERT(!problem->message.empty());
    } else if (text.find('$') == std::string_view::npos) {
        LB_ASSERT(std::get<Interpolated>(found).text == text);
    }
}

}  // namespace

LB_FUZZ_TARGET(config_values) {
    const std::string_view text = as_text(fuzz::view_of(data, size));
    check_units(text);
    check_references(text);
    const std::optional<std::size_t> stray = find_stray_character(text);
    LB_ASSERT(!stray || *stray < size);
    static_cast<void>(parse_value(text));
    return 0;
}
