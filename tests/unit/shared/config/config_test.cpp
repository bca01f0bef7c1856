#include "shared/config/config.h"

#include "tests/support/config_world.h"

#include <boost/test/unit_test.hpp>

using namespace logboom;
using namespace logboom::config;
using test::main_file;

namespace {

constexpr Section sections[] = {
    {.name = "main"},
    {.name = "out.limits"},
    {.name = "in.file",
     .kind = SectionKind::list,
     .required = "no input: add an [[in.file]] table"},
};
constexpr Option options[] = {
    {.section = "main", .key = "topic", .type = ValueType::topic, .initial = "\"logs\""},
    {.section = "main",
     .key = "port",
     .type = ValueType::integer,
     .initial = "1",
     .min = 0,
     .max = 65535},
    {.section = "main", .key = "flag", .type = ValueType::boolean, .initial = "true"},
    {.section = "main",
     .key = "secret",
     .type = ValueType::text,
     .example = "\"x\"",
     .secret = Secret::yes},
    {.section = "main",
     .key = "level",
     .type = ValueType::choice,
     .initial = "\"info\"",
     .choices = "debug|info"},
    {.section = "out.limits",
     .key = "room",
     .type = ValueType::size,
     .initial = "\"8MiB\"",
     .doc = "how much",
     .max = 1 << 30},
    {.section = "in.file",
     .key = "name",
     .type = ValueType::name,
     .example = "\"app\"",
     .presence = Presence::required},
    {.section = "in.file",
     .key = "paths",
     .type = ValueType::path_glob_list,
     .initial = "[\"/var/log/*\"]"},
    {.section = "in.file",
     .key = "age",
     .type = ValueType::duration,
     .initial = "\"24h\"",
     .min = 0},
    {.section = "in.file",
     .key = "from",
     .type = ValueType::start_point,
     .initial = "\"beginning\"",
     .choices = "beginning|end"},
};
constexpr Schema schema{
    .program = "x", .intro = "An example.", .sections = sections, .options = options};

const std::string one_input = "[[in.file]]\nname = \"app\"\n";

std::string problems_of(const test::ConfigFiles& files, std::vector<std::string> settings = {}) {
    return load(schema, files.request(std::move(settings))).problems.text();
}
Loaded loaded(const test::ConfigFiles& files, std::vector<std::string> settings = {}) {
    Loaded made = load(schema, files.request(std::move(settings)));
    BOOST_TEST(made.problems.text() == "");
    return made;
}
bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(configuration)

BOOST_AUTO_TEST_CASE(an_unknown_key_is_shown_with_its_line_a_caret_and_the_nearest_key) {
    BOOST_TEST(
        problems_of(main_file("[main]\n\ttopci = \"a\"\n" + one_input))
        == "/etc/x.toml:2:2: error: unknown key \"topci\" in [main]\n"
           "   2 | \ttopci = \"a\"\n"
           "     | \t^~~~~ did you mean 'topic'?\n"
           "1 file read, 1 error. Nothing was changed.\n"
    );
}

BOOST_AUTO_TEST_CASE(a_key_of_another_table_is_told_its_place) {
    const std::string text = problems_of(main_file("[main]\nroom = \"1MiB\"\n" + one_input));
    BOOST_TEST(has(text, "that key belongs to [out.limits]"), text);
}

BOOST_AUTO_TEST_CASE(ten_mistakes_are_ten_errors_in_the_order_of_their_lines) {
    const std::string text = problems_of(main_file("[main]\n"
                                                   "topic = \"no spaces please\"\n"  // 2
                                                   "port = 70000\n"                  // 3
                                                   "flag = \"yes\"\n"                // 4
                                                   "level = \"inof\"\n"              // 5
                                                   "colour = 1\n"                    // 6
                                                   "[out.limits]\n"
                                                   "room = \"2TiB\"\n"  // 8
                                                   "[[in.file]]\n"      // 9: no name
                                                   "paths = [\"var/log\", \"/x/[a\"]\n"  // 10
                                                   "age = 5\n"                           // 11
                                                   "from = { until = \"1h\" }\n"         // 12
    ));
    const std::vector<std::string> places = {
        "x.toml:2:9:",
        "x.toml:3:8:",
        "x.toml:4:8:",
        "x.toml:5:9:",
        "x.toml:6:1:",
        "x.toml:8:8:",
        "x.toml:9:1:",
        "x.toml:10:10:",
        "x.toml:11:7:",
        "x.toml:12:8:"};
    std::size_t at = 0;
    for (const std::string& place : places) {
        at = text.find(place, at);
        BOOST_TEST((at != std::string::npos), place << " in\n" << text);
    }
    BOOST_TEST(has(text, "1 file read, 10 errors."), text);
    BOOST_TEST(has(text, "did you mean \"info\"?"), text);
}

BOOST_AUTO_TEST_CASE(several_lines_that_are_no_toml_are_each_reported_and_the_rest_is_checked) {
    const std::string text = problems_of(main_file("[main]\n"
                                                   "topic = oops\n"
                                                   "flag = no\n"
                                                   "port = 022\n"
                                                   "levle = \"info\"\n"));
    BOOST_TEST(has(text, "x.toml:2:"), text);
    BOOST_TEST(has(text, "x.toml:3:"), text);
    BOOST_TEST(has(text, "x.toml:4:"), text);
    BOOST_TEST(has(text, "x.toml:5:1: error: unknown key"), text);
    BOOST_TEST(has(text, "4 errors"), text);
}

BOOST_AUTO_TEST_CASE(a_broken_head_of_a_table_ends_the_file_with_one_error) {
    const std::string text = problems_of(main_file("[main\ntopic = \"a\"\nflga = 1\n"));
    BOOST_TEST(has(text, "x.toml:1:"), text);
    BOOST_TEST(has(text, "1 error."), text);
}

BOOST_AUTO_TEST_CASE(a_key_set_in_two_files_names_both_places) {
    test::ConfigFiles files = main_file("[main]\ntopic = \"a\"\n" + one_input);
    files.files["/etc/x.d/20-b.toml"] = "[main]\ntopic = \"b\"\n";
    const std::string text = problems_of(files);
    BOOST_TEST(
        has(text, "/etc/x.d/20-b.toml:2:1: error: main.topic is set twice, first at /etc/x.toml:2"),
        text
    );
    BOOST_TEST(has(text, "2 files read"), text);
}

BOOST_AUTO_TEST_CASE(a_missing_list_and_a_missing_main_file_are_errors) {
    BOOST_TEST(
        has(problems_of(main_file("")), "/etc/x.toml:1:1: error: no input: add an [[in.file]]")
    );
    const std::string text = problems_of(test::ConfigFiles());
    BOOST_TEST(has(text, "cannot read \"/etc/x.toml\""), text);
    BOOST_TEST(has(text, "0 files read, 1 error."), text);
}

BOOST_AUTO_TEST_CASE(tables_and_lists_are_not_taken_for_each_other) {
    BOOST_TEST(has(
        problems_of(main_file("[in.file]\nname = \"a\"\n")), "write [[in.file]] with two brackets"
    ));
    BOOST_TEST(has(problems_of(main_file("main = 3\n" + one_input)), "write its keys under [main]")
    );
    BOOST_TEST(has(problems_of(main_file("[mian]\nx = 1\n" + one_input)), "did you mean 'main'?"));
}

BOOST_AUTO_TEST_CASE(a_wrong_setting_is_an_error_with_its_place) {
    const test::ConfigFiles files = main_file(one_input);
    BOOST_TEST(has(problems_of(files, {"main.prot=1"}), "--set:1:1: error: unknown key \"prot\""));
    BOOST_TEST(has(
        problems_of(files, {"main.port=x"}), "--set:1:11: error: main.port: expected a whole number"
    ));
    BOOST_TEST(has(problems_of(files, {"main.port"}), "expected section.key=value"));
    BOOST_TEST(has(problems_of(files, {"in.file.name=a"}), "in.file[N].name with N from 0 to 1"));
    BOOST_TEST(has(problems_of(files, {"in.file[7].name=a"}), "with N from 0 to 1"));
    BOOST_TEST(has(problems_of(files, {"nowhere.a=1"}), "unknown table"));
}

BOOST_AUTO_TEST_CASE(an_unset_variable_is_an_error_at_the_value) {
    BOOST_TEST(
        has(problems_of(main_file("[main]\ntopic = \"${T}\"\n" + one_input)),
            "x.toml:2:9: error: main.topic: environment variable T is not set")
    );
}

BOOST_AUTO_TEST_CASE(defaults_hold_for_what_is_not_set) {
    const Loaded made = loaded(main_file(one_input));
    BOOST_TEST(made.values.table("main").text("topic") == "logs");
    BOOST_TEST(made.values.table("main").boolean("flag"));
    BOOST_TEST(!made.values.table("main").has("secret"));
    BOOST_TEST(made.values.table("out.limits").size("room") == 8u << 20);
    BOOST_TEST((made.values.tables("in.file").front().duration("age") == Nanos(24h)));
}

BOOST_AUTO_TEST_CASE(drop_ins_append_tables_and_may_override_by_name) {
    test::ConfigFiles files = main_file("[main]\ntopic = \"a\"\n" + one_input);
    files.files["/etc/x.d/20-b.toml"] =
        "override = [\"main.topic\"]\nconfig_version = 1\n[main]\ntopic = \"b\"\n[[in.file]]\nname = \"two\"\n"
        "from = { since = \"2h\" }\n";
    files.files["/etc/x.d/notes.txt"] = "not toml";
    const Loaded made = loaded(files);
    BOOST_TEST(made.values.table("main").text("topic") == "b");
    BOOST_REQUIRE(made.values.tables("in.file").size() == 2u);
    BOOST_TEST(made.values.tables("in.file")[1].text("name") == "two");
    BOOST_TEST(made.values.tables("in.file")[1].text("from") == "since");
    BOOST_TEST((made.values.tables("in.file")[1].duration("from") == Nanos(2h)));
}

BOOST_AUTO_TEST_CASE(settings_win_over_files_and_may_add_a_table) {
    const Loaded made = loaded(
        main_file("[main]\nport = 7\n" + one_input),
        {"main.port=8",
         "main.level=debug",
         "main.flag=false",
         "in.file[0].paths=/a/*.log",
         "in.file[1].name=two",
         "in.file[1].paths=[\"/b\", \"/c\"]",
         "out.limits.room=1MiB"}
    );
    const Table& main = made.values.table("main");
    BOOST_TEST(main.integer("port") == 8);
    BOOST_TEST(main.text("level") == "debug");
    BOOST_TEST(!main.boolean("flag"));
    BOOST_TEST(made.values.tables("in.file")[0].list("paths").front() == "/a/*.log");
    BOOST_TEST(made.values.tables("in.file")[1].list("paths").size() == 2u);
    BOOST_TEST(made.values.table("out.limits").size("room") == 1u << 20);
}

BOOST_AUTO_TEST_CASE(a_reference_feeds_a_key_that_is_no_text) {
    test::ConfigFiles files =
        main_file("[main]\nport = \"${PORT}\"\nflag = \"${FLAG:-false}\"\n" + one_input);
    files.environment["PORT"] = "9092";
    const Loaded made = loaded(files);
    BOOST_TEST(made.values.table("main").integer("port") == 9092);
    BOOST_TEST(!made.values.table("main").boolean("flag"));
}

BOOST_AUTO_TEST_CASE(the_example_file_is_valid_and_says_every_key) {
    const std::string example = example_text(schema);
    for (const Option& option : options) {
        BOOST_TEST(has(example, "# " + std::string(option.key) + " = "), option.key);
    }
    static_cast<void>(loaded(main_file(example + one_input)));
}

BOOST_AUTO_TEST_CASE(the_dump_is_a_configuration_with_the_same_values_and_no_secrets) {
    const test::ConfigFiles files = main_file(
        "[main]\nsecret = \"hunter2\"\ntopic = \"t\"\n[[in.file]]\nname = \"a\"\npaths = [\"/x/$$y\", \"/q\\\"\"]\n"
    );
    const Loaded made = loaded(files);
    const std::string dump = dump_text(schema, made, DumpKind::effective);
    BOOST_TEST(!has(dump, "hunter2"));
    const Loaded again = loaded(main_file(dump));
    BOOST_TEST(again.values.table("main").text("topic") == "t");
    BOOST_TEST(
        again.values.tables("in.file")[0].list("paths")
            == made.values.tables("in.file")[0].list("paths"),
        boost::test_tools::per_element()
    );
    const std::string origins = dump_text(schema, made, DumpKind::origins);
    BOOST_TEST(has(origins, "# /etc/x.toml:3"), origins);
    BOOST_TEST(has(origins, "# (default)"), origins);
}

BOOST_AUTO_TEST_CASE(any_bytes_give_problems_and_no_crash) {
    std::uint32_t state = 12345;
    for (int round = 0; round < 2000; ++round) {
        std::string text =
            "[main]\ntopic = \"logs\"\nport = 3\n[[in.file]]\nname = \"app\"\npaths = [\"/a\"]\n";
        for (int change = 0; change < 4; ++change) {
            state = state * 1664525u + 1013904223u;
            text[(state >> 8) % text.size()] = static_cast<char>(state >> 24);
        }
        static_cast<void>(load(schema, main_file(text).request()).problems.text());
    }
}

BOOST_AUTO_TEST_SUITE_END()
