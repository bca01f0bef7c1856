// Runs seeds of the chaos world and tells what they showed. See `--help`.
#include "tests/sim/chaos/chaos_world.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace logboom;       // NOLINT(google-build-using-namespace): a program's own file
using namespace logboom::sim;  // NOLINT(google-build-using-namespace): a program's own file

constexpr const char* help =
    "sim-chaos [--first SEED] [--seeds N] [--jobs N] [--twice PERCENT] [--stop-at-failure] [--all-marks]\n"
    "sim-chaos --seed SEED [--without FAULT]... [--without-action NUMBER]... [--plan]\n"
    "sim-chaos --minimise SEED\n"
    "\n"
    "The first form runs seeds and tells what they showed; the second one of them, perhaps with less trouble;\n"
    "the third looks for the least trouble with which a seed still fails.\n";

struct Options {
    std::uint64_t first = 1;
    std::uint64_t seeds = 300;
    std::uint64_t jobs = 1;
    std::uint64_t twice_percent = 1;
    std::optional<std::uint64_t> seed;
    std::optional<std::uint64_t> minimise;
    std::set<std::string> without;
    std::set<std::uint32_t> without_actions;
    bool shows_plan = false;
    bool stops_at_failure = false;
    bool needs_all_marks = false;
};

/// Sums over seeds; sent from a job to its parent as text.
struct Sums {
    std::uint64_t seeds = 0;
    std::uint64_t failed = 0;
    std::uint64_t events = 0;
    std::uint64_t lines = 0;
    std::uint64_t records = 0;
    std::uint64_t rotations = 0;
    std::uint64_t crashes = 0;
    std::uint64_t crashes_in_flight = 0;
    std::uint64_t simulated_ms = 0;
    std::uint64_t cpu_ms = 0;
    std::uint64_t weak = 0;  // seeds that moved too little
    MarkCounts marks{};

    template <typename Visit>
    void each(Visit visit) {
        for (std::uint64_t* const sum :
             {&seeds,
              &failed,
              &events,
              &lines,
              &records,
              &rotations,
              &crashes,
              &crashes_in_flight,
              &simulated_ms,
              &cpu_ms,
              &weak}) {
            visit(*sum);
        }
        for (std::uint64_t& mark : marks) {
            visit(mark);
        }
    }
};

std::uint64_t cpu_ms() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto ms = [](const timeval& time) {
        return static_cast<std::uint64_t>(time.tv_sec) * 1000
             + static_cast<std::uint64_t>(time.tv_usec) / 1000;
    };
    return ms(used.ru_utime) + ms(used.ru_stime);
}

Plan plan_of(const std::uint64_t seed, const Options& options) {
    Plan plan = Plan::draw(seed);
    for (const std::string& fault : options.without) {
        plan.without(fault);
    }
    for (const std::uint32_t action : options.without_actions) {
        plan.without_action(action);
    }
    return plan;
}

ChaosResult run(Plan plan) {
    Chaos chaos(std::move(plan));
    return chaos.run();
}

/// What every seed has to do, or it shows nothing.
std::string weakness_of(const ChaosResult& result) {
    const auto at_least = [](const std::uint64_t has, const std::uint64_t wanted, const char* what
                          ) {
        return has >= wanted ? std::string() : "only " + std::to_string(has) + " " + what + "; ";
    };
    std::string weak = at_least(result.lines, 2000, "lines") + at_least(result.logs, 3, "files")
                     + at_least(result.rotations, 2, "rotations")
                     + at_least(result.crashes, crashes_min, "crashes")
                     + at_least(result.crashes_in_flight, 1, "crashes with a batch in flight");
    weak += at_least(
        static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::seconds>(result.time).count()
        ),
        60,
        "simulated seconds"
    );
    return weak;
}

void add(Sums& sums, const ChaosResult& result) {
    ++sums.seeds;
    sums.failed += result.failure.empty() ? 0u : 1u;
    sums.events += result.events;
    sums.lines += result.lines;
    sums.records += result.records;
    sums.rotations += result.rotations;
    sums.crashes += result.crashes;
    sums.crashes_in_flight += result.crashes_in_flight;
    sums.simulated_ms +=
        static_cast<std::uint64_t>(std::chrono::duration_cast<Millis>(result.time).count());
    for (std::size_t i = 0; i < marks_count; ++i) {
        sums.marks[i] += result.marks[i];
    }
}

