// A program's configuration from its files, drop-ins and `--set` texts to checked values. A program
// writes a Schema and a function that turns Values into its own structs.
#pragma once

#include "shared/config/problems.h"
#include "shared/config/schema.h"
#include "shared/config/values.h"
#include "shared/config/world.h"

#include <string>
#include <vector>

namespace logboom::config {

enum class MainFile : std::uint8_t {
    required,   ///< the user named it: its absence is an error
    if_present  ///< the default place: without it the defaults hold
};

struct LoadRequest {
    World world;
    std::string path;  // of the main file; "" reads no file at all
    MainFile main_file = MainFile::required;
    std::string dir;  // of drop-ins; "": the main file's name with ".d" in place of ".toml"
    std::vector<std::string> settings;  // "section.key=value"; win over files
};

struct Loaded {
    Values values;
    Problems problems;

    [[nodiscard]] bool ok() const noexcept { return problems.empty(); }
};

/// Reads the main file, then `*.toml` of the directory in byte order, then the settings; checks
/// everything and reports every problem. Never fails otherwise.
[[nodiscard]] Loaded load(const Schema& schema, const LoadRequest& request);

/// The commented example file: every option with its default, type and sentence. Valid TOML.
[[nodiscard]] std::string example_text(const Schema& schema);

enum class DumpKind : std::uint8_t {
    effective,  ///< every option with its value
    origins     ///< the same, with the place that each value came from
};
/// The configuration in force as a configuration file. Secrets are not shown.
[[nodiscard]] std::string dump_text(const Schema& schema, const Loaded& loaded, DumpKind kind);

}  // namespace logboom::config
