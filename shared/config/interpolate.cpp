#include "shared/config/interpolate.h"

#include "shared/base/bytes.h"

#include <fmt/format.h>

namespace logboom::config {
namespace {

using Found = std::variant<std::string, InterpolationProblem>;

Found content_of(const std::string& path, const World& world) {
    Result<std::string> text = world.load_file(path);
    if (!text.has_value()) {
        return InterpolationProblem{
            fmt::format("cannot read {}: {}", quoted(path), to_string(text.error()))};
    }
    std::string content = std::move(text).value();
    if (content.ends_with('\n')) {
        content.pop_back();
    }
    return content;
}

Found credential(const std::string& name, const World& world) {
    const std::optional<std::string> dir = world.environment("CREDENTIALS_DIRECTORY");
    if (!dir.has_value()) {
        return InterpolationProblem{fmt::format(
            "${{cred:{}}} needs LoadCredential={}:... in the unit (CREDENTIALS_DIRECTORY is not set)",
            name,
            name
        )};
    }
    if (name.find('/') != std::string::npos) {
        return InterpolationProblem{fmt::format("{} is no credential name", quoted(name))};
    }
    return content_of(*dir + "/" + name, world);
}

Found variable(const std::string& reference, const World& world) {
    const std::size_t colon = reference.find(':');
    const std::string name = reference.substr(0, colon);
    const std::string rest = colon == std::string::npos ? "" : reference.substr(colon + 1);
    if (name.empty()
        || (colon != std::string::npos && !rest.starts_with('-') && !rest.starts_with('?'))) {
        return InterpolationProblem{
            fmt::format("{} is no reference", quoted("${" + reference + "}"))};
    }
    if (std::optional<std::string> value = world.environment(name)) {
        return *std::move(value);
    }
    if (rest.starts_with('-')) {
        return rest.substr(1);
    }
    if (rest.starts_with('?')) {
        return InterpolationProblem{fmt::format("{}: {}", name, rest.substr(1))};
    }
    return InterpolationProblem{fmt::format(
        "environment variable {} is not set; give a default with ${{{}:-...}}", name, name
    )};
}

Found look_up(const std::string& reference, const World& world) {
    if (reference == "host") {
        return world.host;
    }
    if (reference == "machine_id") {
        return content_of("/etc/machine-id", world);
    }
    if (reference.starts_with("file:")) {
        return content_of(reference.substr(5), world);
    }
    if (reference.starts_with("cred:")) {
        return credential(reference.substr(5), world);
    }
    return variable(reference, world);
}

}  // namespace

std::variant<Interpolated, InterpolationProblem> interpolate(
    const std::string_view value, const World& world
) {
    Interpolated out;
    std::size_t at = 0;
    while (at < value.size()) {
        const std::string_view rest = value.substr(at);
        if (rest.starts_with("$$")) {
            out.text.push_back('$');
            at += 2;
        } else if (rest.starts_with("${")) {
            const std::size_t end = rest.find('}');
            if (end == std::string_view::npos) {
                return InterpolationProblem{"a reference begins with '${' and has no '}'"};
            }
            Found found = look_up(std::string(rest.substr(2, end - 2)), world);
            if (const auto* const problem = std::get_if<InterpolationProblem>(&found)) {
                return *problem;
            }
            out.text += std::get<std::string>(found);
            out.is_one_reference = at == 0 && end + 1 == rest.size();
            at += end + 1;
        } else {
            out.text.push_back(rest.front());
            ++at;
        }
    }
    return out;
}

}  // namespace logboom::config
