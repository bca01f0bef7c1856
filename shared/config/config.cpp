#include "shared/config/config.h"

#include "shared/base/bytes.h"
#include "shared/base/limits.h"
#include "shared/config/check.h"
#include "shared/config/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace logboom::config {
namespace {

/// One load: the files, in their order, go into the checker.
class Loading {
public:
    Loading(const Schema& schema, const LoadRequest& request, Problems& problems)
        : request_(request)
        , problems_(problems)
        , checker_(schema, request.world, problems) {}

    Values run() {
        if (!request_.path.empty()) {
            add_main_file();
            add_drop_ins();
        }
        checker_.add_built_in_tables();
        for (const std::string& setting : request_.settings) {
            checker_.add_setting(setting);
        }
        return checker_.finish(is_complete_, main_place_);
    }

private:
    void add_main_file() {
        Result<std::string> text = request_.world.load_file(request_.path);
        if (text.has_value()) {
            main_place_.source = add_text(request_.path, std::move(text).value());
            main_place_.line = 1;
            main_place_.column = 1;
            return;
        }
        const bool is_absent = text.code() == ErrorCode::not_found;
        if (!is_absent || request_.main_file == MainFile::required) {
            refuse(request_.path, text.error());
        }
    }

    void add_drop_ins() {
        const std::string dir = drop_in_dir();
        Result<std::vector<std::string>> names = request_.world.list_dir(dir);
        if (!names.has_value()) {
            const bool was_asked_for = !request_.dir.empty();
            if (was_asked_for || names.code() != ErrorCode::not_found) {
                refuse(dir, names.error());
            }
            return;
        }
        std::sort(names->begin(), names->end());
        std::size_t files_count = 0;
        for (const std::string& name : *names) {
            // Editors leave hidden and backup files behind.
            if (!name.ends_with(".toml") || name.starts_with('.')) {
                continue;
            }
            if (++files_count > limits::config_files_max) {
                problems_.add(
                    {}, fmt::format("more than {} files in {}", limits::config_files_max, dir)
                );
                return;
            }
            const std::string path = fmt::format("{}/{}", dir, name);
            Result<std::string> text = request_.world.load_file(path);
            if (text.has_value()) {
                static_cast<void>(add_text(path, std::move(text).value()));
            } else {
                refuse(path, text.error());
            }
        }
    }

    [[nodiscard]] std::string drop_in_dir() const {
        if (!request_.dir.empty()) {
            return request_.dir;
        }
        std::string_view stem = request_.path;
        if (stem.ends_with(".toml")) {
            stem.remove_suffix(5);
        }
        return fmt::format("{}.d", stem);
    }

    std::size_t add_text(const std::string& path, std::string text) {
        const std::size_t source = problems_.add_source({path, std::move(text)});
        const Parsed parsed = parse(source, problems_);
        is_complete_ = is_complete_ && parsed.is_complete;
        checker_.add_file(parsed.root);
        return source;
    }

    void refuse(const std::string& path, const Error error) {
        is_complete_ = false;
        problems_.add({}, fmt::format("cannot read {}: {}", quoted(path), to_string(error)));
    }

    const LoadRequest& request_;
    Problems& problems_;
    Checker checker_;
    bool is_complete_ = true;
    Place main_place_;
};

}  // namespace

Loaded load(const Schema& schema, const LoadRequest& request) {
    Loaded loaded;
    loaded.values = Loading(schema, request, loaded.problems).run();
    return loaded;
}

}  // namespace logboom::config
