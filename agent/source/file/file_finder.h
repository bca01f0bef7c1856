// Where a file's content went when its inode or its name changed: a file under another name (T13, T16), a
// file with the content of one that we know (T9.5), the copy that was made before a file was cut (T18).
// Only looks; what follows from it is the locator's.
#pragma once

#include "agent/source/file/stream_table.h"

#include <optional>
#include <string>
#include <vector>

namespace logboom::source {

struct Kin {
    Stream* stream = nullptr;
    Kinship kinship = Kinship::none;
};

class FileFinder {
public:
    FileFinder(Env& env, const StreamTable& streams, Identifier& identifier) noexcept
        : env_(env)
        , streams_(streams)
        , identifier_(identifier) {}

    /// The stream whose content a file has that no stream's key names. Errors: those of reading it.
    Task<Result<Kin>> kin_of(OpenFile& opened);
    /// The stream's own file, under whatever name, or a copy of what it had if another stream has that now.
    /// Nothing: it is in none of the places where we look; an error: that cannot be told now.
    Task<Result<std::optional<OpenFile>>> own_file(const Stream& stream);
    /// A file with the content that the stream's file had before it was cut: one of `waiting`, or one in
    /// the places where rotated files are looked for.
    Task<Result<std::optional<OpenFile>>> copy_of(
        const Stream& stream, std::vector<std::string> waiting
    );

private:
    Task<Result<Kinship>> compare(OpenFile& opened, const Stream& kin);
    Task<Result<Kin>> begun_copy_of(const OpenFile& opened, std::string head);
    Task<Result<bool>> has_tail(OpenFile& opened, Proof proof);
    Task<Result<bool>> begins_like(std::string head, const Stream& kin);
    Task<Result<bool>> is_whole(const Stream& stream);
    Task<Result<std::optional<OpenFile>>> open_copy(const Stream& stream, std::string path);
    [[nodiscard]] std::vector<Stream*> whose_copy_it_may_be(const std::string& path) const;

    Env& env_;
    const StreamTable& streams_;
    Identifier& identifier_;
};

}  // namespace logboom::source
