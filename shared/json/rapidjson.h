// The library, of which nothing else is included.
#pragma once

#if defined(__clang__)
// It adds to the null pointer of its empty stacks; clang's sanitizer ends a process for that.
// clang-format off
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
// clang-format on
#endif
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#if defined(__clang__)
#    pragma clang attribute pop
#endif
