// Writes log files for tests and benchmarks: the same arguments give the same bytes on every machine.
//
//   gencorpus KIND MEGABYTES [--seed N] [--seq] [--seq-start N] [--out FILE]
//             [--blank-lines] [--crlf] [--no-final-newline] [--long-line BYTES]
//
// KIND: nginx, json, java, rfc3164, rfc5424 or mixed. The output ends with the first event that reaches
// MEGABYTES * 1e6 bytes. --seq ends every line with " #S=" and 12 digits (in JSON a last member), which
// count lines from --seq-start, so that a sink can tell lost lines from repeated ones. --blank-lines puts
// an empty line after about one event of fifty, --crlf ends lines like Windows does, --long-line puts one
// line of that many bytes in the middle, --no-final-newline leaves the last line open. A summary goes to
// standard error as one JSON object.
//
// The generator of random numbers and the formatting are its own: nothing depends on the C library, its
// locale or its time zone.
#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace std::string_view_literals;

class Rng {  // xoshiro256**, seeded by splitmix64
public:
    explicit Rng(std::uint64_t seed) {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15ull;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
            word = z ^ (z >> 31);
        }
    }
    std::uint64_t next() {
        const auto rotate = [](const std::uint64_t x, const int k) {
            return (x << k) | (x >> (64 - k));
        };
        const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotate(state_[3], 45);
        return result;
    }
    std::uint32_t below(const std::uint32_t n) {
        return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
    }
    /// Leans towards 0, as the choices of real traffic do.
    std::uint32_t skewed(const std::uint32_t n) {
        return static_cast<std::uint32_t>((std::uint64_t{below(n)} * (below(65536) + 1)) >> 16);
    }

private:
    std::array<std::uint64_t, 4> state_{};
};

constexpr std::array months{
    "Jan"sv,
    "Feb"sv,
    "Mar"sv,
    "Apr"sv,
    "May"sv,
    "Jun"sv,
    "Jul"sv,
    "Aug"sv,
    "Sep"sv,
    "Oct"sv,
    "Nov"sv,
    "Dec"sv};
constexpr std::array paths{
    "/"sv,
    "/api/v1/orders"sv,
    "/api/v1/users/"sv,
    "/static/js/app.3f9a1c.js"sv,
    "/static/css/main.css"sv,
    "/login"sv,
    "/api/v1/cart/items"sv,
    "/search?q="sv,
    "/images/product/"sv,
    "/api/v2/events"sv,
    "/health"sv,
    "/favicon.ico"sv,
    "/api/v1/payments/confirm"sv,
    "/checkout"sv,
    "/admin/reports/daily"sv,
    "/wp-login.php"sv};
constexpr std::array user_agents{
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36"sv,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1"sv,
    "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"sv,
    "kube-probe/1.29"sv,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36"sv,
    "curl/8.5.0"sv,
    "Go-http-client/2.0"sv,
    "Mozilla/5.0 (compatible; Googlebot/2.1)"sv};
constexpr std::array methods{"GET"sv, "GET"sv, "POST"sv, "PUT"sv, "DELETE"sv, "HEAD"sv};
constexpr std::array statuses{
    "200"sv, "200"sv, "304"sv, "201"sv, "404"sv, "302"sv, "500"sv, "499"sv};
constexpr std::array services{
    "checkout"sv,
    "inventory"sv,
    "auth-gateway"sv,
    "payments"sv,
    "recommendation"sv,
    "shipping"sv,
    "email-worker"sv,
    "search-indexer"sv};
constexpr std::array levels{"INFO"sv, "DEBUG"sv, "WARN"sv, "ERROR"sv, "TRACE"sv};
constexpr std::array messages{
    "request completed"sv,
    "cache miss, falling back to database"sv,
    "order placed successfully"sv,
    "retrying upstream call after timeout"sv,
    "user session refreshed"sv,
    "connection pool exhausted, waiting for a free slot"sv,
    "payment authorised by provider"sv,
    "background job finished"sv,
    "slow query detected"sv,
    "message published to topic"sv};
