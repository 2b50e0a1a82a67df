#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "network/formats/onnx_reader.hpp"
#include "network/state_dict.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kMostOnnxScale = 8, kMostKernelChannels = 1024;
constexpr int64_t kMostPadding = 64, kLargestKernel = 129;

/// Rows and columns on the four sides, as ONNX's pads have them: top, left, bottom, right.
struct Sides {
  int64_t top = 0, left = 0, bottom = 0, right = 0;
};

/// A kernel with zeros around it.
Tensor<float> enlarge(const Tensor<float>& weight, const Sides& by) {
  const auto [n, c, h, w] = weight.shape();
  Tensor<float> larger({n, c, by.top + h + by.bottom, by.left + w + by.right});
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < c; ++k) {
      for (int64_t y = 0; y < h; ++y) {
        std::copy_n(weight.row(i, k, y), w, larger.row(i, k, y + by.top) + by.left);
      }
    }
  }
  return larger;
}

}  // namespace

bool OnnxReader::run_layer(const OnnxNode& node) {
  const std::string& op = node.op;
  if (op == "Conv") {
    run_convolution(node);
  } else if (op == "ConvTranspose") {
    run_transposed_convolution(node);
  } else if (op == "Pad") {
    run_pad(node);
  } else if (op == "DepthToSpace") {
    run_depth_to_space(node);
  } else if (op == "Resize" || op == "Upsample") {
    run_resize(node);
  } else {
    return false;
  }
  return true;
}

/// The weight of a convolution, checked to be one of pictures.
Tensor<float> OnnxReader::kernel(const OnnxNode& node) const {
  const OnnxNumbers& weight = constant(node, 1);
  const std::vector<int64_t>& s = weight.shape;
  if (s.size() != 4 || weight.values.empty()) {
    refuse(node, "has a weight of shape {}; expected four axes", to_string(s));
  }
  if (s[0] > kMostKernelChannels || s[1] > kMostKernelChannels || s[2] > kLargestKernel || s[3] > kLargestKernel) {
    refuse(node, "has a weight of shape {}; the limits are {} channels and kernel size {}", to_string(s),
           kMostKernelChannels, kLargestKernel);
  }
  return {Shape{s[0], s[1], s[2], s[3]}, floats(node, 1)};
}

/// Scales of a dequantised weight: one for each output, along `axis`, or one for all.
std::vector<double> OnnxReader::weight_scales(const OnnxNode& node, int64_t axis, int64_t outputs) const {
  const OnnxNumbers& weight = constant(node, 1);
  const bool fits = weight.scales_axis == axis && static_cast<int64_t>(weight.scales.size()) == outputs;
  return fits || weight.scales.size() == 1 ? weight.scales : std::vector<double>();
}

