#include "support/golden.hpp"

#include <cmath>
#include <random>

#include "base/cpu.hpp"
#include "base/file.hpp"
#include "network/formats/safetensors.hpp"

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

void set_environment(const char* name, const char* value) {
#ifdef _WIN32
  _putenv_s(name, value == nullptr ? "" : value);
#else
  value == nullptr ? unsetenv(name) : setenv(name, value, 1);
#endif
}

std::vector<std::string> fast_cpus() { return {cpu_names().begin(), cpu_names().end() - 1}; }

Tensor<float> random_tensor(const Shape& shape, uint32_t seed, float low, float high) {
  std::mt19937 generator(seed);
  Tensor<float> tensor(shape);
  // std::uniform_real_distribution may differ between libraries.
  for (float& value : tensor.values()) value = low + (high - low) * static_cast<float>(generator() >> 8) * 0x1p-24F;
  return tensor;
}

}  // namespace fsrcnn::test
