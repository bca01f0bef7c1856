// Tables for people: upper-case headers, numbers to the right, two spaces between columns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace logboom::ctl {

class Table {
public:
    enum class Align : std::uint8_t { left, right };

    void add_column(std::string header, Align align);
    /// As many cells as there are columns; an empty one is shown as "-".
    void add_row(std::vector<std::string> cells);
    [[nodiscard]] std::string to_text() const;

private:
    struct Column {
        std::string header;
        Align align = Align::left;
    };
    [[nodiscard]] std::string line_of(
        const std::vector<std::string>& cells, const std::vector<std::size_t>& widths
    ) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace logboom::ctl
