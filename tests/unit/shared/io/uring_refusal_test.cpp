// What an operator reads when there is no ring (R12, R15), and whether the program may do without (R17).
#include "shared/io/uring_refusal.h"

#include "shared/io/uring_backend.h"
#include "tests/support/refuse_calls.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <string_view>

using namespace logboom;
using namespace logboom::test;
using io::explain_refusal;
using io::UringRefusal;

namespace {

/// How many of `parts` are not in the text behind one another.
int missing_in(const std::string& text, const std::vector<std::string_view>& parts) {
    int missing = 0;
    std::size_t from = 0;
    for (const std::string_view part : parts) {
        const std::size_t at = text.find(part, from);
        missing += at == std::string::npos ? 1 : 0;
        from = at == std::string::npos ? from : at + part.size();
    }
    return missing;
}

/// In a child: where the ring is refused.
UringRefusal refusal_here() {
    const auto made = io::UringBackend::make(io::UringOptions::for_agent());
    const auto* const refused = std::get_if<UringRefusal>(&made);
    return refused == nullptr ? UringRefusal{"nothing was refused", false} : *refused;
}

const std::vector<std::string_view> causes{
    "io_uring is needed",
    "1.",
    "seccomp",
    "io_uring_setup, io_uring_enter and io_uring_register",
    "--security-opt seccomp=unconfined",
    "2.",
    "kernel.io_uring_disabled is 1 or 2",
    "set it to 0",
    "sysctl -w kernel.io_uring_disabled=0",
    "3.",
    "older than 6.0",
    "uname -r",
    "install a newer one"};

}  // namespace

BOOST_AUTO_TEST_SUITE(uring_refusal)

BOOST_AUTO_TEST_CASE(the_first_line_names_the_call_and_the_error) {
    const UringRefusal refusal = explain_refusal("io_uring_setup", EPERM);
    BOOST_TEST(refusal.first_line() == "io_uring_setup: Operation not permitted (errno 1)");
    BOOST_TEST(missing_in(refusal.text, causes) == 0);
}

BOOST_AUTO_TEST_CASE(a_kernel_or_policy_without_io_uring_makes_it_unavailable) {
    for (const int error : {EPERM, ENOSYS, EACCES, EINVAL, EOPNOTSUPP}) {
        const UringRefusal refusal = explain_refusal("io_uring_setup", error);
        BOOST_TEST(refusal.is_unavailable);
        BOOST_TEST(missing_in(refusal.text, causes) == 0);
    }
}

BOOST_AUTO_TEST_CASE(a_lack_of_memory_or_descriptors_is_an_error_with_the_limit_to_raise) {
    const UringRefusal memory = explain_refusal("io_uring_setup", ENOMEM);
    BOOST_TEST(!memory.is_unavailable);
    BOOST_TEST(missing_in(memory.text, {"locked memory", "LimitMEMLOCK=", "ulimit -l"}) == 0);
    BOOST_TEST(
        (memory.text.find(" KiB") != std::string::npos
         || memory.text.find("unlimited") != std::string::npos)
    );
    BOOST_TEST(memory.text.find("seccomp") == std::string::npos);
    for (const int error : {EMFILE, ENFILE}) {
        const UringRefusal descriptors = explain_refusal("io_uring_setup", error);
        BOOST_TEST(!descriptors.is_unavailable);
        BOOST_TEST(missing_in(descriptors.text, {"LimitNOFILE=", "ulimit -n"}) == 0);
    }
}

BOOST_AUTO_TEST_CASE(each_of_the_three_calls_may_be_the_one_that_is_refused) {
    const auto names_setup = [] {
        return missing_in(refusal_here().text, {"io_uring_setup: Op", "seccomp"});
    };
    BOOST_TEST(failures_without({SYS_io_uring_setup}, EPERM, names_setup) == 0);
    const auto names_enter = [] {
        return missing_in(refusal_here().text, {"io_uring_enter: Op", "seccomp"});
    };
    BOOST_TEST(failures_without({SYS_io_uring_enter}, EPERM, names_enter) == 0);
    const auto names_register = [] {
        return missing_in(refusal_here().text, {"io_uring_register (", "Op", "seccomp"});
    };
    BOOST_TEST(failures_without({SYS_io_uring_register}, EPERM, names_register) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
