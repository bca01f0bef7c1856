#include "collector/ctl/record_template.h"

#include "collector/ctl/printable.h"
#include "shared/json/json_writer.h"

namespace logboom::ctl {

namespace {

constexpr std::string_view escapes = "tpoTkvshauPFH";
constexpr std::string_view not_there = "-";

std::string header_or_dash(const RecordRow& row, const std::string_view name) {
    return printable(row.header(name).value_or(not_there));
}

std::string level_of(const RecordRow& row) {
    const auto severity = row.number("lb.sev");
    const char* const name = severity.has_value() ? level_name(*severity) : nullptr;
    return name == nullptr ? std::string(not_there) : name;
}

std::string all_headers(const RecordRow& row) {
    std::string text;
    for (const RowHeader& header : row.headers) {
        text += text.empty() ? "" : ",";
        text += printable(header.key) + "=" + printable(as_text(header.value.value_or(ByteView{})));
    }
    return text;
}

std::string as_json_text(const std::string_view bytes) {
    json::JsonWriter json;
    json.text(as_utf8(bytes));
    return json.take();
}

std::string problem_with_modifier(const char escape, const std::string_view modifier) {
    if ((escape == 'v' || escape == 'k') && !modifier.empty() && modifier != "json"
        && modifier != "base64" && modifier != "hex") {
        return "%" + std::string(1, escape) + " takes {json}, {base64} or {hex}, not {"
             + std::string(modifier) + "}";
    }
    if (escape == 'F' && modifier.empty()) {
        return "%F needs the name of a field: %F{name}";
    }
    if (std::string_view("vkTF").find(escape) == std::string_view::npos && !modifier.empty()) {
        return "%" + std::string(1, escape) + " takes nothing in braces";
    }
    return {};
}

}  // namespace

std::variant<std::unique_ptr<RecordFormat>, std::string> RecordTemplate::parse(
    std::string_view text, const TimeFormat time_format, const TimeZone zone
) {
    std::unique_ptr<RecordTemplate> made(new RecordTemplate(time_format, zone));
    while (!text.empty()) {
        const std::size_t at = text.find_first_of("%\\");
        made->add_text(text.substr(0, at));
        if (at == std::string_view::npos) {
            break;
        }
        const char kind = text[at];
        text.remove_prefix(at + 1);
        if (kind == '%') {
            if (std::string problem = made->take_escape(text); !problem.empty()) {
                return problem;
            }
            continue;
        }
        const char next = text.empty() ? '\\' : text.front();
        made->add_text(next == 'n' ? "\n" : (next == 't' ? "\t" : (next == '\\' ? "\\" : "")));
        if (next != 'n' && next != 't' && next != '\\') {
            return "unknown escape '\\" + std::string(1, next)
                 + "' in the template; there are \\n, \\t and \\\\";
        }
        text.remove_prefix(text.empty() ? 0 : 1);
    }
    const bool ends_line = !made->parts_.empty() && made->parts_.back().text.ends_with('\n');
    if (!ends_line) {
        made->add_text("\n");
    }
    return std::unique_ptr<RecordFormat>(std::move(made));
}

void RecordTemplate::add_text(const std::string_view text) {
    if (text.empty()) {
        return;
    }
    if (parts_.empty() || parts_.back().escape != 0) {
        parts_.emplace_back();
    }
    parts_.back().text += text;
}

std::string RecordTemplate::take_escape(std::string_view& text) {
    const char escape = text.empty() ? ' ' : text.front();
    if (escape == '%' || escape == 'n') {
        add_text(escape == 'n' ? "\n" : "%");
        text.remove_prefix(1);
        return {};
    }
    if (escapes.find(escape) == std::string_view::npos) {
        return "unknown escape '%" + std::string(1, escape)
             + "' in the template; there are %t %p %o %T %k %v %s %h %a %u %P %F{name} %H %n %%";
    }
    text.remove_prefix(1);
    std::string modifier;
    if (text.starts_with('{')) {
        const std::size_t end = text.find('}');
        if (end == std::string_view::npos) {
            return "a brace in the template is not closed";
        }
        modifier = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
    }
    std::string problem = problem_with_modifier(escape, modifier);
    parts_.push_back(Part{escape, std::move(modifier)});
    return problem;
}

std::string RecordTemplate::bytes_as(const std::string_view bytes, const std::string_view how)
    const {
    if (how == "json") {
        return as_json_text(bytes);
    }
    if (how == "base64") {
        return to_base64(as_bytes(bytes));
    }
    return how == "hex" ? to_hex(as_bytes(bytes)) : printable(bytes);
}

std::string RecordTemplate::time_as(const RecordRow& row, const std::string_view how) const {
    return how.empty() ? format_time(row.time_nanos(), time_format_, zone_)
                       : format_time_as(row.time_nanos(), std::string(how), zone_);
}

void RecordTemplate::append_part(const Part& part, const RecordRow& row, std::string& out) const {
    switch (part.escape) {
    case 0: out += part.text; break;
    case 't': out += printable(row.topic); break;
    case 'p': out += std::to_string(row.partition); break;
    case 'o': out += std::to_string(row.offset); break;
    case 'T': out += time_as(row, part.text); break;
    case 'k': out += bytes_as(as_text(row.key.value_or(ByteView{})), part.text); break;
    case 'v': out += bytes_as(row.text(), part.text); break;
    case 's': out += level_of(row); break;
    case 'h': out += header_or_dash(row, "lb.host"); break;
    case 'a': out += header_or_dash(row, "lb.app"); break;
    case 'u': out += header_or_dash(row, "lb.unit"); break;
    case 'P': out += header_or_dash(row, "lb.pid"); break;
    case 'F': out += header_or_dash(row, "lb.f." + part.text); break;
    case 'H': out += all_headers(row); break;
    default: LB_UNREACHABLE("parse() lets no other escape pass");
    }
}

void RecordTemplate::append(const RecordRow& row, std::string& out) {
    for (const Part& part : parts_) {
        append_part(part, row, out);
    }
}

}  // namespace logboom::ctl