std::string OnnxReader::key_of(const std::string& tensor) {
  constexpr std::string_view kWeight = ".weight";
  if (!tensor.ends_with(kWeight)) return {};
  std::string key = tensor.substr(0, tensor.size() - kWeight.size());
  if (key.empty() || key.size() > 100 || std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return {};
  keys_.push_back(key);
  return key;
}

void OnnxReader::run_convolution(const OnnxNode& node) {
  const OnnxAttributes a(node, source_, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"});
  const OnnxPicture from = plain(node, 0);
  check_size(node, static_cast<int64_t>(constant(node, 1).values.size()));
  Tensor<float> weight = kernel(node);
  const Shape shape = weight.shape();
  const int64_t groups = a.integer("group", 1);
  if (groups < 1 || groups > kMostKernelChannels || shape.c * groups != from.channels || shape.n % groups != 0) {
    refuse(node, "has a weight of shape {} and {} groups, but reads {} channels", to_string(shape), groups,
           from.channels);
  }
  if (a.integers("kernel_shape", {shape.h, shape.w}, 2) != std::vector<int64_t>{shape.h, shape.w}) {
    refuse(node, "has a kernel_shape that differs from its weight's");
  }
  if (a.integers("strides", {1, 1}, 2) != std::vector<int64_t>{1, 1}) {
    refuse(node, "has a stride other than 1, which makes the picture smaller");
  }
  const std::vector<int64_t> dilations = a.integers("dilations", {1, 1}, 2);
  const Pair d{dilations[0], dilations[1]};
  if (d.h < 1 || d.w < 1 || d.h > kMostPadding || d.w > kMostPadding) {
    refuse(node, "has the dilations {}", to_string(dilations));
  }
  const Pair reach{d.h * (shape.h - 1), d.w * (shape.w - 1)};

  const std::string automatic = a.text("auto_pad", "NOTSET");
  std::vector<int64_t> pads = a.integers("pads", {0, 0, 0, 0}, 4);
  if (automatic != "NOTSET" && pads != std::vector<int64_t>(4, 0)) refuse(node, "has both pads and auto_pad");
  if (automatic == "SAME_UPPER") {
    pads = {reach.h / 2, reach.w / 2, reach.h - reach.h / 2, reach.w - reach.w / 2};
  } else if (automatic == "SAME_LOWER") {
    pads = {reach.h - reach.h / 2, reach.w - reach.w / 2, reach.h / 2, reach.w / 2};
  } else if (automatic != "NOTSET" && automatic != "VALID") {
    refuse(node, "has the auto_pad '{}'", automatic.substr(0, 40));
  }
  for (const int64_t p : pads) {
    if (p < 0 || p > kMostPadding) refuse(node, "has pads of {}; 0 to {} are supported", p, kMostPadding);
  }
  Sides sides{pads[0], pads[1], pads[2], pads[3]};
  auto mode = PaddingMode::zeros;
  if (from.padding) {
    const bool own = pads != std::vector<int64_t>(4, 0);
    if (from.padding->mode == PaddingMode::replicate && own) {
      refuse(node, "pads with zeros after a Pad that replicates edges, which is not supported");
    }
    mode = from.padding->mode;
    sides = {sides.top + from.padding->top, sides.left + from.padding->left, sides.bottom + from.padding->bottom,
             sides.right + from.padding->right};
  }
  if (sides.top + sides.bottom != reach.h || sides.left + sides.right != reach.w) {
    refuse(node,
           "with kernel {}x{} and padding ({}, {}, {}, {}) changes the size of the picture, which is not supported; "
           "use padding (kernel - 1) / 2 on each side",
           shape.h, shape.w, sides.top, sides.left, sides.bottom, sides.right);
  }
  // A kernel that is not in the middle is, with zeros on the other side.
  const auto missing = [&](int64_t before, int64_t after, int64_t dilation) {
    const int64_t more = std::max<int64_t>(0, after - before);
    if (more % dilation != 0) refuse(node, "has uneven padding and dilations {}", to_string(dilations));
    return more / dilation;
  };
  const Sides zeros{missing(sides.top, sides.bottom, d.h), missing(sides.left, sides.right, d.w),
                    missing(sides.bottom, sides.top, d.h), missing(sides.right, sides.left, d.w)};
  const Pair padding{std::max(sides.top, sides.bottom), std::max(sides.left, sides.right)};
  if (zeros.top + zeros.bottom + zeros.left + zeros.right > 0) {
    check_size(node, shape.n * shape.c * (shape.h + zeros.top + zeros.bottom) * (shape.w + zeros.left + zeros.right));
    weight = enlarge(weight, zeros);
  }

  Layer layer{.name = node.name, .key = key_of(node.inputs[1]), .inputs = {from.layer}};
  layer.weight = std::move(weight);
  layer.conv = {.padding = padding, .dilation = d, .groups = groups, .padding_mode = mode};
  layer.weight_scales = weight_scales(node, 0, shape.n);
  if (has_input(node, 2)) layer.bias = floats(node, 2);
  if (!layer.bias.empty() && static_cast<int64_t>(layer.bias.size()) != shape.n) {
    refuse(node, "has {} biases for {} outputs", layer.bias.size(), shape.n);
  }
  set(node, OnnxPicture::of(add_layer(std::move(layer), readers_of(node)), shape.n, from.scale));
}

void OnnxReader::run_transposed_convolution(const OnnxNode& node) {
  const OnnxAttributes a(
      node, source_,
      {"auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"});
  const OnnxPicture from = plain(node, 0);
  const int64_t groups = a.integer("group", 1);
  if (groups < 1 || groups > kMostKernelChannels) refuse(node, "has {} groups", groups);
  check_size(node, static_cast<int64_t>(constant(node, 1).values.size()));
  Tensor<float> weight = kernel(node);
  Shape shape = weight.shape();
  if (shape.n != from.channels || shape.n % groups != 0 || shape.c * groups > kMostKernelChannels) {
    refuse(node, "has a weight of shape {} and {} groups, but reads {} channels", to_string(shape), groups,
           from.channels);
  }
  if (a.integers("kernel_shape", {shape.h, shape.w}, 2) != std::vector<int64_t>{shape.h, shape.w}) {
    refuse(node, "has a kernel_shape that differs from its weight's");
  }
  const std::vector<int64_t> strides = a.integers("strides", {1, 1}, 2), d = a.integers("dilations", {1, 1}, 2);
  const std::vector<int64_t> added = a.integers("output_padding", {0, 0}, 2);
  const int64_t s = strides[0];
  if (s < 1 || s > kMostOnnxScale || strides[1] != s || from.scale * s > kMostOnnxScale) {
    refuse(node, "has the strides {}; they must be equal and at most {}", to_string(strides), kMostOnnxScale);
  }
  for (const int64_t v : {d[0], d[1], added[0] + 1, added[1] + 1}) {
    if (v < 1 || v > kMostPadding) {
      refuse(node, "has the dilations {} and output_padding {}", to_string(d), to_string(added));
    }
  }
  const std::string automatic = a.text("auto_pad", "NOTSET");
  std::vector<int64_t> pads = a.integers("pads", {0, 0, 0, 0}, 4);
  const bool by_shape = a.has("output_shape");
  if (by_shape) {
    // Of rows and columns; a size that only pictures of one size have.
    const std::vector<int64_t> out = a.integers("output_shape", {}, 2);
    if (from.padding || sizes_.height == 0 || sizes_.width == 0 || out[0] != s * from.scale * sizes_.height ||
        out[1] != s * from.scale * sizes_.width) {
      refuse(node, "has the output_shape {}, which is not `stride` times a known input size", to_string(out));
    }
  }
  if ((automatic != "NOTSET" || by_shape) && pads != std::vector<int64_t>(4, 0)) {
    refuse(node, "has both pads and {}", by_shape ? "output_shape" : "auto_pad");
  }
  if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER" || by_shape) {
    const int64_t total_h = d[0] * (shape.h - 1) + 1 - s + added[0], total_w = d[1] * (shape.w - 1) + 1 - s + added[1];
    if (total_h % 2 != 0 || total_w % 2 != 0) {
      // Runtimes do not agree on it.
      refuse(node, "does not say from which side an odd number of pixels is cropped; export it with pads");
    }
    if (from.padding) refuse(node, "follows a Pad and has auto_pad, which is not supported");
    pads = {total_h / 2, total_w / 2, total_h / 2, total_w / 2};
  } else if (automatic != "NOTSET" && automatic != "VALID") {
    refuse(node, "has the auto_pad '{}'", automatic.substr(0, 40));
  }
  Layer layer{.op = Layer::Op::transposed_convolution, .name = node.name, .inputs = {from.layer}};
  if (from.padding) {
    const OnnxPicture::Padding& p = *from.padding;
    if (p.top != p.left || p.bottom != p.left || p.right != p.left) {
      refuse(node, "follows a Pad of unequal widths, which is not supported");
    }
    if (p.mode == PaddingMode::replicate) {
      layer.border = p.left;
    } else {
      for (int64_t& pad : pads) pad -= s * p.left;  // zeros make nothing
    }
  }
  // So many rows and columns are cut off at each side, without output_padding.
  Sides cut{pads[0], pads[1], pads[2] - added[0], pads[3] - added[1]};
  for (const int64_t v : {cut.top, cut.left, cut.bottom, cut.right}) {
    if (std::abs(v) > kMostPadding * kMostOnnxScale) refuse(node, "has the pads {}", to_string(pads));
  }
  const auto fits = [&](int64_t before, int64_t after, int64_t dilation, int64_t k) {
    return (2 * layer.border - 1) * s + dilation * (k - 1) + 1 == before + after;
  };
  if (!fits(cut.top, cut.bottom, d[0], shape.h) || !fits(cut.left, cut.right, d[1], shape.w)) {
    refuse(node,
           "with kernel {}x{}, stride {}, pads {} and output_padding {} does not enlarge the picture exactly `stride` "
           "times",
           shape.h, shape.w, s, to_string(pads), to_string(added));
  }
  if (groups > 1) {
    const int64_t outputs = shape.c;
    check_size(node, shape.n * outputs * groups * shape.h * shape.w);
    Tensor<float> whole({shape.n, outputs * groups, shape.h, shape.w});
    for (int64_t i = 0; i < shape.n; ++i) {
      for (int64_t o = 0; o < outputs; ++o) {
        std::copy_n(weight.plane(i, o), shape.h * shape.w, whole.plane(i, i / (shape.n / groups) * outputs + o));
      }
    }
    weight = std::move(whole);
    shape = weight.shape();
  }
  // PyTorch's padding cuts as much off at both sides, and output_padding adds less than a stride at the end. Zeros
  // around the kernel make up for other cuts.
  Sides zeros;
  const auto place = [&](int64_t& before, int64_t& after, int64_t dilation, int64_t& zeros_before,
                         int64_t& zeros_after) {
    const auto grow = [&](int64_t& at, int64_t& by, int64_t count) {
      const int64_t steps = (count + dilation - 1) / dilation;
      at += steps * dilation;
      by += steps;
    };
    if (before < 0) grow(before, zeros_before, -before);
    if (before < after) grow(before, zeros_before, after - before);
    const int64_t most = std::max(s, dilation) - 1;
    if (before - after > most) grow(after, zeros_after, before - after - most);
    return before - after;
  };
  const int64_t more_h = place(cut.top, cut.bottom, d[0], zeros.top, zeros.bottom);
  const int64_t more_w = place(cut.left, cut.right, d[1], zeros.left, zeros.right);
  if (zeros.top + zeros.bottom + zeros.left + zeros.right > 0) {
    check_size(node, shape.n * shape.c * (shape.h + zeros.top + zeros.bottom) * (shape.w + zeros.left + zeros.right));
    weight = enlarge(weight, zeros);
  }
  layer.key = key_of(node.inputs[1]);
  if (groups == 1) layer.weight_scales = weight_scales(node, 1, shape.c);
  layer.weight = std::move(weight);
  layer.conv_transpose = {
      .stride = {s, s}, .padding = {cut.top, cut.left}, .output_padding = {more_h, more_w}, .dilation = {d[0], d[1]}};
  if (has_input(node, 2)) layer.bias = floats(node, 2);
  if (!layer.bias.empty() && static_cast<int64_t>(layer.bias.size()) != shape.c) {
    refuse(node, "has {} biases for {} outputs", layer.bias.size(), shape.c);
  }
  set(node, OnnxPicture::of(add_layer(std::move(layer), readers_of(node)), shape.c, from.scale * s));
}

void OnnxReader::run_pad(const OnnxNode& node) {
  const OnnxAttributes a(node, source_, {"mode", "pads", "paddings", "value"});
  const std::string mode = a.text("mode", "constant").substr(0, 40);
  std::vector<int64_t> pads;
  double value = 0;
  if (graph_.opset < 11) {
    pads = a.has("paddings") ? a.integers("paddings", {}) : a.integers("pads", {});
    value = a.number("value", 0);
  } else {
    if (a.has("pads") || a.has("value")) {
      refuse(node, "has its pads as an attribute, which opset {} does not allow", graph_.opset);
    }
    pads = integers(node, 1);
    if (has_input(node, 2)) {
      const OnnxNumbers& filled = constant(node, 2);
      if (filled.values.size() != 1) refuse(node, "pads with {} values", filled.values.size());
      value = filled.values[0];
    }
  }
  if (has_input(node, 3)) {
    const std::vector<int64_t> axes = integers(node, 3);
    std::vector<int64_t> all(8, 0);
    if (pads.size() != 2 * axes.size()) refuse(node, "has {} pads for {} axes", pads.size(), axes.size());
    for (size_t i = 0; i < axes.size(); ++i) {
      const int64_t axis = axes[i] < 0 ? axes[i] + 4 : axes[i];
      if (axis < 0 || axis > 3) refuse(node, "has the axis {}", axes[i]);
      all[static_cast<size_t>(axis)] = pads[i];
      all[static_cast<size_t>(axis) + 4] = pads[i + axes.size()];
    }
    pads = all;
  }
  // (N, C, H, W) at the beginning, then at the end.
  if (pads.size() != 8) refuse(node, "has {} pads; pictures need 8", pads.size());
  if (std::all_of(pads.begin(), pads.end(), [](int64_t p) { return p == 0; })) return set(node, picture(node, 0));
  for (const int64_t p : pads) {
    if (p < 0 || p > kMostPadding) refuse(node, "pads by {}; 0 to {} are supported", p, kMostPadding);
  }
  if (pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0) {
    refuse(node, "pads other axes than height and width, which is not supported");
  }
  if (mode != "constant" && mode != "edge") {
    refuse(node, "pads with mode '{}'; only constant zeros and edge are supported", mode);
  }
  if (mode == "constant" && value != 0) {
    refuse(node, "pads with {:g}; only constant zeros and edge are supported", value);
  }
  OnnxPicture result = plain(node, 0);
  OnnxPicture::Padding padding{mode == "edge" ? PaddingMode::replicate : PaddingMode::zeros, pads[2], pads[3], pads[6],
                               pads[7]};
  if (result.padding) {
    const OnnxPicture::Padding& p = *result.padding;
    if (p.mode != padding.mode) refuse(node, "follows a Pad with a different mode, which is not supported");
    padding = {p.mode, p.top + padding.top, p.left + padding.left, p.bottom + padding.bottom, p.right + padding.right};
  }
  result.padding = padding;
  set(node, result);
}

void OnnxReader::run_depth_to_space(const OnnxNode& node) {
  const OnnxAttributes a(node, source_, {"blocksize", "mode"});
  OnnxPicture result = plain(node, 0);
  if (result.padding) refuse(node, "follows a Pad; only a convolution may follow one");
  const int64_t r = a.integer("blocksize", 0);
  const std::string mode = a.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") refuse(node, "has the mode '{}'", mode.substr(0, 40));
  if (r < 1 || r > kMostOnnxScale || result.channels % (r * r) != 0) {
    refuse(node, "has blocksize {}, which does not fit {} channels", r, result.channels);
  }
  const int64_t c = result.channels / (r * r);
  const bool crd = mode == "CRD";
  using Kind = OnnxPicture::Atom::Kind;
  result.axes[1] = {{Kind::channel, c, crd ? r * r : 1}};
  result.axes[2].push_back({Kind::channel, r, crd ? r : r * c});
  result.axes[3].push_back({Kind::channel, r, crd ? 1 : c});
  set(node, result);
  // As a layer of this node's name.
  const OnnxNode reader{node.op, node.name, "", {node.outputs[0]}, {}, {}};
  plain(reader, 0);
}

}  // namespace fsrcnn
