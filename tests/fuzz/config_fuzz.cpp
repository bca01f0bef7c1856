// A configuration file of the agent and of the collector, from TOML text to the programs' structs. What
// loads is shown as a file that loads to the same.
#include "agent/agent_config.h"
#include "collector/collector_config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/config_world.h"

#include <string>

using namespace logboom;

namespace {

constexpr const char* main_path = "/etc/x.toml";

config::LoadRequest request_of(const std::string& text) {
    test::ConfigFiles files = test::main_file(text);
    files.files["/etc/secret"] = "of a file\n";
    files.environment["NAME"] = "value";
    return files.request();
}

/// `load_config` is the program's own function.
template <typename Load>
void check(const config::Schema& schema, const std::string& text, const Load load_config) {
    const config::Loaded loaded = load_config(request_of(text)).loaded;
    LB_ASSERT(loaded.ok() == loaded.problems.text().empty());
    if (!loaded.ok()) {
        LB_ASSERT(loaded.problems.text().starts_with(main_path));
        return;
    }
    const std::string shown = dump_text(schema, loaded, config::DumpKind::effective);
    LB_ASSERT(!dump_text(schema, loaded, config::DumpKind::origins).empty());
    const config::Loaded again = load_config(request_of(shown)).loaded;
    LB_ASSERT(again.ok());
    LB_ASSERT(dump_text(schema, again, config::DumpKind::effective) == shown);
}

}  // namespace

LB_FUZZ_TARGET(config) {
    const std::string text(as_text(fuzz::view_of(data, size)));
    check(agent::agent_schema(), text, agent::load_agent_config);
    check(collector::collector_schema(), text, collector::load_collector_config);
    return 0;
}