constexpr std::array exceptions{
    "java.lang.NullPointerException"sv,
    "java.net.SocketTimeoutException"sv,
    "org.springframework.dao.DataAccessResourceFailureException"sv,
    "java.util.concurrent.ExecutionException"sv,
    "java.lang.IllegalStateException"sv,
    "com.fasterxml.jackson.databind.JsonMappingException"sv,
    "java.sql.SQLTransientConnectionException"sv,
    "java.io.IOException"sv};
constexpr std::array frames{
    "com.acme.checkout.OrderService.placeOrder(OrderService.java:"sv,
    "com.acme.checkout.CartController.submit(CartController.java:"sv,
    "org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:"sv,
    "java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:"sv,
    "org.apache.catalina.core.StandardWrapperValve.invoke(StandardWrapperValve.java:"sv,
    "com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:"sv,
    "org.hibernate.internal.SessionImpl.fireLoad(SessionImpl.java:"sv,
    "java.base/java.lang.Thread.run(Thread.java:"sv,
    "com.acme.common.retry.RetryTemplate.execute(RetryTemplate.java:"sv,
    "org.apache.tomcat.util.net.NioEndpoint$SocketProcessor.doRun(NioEndpoint.java:"sv};
constexpr std::array programs{
    "sshd"sv,
    "kernel"sv,
    "systemd"sv,
    "CRON"sv,
    "postfix/smtpd"sv,
    "dhclient"sv,
    "nginx"sv,
    "kubelet"sv};
constexpr std::array syslog_messages{
    "Accepted publickey for deploy from "sv,
    "Failed password for invalid user admin from "sv,
    "pam_unix(cron:session): session opened for user root by (uid=0) from "sv,
    "Started Session of user root, address "sv,
    "connect from unknown"sv,
    "DHCPREQUEST for bound lease to "sv,
    "upstream timed out (110: Connection timed out) while reading response header, client: "sv,
    "Pod readiness probe failed: Get "sv};

enum class Kind : std::uint8_t { nginx, json, java, rfc3164, rfc5424, mixed };

struct Options {
    Kind kind = Kind::mixed;
    double megabytes = 1;
    std::uint64_t seed = 1;
    bool with_sequence = false;
    std::uint64_t sequence = 0;
    const char* out = nullptr;
    bool blank_lines = false;
    bool crlf = false;
    bool final_newline = true;
    std::uint64_t long_line_bytes = 0;
};

class Generator {
public:
    explicit Generator(const Options& options)
        : options_(options)
        , rng_(options.seed * 8 + static_cast<std::uint64_t>(options.kind))
        , sequence_(options.sequence) {}

    std::string text;  // what was generated and not yet written

    [[nodiscard]] std::uint64_t lines() const { return sequence_ - options_.sequence; }

    void event() {
        // Of twelve mixed events; a Java event may be many lines.
        static constexpr std::array mix{
            Kind::nginx,
            Kind::nginx,
            Kind::nginx,
            Kind::nginx,
            Kind::json,
            Kind::json,
            Kind::json,
            Kind::json,
            Kind::java,
            Kind::rfc3164,
            Kind::rfc3164,
            Kind::rfc5424};
        const Kind kind = options_.kind == Kind::mixed ? mix[rng_.below(mix.size())]
                                                       : options_.kind;
        switch (kind) {
        case Kind::nginx: nginx(); break;
        case Kind::json: json(); break;
        case Kind::java: java(); break;
        case Kind::rfc3164: rfc3164(); break;
        case Kind::rfc5424: rfc5424(); break;
        case Kind::mixed: break;
        }
        if (rng_.below(3) == 0) {
            now_ms_ += rng_.below(7);
        }
        if (options_.blank_lines && rng_.below(50) == 0) {
            ++sequence_;
            text += line_end();
        }
    }

    void long_line() {
        for (std::uint64_t n = 0; n < options_.long_line_bytes; n += 16) {
            hex(rng_.next(),
                static_cast<int>(std::min<std::uint64_t>(16, options_.long_line_bytes - n)));
        }
        end_line();
    }

