#include "network/builtin.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "network/formats/safetensors.hpp"
#include "network/fsrcnn.hpp"

namespace fsrcnn {

// Defined in files that the build makes from models/. NOLINTBEGIN(modernize-avoid-c-arrays)
extern const unsigned char fsrcnn_x2[], fsrcnn_x3[], fsrcnn_x4[], fsrcnn_s_x2[], fsrcnn_video_x2[];
extern const unsigned long fsrcnn_x2Size, fsrcnn_x3Size, fsrcnn_x4Size, fsrcnn_s_x2Size, fsrcnn_video_x2Size;
// NOLINTEND(modernize-avoid-c-arrays)

namespace {

constexpr const char* kClean = "photographs and clean films";
constexpr std::array kModels = {
    BuiltinModel{"fsrcnn-x2", kClean, 2, true},
    BuiltinModel{"fsrcnn-x3", kClean, 3, true},
    BuiltinModel{"fsrcnn-x4", kClean, 4, true},
    BuiltinModel{"fsrcnn-s-x2", "the same, faster and less accurate", 2, false},
    BuiltinModel{"fsrcnn-video-x2", "compressed films and photographs", 2, false},
};

/// Their files, in the same order.
struct Embedded {
  const unsigned char* data;
  const unsigned long* size;
};
constexpr std::array<Embedded, kModels.size()> kFiles = {{
    {fsrcnn_x2, &fsrcnn_x2Size},
    {fsrcnn_x3, &fsrcnn_x3Size},
    {fsrcnn_x4, &fsrcnn_x4Size},
    {fsrcnn_s_x2, &fsrcnn_s_x2Size},
    {fsrcnn_video_x2, &fsrcnn_video_x2Size},
}};

}  // namespace

std::span<const BuiltinModel> builtin_models() { return kModels; }

std::string builtin_names() {
  std::string names;
  for (const BuiltinModel& model : builtin_models()) names += (names.empty() ? "" : ", ") + std::string(model.name);
  return names;
}

std::optional<Network> builtin_network(std::string_view name) {
  const auto* const model =
      std::find_if(kModels.begin(), kModels.end(), [&](const BuiltinModel& m) { return m.name == name; });
  if (model == kModels.end()) return std::nullopt;
  const Embedded& file = kFiles[static_cast<size_t>(model - kModels.begin())];
  const Bytes bytes = std::as_bytes(std::span(file.data, *file.size));
  return network_from_state_dict(parse_safetensors(bytes, std::string(name)), std::string(name));
}

std::string_view builtin_model_for(int64_t scale) {
  const auto* const model = std::find_if(kModels.begin(), kModels.end(),
                                         [&](const BuiltinModel& m) { return m.general && m.scale == scale; });
  return model == kModels.end() ? std::string_view() : model->name;
}

}  // namespace fsrcnn
