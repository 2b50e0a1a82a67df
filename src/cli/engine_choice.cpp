#include "cli/engine_choice.hpp"

#include <algorithm>
#include <vector>

#include "network/builtin.hpp"
#include "picture/upscale_picture.hpp"

namespace fsrcnn::cli {

EngineChoice::EngineChoice(const ModelOption& model, const UpscalerOptions& options)
    : options_(options), free_(model.is_free()), first_(model.name()) {
  engines_[first_] = std::make_unique<Engine>(model.load_with_scale(), options_);
}

Engine& EngineChoice::engine_for(std::optional<double> factor, bool is_compressed) {
  std::string name = first_;
  if (free_ && factor) {
    std::vector<int64_t> scales;
    for (const BuiltinModel& model : builtin_models()) {
      if (model.general) scales.push_back(model.scale);
    }
    name = builtin_model_for(nearest_scale(*factor, scales));
  }
  constexpr const char *kGeneral = "fsrcnn-x2", *kForCompressed = "fsrcnn-video-x2";  // there are none of other scales
  if (free_ && is_compressed && name == kGeneral) name = kForCompressed;
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<Engine>& engine = engines_[name];
  if (!engine) engine = std::make_unique<Engine>(builtin_network(name).value(), options_);
  return *engine;
}

std::string EngineChoice::name_of(const Engine& engine) const {
  const std::scoped_lock lock(mutex_);
  return std::find_if(engines_.begin(), engines_.end(), [&](const auto& e) { return e.second.get() == &engine; })
      ->first;
}

}  // namespace fsrcnn::cli
