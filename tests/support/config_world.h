// A world for configurations: files, directories and environment as maps.
#pragma once

#include "shared/config/config.h"

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace logboom::test {

struct ConfigFiles {
    std::map<std::string, std::string> files;
    std::map<std::string, std::string> environment;

    [[nodiscard]] config::World world() const {
        const auto copy = std::make_shared<ConfigFiles>(*this);
        config::World made;
        made.environment = [copy](const std::string& name) -> std::optional<std::string> {
            const auto found = copy->environment.find(name);
            return found == copy->environment.end() ? std::nullopt
                                                    : std::optional<std::string>(found->second);
        };
        made.load_file = [copy](const std::string& path) -> Result<std::string> {
            const auto found = copy->files.find(path);
            if (found == copy->files.end()) {
                return Error{ErrorCode::not_found, ENOENT, "open configuration"};
            }
            return found->second;
        };
        made.list_dir = [copy](const std::string& path) -> Result<std::vector<std::string>> {
            std::vector<std::string> names;
            const std::string prefix = path + "/";
            for (const auto& [file, text] : copy->files) {
                if (file.starts_with(prefix)) {
                    names.push_back(file.substr(prefix.size()));
                }
            }
            if (names.empty()) {
                return Error{ErrorCode::not_found, ENOENT, "open configuration directory"};
            }
            return names;
        };
        made.host = "testhost";
        return made;
    }

    /// Loads "/etc/x.toml" and its drop-ins.
    [[nodiscard]] config::LoadRequest request(std::vector<std::string> settings = {}) const {
        config::LoadRequest made;
        made.world = world();
        made.path = "/etc/x.toml";
        made.settings = std::move(settings);
        return made;
    }
};

[[nodiscard]] inline ConfigFiles main_file(std::string text) {
    ConfigFiles files;
    files.files["/etc/x.toml"] = std::move(text);
    return files;
}

}  // namespace logboom::test
