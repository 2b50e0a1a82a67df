#pragma once

#include <string>
#include <string_view>

#include "fsrcnn/fsrcnn.hpp"

namespace fsrcnn {

/// `name` itself, or if it is empty the environment's FSRCNN_CPU, or if that is empty too the fastest.
/// Throws Error(usage) naming those there are if there is none of this name.
std::string choose_cpu(std::string_view name);

/// Of the kernels for each instruction set, those of this name; null if there are none (as for "reference").
template <class Kernels, size_t kCount>
const Kernels* kernels_of(const Kernels* const (&all)[kCount], std::string_view cpu) {
  for (const Kernels* kernels : all) {
    if (kernels != nullptr && cpu == kernels->cpu) return kernels;
  }
  return nullptr;
}

}  // namespace fsrcnn
