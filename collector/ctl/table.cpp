#include "collector/ctl/table.h"

#include "shared/base/assert.h"

#include <algorithm>

namespace logboom::ctl {

namespace {

/// Code points: each is taken for one column wide.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](const char c) {
        return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
    }));
}

}  // namespace

void Table::add_column(std::string header, const Align align) {
    columns_.push_back(Column{std::move(header), align});
}

void Table::add_row(std::vector<std::string> cells) {
    LB_ASSERT(cells.size() == columns_.size());
    for (std::string& cell : cells) {
        if (cell.empty()) {
            cell = "-";
        }
    }
    rows_.push_back(std::move(cells));
}

std::string Table::line_of(
    const std::vector<std::string>& cells, const std::vector<std::size_t>& widths
) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string padding(widths[i] - width_of(cells[i]), ' ');
        line += i == 0 ? "" : "  ";
        line += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

std::string Table::to_text() const {
    std::vector<std::string> headers;
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) {
        headers.push_back(column.header);
        widths.push_back(width_of(column.header));
    }
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width_of(row[i]));
        }
    }
    std::string text = line_of(headers, widths);
    for (const auto& row : rows_) {
        text += line_of(row, widths);
    }
    return text;
}

}  // namespace logboom::ctl
