#include "model/builtin.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "model/formats/safetensors.hpp"

namespace fsrcnn {

// Defined in files that the build makes from models/.
extern const unsigned char kFsrcnnX2[];  // NOLINT(modernize-avoid-c-arrays)
extern const unsigned long kFsrcnnX2Size;

namespace {

constexpr std::array<std::string_view, 1> kNames = {"fsrcnn-x2"};

}  // namespace

std::span<const std::string_view> builtin_model_names() { return kNames; }

std::optional<Model> builtin_model(std::string_view name) {
  if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) return std::nullopt;
  const Bytes bytes = std::as_bytes(std::span(kFsrcnnX2, kFsrcnnX2Size));
  return model_from_state_dict(parse_safetensors(bytes, std::string(name)), std::string(name));
}

}  // namespace fsrcnn
