#include "base/cpu.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/ranges.h>
#include <hwy/targets.h>

#include "base/error.hpp"

namespace fsrcnn {

const std::vector<std::string>& cpu_names() {
  static const std::vector<std::string> names = [] {
    struct Target {
      const char* name;
      int64_t bit;
    };
    std::vector<std::string> here;
    for (const Target& t : {Target{"avx512", HWY_AVX3}, Target{"avx2", HWY_AVX2}, Target{"sse4", HWY_SSE4},
                            Target{"neon", HWY_NEON}, Target{"scalar", HWY_SCALAR}}) {
      const bool compiled = (HWY_TARGETS & t.bit) != 0;
      if (compiled && (t.bit == HWY_SCALAR || (hwy::SupportedTargets() & t.bit) != 0)) here.emplace_back(t.name);
    }
    here.emplace_back("reference");
    return here;
  }();
  return names;
}

std::string choose_cpu(std::string_view name) {
  const char* const variable = std::getenv("FSRCNN_CPU");
  const bool from_environment = name.empty() && variable != nullptr && *variable != '\0';
  if (from_environment) name = variable;
  if (name.empty()) return cpu_names().front();
  if (std::find(cpu_names().begin(), cpu_names().end(), name) == cpu_names().end()) {
    fail(ErrorCode::usage, "{}'{}' is nothing that this machine can run on; there are: {}",
         from_environment ? "FSRCNN_CPU: " : "", name, fmt::join(cpu_names(), ", "));
  }
  return std::string(name);
}

}  // namespace fsrcnn
