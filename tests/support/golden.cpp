#include "support/golden.hpp"

#include <cmath>
#include <random>

#include "base/file.hpp"
#include "model/formats/safetensors.hpp"

namespace fsrcnn::test {

std::filesystem::path test_file(const std::string& name) { return std::filesystem::path(FSRCNN_TEST_DIR) / name; }

std::vector<std::byte> golden(const std::string& name) { return read_file(test_file("golden/" + name), 1 << 20); }

Tensor<float> to_tensor(const NamedTensor& tensor) {
  std::vector<int64_t> shape = tensor.shape;
  while (shape.size() < 4) shape.insert(shape.begin(), 1);
  return {{shape[0], shape[1], shape[2], shape[3]}, tensor.values};
}

std::vector<GoldenCase> golden_cases(const std::string& op) {
  const std::filesystem::path path = test_file("golden/" + op + ".safetensors");
  const StateDict file = parse_safetensors(read_file(path, 1 << 24), path.string());
  std::vector<GoldenCase> cases;
  for (const auto& [number, parameters] : file.metadata) {
    GoldenCase c{number, nlohmann::json::parse(parameters), {}, {}, {}, {}};
    c.input = to_tensor(*file.find(number + ".input"));
    c.output = to_tensor(*file.find(number + ".output"));
    if (const NamedTensor* weight = file.find(number + ".weight")) c.weight = to_tensor(*weight);
    if (const NamedTensor* bias = file.find(number + ".bias")) c.bias = bias->values;
    cases.push_back(std::move(c));
  }
  return cases;
}

Tensor<double> to_double(const Tensor<float>& tensor) { return {tensor.shape(), to_double(tensor.values())}; }

std::vector<double> to_double(const std::vector<float>& values) { return {values.begin(), values.end()}; }

Tensor<float> random_tensor(const Shape& shape, uint32_t seed, float low, float high) {
  std::mt19937 generator(seed);
  Tensor<float> tensor(shape);
  // std::uniform_real_distribution may differ between libraries.
  for (float& value : tensor.values()) value = low + (high - low) * static_cast<float>(generator() >> 8) * 0x1p-24F;
  return tensor;
}

Model random_model(int64_t d, int64_t s, int64_t m, int64_t scale, uint32_t seed) {
  Model model{.d = d, .s = s, .m = m, .scale = scale, .layers = {}};
  const auto add = [&](int64_t out, int64_t in, int64_t k, double gain) {
    Layer layer;
    const bool last = k == 9;
    layer.weight = Tensor<float>(last ? Shape{in, out, k, k} : Shape{out, in, k, k});
    // Each output is a sum over this many inputs; of the deconvolution's taps a phase has one in scale^2.
    const double inputs = static_cast<double>(in * k * k) / static_cast<double>(last ? scale * scale : 1);
    const float bound = static_cast<float>(gain / std::sqrt(inputs));
    layer.weight = random_tensor(layer.weight.shape(), ++seed, -bound, bound);
    layer.bias = last ? std::vector<float>(1, 0.5F) : random_tensor({1, 1, 1, out}, ++seed, -0.2F, 0.2F).values();
    if (!last) layer.slope = random_tensor({1, 1, 1, out}, ++seed, -0.5F, 1.5F).values();
    model.layers.push_back(std::move(layer));
  };
  add(d, 1, 5, 1.7);
  add(s, d, 1, 1.7);
  for (int64_t i = 0; i < m; ++i) add(s, s, 3, 1.7);
  add(d, s, 1, 1.7);
  add(1, d, 9, 0.3);
  // Names and keys as a file of weights gives them.
  const auto key = [&](size_t i) {
    return i == 0 ? "first_part.0" : i + 1 == model.layers.size() ? "last_part" : fmt::format("mid_part.{}", 2 * i - 2);
  };
  for (size_t i = 0; i < model.layers.size(); ++i) {
    model.layers[i].key = key(i);
    if (i == 0) model.layers[i].activation_key = "first_part.1";
    if (i > 0 && i + 1 < model.layers.size()) model.layers[i].activation_key = fmt::format("mid_part.{}", 2 * i - 1);
  }
  return model_from_state_dict(to_state_dict(model), "random");
}

}  // namespace fsrcnn::test
