#include <algorithm>
#include <cmath>
#include <utility>

#include "network/formats/onnx_reader.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kMostResize = 8;

/// Where `phase` of `factor` output pixels lies in the input, from the pixel that nearest interpolation takes.
double coordinate(const std::string& mode, int64_t factor, int64_t phase) {
  const auto f = static_cast<double>(factor), p = static_cast<double>(phase);
  if (mode == "asymmetric") return p / f;
  if (mode == "tf_half_pixel_for_nn") return (p + 0.5) / f;
  return (p + 0.5) / f - 0.5;
}

}  // namespace

/// How many times as large a Resize makes the picture.
int64_t OnnxReader::factor_of(const OnnxNode& node, const OnnxAttributes& a, const OnnxPicture& from) {
  const bool upsample = node.op == "Upsample";
  const size_t scales_at = upsample ? 1 : graph_.opset < 11 ? 1 : 2;
  std::vector<double> factors(4, 1);
  std::vector<int64_t> axes = {0, 1, 2, 3};
  if (a.has("axes")) axes = a.integers("axes", {});
  std::vector<double> found;
  if (upsample && graph_.opset < 7) {
    found = {1, 1, a.number("height_scale", 1), a.number("width_scale", 1)};
  } else if (upsample && graph_.opset < 9) {
    for (const float v : a.numbers("scales")) found.push_back(v);
  } else if (has_input(node, scales_at) && !constant(node, scales_at).values.empty()) {
    found = constant(node, scales_at).values;
  } else if (has_input(node, 3)) {
    const Value& input = value(node, 3);
    if (!std::holds_alternative<Numbers>(input)) refuse(node, "has sizes that are not numbers");
    const OnnxNumbers& sizes = *std::get<Numbers>(input);
    if (sizes.values.size() != axes.size()) refuse(node, "has {} sizes", sizes.values.size());
    const OnnxNumbers now = shape_of(from, {"Shape", node.name, "", {}, {}, {}}, source_);
    for (size_t i = 0; i < axes.size(); ++i) {
      const auto axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + 4 : axes[i]);
      if (axis > 3) refuse(node, "has the axis {}", axes[i]);
      const int64_t fixed[] = {sizes_.batch, 1, sizes_.height, sizes_.width};
      double before = now.values[axis];
      if (sizes.unit(i) != now.unit(axis)) {
        if (sizes.unit(i) != OnnxUnit::one || fixed[axis] == 0) {
          refuse(node, "has a size that is not a multiple of the picture's");
        }
        before *= static_cast<double>(fixed[axis]);
      }
      found.push_back(sizes.values[i] / before);
    }
  }
  if (found.size() != axes.size()) refuse(node, "has {} scales; expected {}", found.size(), axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + 4 : axes[i]);
    if (axis > 3) refuse(node, "has the axis {}", axes[i]);
    factors[axis] = found[i];
  }
  const double f = factors[2];
  if (factors[0] != 1 || factors[1] != 1) {
    refuse(node, "enlarges the batch {:g} times and the channels {:g} times; both must be 1", factors[0], factors[1]);
  }
  if (factors[3] != f || f != std::floor(f) || f < 1 || f > kMostResize ||
      static_cast<int64_t>(f) * from.scale > kMostResize) {
    refuse(
        node,
        "enlarges the picture {:g} times in height and {:g} times in width; both must be the same integer, at most {}",
        f, factors[3], kMostResize);
  }
  return static_cast<int64_t>(f);
}

void OnnxReader::run_resize(const OnnxNode& node) {
  const OnnxAttributes a(
      node, source_,
      {"antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value",
       "keep_aspect_ratio_policy", "mode", "nearest_mode", "scales", "height_scale", "width_scale"});
  OnnxPicture from = plain(node, 0);
  if (from.padding) refuse(node, "follows a Pad; only a convolution may follow one");
  a.require("antialias", 0);
  a.require("exclude_outside", 0);
  a.require("keep_aspect_ratio_policy", "stretch");
  const int64_t factor = factor_of(node, a, from);
  std::string mode = a.text("mode", "nearest").substr(0, 40);
  // Before opset 11, all modes did without half pixels.
  const bool asymmetric = node.op == "Upsample" || graph_.opset < 11;
  const std::string where =
      asymmetric ? "asymmetric" : a.text("coordinate_transformation_mode", "half_pixel").substr(0, 40);
  const std::string rounding = asymmetric ? "floor" : a.text("nearest_mode", "round_prefer_floor").substr(0, 40);
  if (factor == 1) return set(node, from);
  const bool half_pixel = where == "half_pixel" || where == "pytorch_half_pixel" || where == "half_pixel_symmetric";
  Layer layer{.op = Layer::Op::interpolate, .name = node.name, .inputs = {from.layer}, .factor = factor};
  if (mode == "nearest") {
    if (!half_pixel && where != "asymmetric" && where != "tf_half_pixel_for_nn") {
      refuse(node, "uses the unsupported coordinate mode '{}' for nearest", where);
    }
    for (int64_t phase = 0; phase < factor; ++phase) {
      const double at = coordinate(where, factor, phase);
      const double taken = rounding == "floor"               ? std::floor(at)
                           : rounding == "ceil"              ? std::ceil(at)
                           : rounding == "round_prefer_ceil" ? std::floor(at + 0.5)
                                                             : std::ceil(at - 0.5);
      if (taken != 0 || (rounding != "floor" && rounding != "ceil" && !rounding.starts_with("round_prefer_"))) {
        refuse(node, "uses nearest with '{}' and '{}', which does not repeat each pixel {} times", where, rounding,
               factor);
      }
    }
    layer.interpolation = Interpolation::nearest;
  } else if (mode == "linear" || mode == "bilinear" || mode == "cubic") {
    if (!half_pixel) {
      refuse(node, "uses the coordinate mode '{}'; only half_pixel (PyTorch's align_corners=False) is supported",
             where);
    }
    layer.interpolation = mode == "cubic" ? Interpolation::bicubic : Interpolation::bilinear;
    layer.cubic_coefficient = static_cast<float>(a.number("cubic_coeff_a", -0.75));
    if (!std::isfinite(layer.cubic_coefficient)) refuse(node, "has a cubic_coeff_a that is not a finite number");
  } else {
    refuse(node, "uses the unsupported interpolation mode '{}'", mode);
  }
  OnnxPicture result =
      OnnxPicture::of(add_layer(std::move(layer), readers_of(node)), from.channels, from.scale * factor);
  result.integers = from.integers;
  set(node, std::move(result));
}

}  // namespace fsrcnn
