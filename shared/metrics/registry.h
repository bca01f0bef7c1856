// The metrics of one program. A part asks for its cells once, in its constructor, and then only adds to
// them: a relaxed atomic of its own shard, never shared with another writer. What several shards count
// under one name and the same labels is added up when it is shown.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace logboom::metrics {

/// Only grows. Written by one thread, read by any.
class Counter {
public:
    void add(const std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// A state of now. Written by one thread, read by any.
class Gauge {
public:
    void set(const double value) noexcept { value_.store(value, std::memory_order_relaxed); }
    void add(const double n) noexcept { set(value() + n); }
    [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<double> value_{0};
};

/// How often values fell below fixed bounds, and their sum. Written by one thread, read by any.
class Histogram {
public:
    /// `bounds` rise; a last bucket for everything above them is there without being named.
    explicit Histogram(std::vector<double> bounds);

    void observe(double value) noexcept;
    [[nodiscard]] const std::vector<double>& bounds() const noexcept { return bounds_; }
    /// Of bucket `index` alone, not of those below it; `bounds().size()` is the last.
    [[nodiscard]] std::uint64_t count(const std::size_t index) const noexcept {
        return counts_[index].value();
    }
    [[nodiscard]] double sum() const noexcept { return sum_.value(); }

private:
    std::vector<double> bounds_;
    std::vector<Counter> counts_;
    Gauge sum_;
};

struct Label {
    std::string key;
    std::string value;

    auto operator<=>(const Label&) const = default;
};
using Labels = std::vector<Label>;

/// Bounds in seconds for the time that a request or an acknowledgement takes: 100 us to 30 s.
[[nodiscard]] std::vector<double> latency_bounds();

/// Belongs to the program object and outlives every part that counts. Names and labels are those of the
/// documentation: snake_case with the program's prefix; counters end in `_total`; no label takes values
/// that outsiders choose freely. Thread-safe.
class Registry {
public:
    Registry() = default;
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// Each call makes a cell of its own, which lives as long as the registry. One name has one help
    /// text, one kind and, for histograms, the same bounds.
    [[nodiscard]] Counter& counter(
        std::string_view name, std::string_view help, Labels labels = {}
    );
    [[nodiscard]] Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
    [[nodiscard]] Histogram& histogram(
        std::string_view name, std::string_view help, std::vector<double> bounds, Labels labels = {}
    );

    /// Everything in Prometheus' text format 0.0.4, sorted by name and labels.
    [[nodiscard]] std::string text() const;

private:
    enum class Kind : std::uint8_t { counter, gauge, histogram };
    struct Series {
        std::vector<std::unique_ptr<Counter>> counters;
        std::vector<std::unique_ptr<Gauge>> gauges;
        std::vector<std::unique_ptr<Histogram>> histograms;
    };
    struct Family {
        Kind kind = Kind::counter;
        std::string help;
        std::map<Labels, Series> series;
    };

    [[nodiscard]] Series& series(
        Kind kind, std::string_view name, std::string_view help, Labels labels
    );
    static void print(const std::string& name, const Family& family, std::string& out);
    static void print_histogram(
        const std::string& name, const Labels& labels, const Series& series, std::string& out
    );

    // Held while a cell is made or the text is written, never across a task. Cells are made at start and
    // when a topic is first seen.
    mutable std::mutex mutex_;
    std::map<std::string, Family, std::less<>> families_;
};

}  // namespace logboom::metrics
