#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/tensor.hpp"
#include "network/state_dict.hpp"
#include "nn/params.hpp"

namespace fsrcnn::test {

/// A file of the tests' folder.
std::filesystem::path test_file(const std::string& name);

/// The bytes of a file of tests/golden.
std::vector<std::byte> golden(const std::string& name);

/// One case of tests/golden/<operator>.safetensors, made by make_golden.py.
struct GoldenCase {
  std::string number;
  nlohmann::json parameters;
  Tensor<float> input, weight, output;
  std::vector<float> bias;
};

std::vector<GoldenCase> golden_cases(const std::string& op);

/// A parameter of (height, width).
inline Pair pair_of(const nlohmann::json& json) { return {json[0], json[1]}; }

/// A tensor of up to four axes as a Tensor, missing axes in front.
Tensor<float> to_tensor(const NamedTensor& tensor);

/// float32 values as float64, which holds them exactly.
Tensor<double> to_double(const Tensor<float>& tensor);
std::vector<double> to_double(const std::vector<float>& values);

/// The largest difference; infinite if the shapes differ or a value is not a number.
template <class T>
double max_difference(const Tensor<T>& a, const Tensor<T>& b) {
  if (a.shape() != b.shape()) return INFINITY;
  double largest = 0;
  for (int64_t i = 0; i < a.count(); ++i) {
    const double difference = std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]));
    if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
  }
  return largest;
}

/// Sets or, if the value is null, removes a variable of the environment.
void set_environment(const char* name, const char* value);

/// Of cpu_names(), those that have kernels.
std::vector<std::string> fast_cpus();

/// Values in [low, high), the same for a seed on every machine.
Tensor<float> random_tensor(const Shape& shape, uint32_t seed, float low = 0, float high = 1);

/// Runs f and returns what its fsrcnn::Error says, as "code: message"; "no error" without one.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::to_string(static_cast<int>(e.code())) + ": " + e.what();
  }
  return "no error";
}

}  // namespace fsrcnn::test
