#include "model/model.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string_view>

#include "base/error.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kLargestChannels = 1024, kMostMappings = 64;

/// Takes tensors out of a state_dict by name and remembers which were taken.
class TensorSource {
 public:
  TensorSource(const StateDict& state_dict, std::string source) : state_dict_(state_dict), source_(std::move(source)) {
    for (const NamedTensor& tensor : state_dict.tensors) {
      if (!tensor.name.starts_with("module.")) return;
    }
    prefix_ = "module.";
  }

  const NamedTensor& find(const std::string& name) const {
    const NamedTensor* tensor = state_dict_.find(prefix_ + name);
    if (tensor == nullptr) {
      fail(ErrorCode::model, "{}: tensor '{}' is missing; the file has {}", source_, name, names());
    }
    return *tensor;
  }

  const std::vector<float>& take(const std::string& name, const std::vector<std::vector<int64_t>>& shapes) {
    const NamedTensor& tensor = find(name);
    bool fits = false;
    std::string expected;
    for (const std::vector<int64_t>& shape : shapes) {
      fits = fits || tensor.shape == shape;
      expected += (expected.empty() ? "" : " or ") + to_string(shape);
    }
    if (!fits) {
      fail(ErrorCode::model, "{}: tensor '{}' has shape {}, but expected is {}", source_, name, to_string(tensor.shape),
           expected);
    }
    for (size_t i = 0; i < tensor.values.size(); ++i) {
      if (!std::isfinite(tensor.values[i])) {
        fail(ErrorCode::model, "{}: tensor '{}' has the value {} at index {}; weights must be finite", source_, name,
             tensor.values[i], i);
      }
    }
    taken_.insert(prefix_ + name);
    return tensor.values;
  }

  void check_nothing_is_left() const {
    for (const NamedTensor& tensor : state_dict_.tensors) {
      if (!taken_.contains(tensor.name)) {
        fail(ErrorCode::model, "{}: tensor '{}' {} is none of FSRCNN's; this seems to be another network", source_,
             tensor.name, to_string(tensor.shape));
      }
    }
  }

  /// The highest N of the tensors "mid_part.N.*", or -1.
  int64_t last_mid_part() const {
    int64_t last = -1;
    const std::string prefix = prefix_ + "mid_part.";
    for (const NamedTensor& tensor : state_dict_.tensors) {
      if (!tensor.name.starts_with(prefix)) continue;
      int64_t index = -1;
      std::from_chars(tensor.name.data() + prefix.size(), tensor.name.data() + tensor.name.size(), index);
      last = std::max(last, index);
    }
    return last;
  }

 private:
  std::string names() const {
    std::string list;
    for (size_t i = 0; i < state_dict_.tensors.size() && i < 4; ++i) {
      list += fmt::format("{}'{}'", i == 0 ? "" : ", ", state_dict_.tensors[i].name);
    }
    if (state_dict_.tensors.size() > 4) list += fmt::format(" and {} more", state_dict_.tensors.size() - 4);
    return list.empty() ? "no tensors at all" : list;
  }

  const StateDict& state_dict_;
  std::string source_, prefix_;
  std::set<std::string> taken_;
};

int64_t output_channels(const TensorSource& tensors, const std::string& source, const std::string& name) {
  const NamedTensor& weight = tensors.find(name);
  if (weight.shape.size() != 4 || weight.shape[0] < 1 || weight.shape[0] > kLargestChannels) {
    fail(ErrorCode::model, "{}: tensor '{}' has shape {}, but a convolution with 1 to {} output channels is expected",
         source, name, to_string(weight.shape), kLargestChannels);
  }
  return weight.shape[0];
}

