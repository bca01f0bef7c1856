#include "tests/sim/chaos/verdict.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

namespace logboom::sim {

namespace {

/// "ab 17 xxxx": log "ab", number 17; nothing for a banner.
struct ParsedLine {
    std::string log;
    std::optional<std::uint64_t> number;
};

ParsedLine parse(const std::string& value) {
    ParsedLine line;
    const std::size_t end = value.find(' ');
    line.log = value.substr(0, end);
    std::uint64_t number = 0;
    if (end != std::string::npos) {
        const char* const begin = value.data() + end + 1;
        const auto parsed = std::from_chars(begin, value.data() + value.size(), number);
        if (parsed.ec == std::errc() && parsed.ptr != begin) {
            line.number = number;
        }
    }
    return line;
}

/// What came of one log.
struct Arrived {
    std::vector<std::uint64_t> numbers;  // in the order of partitions, then of offsets
    std::vector<std::int32_t> partitions;
    std::uint64_t banners = 0;
    bool may_lack = false;  // retention was faster than the reader
};

std::string in(const AppLog& log, const std::uint64_t number) {
    return "line " + std::to_string(number) + " of log " + log.name();
}

std::string judge_order(const AppLog& log, const Arrived& arrived) {
    std::vector<bool> is_there(log.written());
    std::vector<std::size_t> content_of(log.written());
    for (std::size_t i = 0; i < log.contents().size(); ++i) {
        for (const WrittenLine& line : log.contents()[i].lines) {
            content_of[line.number] = log.contents()[i].was_unknown ? i + 1 : 0;
        }
    }
    // By partition, and by content if that stands alone.
    std::map<std::pair<std::int32_t, std::size_t>, std::uint64_t> last;
    for (std::size_t i = 0; i < arrived.numbers.size(); ++i) {
        const std::uint64_t number = arrived.numbers[i];
        const std::int32_t partition = arrived.partitions[i];
        if (number >= log.written()) {
            return in(log, number) + " was never written";
        }
        if (is_there[number]) {
            return in(log, number) + " came twice";
        }
        is_there[number] = true;
        const std::pair order{partition, content_of[number]};
        const auto before = last.find(order);
        if (before != last.end() && before->second > number) {
            return in(log, number) + " came after line " + std::to_string(before->second);
        }
        last[order] = number;
    }
    return "";
}

/// A stream stays on its partition for life.
std::string judge_partitions(const AppLog& log, const Arrived& arrived) {
    std::vector<std::size_t> content_of(log.written());
    for (std::size_t i = 0; i < log.contents().size(); ++i) {
        for (const WrittenLine& line : log.contents()[i].lines) {
            content_of[line.number] = i;
        }
    }
    std::map<std::size_t, std::int32_t> partition_of;  // by content
    for (std::size_t i = 0; i < arrived.numbers.size(); ++i) {
        const std::uint64_t number = arrived.numbers[i];
        const std::int32_t partition = arrived.partitions[i];
        const auto [known, is_new] = partition_of.emplace(content_of[number], partition);
        if (!is_new && known->second != partition) {
            return in(log, number) + " is in partition " + std::to_string(partition)
                 + ", others of its file in " + std::to_string(known->second);
        }
    }
    return "";
}

std::string judge_content(
    const AppLog& log, const Content& content, const std::vector<bool>& is_there
) {
    bool is_lost = false;
    for (const WrittenLine& line : content.lines) {
        if (is_there[line.number] && is_lost) {
            return in(log, line.number) + " came, though an earlier one of its file did not";
        }
        if (!is_there[line.number] && !content.is_destroyed) {
            return in(log, line.number) + " is missing";
        }
        is_lost = !is_there[line.number];
    }
    return "";
}

std::string judge_log(const AppLog& log, const Arrived& arrived) {
    std::string wrong = judge_order(log, arrived);
    wrong = wrong.empty() ? judge_partitions(log, arrived) : wrong;
    if (!wrong.empty() || arrived.may_lack) {
        return wrong;
    }
    std::vector<bool> is_there(log.written());
    for (const std::uint64_t number : arrived.numbers) {
        is_there[number] = true;
    }
    std::uint64_t banners = 0;
    std::uint64_t banners_destroyed = 0;
    for (const Content& content : log.contents()) {
        wrong = judge_content(log, content, is_there);
        if (!wrong.empty()) {
            return wrong;
        }
        banners += content.has_banner ? 1 : 0;
        banners_destroyed += content.has_banner && content.is_destroyed ? 1 : 0;
    }
    if (arrived.banners > banners || arrived.banners + banners_destroyed < banners) {
        return std::to_string(arrived.banners) + " banners of log " + log.name() + " came of "
             + std::to_string(banners);
    }
    return "";
}

}  // namespace

std::string judge_lines(
    const std::vector<const AppLog*>& logs, const Seen& seen, const std::string& topic
) {
    std::map<std::string, const AppLog*> by_name;
    std::map<std::string, Arrived> arrived;
    for (const AppLog* const log : logs) {
        by_name[log->name()] = log;
        arrived[log->name()];
    }
    bool may_lack = false;
    for (const auto& [where, partition] : seen.partitions) {
        may_lack = may_lack || (where.first == topic && partition.has_hole);
        for (std::size_t i = 0; where.first == topic && i < partition.values.size(); ++i) {
            const std::string& value = partition.values[i];
            const ParsedLine line = parse(value);
            const auto found = by_name.find(line.log);
            const bool is_known = found != by_name.end()
                               && value
                                      == (line.number ? found->second->text_of(*line.number)
                                                      : found->second->banner());
            if (!is_known) {
                return "offset " + std::to_string(partition.offsets[i])
                     + " has what nobody wrote: " + value.substr(0, 80);
            }
            Arrived& of_log = arrived[line.log];
            if (line.number) {
                of_log.numbers.push_back(*line.number);
                of_log.partitions.push_back(where.second);
            } else {
                ++of_log.banners;
            }
        }
    }
    for (const AppLog* const log : logs) {
        arrived[log->name()].may_lack = may_lack;
        std::string wrong = judge_log(*log, arrived[log->name()]);
        if (!wrong.empty()) {
            return wrong;
        }
    }
    return "";
}

std::string judge_produced(const Produced& produced, const Seen& seen) {
    if (!produced.problem.empty()) {
        return produced.problem;
    }
    const auto found = seen.partitions.find({produced_topic, 0});
    if (found == seen.partitions.end()) {
        return produced.acknowledged == 0 ? "" : "nothing came of what was produced";
    }
    const SeenPartition& partition = found->second;
    for (std::size_t i = 0; i < partition.values.size(); ++i) {
        if (partition.values[i] != std::to_string(partition.offsets[i])) {
            return "batch " + partition.values[i] + " of the producer is at offset "
                 + std::to_string(partition.offsets[i]);
        }
    }
    const auto count = static_cast<std::uint64_t>(partition.next);
    if (count < produced.acknowledged || count > produced.acknowledged + 1) {
        return std::to_string(count) + " batches came of the producer, "
             + std::to_string(produced.acknowledged) + " were acknowledged";
    }
    return "";
}

std::string compare(const Seen& before, const Seen& after) {
    for (const auto& [where, old] : before.partitions) {
        const std::string name = where.first + "/" + std::to_string(where.second);
        const auto found = after.partitions.find(where);
        if (found == after.partitions.end()) {
            return name + " is gone";
        }
        const SeenPartition& now = found->second;
        if (now.next != old.next) {
            return name + " ended at " + std::to_string(old.next) + " and ends at "
                 + std::to_string(now.next);
        }
        std::map<std::int64_t, const std::string*> values;
        for (std::size_t i = 0; i < old.offsets.size(); ++i) {
            values[old.offsets[i]] = &old.values[i];
        }
        for (std::size_t i = 0; i < now.offsets.size(); ++i) {
            const auto known = values.find(now.offsets[i]);
            if (known != values.end() && *known->second != now.values[i]) {
                return name + "@" + std::to_string(now.offsets[i]) + " has changed";
            }
        }
    }
    return "";
}

}  // namespace logboom::sim
