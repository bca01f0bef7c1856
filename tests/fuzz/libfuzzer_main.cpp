// What libFuzzer calls: the one target that the program is linked with.
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* const data, const std::size_t size) {
    logboom::fuzz::Target::first()->run(data, size);
    return 0;
}
