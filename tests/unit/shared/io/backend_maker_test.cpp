// Which backend a program gets on which host (R17). Hosts are child processes with system calls refused.
#include "shared/io/backend_maker.h"

#include "tests/support/refuse_calls.h"
#include "tests/unit/shared/io/io_world.h"

#include <boost/test/unit_test.hpp>

#include <cerrno>

using namespace logboom;
using namespace logboom::test;
using io::BackendChoice;
using io::BackendKind;
using io::BackendMaker;

namespace {

using Made = std::variant<std::unique_ptr<io::IoBackend>, std::string>;

BackendMaker maker_of(const BackendChoice choice) {
    return {choice, io::UringOptions::for_agent()};
}

bool is_made(const Made& made) {
    const auto* const backend = std::get_if<std::unique_ptr<io::IoBackend>>(&made);
    if (backend == nullptr) {
        return false;
    }
    (*backend)->poll(SteadyTime::min());
    return true;
}

bool is_refused_with(const Made& made, const std::string_view part) {
    const auto* const text = std::get_if<std::string>(&made);
    return text != nullptr && text->find(part) != std::string::npos;
}

/// 0 if a program that lets us choose goes on with epoll and says in one line why.
int falls_back() {
    BackendMaker maker = maker_of(BackendChoice::automatic);
    const bool goes_on = is_made(maker.make()) && maker.kind() == BackendKind::poll;
    const bool has_line = maker.refusal().starts_with("io_uring_")
                       && maker.refusal().find('\n') == std::string::npos;
    return (goes_on ? 0 : 1) + (has_line ? 0 : 2);
}

/// 0 if what is missing is an error also where we may choose.
int gives_up() {
    BackendMaker maker = maker_of(BackendChoice::automatic);
    return is_refused_with(maker.make(), "io_uring_setup: ") && maker.refusal().empty() ? 0 : 1;
}

int insists_on_a_ring() {
    BackendMaker maker = maker_of(BackendChoice::uring);
    const Made made = maker.make();
    const bool says_causes = is_refused_with(made, "seccomp profile");
    return (says_causes ? 0 : 1) + (is_refused_with(made, "[io] backend = \"poll\"") ? 0 : 2);
}

int takes_poll_by_name() {
    BackendMaker maker = maker_of(BackendChoice::poll);
    const bool goes_on = is_made(maker.make()) && maker.kind() == BackendKind::poll;
    return goes_on && maker.refusal().empty() ? 0 : 1;
}

boost::test_tools::assertion_result has_ring(boost::unit_test::test_unit_id) {
    return boost::test_tools::assertion_result(IoWorld::ring_refusal().empty());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(backend_maker)

BOOST_AUTO_TEST_CASE(
    a_ring_is_taken_where_there_is_one, *boost::unit_test::precondition(has_ring)
) {
    for (const BackendChoice choice : {BackendChoice::automatic, BackendChoice::uring}) {
        BackendMaker maker = maker_of(choice);
        BOOST_TEST(is_made(maker.make()));
        BOOST_TEST((maker.kind() == BackendKind::uring));
        BOOST_TEST(maker.refusal().empty());
        BOOST_TEST(maker.rung() >= 0);
    }
}

BOOST_AUTO_TEST_CASE(where_any_call_of_io_uring_is_refused_epoll_stands_in) {
    for (const int error : {EPERM, ENOSYS, EACCES}) {
        for (const long number : io_uring_calls) {
            BOOST_TEST(failures_without({number}, error, falls_back) == 0);
        }
        BOOST_TEST(
            failures_without({io_uring_calls.begin(), io_uring_calls.end()}, error, falls_back) == 0
        );
    }
}

BOOST_AUTO_TEST_CASE(a_lack_of_memory_or_descriptors_is_an_error_and_no_reason_to_do_without) {
    for (const int error : {ENOMEM, EMFILE, ENFILE}) {
        BOOST_TEST(failures_without({SYS_io_uring_setup}, error, gives_up) == 0);
    }
}

BOOST_AUTO_TEST_CASE(whoever_asks_for_io_uring_gets_it_or_the_reasons) {
    for (const int error : {EPERM, ENOSYS}) {
        BOOST_TEST(failures_without({SYS_io_uring_setup}, error, insists_on_a_ring) == 0);
    }
}

BOOST_AUTO_TEST_CASE(epoll_is_taken_by_name_without_asking_for_a_ring) {
    BOOST_TEST(takes_poll_by_name() == 0);
    BOOST_TEST(failures_without({SYS_io_uring_setup}, EPERM, takes_poll_by_name) == 0);
}

BOOST_AUTO_TEST_CASE(
    all_shards_of_a_process_are_of_the_first_ones_kind, *boost::unit_test::precondition(has_ring)
) {
    BackendMaker maker = maker_of(BackendChoice::automatic);
    BOOST_REQUIRE(is_made(maker.make()));
    const auto is_second_refused = [&maker] {
        return is_refused_with(maker.make(), "io_uring_setup: ") ? 0 : 1;
    };
    BOOST_TEST(failures_without({SYS_io_uring_setup}, EPERM, is_second_refused) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