    [[nodiscard]] std::string_view line_end() const { return options_.crlf ? "\r\n"sv : "\n"sv; }

private:
    struct Civil {
        int year;
        int month;
        int day;
        int hour;
        int minute;
        int second;
        int ms;
    };

    template <std::integral T>
    void number(const T n, const int width = 0, const char pad = '0') {
        auto value = static_cast<std::uint64_t>(n);
        std::array<char, 24> digits{};
        std::size_t at = digits.size();
        do {
            digits[--at] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        for (auto have = static_cast<int>(digits.size() - at); have < width; ++have) {
            text += pad;
        }
        text.append(digits.data() + at, digits.size() - at);
    }
    void hex(const std::uint64_t value, const int digits) {
        for (int i = digits - 1; i >= 0; --i) {
            text += "0123456789abcdef"[(value >> (4 * i)) & 15];
        }
    }
    template <std::size_t n>
    std::string_view pick(const std::array<std::string_view, n>& choices) {
        return choices[rng_.skewed(n)];
    }

    /// The Gregorian date of `now_ms_`, by counting eras of 400 years.
    [[nodiscard]] Civil now() const {
        const std::uint64_t seconds = now_ms_ / 1000;
        const std::uint64_t days = seconds / 86400 + 719468;
        const std::uint64_t day_of_era = days % 146097;
        const std::uint64_t year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        const std::uint64_t day_of_year = day_of_era
                                        - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        const std::uint64_t shifted_month = (5 * day_of_year + 2) / 153;
        const std::uint64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
        const std::uint64_t year = days / 146097 * 400 + year_of_era + (month <= 2 ? 1 : 0);
        return {
            static_cast<int>(year),
            static_cast<int>(month),
            static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1),
            static_cast<int>(seconds / 3600 % 24),
            static_cast<int>(seconds / 60 % 60),
            static_cast<int>(seconds % 60),
            static_cast<int>(now_ms_ % 1000)};
    }
    void clock(const Civil& t) {
        number(t.hour, 2);
        text += ':';
        number(t.minute, 2);
        text += ':';
        number(t.second, 2);
    }
    void iso_time(const char separator, const std::string_view zone) {
        const Civil t = now();
        number(t.year, 4);
        text += '-';
        number(t.month, 2);
        text += '-';
        number(t.day, 2);
        text += separator;
        clock(t);
        text += '.';
        number(t.ms, 3);
        text += zone;
    }
    void month_name(const Civil& t) { text += months[static_cast<std::size_t>(t.month - 1)]; }

    void address() {
        const std::uint32_t client = rng_.skewed(4096);
        number(10 + client % 180);
        text += '.';
        number((client * 7) & 255);
        text += '.';
        number((client * 31 >> 3) & 255);
        text += '.';
        number(rng_.skewed(254) + 1);
    }
    void uuid() {
        const std::uint64_t a = rng_.next();
        const std::uint64_t b = rng_.next();
        hex(a >> 32, 8);
        text += '-';
        hex(a >> 16, 4);
        text += "-4";
        hex(a, 3);
        text += '-';
        hex(0x8000 | (b >> 50), 4);
        text += '-';
        hex(b, 12);
    }
    void end_line() {
        if (options_.with_sequence) {
            text += " #S=";
            number(sequence_, 12);
        }
        ++sequence_;
        text += line_end();
    }

    void nginx() {
        address();
        text += " - ";
        if (rng_.below(8) != 0) {
            text += '-';
        } else {
            text += "user";
            number(rng_.skewed(5000));
        }
        const Civil t = now();
        text += " [";
        number(t.day, 2);
        text += '/';
        month_name(t);
        text += '/';
        number(t.year);
        text += ':';
        clock(t);
        text += " +0000] \"";
        text += pick(methods);
        text += ' ';
        const std::string_view path = pick(paths);
        text += path;
        if (path.back() == '/' || path.back() == '=') {
            number(rng_.skewed(100000));
        }
        text += " HTTP/1.1\" ";
        text += pick(statuses);
        text += ' ';
        number(rng_.skewed(60000));
        text += " \"";
        if (rng_.below(3) != 0) {
            text += '-';
        } else {
            text += "https://shop.example.com";
            text += pick(paths);
        }
        text += "\" \"";
        text += pick(user_agents);
        text += "\" rt=0.";
        number(rng_.skewed(1000), 3);
        end_line();
    }

