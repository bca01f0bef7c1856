// Walks the trees of all sources along the schema and collects values and problems.
#pragma once

#include "shared/config/schema.h"
#include "shared/config/tree.h"
#include "shared/config/values.h"
#include "shared/config/world.h"

#include <string>
#include <string_view>
#include <vector>

namespace logboom::config {

class Checker {
public:
    /// All outlive the checker.
    Checker(const Schema& schema, const World& world, Problems& problems);

    /// Tables merge, lists append; a key that another file has set is an error, unless this file lists
    /// it in `override`.
    void add_file(const Node& root);
    /// Lists that no file has given get their built-in tables. After the last file, before the settings.
    void add_built_in_tables();
    /// "section.key=value" of the command line; wins over files. A list's table is named by its number:
    /// "input.file[0].topic=app"; the number behind the last one adds a table.
    void add_setting(const std::string& setting);
    /// Fills in defaults. `is_complete`: no source had lines that could not be read, so that what is
    /// required and absent is an error. `file` is where the absence of a list is reported.
    [[nodiscard]] Values finish(bool is_complete, Place file);

private:
    struct At {  // where in schema and values the walk is
        std::string section;
        std::string path;  // the same with numbers: "input.file[1]"
        Table* table = nullptr;
    };

    void walk(const Node& node, const At& at);
    void walk_member(const Member& member, const At& at);
    void walk_tables(const Member& member, const Section& section);
    void walk_section(const Member& member, const std::string& name);
    void set(const Option& option, const Node& node, Place key_place, const At& at);
    void unknown_key(const Member& member, const At& at);
    [[nodiscard]] std::vector<std::string_view> known_beside(std::string_view section) const;
    [[nodiscard]] std::string elsewhere(std::string_view key) const;
    [[nodiscard]] Table& add_table(const Section& section, Place place);
    [[nodiscard]] std::string number_of_last(const Section& section) const;
    void read_overrides(const Node& root);
    void fill_defaults(
        const Section& section, Table& table, const std::string& path, bool is_complete
    );
    [[nodiscard]] bool resolve(std::string_view target, Place place, At& at, std::string& key);

    const Schema& schema_;
    const World& world_;
    Problems& problems_;
    Values values_;
    std::vector<std::string> overrides_;  // of the file being walked
    bool is_setting_ = false;
};

}  // namespace logboom::config
