#include "shared/io/cancel.h"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <vector>

using logboom::io::CancelNode;
using logboom::io::CancelToken;

namespace {

struct Waiting : CancelNode {
    Waiting(std::vector<int>& ended_, const int number_) : ended(ended_), number(number_) {
        on_cancel = [](CancelNode& node) {
            auto& self = static_cast<Waiting&>(node);
            self.ended.push_back(self.number);
            if (self.also_ends != nullptr) {
                self.also_ends->unlink();
            }
            if (self.adds != nullptr) {
                self.to->add(*self.adds);
            }
        };
    }
    std::vector<int>& ended;
    int number;
    Waiting* also_ends = nullptr;
    Waiting* adds = nullptr;
    CancelToken* to = nullptr;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(cancel)

BOOST_AUTO_TEST_CASE(cancelling_tells_each_waiting_node_once_in_the_order_of_their_coming) {
    std::vector<int> ended;
    CancelToken token;
    Waiting a(ended, 1);
    Waiting b(ended, 2);
    token.add(a);
    token.add(b);
    BOOST_TEST(!token.is_cancelled());
    token.cancel();
    BOOST_TEST(token.is_cancelled());
    token.cancel();
    BOOST_TEST(ended == (std::vector<int>{1, 2}));
    BOOST_TEST(!a.is_linked());
}

BOOST_AUTO_TEST_CASE(a_node_that_left_or_died_is_not_told) {
    std::vector<int> ended;
    CancelToken token;
    Waiting left(ended, 1);
    Waiting stays(ended, 2);
    auto died = std::make_unique<Waiting>(ended, 3);
    token.add(left);
    token.add(stays);
    token.add(*died);
    left.unlink();
    died.reset();
    token.cancel();
    BOOST_TEST(ended == std::vector<int>{2});
}

BOOST_AUTO_TEST_CASE(a_node_that_ends_because_of_another_is_not_told_any_more) {
    std::vector<int> ended;
    CancelToken token;
    Waiting a(ended, 1);
    Waiting b(ended, 2);
    a.also_ends = &b;
    token.add(a);
    token.add(b);
    token.cancel();
    BOOST_TEST(ended == std::vector<int>{1});
}

BOOST_AUTO_TEST_CASE(what_begins_to_wait_while_a_token_is_cancelled_does_not_keep_it_busy) {
    std::vector<int> ended;
    CancelToken token;
    Waiting a(ended, 1);
    Waiting again(ended, 2);
    a.adds = &again;
    a.to = &token;
    token.add(a);
    token.cancel();  // whoever waits now looks at is_cancelled() first
    BOOST_TEST(ended == std::vector<int>{1});
}

BOOST_AUTO_TEST_SUITE_END()
