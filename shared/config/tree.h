// A configuration text as a tree with places; what the checks walk. Made by parse.cpp.
#pragma once

#include "shared/config/problems.h"

#include <cstdint>
#include <string>
#include <vector>

namespace logboom::config {

enum class NodeKind : std::uint8_t { boolean, integer, floating, text, date, array, table };
[[nodiscard]] const char* to_string(NodeKind kind) noexcept;

struct Member;

struct Node {
    NodeKind kind = NodeKind::table;
    Place place;
    bool boolean = false;
    std::int64_t integer = 0;
    std::string text;
    std::vector<Node> items;      // of an array
    std::vector<Member> members;  // of a table, in byte order of the keys
};

struct Member {
    std::string key;
    Place key_place;
    Node value;
};

}  // namespace logboom::config