void tell_failure(const std::uint64_t seed, const ChaosResult& result, const bool with_report) {
    std::string text = "seed " + std::to_string(seed) + " FAILED: " + result.failure + "\n";
    if (with_report) {
        text += result.report + "again: sim-chaos --seed " + std::to_string(seed) + "\n";
    }
    std::fputs(text.c_str(), stderr);
}

Sums run_seeds(const Options& options, const std::uint64_t job) {
    Sums sums;
    const std::uint64_t cpu_before = cpu_ms();
    for (std::uint64_t seed = options.first + job; seed < options.first + options.seeds;
         seed += options.jobs) {
        const ChaosResult result = run(plan_of(seed, options));
        add(sums, result);
        if (!result.failure.empty()) {
            tell_failure(seed, result, sums.failed <= 1);
            if (options.stops_at_failure) {
                break;
            }
            continue;
        }
        const std::string weak = weakness_of(result);
        if (!weak.empty()) {
            ++sums.weak;
            const std::string text = "seed " + std::to_string(seed) + " is weak: " + weak + "\n";
            std::fputs(text.c_str(), stderr);
        }
        if (seed % 100 < options.twice_percent) {
            const ChaosResult again = run(plan_of(seed, options));
            if (again.trace_hash != result.trace_hash) {
                ++sums.failed;
                const std::string text = "seed " + std::to_string(seed)
                                       + " FAILED: it went another way the second time\n";
                std::fputs(text.c_str(), stderr);
            }
        }
    }
    sums.cpu_ms = cpu_ms() - cpu_before;
    return sums;
}

/// In processes of their own: a world is one thread.
Sums run_jobs(const Options& options) {
    if (options.jobs == 1) {
        return run_seeds(options, 0);
    }
    std::vector<int> pipes;
    for (std::uint64_t job = 0; job < options.jobs; ++job) {
        int ends[2];
        if (pipe(ends) != 0) {
            std::perror("pipe");
            std::exit(1);
        }
        const pid_t child = fork();
        if (child == 0) {
            close(ends[0]);
            Sums sums = run_seeds(options, job);
            std::string text;
            sums.each([&text](const std::uint64_t sum) { text += std::to_string(sum) + " "; });
            const ssize_t written = write(ends[1], text.data(), text.size());
            _exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
        }
        close(ends[1]);
        pipes.push_back(ends[0]);
    }
    Sums all;
    for (const int end : pipes) {
        std::string text;
        char piece[4096];
        for (ssize_t got = 0; (got = read(end, piece, sizeof piece)) > 0;) {
            text.append(piece, static_cast<std::size_t>(got));
        }
        close(end);
        std::istringstream numbers(text);
        bool is_whole = true;
        all.each([&numbers, &is_whole](std::uint64_t& sum) {
            std::uint64_t number = 0;
            is_whole = is_whole && static_cast<bool>(numbers >> number);
            sum += number;
        });
        all.failed += is_whole ? 0u : 1u;  // it died
        int status = 0;
        wait(&status);
    }
    return all;
}

bool tell(const Sums& sums, const Options& options) {
    const double core_seconds = static_cast<double>(sums.cpu_ms) / 1000;
    const auto per_second = [core_seconds](const std::uint64_t count) {
        return static_cast<std::uint64_t>(
            static_cast<double>(count) / std::max(core_seconds, 0.001)
        );
    };
    std::printf(
        "%llu seeds, %llu failed, %llu weak; %llu lines, %llu rotations, %llu crashes, %llu of them with a batch "
        "in flight\n",
        static_cast<unsigned long long>(sums.seeds),
        static_cast<unsigned long long>(sums.failed),
        static_cast<unsigned long long>(sums.weak),
        static_cast<unsigned long long>(sums.lines),
        static_cast<unsigned long long>(sums.rotations),
        static_cast<unsigned long long>(sums.crashes),
        static_cast<unsigned long long>(sums.crashes_in_flight)
    );
    std::printf(
        "%llu simulated s; each core-second: %llu simulated s, %llu events, %llu records\n",
        static_cast<unsigned long long>(sums.simulated_ms / 1000),
        static_cast<unsigned long long>(per_second(sums.simulated_ms / 1000)),
        static_cast<unsigned long long>(per_second(sums.events)),
        static_cast<unsigned long long>(per_second(sums.records))
    );
    std::string never;
    std::string hit;
    for (std::size_t i = 0; i < marks_count; ++i) {
        const std::string name = to_string(static_cast<Mark>(i));
        if (sums.marks[i] == 0) {
            never += " " + name;
        } else {
            hit += " " + name + "=" + std::to_string(sums.marks[i]);
        }
    }
    std::printf(
        "marks hit:%s\nmarks never hit:%s\n", hit.c_str(), never.empty() ? " none" : never.c_str()
    );
    return sums.failed == 0 && sums.weak == 0 && (never.empty() || !options.needs_all_marks);
}