Layer take_layer(TensorSource& tensors, Layer layer, const Shape& shape, int64_t out_channels) {
  layer.weight = Tensor<float>(shape, tensors.take(layer.key + ".weight", {{shape.n, shape.c, shape.h, shape.w}}));
  layer.bias = tensors.take(layer.key + ".bias", {{out_channels}});
  if (!layer.activation_key.empty())
    layer.slope = tensors.take(layer.activation_key + ".weight", {{out_channels}, {1}});
  return layer;
}

// A weight of (scale^2, d, k, k) is a sub-pixel convolution, which tells its scale; all others must be deconvolutions.
void take_tail(TensorSource& tensors, Model& model, const std::string& source) {
  const std::vector<int64_t>& shape = tensors.find("last_part.weight").shape;
  for (const int64_t scale : {2, 3, 4}) {
    const int64_t k = shape.empty() ? 0 : shape.back();
    if (model.d == 1 || shape != std::vector<int64_t>{scale * scale, model.d, k, k}) continue;
    if (k % 2 == 0 || k > 5) {
      fail(ErrorCode::model,
           "{}: 'last_part.weight' has shape {}, a sub-pixel convolution to {} x {} phases of kernel {} x {}, but only "
           "kernels 1 x 1, 3 x 3 and 5 x 5 can be run",
           source, to_string(shape), scale, scale, k, k);
    }
    model.tail = Tail::sub_pixel_convolution;
    model.scale = scale;
    const Layer layer{.name = "sub-pixel convolution", .key = "last_part"};
    model.layers.push_back(take_layer(tensors, layer, {scale * scale, model.d, k, k}, scale * scale));
    return;
  }
  model.layers.push_back(take_layer(tensors, {.name = "deconvolution", .key = "last_part"}, {model.d, 1, 9, 9}, 1));
}

int64_t parse_scale(const std::string& text, const std::string& source) {
  int64_t scale = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), scale);
  if (error != std::errc{} || end != text.data() + text.size()) {
    fail(ErrorCode::model, "{}: the metadata's scale is '{}', but must be 2, 3 or 4", source, text);
  }
  return scale;
}

/// From the metadata or the caller, who must not contradict each other or the tail.
void take_scale(const StateDict& state_dict, const std::string& source, std::optional<int64_t> scale, Model& model) {
  const auto scale_remark = state_dict.metadata.find("scale");
  for (const std::optional<int64_t>& told :
       {scale_remark == state_dict.metadata.end() ? std::nullopt
                                                  : std::optional(parse_scale(scale_remark->second, source)),
        scale}) {
    if (told && model.scale != 0 && *told != model.scale) {
      fail(ErrorCode::model, "{}: these weights are for scale {}, not {}", source, model.scale, *told);
    }
    if (told) model.scale = *told;
  }
  if (model.scale != 0 && (model.scale < 2 || model.scale > 4)) {
    fail(ErrorCode::model, "{}: the scale is {}, but must be 2, 3 or 4", source, model.scale);
  }
}

}  // namespace

Model last_layer_from_state_dict(const StateDict& state_dict, const std::string& source, std::optional<int64_t> scale) {
  TensorSource tensors(state_dict, source);
  Model model;
  const std::vector<int64_t>& shape = tensors.find("last_part.weight").shape;
  // Of a deconvolution d is the first axis, of a convolution the second.
  if (shape.size() == 4) model.d = shape[1] == 1 ? shape[0] : shape[1];
  take_tail(tensors, model, source);
  tensors.check_nothing_is_left();
  take_scale(state_dict, source, scale, model);
  return model;
}

