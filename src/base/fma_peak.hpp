#pragma once

#include <cstdint>
#include <string_view>

namespace fsrcnn {

/// Does nothing but multiply-adds in registers, `rounds` times some dozens, with the widest vectors of this instruction
/// set, and returns how many float operations that were (a multiply-add is two). Timed, it tells the machine's peak.
/// "reference" has no instructions of its own: it counts as the fastest.
double run_multiply_adds(std::string_view cpu, int64_t rounds);

}  // namespace fsrcnn
