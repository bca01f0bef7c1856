#include "shared/io/intrusive_list.h"

#include "shared/base/rng.h"
#include "tests/support/dies.h"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <vector>

using logboom::Rng;
using logboom::io::IntrusiveList;
using logboom::io::ListNode;
using Numbers = std::vector<int>;

namespace {

struct Item : ListNode {
    explicit Item(const int number_ = 0) : number(number_) {}
    int number;
};

Numbers numbers_of(IntrusiveList<Item>& list) {
    Numbers numbers;
    list.for_each([&numbers](const Item& item) { numbers.push_back(item.number); });
    return numbers;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(intrusive_list)

BOOST_AUTO_TEST_CASE(nothing_is_taken_from_an_empty_list_and_no_node_is_in_two) {
    BOOST_TEST(logboom::test::dies([] {
        IntrusiveList<Item> list;
        list.pop_front();
    }));
    BOOST_TEST(logboom::test::dies([] {
        IntrusiveList<Item> one;
        IntrusiveList<Item> two;
        Item item;
        one.push_back(item);
        two.push_back(item);
    }));
}

BOOST_AUTO_TEST_CASE(nodes_leave_in_the_order_of_their_coming) {
    IntrusiveList<Item> list;
    Item a(1);
    Item b(2);
    Item c(3);
    BOOST_TEST(list.empty());
    list.push_back(a);
    list.push_back(b);
    list.push_back(c);
    BOOST_TEST(&list.front() == &a);
    BOOST_TEST(list.pop_front().number == 1);
    BOOST_TEST(!a.is_linked());
    list.push_back(a);
    BOOST_TEST(numbers_of(list) == (Numbers{2, 3, 1}));
}

BOOST_AUTO_TEST_CASE(a_node_takes_itself_out_from_anywhere_and_more_than_once) {
    IntrusiveList<Item> list;
    Item a(1);
    auto b = std::make_unique<Item>(2);
    Item c(3);
    list.push_back(a);
    list.push_back(*b);
    list.push_back(c);
    b.reset();
    BOOST_TEST(numbers_of(list) == (Numbers{1, 3}));
    a.unlink();
    a.unlink();
    BOOST_TEST(numbers_of(list) == Numbers{3});
}

BOOST_AUTO_TEST_CASE(a_node_may_outlive_its_list) {
    Item a(1);
    Item b(2);
    {
        IntrusiveList<Item> list;
        list.push_back(a);
        list.push_back(b);
    }
    a.unlink();
    b.unlink();
    IntrusiveList<Item> list;
    list.push_back(b);
    BOOST_TEST(numbers_of(list) == Numbers{2});
}

BOOST_AUTO_TEST_CASE(another_list_is_taken_over_behind_what_is_there) {
    IntrusiveList<Item> list;
    IntrusiveList<Item> other;
    Item a(1);
    Item b(2);
    Item c(3);
    list.push_back(a);
    other.push_back(b);
    other.push_back(c);
    list.take_all(other);
    BOOST_TEST(other.empty());
    BOOST_TEST(numbers_of(list) == (Numbers{1, 2, 3}));
    list.take_all(other);
    BOOST_TEST(numbers_of(list) == (Numbers{1, 2, 3}));
}

BOOST_AUTO_TEST_CASE(a_node_may_leave_while_all_are_visited) {
    IntrusiveList<Item> list;
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 6; ++i) {
        items.push_back(std::make_unique<Item>(i));
        list.push_back(*items.back());
    }
    list.for_each([](Item& item) {
        if (item.number % 2 == 0) {
            item.unlink();
        }
    });
    BOOST_TEST(numbers_of(list) == (Numbers{1, 3, 5}));
}

BOOST_AUTO_TEST_CASE(any_order_of_coming_and_going_equals_that_of_a_deque) {
    Rng rng(1);
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 20; ++i) {
        items.push_back(std::make_unique<Item>(i));
    }
    IntrusiveList<Item> list;
    std::deque<int> model;
    for (int step = 0; step < 3000; ++step) {
        Item& item = *items[rng.below(items.size())];
        if (!item.is_linked()) {
            list.push_back(item);
            model.push_back(item.number);
        } else if (rng.chance(0.5)) {
            item.unlink();
            std::erase(model, item.number);
        } else {
            BOOST_REQUIRE(list.pop_front().number == model.front());
            model.pop_front();
        }
        BOOST_REQUIRE(numbers_of(list) == Numbers(model.begin(), model.end()));
    }
}

BOOST_AUTO_TEST_SUITE_END()
