#define BOOST_TEST_MODULE agent_source_file
#include "agent/source/file/glob.h"

#include "shared/base/rng.h"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace logboom;
using namespace logboom::source;

namespace {

using Paths = std::vector<std::string>;

bool is_match(const std::string& pattern, const std::string& path) {
    return Glob(pattern).matches(path);
}

/// The rule for one name, by trying everything; without sets.
bool plainly_matches(const std::string_view pattern, const std::string_view name) {
    if (pattern.empty()) {
        return name.empty();
    }
    if (pattern.front() == '*') {
        return plainly_matches(pattern.substr(1), name)
            || (!name.empty() && plainly_matches(pattern, name.substr(1)));
    }
    return !name.empty() && (pattern.front() == '?' || pattern.front() == name.front())
        && plainly_matches(pattern.substr(1), name.substr(1));
}

std::string random_text(Rng& rng, const std::string_view letters, const std::uint64_t size_max) {
    std::string text;
    for (std::uint64_t n = rng.below(size_max + 1); n != 0; --n) {
        text += letters[rng.below(letters.size())];
    }
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(glob)

BOOST_AUTO_TEST_CASE(a_star_stands_for_any_bytes_within_a_name) {
    BOOST_TEST(matches_name("*", ""));
    BOOST_TEST(matches_name("*.log", ".log"));
    BOOST_TEST(matches_name("a*b*c", "aXbXbXc"));
    BOOST_TEST(matches_name("*", "\xFF\xFE"));  // T7: names are bytes
    BOOST_TEST(!matches_name("a*b*c", "aXbX"));
    BOOST_TEST(!matches_name("*.log", "app.log.1"));
    BOOST_TEST(!is_match("/var/*.log", "/var/log/app.log"));
    BOOST_TEST(!is_match("/var/?/app", "/var//app"));
}

BOOST_AUTO_TEST_CASE(a_question_mark_stands_for_one_byte) {
    BOOST_TEST(matches_name("app.?", "app.1"));
    BOOST_TEST(!matches_name("app.?", "app."));
    BOOST_TEST(!matches_name("app.?", "app.10"));
}

BOOST_AUTO_TEST_CASE(a_set_stands_for_one_byte_of_it) {
    BOOST_TEST(matches_name("app.[0-9]", "app.7"));
    BOOST_TEST(!matches_name("app.[0-9]", "app.x"));
    BOOST_TEST(matches_name("[a-cx]", "x"));
    BOOST_TEST(!matches_name("[a-cx]", "d"));
    BOOST_TEST(matches_name("[!0-9]", "x"));
    BOOST_TEST(!matches_name("[!0-9]", "5"));
    BOOST_TEST(matches_name("[^a]", "b"));
    BOOST_TEST(matches_name("[]a]", "]"));
    BOOST_TEST(matches_name("[a-]", "-"));
    BOOST_TEST(matches_name("*[0-9]x", "a1b2x"));
    BOOST_TEST(matches_name("[\x80-\xFF]", "\xC3"));
    BOOST_TEST(!matches_name("[a]", ""));
}

BOOST_AUTO_TEST_CASE(a_set_without_its_end_is_a_bracket) {
    BOOST_TEST(matches_name("a[b", "a[b"));
    BOOST_TEST(!matches_name("a[b", "ab"));
    BOOST_TEST(matches_name("[!", "[!"));
}

BOOST_AUTO_TEST_CASE(names_match_as_they_do_when_everything_is_tried) {
    Rng rng(1);
    std::size_t matches = 0;
    for (int round = 0; round < 20'000; ++round) {
        const std::string pattern = random_text(rng, "ab?**", 7);
        const std::string name = random_text(rng, "ab", 7);
        const bool expected = plainly_matches(pattern, name);
        BOOST_REQUIRE_MESSAGE(matches_name(pattern, name) == expected, pattern << " and " << name);
        matches += expected ? 1u : 0u;
    }
    BOOST_TEST(matches > 1000u);
    BOOST_TEST(matches < 19'000u);
}

BOOST_AUTO_TEST_CASE(two_stars_stand_for_any_number_of_directories) {
    BOOST_TEST(is_match("/var/**/app.log", "/var/app.log"));
    BOOST_TEST(is_match("/var/**/app.log", "/var/a/b/c/app.log"));
    BOOST_TEST(!is_match("/var/**/app.log", "/var/a/app.log/other"));
    BOOST_TEST(!is_match("/var/**/app.log", "/var/myapp.log"));
    BOOST_TEST(is_match("/var/**", "/var/a/b"));
    BOOST_TEST(!is_match("/var/**", "/var"));
    BOOST_TEST(is_match("/var/**/**/x", "/var/x"));
    BOOST_TEST(is_match("/a/**/b/**/c", "/a/1/b/2/3/c"));
    BOOST_TEST(!is_match("/a/**/b/**/c", "/a/1/2/3/c"));
}

BOOST_AUTO_TEST_CASE(the_base_is_the_longest_directory_without_a_pattern) {
    // T1: a walk begins there.
    BOOST_TEST(Glob("/var/log/app/*.log").base() == "/var/log/app");
    BOOST_TEST(Glob("/var/*/app/x.log").base() == "/var");
    BOOST_TEST(Glob("/var/log/app.log").base() == "/var/log");
    BOOST_TEST(Glob("/*/x").base() == "/");
    BOOST_TEST(Glob("/app.log").base() == "/");
    BOOST_TEST(Glob("//var///log//x").base() == "/var/log");
    const Glob glob("/var/log/**/[ab]/x.log");
    BOOST_REQUIRE(glob.components().size() == 3u);
    BOOST_TEST((glob.components()[0].kind == Glob::Kind::any_depth));
    BOOST_TEST((glob.components()[1].kind == Glob::Kind::pattern));
    BOOST_TEST((glob.components()[2].kind == Glob::Kind::literal));
}

BOOST_AUTO_TEST_CASE(a_path_beside_the_base_does_not_match) {
    BOOST_TEST(is_match("/var/log/*", "/var/log/x"));
    BOOST_TEST(!is_match("/var/log/*", "/var/logs/x"));
    BOOST_TEST(!is_match("/var/log/*", "/var/logx"));
    BOOST_TEST(!is_match("/var/log/*", "/x"));
    BOOST_TEST(is_match("/*", "/x"));
}

BOOST_AUTO_TEST_CASE(exclusion_wins) {
    // T3.
    const PathSet paths({"/var/log/*.log"}, {"debug*", "/var/log/secret.log"});
    BOOST_TEST(paths.matches("/var/log/app.log"));
    BOOST_TEST(!paths.matches("/var/log/debug.log"));
    BOOST_TEST(!paths.matches("/var/log/secret.log"));
    BOOST_TEST(!paths.matches("/var/log/app.txt"));
}

BOOST_AUTO_TEST_CASE(a_pattern_without_a_slash_looks_at_the_name_in_every_directory) {
    const Exclusion exclusion({"*.tmp"});
    BOOST_TEST(exclusion.covers("/a/b/x.tmp"));
    BOOST_TEST(!exclusion.covers("/a/b.tmp/x"));
    const Exclusion by_path({"/a/*.tmp"});
    BOOST_TEST(by_path.covers("/a/x.tmp"));
    BOOST_TEST(!by_path.covers("/a/b/x.tmp"));
}

BOOST_AUTO_TEST_CASE(compressed_files_are_left_out_unasked) {
    // T3.
    const PathSet paths({"/var/log/*"}, {});
    for (const char* const suffix : {".gz", ".zst", ".xz", ".bz2", ".lz4"}) {
        BOOST_TEST(!paths.matches(std::string("/var/log/app.log.1") + suffix), suffix);
    }
    BOOST_TEST(paths.matches("/var/log/gz"));
    BOOST_TEST(paths.matches("/var/log/app.gz.log"));
}

BOOST_AUTO_TEST_CASE(an_excluded_tree_is_not_entered_and_nothing_in_it_matches) {
    // T1: a walk is pruned where an exclude covers a directory.
    const PathSet paths({"/srv/**/*.log"}, {"/srv/*/cache/**"});
    BOOST_TEST(paths.exclusion().covers_tree("/srv/a/cache"));
    BOOST_TEST(!paths.exclusion().covers_tree("/srv/a"));
    BOOST_TEST(!paths.matches("/srv/a/cache/x.log"));
    BOOST_TEST(!paths.matches("/srv/a/cache/deep/er/x.log"));
    BOOST_TEST(paths.matches("/srv/a/b/cache/x.log"));
    BOOST_TEST(paths.matches("/srv/a/x.log"));
}

BOOST_AUTO_TEST_CASE(paths_are_taken_apart_and_put_together) {
    BOOST_TEST(base_name("/var/log/x") == "x");
    BOOST_TEST(base_name("x") == "x");
    BOOST_TEST(parent_of("/var/log/x") == "/var/log");
    BOOST_TEST(parent_of("/x") == "/");
    BOOST_TEST(parent_of("x") == "");
    BOOST_TEST(join_path("/", "x") == "/x");
    BOOST_TEST(join_path("/var", "x") == "/var/x");
    BOOST_TEST(join_path("", "x") == "x");
}

BOOST_AUTO_TEST_SUITE_END()