    void json() {
        text += R"({"ts":")";
        iso_time('T', "Z");
        text += R"(","level":")";
        text += pick(levels);
        text += R"(","service":")";
        const std::string_view service = pick(services);
        text += service;
        text += R"(","pod":")";
        text += service;
        text += "-6c9f";
        hex(rng_.skewed(64) * 2654435761u, 6);
        text += R"(","trace_id":")";
        hex(rng_.next(), 16);
        hex(rng_.next(), 16);
        text += R"(","msg":")";
        text += pick(messages);
        text += R"(","user_id":)";
        number(rng_.skewed(1000000));
        text += R"(,"duration_ms":)";
        number(rng_.skewed(3000));
        text += '.';
        number(rng_.below(1000), 3);
        text += R"(,"http":{"method":")";
        text += pick(methods);
        text += R"(","path":")";
        text += pick(paths);
        text += R"(","status":)";
        text += pick(statuses);
        text += R"(},"request_id":")";
        uuid();
        text += '"';
        if (options_.with_sequence) {
            text += R"(,"seq":"#S=)";
            number(sequence_, 12);
            text += '"';
        }
        ++sequence_;
        text += '}';
        text += line_end();
    }

    void java() {
        iso_time(' ', "");
        const bool is_error = rng_.below(4) == 0;
        text += is_error ? "  ERROR"sv : "  INFO "sv;
        text += " 1 --- [http-nio-8080-exec-";
        number(rng_.below(200) + 1);
        text += "] c.a.";
        text += pick(services);
        text += ".Handler : ";
        text += pick(messages);
        text += " orderId=";
        number(rng_.skewed(10000000));
        end_line();
        if (!is_error) {
            return;
        }
        const std::uint32_t causes = 1 + rng_.below(2);
        for (std::uint32_t cause = 0; cause < causes; ++cause) {
            stack_trace(cause != 0);
        }
    }
    void stack_trace(const bool is_cause) {
        text += is_cause ? "Caused by: "sv : ""sv;
        text += pick(exceptions);
        text += ": ";
        text += pick(messages);
        text += " (id=";
        number(rng_.skewed(1000000));
        text += ')';
        end_line();
        const std::uint32_t depth = 6 + rng_.below(24);
        for (std::uint32_t i = 0; i < depth; ++i) {
            text += "\tat ";
            text += frames[rng_.below(frames.size())];
            number(rng_.skewed(1200) + 1);
            text += ')';
            end_line();
        }
        if (is_cause) {
            text += "\t... ";
            number(rng_.below(60) + 2);
            text += " more";
            end_line();
        }
    }

    void priority() {
        text += '<';
        number(rng_.below(24) * 8 + rng_.below(8));
        text += '>';
    }
    void rfc3164() {
        priority();
        const Civil t = now();
        month_name(t);
        text += ' ';
        number(t.day, 2, ' ');
        text += ' ';
        clock(t);
        text += " web-";
        number(rng_.skewed(64), 2);
        text += ' ';
        text += pick(programs);
        text += '[';
        number(rng_.skewed(60000) + 1);
        text += "]: ";
        text += pick(syslog_messages);
        address();
        text += " port ";
        number(rng_.below(60000) + 1024);
        text += " ssh2";
        end_line();
    }
    void rfc5424() {
        priority();
        text += "1 ";
        iso_time('T', "Z");
        text += " web-";
        number(rng_.skewed(64), 2);
        text += ".eu.example.com ";
        text += pick(programs);
        text += ' ';
        number(rng_.skewed(60000) + 1);
        text += " ID";
        number(rng_.skewed(100));
        text += R"( [origin@32473 iut="3" eventSource=")";
        text += pick(services);
        text += R"(" eventID=")";
        number(rng_.below(10000));
        text += R"("] )";
        text += pick(syslog_messages);
        address();
        text += ' ';
        text += pick(messages);
        end_line();
    }

    Options options_;
    Rng rng_;
    std::uint64_t sequence_;
    std::uint64_t now_ms_ = 1794700800000ull;  // 2026-11-15T00:00:00Z, moved on by the events only
};

