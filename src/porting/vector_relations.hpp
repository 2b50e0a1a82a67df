#pragma once

#include <vector>

#include "porting/vector_readings.hpp"

namespace fsrcnn {

/// What biases or slopes that were found are to the right ones: rounded in some way, or another channel's.
/// `precision`: of each that was found.
std::vector<VectorReading> vector_relations(const std::vector<float>& right, const std::vector<float>& found,
                                            const std::vector<double>& precision);

}  // namespace fsrcnn
