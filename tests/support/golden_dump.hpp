#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "engine/reference_network.hpp"
#include "network/formats/safetensors.hpp"
#include "network/formats/weights_file.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn::test {

/// A safetensors file of tests/golden that belongs to a network: its weights, if the file has them, and the output of
/// another framework for an input.
struct GoldenDump {
  StateDict weights;
  std::vector<NamedTensor> dumps;  ///< "dump.NN STEP", or only "output"
  Tensor<float> input;
};

inline GoldenDump golden_dump(const std::string& name) {
  GoldenDump dump;
  for (NamedTensor& tensor : parse_safetensors(golden(name + ".safetensors"), name).tensors) {
    if (tensor.name == "input") {
      dump.input = to_tensor(tensor);
    } else if (tensor.name == "output" || tensor.name.starts_with("dump.")) {
      dump.dumps.push_back(std::move(tensor));
    } else {
      dump.weights.tensors.push_back(std::move(tensor));
    }
  }
  return dump;
}

inline double largest(const Tensor<float>& tensor) {
  double value = 0;
  for (const float v : tensor.values()) value = std::max(value, std::abs(static_cast<double>(v)));
  return value;
}

/// Compares the names and values of all feature maps. The tolerance is relative to a map's largest value.
inline void expect_layers(const Network& network, const GoldenDump& golden, double tolerance) {
  const auto maps = reference_feature_maps(network, golden.input);
  ASSERT_EQ(maps.size(), golden.dumps.size() + 1);  // the last is clamped
  for (size_t i = 0; i < golden.dumps.size(); ++i) {
    EXPECT_EQ(fmt::format("dump.{:02} {}", i, maps[i].step), golden.dumps[i].name);
    const Tensor<float> expected = to_tensor(golden.dumps[i]);
    EXPECT_LE(max_difference(maps[i].values, expected), tolerance * largest(expected)) << golden.dumps[i].name;
  }
}

/// Compares the clamped output.
inline void expect_output(const Network& network, const GoldenDump& golden, double tolerance) {
  Tensor<float> expected = to_tensor(golden.dumps.back());
  for (float& v : expected.values()) v = std::clamp(v, 0.0F, 1.0F);
  EXPECT_LE(max_difference(reference_network(network, golden.input), expected), tolerance);
}

/// Writes and reads the network in each format that stores any network.
inline void expect_survives(const Network& network) {
  const TemporaryFolder folder;
  for (const char* form : {"n.safetensors", "n.pth", "n.onnx"}) {
    save_network(network, folder / form);
    const Network back = load_network(folder / form, network.scale);
    EXPECT_EQ(canonical_bytes(back), canonical_bytes(network)) << form;
    EXPECT_EQ(back.family, network.family) << form;
    EXPECT_EQ(format_scales(back), format_scales(network)) << form;
  }
}

}  // namespace fsrcnn::test
