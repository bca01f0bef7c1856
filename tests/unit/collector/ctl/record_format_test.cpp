#include "collector/ctl/record_format.h"

#include "collector/ctl/printable.h"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace logboom;
using namespace logboom::ctl;

namespace {

RecordRow row_of_an_agent() {
    RecordRow row;
    row.topic = "app";
    row.partition = 3;
    row.offset = 128394;
    row.timestamp_ms = 1'795'341'600'123;
    row.value = as_bytes("slow request");
    const auto add = [&row](const std::string_view key, const std::string_view value) {
        row.headers.push_back(RowHeader{key, as_bytes(value)});
    };
    add("lb.ts_ns", "1795341600123456789");
    add("lb.host", "web01");
    add("lb.src", "file");
    add("lb.path", "/var/log/app/app.log");
    add("lb.app", "app");
    add("lb.pid", "42");
    add("lb.sev", "4");
    add("lb.f.route", "/pay");
    return row;
}

RecordRow plain_row(const std::string_view value) {
    RecordRow row;
    row.topic = "t";
    row.timestamp_ms = 0;
    row.value = as_bytes(value);
    return row;
}

std::string shown(const RecordRow& row, const std::string& format) {
    const FormatOptions options{.format = format, .zone = TimeZone::utc};
    auto made = make_record_format(options);
    if (const auto* const problem = std::get_if<std::string>(&made)) {
        return "problem: " + *problem;
    }
    std::string out;
    (*std::get_if<std::unique_ptr<RecordFormat>>(&made))->append(row, out);
    return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record_format)

BOOST_AUTO_TEST_CASE(an_unknown_format_is_refused) {
    BOOST_TEST(shown(plain_row(""), "yaml").find("problem: unknown format 'yaml'") == 0u);
}

BOOST_AUTO_TEST_CASE(a_record_whose_time_no_64_bits_hold_is_malformed) {
    record::BatchHeader batch;
    batch.base_timestamp_ms = INT64_MAX - 1;
    record::RecordView record;
    RecordRow row;
    for (const std::int64_t delta_ms : {std::int64_t{2}, INT64_MAX}) {
        record.timestamp_delta_ms = delta_ms;
        BOOST_TEST((fill_row(batch, record, row).code() == ErrorCode::malformed));
    }
    record.timestamp_delta_ms = 1;
    BOOST_TEST(fill_row(batch, record, row).has_value());
    BOOST_TEST(row.timestamp_ms == INT64_MAX);
}

BOOST_AUTO_TEST_CASE(a_mistake_in_a_template_is_refused) {
    BOOST_TEST(shown(plain_row(""), "%x").find("problem: unknown escape '%x'") == 0u);
    BOOST_TEST(shown(plain_row(""), "50%").find("problem: unknown escape '% '") == 0u);
    BOOST_TEST(shown(plain_row(""), "%v\\q").find("problem: unknown escape '\\q'") == 0u);
    BOOST_TEST(
        shown(plain_row(""), "%v{yaml}")
        == "problem: %v takes {json}, {base64} or {hex}, not {yaml}"
    );
    BOOST_TEST(shown(plain_row(""), "%v{json") == "problem: a brace in the template is not closed");
    BOOST_TEST(shown(plain_row(""), "%F") == "problem: %F needs the name of a field: %F{name}");
    BOOST_TEST(shown(plain_row(""), "%p{x}") == "problem: %p takes nothing in braces");
}

BOOST_AUTO_TEST_CASE(text_shows_time_host_app_level_and_line) {
    BOOST_TEST(shown(row_of_an_agent(), "") == "10:00:00.123 web01 app[42] warning slow request\n");
    BOOST_TEST(shown(plain_row("x"), "text") == "00:00:00.000 - - - x\n");
}

BOOST_AUTO_TEST_CASE(wide_text_adds_address_and_path) {
    BOOST_TEST(
        shown(row_of_an_agent(), "wide")
        == "app/3@128394 10:00:00.123 web01 /var/log/app/app.log app[42] warning slow request\n"
    );
}

BOOST_AUTO_TEST_CASE(text_never_lets_a_control_character_reach_the_terminal) {
    BOOST_TEST(
        shown(plain_row("a\x1b[2Jb\rc\nd\xff\xe2\x80\xae"), "")
        == "00:00:00.000 - - - a\\x1b[2Jb\\rc\\nd\\xff\\u202e\n"
    );
}

BOOST_AUTO_TEST_CASE(raw_is_the_bytes_and_a_line_end) {
    BOOST_TEST(shown(plain_row("a\x1b\xff"), "raw") == "a\x1b\xff\n");
    BOOST_TEST(shown(plain_row(""), "raw") == "\n");
}

BOOST_AUTO_TEST_CASE(json_of_an_agents_record_has_the_documented_keys) {
    BOOST_TEST(
        shown(row_of_an_agent(), "json")
        == R"({"address":"app/3@128394","topic":"app","partition":3,"offset":128394,)"
           R"("ts":"2026-11-22T10:00:00.123456789Z","ts_ns":"1795341600123456789","host":"web01","source":"file",)"
           R"("path":"/var/log/app/app.log","app":"app","pid":42,"severity":4,"level":"warning","msg":"slow request",)"
           R"("fields":{"route":"/pay"},"key":null,"truncated":false})"
           "\n"
    );
}

BOOST_AUTO_TEST_CASE(json_of_bytes_that_are_not_utf8_has_the_exact_bytes_besides) {
    const std::string json = shown(plain_row("a\xff"), "ndjson");
    BOOST_TEST(json.find(R"("msg":"a\\xff","msg_b64":"Yf8=")") != std::string::npos, json);
}

BOOST_AUTO_TEST_CASE(json_shows_key_and_headers_of_other_producers) {
    RecordRow row = plain_row("v");
    row.key = as_bytes("k");
    row.headers.push_back(RowHeader{"trace", as_bytes("1")});
    row.headers.push_back(RowHeader{"gone", std::nullopt});
    const std::string json = shown(row, "json");
    BOOST_TEST(
        json.find(R"("headers":{"trace":"1","gone":null},"key":"k")") != std::string::npos, json
    );
}

BOOST_AUTO_TEST_CASE(a_template_is_filled_in) {
    BOOST_TEST(
        shown(row_of_an_agent(), "%t/%p@%o %T %h %a %P %s %v")
        == "app/3@128394 2026-11-22T10:00:00.123Z web01 app 42 warning slow request\n"
    );
    BOOST_TEST(shown(row_of_an_agent(), "%F{route}|%F{none}|%u|100%%") == "/pay|-|-|100%\n");
    BOOST_TEST(shown(row_of_an_agent(), "%T{%H:%M}") == "10:00\n");
    BOOST_TEST(
        shown(plain_row("a\"b"), "%v{json} %v{hex} %v{base64}") == "\"a\\\"b\" 612262 YSJi\n"
    );
}

BOOST_AUTO_TEST_CASE(a_template_that_ends_its_line_gets_no_second_line_end) {
    BOOST_TEST(shown(plain_row("a"), "%v\\n") == "a\n");
    BOOST_TEST(shown(plain_row("a"), "%v%n") == "a\n");
    BOOST_TEST(shown(plain_row("a"), "%v\\t%o") == "a\t0\n");
}

BOOST_AUTO_TEST_CASE(base64_pads_as_everyone_expects) {
    BOOST_TEST(to_base64(as_bytes("")) == "");
    BOOST_TEST(to_base64(as_bytes("f")) == "Zg==");
    BOOST_TEST(to_base64(as_bytes("fo")) == "Zm8=");
    BOOST_TEST(to_base64(as_bytes("foo")) == "Zm9v");
}

BOOST_AUTO_TEST_CASE(only_well_formed_utf8_is_utf8) {
    BOOST_TEST(is_utf8("gr\xc3\xbc\xc3\x9f \xf0\x9f\xaa\xb5"));
    for (const std::string_view bad :
         {"\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x28\xa1"}) {
        BOOST_TEST(!is_utf8(bad));
    }
}

BOOST_AUTO_TEST_CASE(colours_are_in_text_alone_and_take_nothing_from_it) {
    RecordRow row = row_of_an_agent();
    row.is_late = true;
    FilterOptions wanted;
    wanted.substrings = {"slow"};
    auto filter = RecordFilter::make(wanted);
    BOOST_REQUIRE(filter.has_value());
    FormatOptions options{.zone = TimeZone::utc, .is_colored = true};
    options.highlight = std::make_shared<RecordFilter>(std::move(filter).value());
    std::string out;
    auto text = make_record_format(options);
    std::get<std::unique_ptr<RecordFormat>>(text)->append(row, out);
    BOOST_TEST(
        out.find("\x1b[33mwarning\x1b[0m \x1b[7mslow\x1b[0m request\x1b[2m late\x1b[0m\n")
        != std::string::npos
    );
    BOOST_TEST(out.find("10:00:00.123 \x1b[38;5;") == 0u);
    for (const char* const format : {"raw", "json", "%v"}) {
        options.format = format;
        out.clear();
        auto plain = make_record_format(options);
        std::get<std::unique_ptr<RecordFormat>>(plain)->append(row, out);
        BOOST_TEST(out.find('\x1b') == std::string::npos, format);
    }
}

BOOST_AUTO_TEST_SUITE_END()
