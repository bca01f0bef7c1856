#include "collector/ctl/command_line.h"

#include "collector/ctl/suggest.h"
#include "collector/ctl/table.h"

#include <boost/test/unit_test.hpp>

#include <sstream>

using namespace logboom;
using namespace logboom::ctl;

namespace {

using Words = std::vector<std::string>;

CommandLine line_of(const Words& words) {
    auto parsed = parse_command_line(words);
    if (const auto* const end = std::get_if<CommandLineEnd>(&parsed)) {
        BOOST_FAIL(end->error << end->output);
    }
    return std::move(*std::get_if<CommandLine>(&parsed));
}

ReadOptions read_of(const Words& words) {
    const CommandLine line = line_of(words);
    const auto* const options = std::get_if<ReadOptions>(&line.command);
    BOOST_REQUIRE(options != nullptr);
    return *options;
}

CommandLineEnd end_of(const Words& words) {
    const auto parsed = parse_command_line(words);
    const auto* const end = std::get_if<CommandLineEnd>(&parsed);
    BOOST_REQUIRE(end != nullptr);
    return *end;
}

/// The first line of what is said about a wrong command line.
std::string complaint_about(const Words& words) {
    const CommandLineEnd end = end_of(words);
    BOOST_TEST((end.exit_code == ExitCode::usage));
    return end.error.substr(0, end.error.find('\n'));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command_line)

BOOST_AUTO_TEST_CASE(an_unknown_command_or_flag_is_refused_with_the_nearest_one) {
    BOOST_TEST(
        complaint_about({"topc", "list"}) == "error: unknown command 'topc': did you mean 'topic'?"
    );
    BOOST_TEST(
        complaint_about({"read", "app", "--ofset", "5"})
        == "error: unknown flag '--ofset': did you mean '--offset'?"
    );
    BOOST_TEST(
        complaint_about({"topic", "lst"}) == "error: unknown command 'lst': did you mean 'list'?"
    );
    BOOST_TEST(
        complaint_about({"-b", "a:1", "raed", "app"})
        == "error: unknown command 'raed': did you mean 'read'?"
    );
    BOOST_TEST(complaint_about({"xyzzy"}) == "error: unknown command 'xyzzy'");
}

BOOST_AUTO_TEST_CASE(a_line_without_a_command_is_refused) {
    (void) complaint_about({});
    (void) complaint_about({"topic"});
    (void) complaint_about({"read"});
    (void) complaint_about({"topic", "create"});
}

BOOST_AUTO_TEST_CASE(wrong_values_are_refused) {
    BOOST_TEST(
        complaint_about({"read", "app", "-p", "1-"}) == "error: '1-' is no list of partitions"
    );
    BOOST_TEST(
        complaint_about({"read", "app", "-b", "host:0"}) == "error: 'host:0' is no broker address"
    );
    BOOST_TEST(complaint_about({"read", "app", "--timeout", "5x"}) == "error: '5x' is no duration");
    BOOST_TEST(
        complaint_about({"read", "app", "--time-format", "x"}) == "error: 'x' is no time format"
    );
    BOOST_TEST(
        complaint_about({"read", "app", "-e", "-f"})
        == "error: --follow and --exit-at-end contradict each other"
    );
    BOOST_TEST(complaint_about({"topic", "create", "a", "-c", "x"}) == "error: 'x' is no setting");
    BOOST_TEST(
        complaint_about({"topic", "list", "--format", "raw"})
            .find("error: lists have no format 'raw'")
        == 0u
    );
    (void) complaint_about({"read", "app", "-n", "0"});
    (void) complaint_about({"topic", "create", "a", "--partitions", "-1"});
}

BOOST_AUTO_TEST_CASE(a_template_behind_f_is_told_where_it_belongs) {
    BOOST_TEST(
        complaint_about({"read", "app", "-f", "%t %v"})
        == "error: -f means --follow here; for a template use --format '%t %v'"
    );
}

BOOST_AUTO_TEST_CASE(help_and_version_succeed) {
    BOOST_TEST(end_of({"--version"}).output.find("logboomctl ") == 0u);
    const CommandLineEnd help = end_of({"--help"});
    BOOST_TEST((help.exit_code == ExitCode::success));
    BOOST_TEST(help.output.find("logboomctl read app -o -10 -e") != std::string::npos);
    BOOST_TEST(end_of({"read", "--help"}).output.find("--exit-at-end") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_read_is_understood) {
    const ReadOptions options = read_of(
        {"read", "app", "-p", "0,3,5-7", "-n", "12", "-e", "--strict", "--fail-empty", "-q"}
    );
    BOOST_TEST(options.topic == "app");
    BOOST_TEST((options.partitions == std::vector<std::int32_t>{0, 3, 5, 6, 7}));
    BOOST_TEST((options.records_max == 12u));
    BOOST_TEST(options.should_exit_at_end);
    BOOST_TEST(options.is_strict);
    BOOST_TEST(options.should_fail_if_empty);
    BOOST_TEST(options.is_quiet);
}

BOOST_AUTO_TEST_CASE(an_offset_may_begin_with_a_dash) {
    const auto offset = [](const Words& words) {
        return line_of(words).offset_text.value_or("none");
    };
    BOOST_TEST(offset({"read", "app", "-o", "-10"}) == "-10");
    BOOST_TEST(offset({"read", "app", "--offset", "-10:-5"}) == "-10:-5");
    BOOST_TEST(offset({"read", "app", "--from-beginning"}) == "start");
    BOOST_TEST(offset({"tail", "app", "-S", "-15m"}) == "@-15m");
    BOOST_TEST(offset({"read", "app"}) == "none");
    const auto offsets = offsets_of(line_of({"read", "app"}), WallTime{});
    BOOST_REQUIRE(offsets.has_value());
    BOOST_TEST((offsets.value() == OffsetSpec{}));
    BOOST_TEST(
        complaint_about({"tail", "-o", "5", "-S", "-1h"})
        == "error: --offset and --since contradict each other"
    );
}

BOOST_AUTO_TEST_CASE(a_wrong_offset_is_a_usage_failure) {
    const auto offsets = offsets_of(line_of({"read", "app", "-o", "x"}), WallTime{});
    BOOST_REQUIRE(!offsets.has_value());
    BOOST_TEST((offsets.error().exit_code == ExitCode::usage));
}

BOOST_AUTO_TEST_CASE(global_flags_stand_before_or_behind_the_command) {
    for (const Words& words :
         {Words{"-b", "a:1,b", "topic", "list"}, Words{"topic", "list", "--brokers", "a:1,b"}}) {
        const CommandLine line = line_of(words);
        BOOST_REQUIRE(line.brokers.size() == 2u);
        BOOST_TEST(to_string(line.brokers[0]) == "a:1");
        BOOST_TEST(to_string(line.brokers[1]) == "b:9092");
    }
    BOOST_TEST(line_of({"read", "app", "--json"}).format.format == "ndjson");
    BOOST_TEST((line_of({"topic", "list", "--timeout", "500ms"}).timeout == 500ms));
}

BOOST_AUTO_TEST_CASE(a_topic_to_create_is_understood) {
    const CommandLine line = line_of(
        {"topic",
         "create",
         "a",
         "b",
         "-p",
         "6",
         "-r",
         "3",
         "-c",
         "x=1",
         "-c",
         "y=2=3",
         "--if-not-exists",
         "--dry-run"}
    );
    const auto* const options = std::get_if<TopicCreateOptions>(&line.command);
    BOOST_REQUIRE(options != nullptr);
    BOOST_TEST((options->names == Words{"a", "b"}));
    BOOST_TEST((options->partitions == 6));
    BOOST_TEST((options->replicas == 3));
    BOOST_REQUIRE(options->configs.size() == 2u);
    BOOST_TEST(options->configs[1].name == "y");
    BOOST_TEST(options->configs[1].value == "2=3");
    BOOST_TEST(options->is_existing_fine);
    BOOST_TEST(options->is_dry_run);
}

BOOST_AUTO_TEST_CASE(a_tail_is_understood) {
    const CommandLine line = line_of(
        {"tail", "app", "web-*", "-p", "1", "--last", "3", "--reorder", "0", "--cursor", "app/1@7"}
    );
    const auto* const options = std::get_if<TailOptions>(&line.command);
    BOOST_REQUIRE(options != nullptr);
    BOOST_TEST((options->topics == Words{"app", "web-*"}));
    BOOST_TEST((options->partitions == std::vector<std::int32_t>{1}));
    BOOST_TEST(options->last == 3u);
    BOOST_TEST((options->reorder == 0ms));
    BOOST_TEST((options->cursor == TailCursor{{{"app", 1}, 7}}));
    BOOST_TEST(
        complaint_about({"tail", "--reorder", "5h"}).find("error: '5h' is no time to wait") == 0u
    );
    BOOST_TEST(complaint_about({"tail", "--cursor", "app"}) == "error: 'app' is no cursor");
}

BOOST_AUTO_TEST_CASE(of_fewer_records_than_the_last_ten_the_last_are_shown) {
    const CommandLine few = line_of({"tail", "-n", "3"});
    BOOST_TEST(std::get<TailOptions>(few.command).last == 3u);
    const CommandLine many = line_of({"tail", "-n", "30"});
    BOOST_TEST(std::get<TailOptions>(many.command).last == 10u);
}

BOOST_AUTO_TEST_CASE(filters_are_understood_and_wrong_ones_refused) {
    RecordRow row;
    row.value = as_bytes("-x is Wrong");
    const auto matches = [&row](Words words) {
        words.insert(words.begin(), {"read", "app"});
        return read_of(words).filter->matches(row);
    };
    BOOST_TEST(matches({"-g", "-x", "-g", "wrong"}));
    BOOST_TEST(!matches({"-g", "-x", "-g", "right"}));
    BOOST_TEST(!matches({"-g", "wrong", "-s"}));
    BOOST_TEST(!matches({"-G", "^-x.*wrong$"}));
    BOOST_TEST(matches({"-G", "^-x.*wrong$", "-i"}));
    BOOST_TEST(!matches({"-g", "wrong", "-v"}));
    BOOST_TEST(!matches({"-l", "warning"}));
    BOOST_TEST(
        complaint_about({"read", "app", "-i", "-s"}) == "error: -i and -s contradict each other"
    );
    BOOST_TEST(complaint_about({"tail", "-l", "loud"}) == "error: 'loud' is no level");
    BOOST_TEST(
        complaint_about({"tail", "-G", "a("}).find("error: 'a(' is no regular expression: ") == 0u
    );
}

BOOST_AUTO_TEST_CASE(a_list_of_agents_is_understood) {
    const CommandLine line =
        line_of({"agent", "list", "--problem", "--json", "--api", "http://lb1/"});
    const auto* const options = std::get_if<AgentListOptions>(&line.command);
    BOOST_REQUIRE(options != nullptr);
    BOOST_TEST(options->is_problem_only);
    BOOST_TEST((options->format == ListFormat::json));
    BOOST_TEST(to_string(options->api) == "lb1:7462");
    BOOST_TEST(
        complaint_about({"agent", "list", "--api", "http://lb1/x"})
        == "error: 'http://lb1/x' is no API address"
    );
    BOOST_TEST(
        complaint_about({"agent", "lst"}) == "error: unknown command 'lst': did you mean 'list'?"
    );
}

BOOST_AUTO_TEST_CASE(deleting_and_describing_topics_is_understood) {
    const CommandLine line = line_of({"topic", "delete", "a", "b", "-y", "--if-exists", "--dry-run"}
    );
    const auto* const deleted = std::get_if<TopicDeleteOptions>(&line.command);
    BOOST_REQUIRE(deleted != nullptr);
    BOOST_TEST((deleted->names == Words{"a", "b"}));
    BOOST_TEST((deleted->is_sure && deleted->is_missing_fine && deleted->is_dry_run));
    const CommandLine described = line_of({"topic", "describe", "a", "-J"});
    BOOST_TEST((std::get<TopicDescribeOptions>(described.command).format == ListFormat::json));
    (void) complaint_about({"topic", "delete"});
    (void) complaint_about({"topic", "describe"});
}

BOOST_AUTO_TEST_CASE(topics_is_short_for_the_list_of_topics) {
    BOOST_TEST(std::holds_alternative<TopicListOptions>(line_of({"topics"}).command));
    BOOST_TEST(
        std::holds_alternative<TopicListOptions>(line_of({"-b", "a:1", "topics", "--json"}).command)
    );
    BOOST_TEST(read_of({"read", "topics"}).topic == "topics");
}

BOOST_AUTO_TEST_CASE(each_command_has_examples_of_its_own) {
    const std::vector<std::pair<Words, std::string>> commands = {
        {{"tail"}, "logboomctl tail app 'web-*' -l warning"},
        {{"read"}, "logboomctl read app -o -10 -e"},
        {{"topic", "list"}, "logboomctl topic list --json"},
        {{"topic", "create"}, "logboomctl topic create app --partitions 6"},
        {{"topic", "describe"}, "logboomctl topic describe app"},
        {{"topic", "delete"}, "logboomctl topic delete app --dry-run"},
        {{"topic", "offsets"}, "logboomctl topic offsets app"},
        {{"agent", "list"}, "logboomctl agent list --problem"}};
    for (const auto& [words, example] : commands) {
        Words asked = words;
        asked.push_back("--help");
        const CommandLineEnd help = end_of(asked);
        BOOST_TEST((help.exit_code == ExitCode::success));
        BOOST_TEST(help.output.find(example) != std::string::npos, example);
    }
}

BOOST_AUTO_TEST_CASE(broker_addresses_are_read) {
    const auto shown = [](const std::string_view text) {
        const auto address = parse_peer_address(text, 9092);
        return address.has_value() ? to_string(*address) : std::string("none");
    };
    BOOST_TEST(shown("lb1") == "lb1:9092");
    BOOST_TEST(shown("lb1:9") == "lb1:9");
    BOOST_TEST(shown("[::1]:9") == "[::1]:9");
    BOOST_TEST(shown("[::1]") == "[::1]:9092");
    for (const std::string_view bad : {"", ":9", "a:", "a:x", "a:70000", "[::1", "[::1]9"}) {
        BOOST_TEST(shown(bad) == "none", bad);
    }
}

BOOST_AUTO_TEST_CASE(a_table_aligns_and_marks_what_is_missing) {
    Table table;
    table.add_column("TOPIC", Table::Align::left);
    table.add_column("N", Table::Align::right);
    table.add_row({"app", "12"});
    table.add_row({"longer", ""});
    BOOST_TEST(table.to_text() == "TOPIC    N\napp     12\nlonger   -\n");
}

BOOST_AUTO_TEST_CASE(near_names_are_found_and_far_ones_are_not) {
    BOOST_TEST((nearest_names("ap", {"app", "web", "apps"}) == Words{"app"}));
    BOOST_TEST(nearest_names("zzz", {"app"}).empty());
}

BOOST_AUTO_TEST_SUITE_END()
