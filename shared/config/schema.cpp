#include "shared/config/schema.h"

#include <algorithm>

namespace logboom::config {

const Option* Schema::find_option(const std::string_view section, const std::string_view key)
    const {
    const auto found = std::find_if(options.begin(), options.end(), [&](const Option& option) {
        return option.section == section && option.key == key;
    });
    return found == options.end() ? nullptr : &*found;
}

const Section* Schema::find_section(const std::string_view name) const {
    const auto found = std::find_if(sections.begin(), sections.end(), [&](const Section& section) {
        return section.name == name;
    });
    return found == sections.end() ? nullptr : &*found;
}

bool Schema::is_prefix(const std::string_view name) const {
    return std::any_of(sections.begin(), sections.end(), [&](const Section& section) {
        return section.name.size() > name.size() && section.name.starts_with(name)
            && section.name[name.size()] == '.';
    });
}

}  // namespace logboom::config
