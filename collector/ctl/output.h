// Where results and talk go: data to standard output, everything else to standard error.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace logboom::ctl {

class Output {
public:
    Output() = default;
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    virtual ~Output() = default;

    /// Writes all of it. False: nobody reads any more (`| head`), which ends the command quietly.
    [[nodiscard]] virtual bool write(std::string_view data) = 0;
    /// Says something to the human.
    virtual void say(std::string_view text) = 0;
    /// Asks the user; the answer without its line end. Nothing: there is nobody to ask.
    virtual std::optional<std::string> ask(std::string_view question) = 0;
};

}  // namespace logboom::ctl
