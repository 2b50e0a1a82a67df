#include "base/cpu.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/ranges.h>

#include "base/error.hpp"
#include "base/targets.hpp"

namespace fsrcnn {

const std::vector<std::string>& cpu_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> here;
    for (const Target& target : kTargets) {
      // The whole library is compiled for the static one; of others Highway knows whether the machine has them.
      const bool compiled = (kCompiledTargets & target.bit) != 0, always = target.bit == HWY_STATIC_TARGET;
      if (compiled && (always || (HWY_SUPPORTED_TARGETS & target.bit) != 0)) here.emplace_back(target.name);
    }
    here.emplace_back("reference");
    return here;
  }();
  return names;
}

std::string class_of_bits(std::string_view cpu) {
  for (const Target& target : kTargets) {
    if (cpu == target.name) return target.fused ? "fma" : "no-fma";
  }
  return std::string(cpu);
}

std::string choose_cpu(std::string_view name) {
  const char* const variable = std::getenv("FSRCNN_CPU");
  const bool from_environment = name.empty() && variable != nullptr && *variable != '\0';
  if (from_environment) name = variable;
  if (name.empty()) return cpu_names().front();
  if (std::find(cpu_names().begin(), cpu_names().end(), name) == cpu_names().end()) {
    fail(ErrorCode::usage, "{}unknown CPU '{}'; this machine supports: {}", from_environment ? "FSRCNN_CPU: " : "",
         name, fmt::join(cpu_names(), ", "));
  }
  return std::string(name);
}

}  // namespace fsrcnn
