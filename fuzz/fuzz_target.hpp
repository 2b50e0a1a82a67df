#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "base/file.hpp"

/// Defines a fuzz target that parses the bytes; an fsrcnn::Error is a good answer to them, anything else is a defect.
#define FSRCNN_FUZZ_TARGET(bytes, parse)                                    \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
    const fsrcnn::Bytes bytes = std::as_bytes(std::span(data, size));       \
    try {                                                                   \
      (void)(parse);                                                        \
    } catch (const fsrcnn::Error&) { /* NOLINT(bugprone-empty-catch) */     \
    }                                                                       \
    return 0;                                                               \
  }
