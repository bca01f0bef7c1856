#include "agent/source/file/glob.h"

#include "agent/source/file/compressed.h"

#include <algorithm>

namespace logboom::source {

namespace {

std::vector<std::string_view> components_of(const std::string_view path) {
    std::vector<std::string_view> parts;
    std::size_t at = 0;
    while (at <= path.size()) {
        const std::size_t slash = std::min(path.find('/', at), path.size());
        if (slash > at) {
            parts.push_back(path.substr(at, slash - at));
        }
        at = slash + 1;
    }
    return parts;
}

bool is_pattern(const std::string_view text) noexcept {
    return text.find_first_of("*?[") != std::string_view::npos;
}

Glob::Component component_of(const std::string_view text) {
    if (text == "**") {
        return {Glob::Kind::any_depth, std::string(text)};
    }
    return {is_pattern(text) ? Glob::Kind::pattern : Glob::Kind::literal, std::string(text)};
}

/// Whether `c` is in the set that begins behind the `[` at `at`; moves `at` behind the `]`. A set
/// without its end is the character `[` itself.
bool matches_set(const std::string_view pattern, std::size_t& at, const char c) noexcept {
    std::size_t i = at + 1;
    const bool is_negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
    i += is_negated ? 1 : 0;
    const std::size_t first = i;
    bool is_in = false;
    const auto order = [](const char x) { return static_cast<unsigned char>(x); };
    while (i < pattern.size() && (pattern[i] != ']' || i == first)) {
        const bool is_range = i + 2 < pattern.size() && pattern[i + 1] == '-'
                           && pattern[i + 2] != ']';
        const char last = is_range ? pattern[i + 2] : pattern[i];
        is_in = is_in || (order(pattern[i]) <= order(c) && order(c) <= order(last));
        i += is_range ? 3 : 1;
    }
    if (i >= pattern.size()) {
        ++at;
        return c == '[';
    }
    at = i + 1;
    return is_in != is_negated;
}

/// Matches names against the components from `part` on.
bool matches_parts(
    const std::vector<Glob::Component>& components,
    const std::size_t part,
    const std::vector<std::string_view>& names,
    const std::size_t name
) {
    if (part == components.size()) {
        return name == names.size();
    }
    if (components[part].kind == Glob::Kind::any_depth) {
        if (part + 1 == components.size()) {
            return name < names.size();  // "/dir/**": every file below
        }
        for (std::size_t skipped = name; skipped < names.size(); ++skipped) {
            if (matches_parts(components, part + 1, names, skipped)) {
                return true;
            }
        }
        return false;
    }
    return name < names.size() && components[part].matches(names[name])
        && matches_parts(components, part + 1, names, name + 1);
}

}  // namespace

bool matches_name(const std::string_view pattern, const std::string_view name) noexcept {
    std::size_t p = 0;
    std::size_t n = 0;
    std::size_t star = std::string_view::npos;  // the last `*`, to come back to
    std::size_t star_name = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_name = n;
            continue;
        }
        bool is_match = false;
        std::size_t next = p + 1;
        if (p < pattern.size()) {
            if (pattern[p] == '[') {
                next = p;
                is_match = matches_set(pattern, next, name[n]);
            } else {
                is_match = pattern[p] == '?' || pattern[p] == name[n];
            }
        }
        if (is_match) {
            p = next;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++star_name;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

Glob::Glob(const std::string_view pattern) {
    const std::vector<std::string_view> parts = components_of(pattern);
    std::size_t literal = 0;
    base_ = pattern.starts_with('/') ? "/" : "";
    while (literal + 1 < parts.size() && !is_pattern(parts[literal])) {
        base_ = join_path(base_, parts[literal]);
        ++literal;
    }
    for (std::size_t i = literal; i < parts.size(); ++i) {
        const bool repeats = parts[i] == "**" && !components_.empty()
                          && components_.back().kind == Kind::any_depth;
        if (!repeats) {
            components_.push_back(component_of(parts[i]));
        }
    }
}

bool Glob::is_literal() const noexcept {
    return components_.size() == 1 && components_.front().kind == Kind::literal;
}

bool Glob::matches(const std::string_view path) const {
    std::string_view rest = path;
    if (base_ != "/" && !base_.empty()) {
        if (!path.starts_with(base_) || path.size() <= base_.size() || path[base_.size()] != '/') {
            return false;
        }
        rest = path.substr(base_.size());
    }
    return matches_parts(components_, 0, components_of(rest), 0);
}

Exclusion::Exclusion(const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) {
        if (pattern.find('/') == std::string::npos) {
            names_.push_back(pattern);
            continue;
        }
        paths_.emplace_back(pattern);
        if (pattern.size() > 3 && pattern.ends_with("/**")) {
            trees_.emplace_back(pattern.substr(0, pattern.size() - 3));
        }
    }
}

bool Exclusion::covers(const std::string_view path) const {
    const std::string_view name = base_name(path);
    const auto is_name = [name](const std::string& pattern) { return matches_name(pattern, name); };
    const auto is_path = [path](const Glob& glob) { return glob.matches(path); };
    return has_compressed_name(name) || std::any_of(names_.begin(), names_.end(), is_name)
        || std::any_of(paths_.begin(), paths_.end(), is_path);
}

bool Exclusion::covers_tree(const std::string_view directory) const {
    const auto is_tree = [directory](const Glob& glob) { return glob.matches(directory); };
    return std::any_of(trees_.begin(), trees_.end(), is_tree);
}

bool Exclusion::covers_with_trees(const std::string_view path) const {
    if (covers(path)) {
        return true;
    }
    std::string_view directory = path;
    while (directory.size() > 1) {
        directory = parent_of(directory);
        if (covers_tree(directory)) {
            return true;
        }
    }
    return false;
}

PathSet::PathSet(const std::vector<std::string>& include, const std::vector<std::string>& exclude)
    : exclusion_(exclude) {
    for (const std::string& pattern : include) {
        globs_.emplace_back(pattern);
    }
}

bool PathSet::names(const std::string_view path) const {
    return std::any_of(globs_.begin(), globs_.end(), [path](const Glob& glob) {
        return glob.is_literal() && glob.matches(path);
    });
}

bool PathSet::matches(const std::string_view path) const {
    const auto is_match = [path](const Glob& glob) { return glob.matches(path); };
    return std::any_of(globs_.begin(), globs_.end(), is_match)
        && !exclusion_.covers_with_trees(path);
}

std::string_view base_name(const std::string_view path) noexcept {
    return path.substr(path.rfind('/') + 1);
}

std::string_view parent_of(const std::string_view path) noexcept {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
        return {};
    }
    return path.substr(0, slash == 0 ? 1 : slash);
}

std::string join_path(const std::string_view directory, const std::string_view name) {
    std::string path(directory);
    if (!path.empty() && path.back() != '/') {
        path += '/';
    }
    path += name;
    return path;
}

std::string without_detours(const std::string_view path) {
    std::string straight;
    for (const std::string_view part : components_of(path)) {
        if (part == "..") {
            straight.resize(std::min(straight.rfind('/'), straight.size()));
        } else if (part != ".") {
            straight += '/';
            straight += part;
        }
    }
    return straight.empty() ? "/" : straight;
}

}  // namespace logboom::source