std::optional<Kind> kind_of(const std::string_view name) {
    static constexpr std::array names{
        "nginx"sv, "json"sv, "java"sv, "rfc3164"sv, "rfc5424"sv, "mixed"sv};
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) {
            return static_cast<Kind>(i);
        }
    }
    return std::nullopt;
}

std::optional<Options> parse(const int argc, char** const argv) {
    if (argc < 3) {
        return std::nullopt;
    }
    Options options;
    const std::optional<Kind> kind = kind_of(argv[1]);
    if (!kind) {
        return std::nullopt;
    }
    options.kind = *kind;
    options.megabytes = std::atof(argv[2]);
    for (int i = 3; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--seq") {
            options.with_sequence = true;
        } else if (name == "--blank-lines") {
            options.blank_lines = true;
        } else if (name == "--crlf") {
            options.crlf = true;
        } else if (name == "--no-final-newline") {
            options.final_newline = false;
        } else if (i + 1 == argc) {
            return std::nullopt;
        } else if (name == "--seed") {
            options.seed = std::strtoull(argv[++i], nullptr, 10);
        } else if (name == "--seq-start") {
            options.sequence = std::strtoull(argv[++i], nullptr, 10);
        } else if (name == "--long-line") {
            options.long_line_bytes = std::strtoull(argv[++i], nullptr, 10);
        } else if (name == "--out") {
            options.out = argv[++i];
        } else {
            return std::nullopt;
        }
    }
    return options;
}

bool write_all(std::FILE* const file, const std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), file) == text.size();
}

}  // namespace

int main(const int argc, char** const argv) {
    const std::optional<Options> options = parse(argc, argv);
    if (!options) {
        std::fputs(
            "usage: gencorpus nginx|json|java|rfc3164|rfc5424|mixed MEGABYTES [--seed N] [--seq] "
            "[--seq-start N] [--out FILE] [--blank-lines] [--crlf] [--no-final-newline] "
            "[--long-line BYTES]\n",
            stderr
        );
        return 2;
    }
    std::FILE* const file = options->out != nullptr ? std::fopen(options->out, "wb") : stdout;
    if (file == nullptr) {
        std::perror(options->out);
        return 1;
    }
    Generator generator(*options);
    const auto limit = static_cast<std::uint64_t>(options->megabytes * 1e6);
    std::uint64_t written = 0;
    std::uint64_t events = 0;
    bool is_long_line_due = options->long_line_bytes != 0;
    bool ok = true;
    while (ok && written + generator.text.size() < limit) {
        if (is_long_line_due && written + generator.text.size() >= limit / 2) {
            is_long_line_due = false;
            generator.long_line();
        }
        generator.event();
        ++events;
        if (generator.text.size() > (1u << 20) && written + generator.text.size() < limit) {
            ok = write_all(file, generator.text);
            written += generator.text.size();
            generator.text.clear();
        }
    }
    if (!options->final_newline && generator.text.ends_with(generator.line_end())) {
        generator.text.resize(generator.text.size() - generator.line_end().size());
    }
    written += generator.text.size();
    if (!ok || !write_all(file, generator.text) || std::fflush(file) != 0) {
        std::perror("gencorpus");
        return 1;
    }
    std::fprintf(
        stderr,
        "{\"seed\":%llu,\"bytes\":%llu,\"lines\":%llu,\"events\":%llu,\"first_seq\":%llu}\n",
        static_cast<unsigned long long>(options->seed),
        static_cast<unsigned long long>(written),
        static_cast<unsigned long long>(generator.lines()),
        static_cast<unsigned long long>(events),
        static_cast<unsigned long long>(options->sequence)
    );
    return 0;
}