Model model_from_state_dict(const StateDict& state_dict, const std::string& source, std::optional<int64_t> scale) {
  TensorSource tensors(state_dict, source);
  Model model;
  model.d = output_channels(tensors, source, "first_part.0.weight");
  model.s = output_channels(tensors, source, "mid_part.0.weight");
  // Convolutions have even numbers, PReLUs odd ones; the first shrinks, the last expands.
  model.m = tensors.last_mid_part() / 2 - 1;
  if (model.m < 0 || model.m > kMostMappings) {
    fail(ErrorCode::model, "{}: the tensors 'mid_part.*' make {} mapping layers, but expected are 0 to {}", source,
         model.m, kMostMappings);
  }

  const int64_t d = model.d, s = model.s;
  const auto mid = [&](std::string name, int64_t index) {
    return Layer{.name = std::move(name),
                 .key = fmt::format("mid_part.{}", 2 * index),
                 .activation_key = fmt::format("mid_part.{}", 2 * index + 1)};
  };
  const Layer first{.name = "feature extraction", .key = "first_part.0", .activation_key = "first_part.1"};
  model.layers.push_back(take_layer(tensors, first, {d, 1, 5, 5}, d));
  model.layers.push_back(take_layer(tensors, mid("shrinking", 0), {s, d, 1, 1}, s));
  for (int64_t i = 1; i <= model.m; ++i) {
    model.layers.push_back(take_layer(tensors, mid(fmt::format("mapping {}", i), i), {s, s, 3, 3}, s));
  }
  model.layers.push_back(take_layer(tensors, mid("expanding", model.m + 1), {d, s, 1, 1}, d));
  take_tail(tensors, model, source);
  tensors.check_nothing_is_left();

  take_scale(state_dict, source, scale, model);
  const auto padding_remark = state_dict.metadata.find("padding_mode");
  if (padding_remark != state_dict.metadata.end() && padding_remark->second != "zeros") {
    if (padding_remark->second != "replicate") {
      fail(ErrorCode::model, "{}: the metadata's padding_mode is '{}', but must be zeros or replicate", source,
           padding_remark->second);
    }
    model.padding_mode = PaddingMode::replicate;
  }
  if (const auto border = state_dict.metadata.find("deconvolution_border"); border != state_dict.metadata.end()) {
    if (border->second != "1" || model.padding_mode != PaddingMode::replicate || model.tail != Tail::deconvolution) {
      fail(ErrorCode::model,
           "{}: the metadata's deconvolution_border is '{}', but must be 1, of a network with padding_mode replicate "
           "and "
           "a deconvolution",
           source, border->second);
    }
    model.deconvolution_border = 1;
  }
  return model;
}

StateDict to_state_dict(const Model& model) {
  StateDict state_dict;
  for (const Layer& layer : model.layers) {
    const auto [n, c, h, w] = layer.weight.shape();
    const auto size = [](const std::vector<float>& values) { return static_cast<int64_t>(values.size()); };
    state_dict.tensors.push_back({layer.key + ".weight", {n, c, h, w}, layer.weight.values()});
    state_dict.tensors.push_back({layer.key + ".bias", {size(layer.bias)}, layer.bias});
    if (layer.activation_key.empty()) continue;
    state_dict.tensors.push_back({layer.activation_key + ".weight", {size(layer.slope)}, layer.slope});
  }
  if (model.scale != 0) state_dict.metadata["scale"] = std::to_string(model.scale);
  if (model.padding_mode == PaddingMode::replicate) state_dict.metadata["padding_mode"] = "replicate";
  if (model.deconvolution_border != 0) state_dict.metadata["deconvolution_border"] = "1";
  return state_dict;
}

int64_t Model::halo() const {
  // Of a deconvolution, output column scale * x + p reads features at x + floor((p + 4) / scale) at most, and
  // x - floor(4 / scale) at least.
  const int64_t right = (scale - 1 + 4) / scale, left = 4 / scale;
  int64_t halo = tail == Tail::deconvolution ? std::max(left, right) : layers.back().padding();
  for (size_t i = 0; i + 1 < layers.size(); ++i) halo += layers[i].padding();
  return halo;
}

void require_scale(const Model& model, const std::string& source) {
  if (model.scale == 0) {
    fail(ErrorCode::model,
         "{}: the shapes of a deconvolution do not tell its scale; give it with --model-scale 2, 3 or 4", source);
  }
}

}  // namespace fsrcnn
