// Runs a target over its corpus without libFuzzer, so that every build can: each file as it is, then changed
// ones, the same from run to run. An input that ends the process is written to a file before; it is run
// alone by naming it. One program holds all targets, for its link costs more than all of them.
//
//   fuzz-replay TARGET CORPUS FINDING    every file of the folder CORPUS; FINDING is where a bad input goes
//   fuzz-replay TARGET PATH              this file, or the files of this folder, as they are
#include "shared/base/rng.h"
#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace logboom;

/// Of the sanitizers; there is none in builds without them.
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));
/// With g++ the sanitizer of undefined behaviour knows no callbacks of the other; it ends by a signal.
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() {
    return "abort_on_error=1:print_stacktrace=1";
}

namespace {

constexpr std::uint64_t seed = 20'261'127;
constexpr int changed_max = 4000;
constexpr auto time_max = std::chrono::seconds(2);
constexpr std::size_t changes_max = 4;
constexpr std::size_t bytes_max = 64u << 10;

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    LB_ASSERT(file.is_open());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> read_corpus(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        paths.push_back(entry.path());
    }
    std::ranges::sort(paths);
    std::vector<std::string> corpus;
    for (const std::filesystem::path& path : paths) {
        corpus.push_back(read_file(path));
    }
    return corpus;
}

// What the process was at when it ended. Globals, for a signal's handler has nothing else.
const std::string* input_at_work = nullptr;
const char* finding_path = nullptr;

void keep_finding() {
    if (input_at_work == nullptr || finding_path == nullptr) {
        return;
    }
    std::ofstream file(finding_path, std::ios::binary);
    file.write(input_at_work->data(), static_cast<std::streamsize>(input_at_work->size()));
    std::fprintf(stderr, "the input is in %s\n", finding_path);
    input_at_work = nullptr;
}

void on_signal(const int number) {
    keep_finding();
    static_cast<void>(std::signal(number, SIG_DFL));
    static_cast<void>(std::raise(number));
}

void keep_findings_in(const char* const path) {
    finding_path = path;
    static_cast<void>(std::signal(SIGABRT, on_signal));
    if (__sanitizer_set_death_callback != nullptr) {
        __sanitizer_set_death_callback(keep_finding);
    } else {
        static_cast<void>(std::signal(SIGSEGV, on_signal));
    }
}

void run(const fuzz::Target& target, const std::string& input) {
    const fuzz::Exact exact(as_bytes(input));
    const auto* const data = reinterpret_cast<const std::uint8_t*>(exact.view().data());
    input_at_work = &input;
    target.run(data, input.size());
    input_at_work = nullptr;
}

/// Changes inputs as libFuzzer does, without knowing what a change leads to.
class Mutator {
public:
    Mutator(const std::vector<std::string>& corpus, Rng& rng) : corpus_(corpus), rng_(rng) {}

    [[nodiscard]] std::string next() {
        std::string input = any_of_corpus();
        for (std::size_t left = 1 + rng_.below(changes_max); left > 0; --left) {
            change(input);
        }
        input.resize(std::min(input.size(), bytes_max));
        return input;
    }

private:
    const std::string& any_of_corpus() { return corpus_[rng_.below(corpus_.size())]; }
    std::size_t place_in(const std::string& input) { return rng_.below(input.size() + 1); }

    void change(std::string& input) {
        switch (input.empty() ? 3 : rng_.below(8)) {
        case 0: input[rng_.below(input.size())] ^= static_cast<char>(1u << rng_.below(8)); break;
        case 1: input[rng_.below(input.size())] = static_cast<char>(rng_.next()); break;
        case 2: input.resize(place_in(input)); break;
        case 3:
            input.insert(place_in(input), 1 + rng_.below(8), static_cast<char>(rng_.next()));
            break;
        case 4: input.erase(place_in(input), 1 + rng_.below(8)); break;
        case 5: overwrite_number(input); break;
        case 6: repeat_piece(input); break;
        default: splice(input); break;
        }
    }

    /// Where a number of `width` bytes stands, one from an edge.
    void overwrite_number(std::string& input) {
        constexpr std::array<std::uint64_t, 10> edges{
            0, 1, 0x7f, 0x80, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, UINT64_MAX / 2, UINT64_MAX};
        const std::size_t width = std::size_t{1} << rng_.below(4);
        if (input.size() < width) {
            return;
        }
        std::array<std::byte, 8> bytes{};
        codec::store_be(bytes.data(), edges[rng_.below(edges.size())]);
        const std::size_t at = rng_.below(input.size() - width + 1);
        input.replace(at, width, as_text(ByteView(bytes).last(width)));
    }

    void repeat_piece(std::string& input) {
        const std::size_t from = rng_.below(input.size());
        const std::string piece = input.substr(from, 1 + rng_.below(32));
        input.insert(place_in(input), piece);
    }

    void splice(std::string& input) {
        const std::string& other = any_of_corpus();
        input.resize(place_in(input));
        input += other.substr(place_in(other));
    }

    const std::vector<std::string>& corpus_;
    Rng& rng_;
};

int replay(const fuzz::Target& target, const char* const folder, const char* const finding) {
    const std::vector<std::string> corpus = read_corpus(folder);
    LB_ASSERT(!corpus.empty());
    keep_findings_in(finding);
    const auto end = std::chrono::steady_clock::now() + time_max;
    run(target, "");
    for (const std::string& input : corpus) {
        run(target, input);
    }
    Rng rng(seed);
    Mutator mutator(corpus, rng);
    int changed = 0;
    while (changed < changed_max && std::chrono::steady_clock::now() < end) {
        run(target, mutator.next());
        ++changed;
    }
    std::printf("%zu files and %d changed ones\n", corpus.size(), changed);
    return 0;
}

int show(const fuzz::Target& target, const char* const path) {
    if (!std::filesystem::is_directory(path)) {
        run(target, read_file(path));
        return 0;
    }
    for (const std::string& input : read_corpus(path)) {
        run(target, input);
    }
    return 0;
}

}  // namespace

int main(const int argc, const char* const* const argv) {
    const fuzz::Target* const target = argc < 3 ? nullptr : fuzz::Target::named(argv[1]);
    if (target == nullptr || argc > 4) {
        std::fputs("usage: fuzz-replay TARGET CORPUS FINDING | TARGET PATH\n", stderr);
        return 2;
    }
    return argc == 4 ? replay(*target, argv[2], argv[3]) : show(*target, argv[2]);
}
