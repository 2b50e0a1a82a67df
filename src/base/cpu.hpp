#pragma once

#include <string>
#include <string_view>

#include "fsrcnn/fsrcnn.hpp"

namespace fsrcnn {

/// `name` itself, or if it is empty the environment's FSRCNN_CPU, or if that is empty too the fastest.
/// Throws Error(usage), which lists the supported names, for an unknown name.
std::string choose_cpu(std::string_view name);

/// Names of cpu_names() with the same class give the same bits: "fma" are those that fuse multiply-adds, "no-fma" those
/// that do not, and "reference" is a class of its own.
std::string class_of_bits(std::string_view cpu);

/// The kernels for the instruction set of this name; null if there are none (as for "reference").
template <class Kernels, size_t kCount>
const Kernels* kernels_of(const Kernels* const (&all)[kCount], std::string_view cpu) {
  for (const Kernels* kernels : all) {
    if (kernels != nullptr && cpu == kernels->cpu) return kernels;
  }
  return nullptr;
}

}  // namespace fsrcnn
