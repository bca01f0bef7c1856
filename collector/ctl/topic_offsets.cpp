#include "collector/ctl/topic_offsets.h"

#include "collector/ctl/led_offsets.h"
#include "collector/ctl/list_offsets.h"
#include "collector/ctl/printable.h"
#include "collector/ctl/table.h"
#include "shared/json/json_writer.h"

namespace logboom::ctl {

namespace {

/// One partition, with the offset of the first record at or after each time; nothing: there is none, or
/// nobody leads the partition.
struct Row {
    std::string topic;
    std::int32_t partition = 0;
    std::optional<PartitionOffsets> offsets;  // nothing: nobody leads it
    std::vector<std::optional<std::int64_t>> at;
};

std::string as_table(const std::vector<Row>& rows, const std::vector<std::string>& times) {
    Table table;
    table.add_column("TOPIC", Table::Align::left);
    for (const char* const header : {"PARTITION", "START", "END", "RECORDS"}) {
        table.add_column(header, Table::Align::right);
    }
    for (const std::string& time : times) {
        table.add_column("@" + printable(time), Table::Align::right);
    }
    for (const Row& row : rows) {
        std::vector<std::string> cells = {printable(row.topic), std::to_string(row.partition)};
        add_offset_cells(cells, row.offsets);
        for (const auto& offset : row.at) {
            cells.push_back(offset.has_value() ? std::to_string(*offset) : std::string());
        }
        table.add_row(std::move(cells));
    }
    return table.to_text();
}

std::string as_json(const std::vector<Row>& rows, const std::vector<std::string>& times) {
    json::JsonWriter json;
    json.begin_array();
    for (const Row& row : rows) {
        json.begin_object();
        json.text_field("topic", as_utf8(row.topic));
        json.number_field("partition", row.partition);
        add_offset_fields(json, row.offsets);
        json.key("at");
        json.begin_array();
        for (std::size_t i = 0; i < times.size(); ++i) {
            json.begin_object();
            json.text_field("time", as_utf8(times[i]));
            add_field(json, "offset", row.at[i]);
            json.end_object();
        }
        json.end_array();
        json.end_object();
    }
    json.end_array();
    return json.take() + "\n";
}

Outcome<std::vector<std::int64_t>> times_of(
    const TopicOffsetsOptions& options, const TimeContext context
) {
    std::vector<std::int64_t> times;
    for (const std::string& text : options.times) {
        const ParsedTime time = parse_time(text, context);
        if (const auto* const problem = std::get_if<std::string>(&time)) {
            return Failure{.exit_code = ExitCode::usage, .what = printable(*problem)};
        }
        times.push_back(to_unix_ms(std::get<WallTime>(time)));
    }
    return times;
}

}  // namespace

Task<Outcome<ExitCode>> run_topic_offsets(
    Env& env, Cluster& cluster, Output& output, TopicOffsetsOptions options
) {
    const TimeContext context{env.clock.wall(), options.zone};
    LB_CO_TRY(const std::vector<std::int64_t> times, times_of(options, context));
    std::vector<Row> rows;
    for (const std::string& name : options.names) {
        LB_CO_TRY(const TopicLayout topic, co_await cluster.topic(name));
        LB_CO_TRY(const LedOffsets offsets, co_await find_led_offsets(cluster, topic));
        const std::size_t first = rows.size();
        for (const auto& [partition, held] : offsets) {
            rows.push_back(Row{name, partition, held, {}});
        }
        const std::vector<std::int32_t> led = topic.led_partitions();
        for (const std::int64_t time : times) {
            LB_CO_TRY(
                const OffsetsByPartition found, co_await list_offsets(cluster, topic, led, time)
            );
            for (std::size_t i = first; i < rows.size(); ++i) {
                const auto at = found.find(rows[i].partition);
                rows[i].at.push_back(at == found.end() ? std::nullopt : at->second);
            }
        }
    }
    const std::string text = options.format == ListFormat::json ? as_json(rows, options.times)
                                                                : as_table(rows, options.times);
    [[maybe_unused]] const bool is_open = output.write(text);
    co_return ExitCode::success;
}

}  // namespace logboom::ctl
