#include "model/builtin.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "model/formats/safetensors.hpp"

namespace fsrcnn {

// Defined in files that the build makes from models/. NOLINTBEGIN(modernize-avoid-c-arrays)
extern const unsigned char kFsrcnnX2[], kFsrcnnX3[];
extern const unsigned long kFsrcnnX2Size, kFsrcnnX3Size;
// NOLINTEND(modernize-avoid-c-arrays)

namespace {

constexpr std::array kModels = {BuiltinModel{"fsrcnn-x2", "photographs and clean films", 2, true},
                                BuiltinModel{"fsrcnn-x3", "photographs and clean films", 3, true}};

Bytes bytes_of(std::string_view name) {
  const auto bytes = [](const unsigned char* data, size_t size) { return std::as_bytes(std::span(data, size)); };
  if (name == "fsrcnn-x2") return bytes(kFsrcnnX2, kFsrcnnX2Size);
  if (name == "fsrcnn-x3") return bytes(kFsrcnnX3, kFsrcnnX3Size);
  return {};
}

}  // namespace

std::span<const BuiltinModel> builtin_models() { return kModels; }

std::optional<Model> builtin_model(std::string_view name) {
  const Bytes bytes = bytes_of(name);
  if (bytes.empty()) return std::nullopt;
  return model_from_state_dict(parse_safetensors(bytes, std::string(name)), std::string(name));
}

std::string_view builtin_model_for(int64_t scale) {
  const auto* const model = std::find_if(kModels.begin(), kModels.end(),
                                         [&](const BuiltinModel& m) { return m.general && m.scale == scale; });
  return model == kModels.end() ? std::string_view() : model->name;
}

}  // namespace fsrcnn
