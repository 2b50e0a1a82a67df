#pragma once

#include <cstdint>
#include <string_view>

namespace fsrcnn {

/// Runs only multiply-adds in registers, `rounds` times some dozens, with the widest vectors of this instruction set,
/// and returns the number of float operations (a multiply-add is two). Timing it gives the machine's peak. For
/// "reference" it uses the fastest instruction set.
double run_multiply_adds(std::string_view cpu, int64_t rounds);

}  // namespace fsrcnn
