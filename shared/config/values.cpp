#include "shared/config/values.h"

#include "shared/base/assert.h"

namespace logboom::config {

const Value& Table::get(const std::string_view key) const {
    static const Value nothing;
    const auto found = values_.find(key);
    return found == values_.end() ? nothing : found->second;
}

std::optional<HostPort> Table::host_port(const std::string_view key) const {
    return parse_host_port(text(key));
}

std::vector<HostPort> Table::host_ports(const std::string_view key) const {
    std::vector<HostPort> addresses;
    for (const std::string& text : list(key)) {
        if (std::optional<HostPort> address = parse_host_port(text)) {
            addresses.push_back(*std::move(address));
        }
    }
    return addresses;
}

Place Table::place(const std::string_view key) const {
    const Place of_value = get(key).place;
    return of_value.is_known() ? of_value : place_;
}

const Table& Values::table(const std::string_view section) const {
    const std::vector<Table>& all = tables(section);
    LB_ASSERT(all.size() == 1);
    return all.front();
}

const std::vector<Table>& Values::tables(const std::string_view section) const {
    const auto found = tables_.find(section);
    LB_ASSERT(found != tables_.end());
    return found->second;
}

}  // namespace logboom::config
