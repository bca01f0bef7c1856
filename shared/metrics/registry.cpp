#include "shared/metrics/registry.h"

#include "shared/base/assert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace logboom::metrics {
namespace {

bool is_valid_name(const std::string_view name) noexcept {
    const auto is_word = [](const char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    return !name.empty() && is_word(name.front())
        && std::all_of(name.begin(), name.end(), [&](const char c) {
               return is_word(c) || (c >= '0' && c <= '9');
           });
}

std::string escaped(const std::string_view text, const bool is_label) {
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '"': out += is_label ? "\\\"" : "\""; break;
        default: out.push_back(c); break;
        }
    }
    return out;
}

std::string number(const double value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    return fmt::format("{}", value);
}

/// `{a="1",b="2"}`; nothing without labels. `bound`: the value of `le`.
std::string braces(const Labels& labels, const std::string_view bound = "") {
    std::string inner;
    const auto add = [&](const std::string_view key, const std::string_view value) {
        inner += fmt::format("{}{}=\"{}\"", inner.empty() ? "" : ",", key, escaped(value, true));
    };
    for (const Label& label : labels) {
        add(label.key, label.value);
    }
    if (!bound.empty()) {
        add("le", bound);
    }
    return inner.empty() ? "" : fmt::format("{{{}}}", inner);
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds))
    , counts_(bounds_.size() + 1) {
    LB_ASSERT(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::observe(const double value) noexcept {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    counts_[static_cast<std::size_t>(bucket)].add();
    sum_.add(value);
}

std::vector<double> latency_bounds() {
    return {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};
}

Registry::Series& Registry::series(
    const Kind kind, const std::string_view name, const std::string_view help, Labels labels
) {
    LB_ASSERT(is_valid_name(name));
    LB_ASSERT((kind == Kind::counter) == name.ends_with("_total"));
    for (const Label& label : labels) {
        LB_ASSERT(is_valid_name(label.key));
    }
    auto found = families_.find(name);
    if (found == families_.end()) {
        found = families_.emplace(std::string(name), Family{kind, std::string(help), {}}).first;
    }
    Family& family = found->second;
    LB_ASSERT(family.kind == kind);
    LB_ASSERT(family.help == help);
    return family.series[std::move(labels)];
}

Counter& Registry::counter(
    const std::string_view name, const std::string_view help, Labels labels
) {
    const std::lock_guard lock(mutex_);
    Series& cells = series(Kind::counter, name, help, std::move(labels));
    return *cells.counters.emplace_back(std::make_unique<Counter>());
}

Gauge& Registry::gauge(const std::string_view name, const std::string_view help, Labels labels) {
    const std::lock_guard lock(mutex_);
    Series& cells = series(Kind::gauge, name, help, std::move(labels));
    return *cells.gauges.emplace_back(std::make_unique<Gauge>());
}

Histogram& Registry::histogram(
    const std::string_view name,
    const std::string_view help,
    std::vector<double> bounds,
    Labels labels
) {
    const std::lock_guard lock(mutex_);
    Series& cells = series(Kind::histogram, name, help, std::move(labels));
    LB_ASSERT(cells.histograms.empty() || cells.histograms.front()->bounds() == bounds);
    return *cells.histograms.emplace_back(std::make_unique<Histogram>(std::move(bounds)));
}

std::string Registry::text() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    for (const auto& [name, family] : families_) {
        print(name, family, out);
    }
    return out;
}

void Registry::print(const std::string& name, const Family& family, std::string& out) {
    const char* const kinds[] = {"counter", "gauge", "histogram"};
    out += fmt::format("# HELP {} {}\n", name, escaped(family.help, false));
    out += fmt::format("# TYPE {} {}\n", name, kinds[static_cast<std::size_t>(family.kind)]);
    for (const auto& [labels, cells] : family.series) {
        switch (family.kind) {
        case Kind::counter: {
            std::uint64_t sum = 0;
            for (const auto& cell : cells.counters) {
                sum += cell->value();
            }
            out += fmt::format("{}{} {}\n", name, braces(labels), sum);
            break;
        }
        case Kind::gauge: {
            double sum = 0;
            for (const auto& cell : cells.gauges) {
                sum += cell->value();
            }
            out += fmt::format("{}{} {}\n", name, braces(labels), number(sum));
            break;
        }
        case Kind::histogram: print_histogram(name, labels, cells, out); break;
        }
    }
}

void Registry::print_histogram(
    const std::string& name, const Labels& labels, const Series& cells, std::string& out
) {
    const std::vector<double>& bounds = cells.histograms.front()->bounds();
    std::uint64_t count = 0;
    double sum = 0;
    for (std::size_t i = 0; i <= bounds.size(); ++i) {
        for (const auto& cell : cells.histograms) {
            count += cell->count(i);
        }
        const std::string bound = i == bounds.size() ? "+Inf" : number(bounds[i]);
        out += fmt::format("{}_bucket{} {}\n", name, braces(labels, bound), count);
    }
    for (const auto& cell : cells.histograms) {
        sum += cell->sum();
    }
    out += fmt::format("{}_sum{} {}\n", name, braces(labels), number(sum));
    out += fmt::format("{}_count{} {}\n", name, braces(labels), count);
}

}  // namespace logboom::metrics
