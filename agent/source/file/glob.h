// Which paths an input means. A glob is compiled into its literal base directory and one matcher per
// component behind it (T1), so that a walk enters only directories that can still lead to a match.
// `*`, `?` and `[...]` stay within a name; `**` stands for any number of directories. A name that begins
// with a dot is matched like any other. Paths are bytes (T7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::source {

/// Whether one name matches one component's pattern.
[[nodiscard]] bool matches_name(std::string_view pattern, std::string_view name) noexcept;

class Glob {
public:
    enum class Kind : std::uint8_t { literal, pattern, any_depth };
    struct Component {
        Kind kind = Kind::literal;
        std::string text;

        [[nodiscard]] bool matches(std::string_view name) const noexcept {
            return kind == Kind::any_depth
                || (kind == Kind::literal ? text == name : matches_name(text, name));
        }
    };

    explicit Glob(std::string_view pattern);

    /// The longest directory that every match lies under; "/" at least for absolute patterns.
    [[nodiscard]] const std::string& base() const noexcept { return base_; }
    /// Behind the base; the last one is for the file's own name.
    [[nodiscard]] const std::vector<Component>& components() const noexcept { return components_; }
    /// Whether it names one path only.
    [[nodiscard]] bool is_literal() const noexcept;
    [[nodiscard]] bool matches(std::string_view path) const;

private:
    std::string base_;
    std::vector<Component> components_;
};

/// What an input leaves out: what its patterns cover, and files with names of compressed ones (T3). Patterns
/// without a slash look at the name alone. Exclusion wins.
class Exclusion {
public:
    explicit Exclusion(const std::vector<std::string>& patterns);

    [[nodiscard]] bool covers(std::string_view path) const;
    /// Whether everything below a directory is left out.
    [[nodiscard]] bool covers_tree(std::string_view directory) const;
    /// Whether `path` is, be it for a directory that it is in.
    [[nodiscard]] bool covers_with_trees(std::string_view path) const;

private:
    std::vector<std::string> names_;
    std::vector<Glob> paths_;
    std::vector<Glob> trees_;  // patterns that end in "/**", without that end
};

/// The paths of one input.
class PathSet {
public:
    PathSet(const std::vector<std::string>& include, const std::vector<std::string>& exclude);

    [[nodiscard]] const std::vector<Glob>& globs() const noexcept { return globs_; }
    [[nodiscard]] const Exclusion& exclusion() const noexcept { return exclusion_; }
    [[nodiscard]] bool matches(std::string_view path) const;
    /// Whether one of the globs is this very path.
    [[nodiscard]] bool names(std::string_view path) const;

private:
    std::vector<Glob> globs_;
    Exclusion exclusion_;
};

/// The part behind the last slash, and the part before it ("/" for a path right below the root).
[[nodiscard]] std::string_view base_name(std::string_view path) noexcept;
[[nodiscard]] std::string_view parent_of(std::string_view path) noexcept;
[[nodiscard]] std::string join_path(std::string_view directory, std::string_view name);
/// An absolute path without empty, "." and ".." components.
[[nodiscard]] std::string without_detours(std::string_view path);

}  // namespace logboom::source
