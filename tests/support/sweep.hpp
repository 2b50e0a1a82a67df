#pragma once

#include <cstdint>

// How many cases the long sweeps try where each takes many times as long as on the machine itself.

namespace fsrcnn::test {

/// Whether an emulator or an interpreter runs this.
constexpr bool kEmulated = FSRCNN_EMULATED != 0;

/// Of so many random cases or rounds, those that are tried: fewer in an emulator or under a sanitizer.
constexpr uint32_t some_of(uint32_t all) { return kEmulated || FSRCNN_SANITIZED != 0 ? all / 4 : all; }

}  // namespace fsrcnn::test