/// Takes away one piece of trouble after the other, and keeps away what is not needed for the failure.
int minimise(const std::uint64_t seed, Options options) {
    const auto fails = [seed, &options] { return !run(plan_of(seed, options)).failure.empty(); };
    if (!fails()) {
        std::printf("seed %llu does not fail\n", static_cast<unsigned long long>(seed));
        return 1;
    }
    for (bool has_less = true; has_less;) {
        has_less = false;
        const Plan plan = plan_of(seed, options);
        for (const std::string& fault : plan.faults()) {
            options.without.insert(fault);
            has_less = fails() || (options.without.erase(fault), has_less);
        }
        for (const Action& action : plan.actions) {
            options.without_actions.insert(action.number);
            has_less = fails() || (options.without_actions.erase(action.number), has_less);
        }
    }
    const ChaosResult result = run(plan_of(seed, options));
    tell_failure(seed, result, true);
    std::string command = "sim-chaos --seed " + std::to_string(seed);
    for (const std::string& fault : options.without) {
        command += " --without " + fault;
    }
    for (const std::uint32_t action : options.without_actions) {
        command += " --without-action " + std::to_string(action);
    }
    std::printf("%s\n", command.c_str());
    return 0;
}

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "%s\n%s", why.c_str(), help);
    std::exit(2);
}

Options options_from(const int argc, char** const argv) {
    Options options;
    const auto number = [](const std::string& text) {
        char* end = nullptr;
        const std::uint64_t value = std::strtoull(text.c_str(), &end, 10);
        if (text.empty() || *end != '\0') {
            refuse("'" + text + "' is no number");
        }
        return value;
    };
    for (int i = 1; i < argc; ++i) {
        const std::string flag = argv[i];
        const auto value = [&]() -> std::string {
            if (++i == argc) {
                refuse(flag + " takes a value");
            }
            return argv[i];
        };
        if (flag == "--first") {
            options.first = number(value());
        } else if (flag == "--seeds") {
            options.seeds = number(value());
        } else if (flag == "--jobs") {
            options.jobs = std::max<std::uint64_t>(number(value()), 1);
        } else if (flag == "--twice") {
            options.twice_percent = number(value());
        } else if (flag == "--seed") {
            options.seed = number(value());
        } else if (flag == "--minimise") {
            options.minimise = number(value());
        } else if (flag == "--without") {
            options.without.insert(value());
        } else if (flag == "--without-action") {
            options.without_actions.insert(static_cast<std::uint32_t>(number(value())));
        } else if (flag == "--plan") {
            options.shows_plan = true;
        } else if (flag == "--stop-at-failure") {
            options.stops_at_failure = true;
        } else if (flag == "--all-marks") {
            options.needs_all_marks = true;
        } else if (flag == "--help") {
            std::fputs(help, stdout);
            std::exit(0);
        } else {
            refuse("unknown flag '" + flag + "'");
        }
    }
    return options;
}

}  // namespace

int main(const int argc, char** const argv) {
    Options options = options_from(argc, argv);
    if (options.minimise) {
        return minimise(*options.minimise, options);
    }
    if (options.seed) {
        options.first = *options.seed;
        options.seeds = 1;
        if (options.shows_plan) {
            std::fputs(plan_of(*options.seed, options).text().c_str(), stdout);
        }
    }
    const Sums sums = run_jobs(options);
    return tell(sums, options) ? 0 : 1;
}
