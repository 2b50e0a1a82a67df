#include "engine/reference_network.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "engine/tiles.hpp"
#include "network/formats/safetensors.hpp"
#include "network/fsrcnn.hpp"
#include "support/golden.hpp"

namespace fsrcnn {
namespace {

/// A network with its input and every tensor on the way, made by PyTorch.
struct GoldenNetwork {
  Network network;
  Tensor<float> input;
  StateDict dumps;
};

GoldenNetwork golden_network(const std::string& name) {
  const auto path = test::test_file("golden/" + name + ".safetensors");
  StateDict file = parse_safetensors(read_file(path, 1 << 24), path.string()), weights, dumps;
  for (NamedTensor& tensor : file.tensors) {
    StateDict& to = tensor.name.find("_part.") != std::string::npos ? weights : dumps;
    to.tensors.push_back(std::move(tensor));
  }
  weights.metadata = file.metadata;
  return {network_from_state_dict(weights, name), test::to_tensor(*dumps.find("input")), dumps};
}

class ReferenceNetwork : public testing::TestWithParam<const char*> {};

TEST_P(ReferenceNetwork, AgreesWithPyTorchLayerByLayer) {
  const GoldenNetwork golden = golden_network(GetParam());
  const auto maps = reference_feature_maps(golden.network, golden.input);
  const auto wide_maps = reference_feature_maps(golden.network, test::to_double(golden.input));
  ASSERT_EQ(maps.size(), 2 * golden.network.layers.size());
  ASSERT_EQ(golden.dumps.tensors.size(), maps.size() + 1);
  for (size_t i = 0; i < maps.size(); ++i) {
    const std::string name = maps[i].layer + "|" + maps[i].step;
    SCOPED_TRACE(name);
    ASSERT_NE(golden.dumps.find(name), nullptr);
    const Tensor<float> expected = test::to_tensor(*golden.dumps.find(name));
    double full_scale = 0;
    for (const float value : expected.values()) full_scale = std::max(full_scale, std::abs(static_cast<double>(value)));
    EXPECT_LE(test::max_difference(maps[i].values, expected), 1e-5 * full_scale);
    EXPECT_LE(test::max_difference(wide_maps[i].values, test::to_double(expected)), 1e-5 * full_scale);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceNetwork,
                         testing::Values("network_x2_56_12_4", "network_x3_32_5_1", "network_x4_16_12_4"),
                         [](const auto& test) { return std::string(test.param); });

// Tiles are an implementation's choice, which nobody may see.
TEST_P(ReferenceNetwork, IsTheSameInTiles) {
  const GoldenNetwork golden = golden_network(GetParam());
  const Tensor<float> luma =
      test::random_tensor({1, 1, 2 * 4 * golden.network.halo() + 5, 4 * golden.network.halo() + 3}, 1);
  const auto [n, c, height, width] = luma.shape();
  const int64_t scale = golden.network.scale;
  Tensor<float> tiled({1, 1, scale * height, scale * width});
  int tiles = 0;
  int64_t pixels = 0;
  const ConstPlane in = plane_of(luma);
  const Plane out = plane_of(tiled);
  const auto run = [&](const Tensor<float>& tile) { return reference_network(golden.network, tile); };
  run_in_tiles(golden.network, {}, run, &in, 0, height, 0, height, &out, 1, [&](int64_t done) {
    ++tiles;
    pixels += done;
    return true;
  });
  EXPECT_EQ(tiled, reference_network(golden.network, luma));
  EXPECT_EQ(tiles, 6);
  EXPECT_EQ(pixels, height * width);
}

// Replicate padding is a dialect: a flat picture stays flat up to its edges, which zero padding cannot give.
TEST(ReferenceNetworkDialect, ReplicatePaddingReachesTheEdges) {
  Network network = golden_network("network_x2_56_12_4").network;
  Tensor<float> flat({1, 1, 12, 12});
  std::fill(flat.values().begin(), flat.values().end(), 0.5F);
  const auto expanded_edge_error = [&] {
    const auto maps = reference_feature_maps(network, flat);
    const Tensor<float>& expanded = maps[maps.size() - 3].values;
    return std::abs(expanded(0, 0, 0, 0) - expanded(0, 0, 6, 6));
  };
  EXPECT_GT(expanded_edge_error(), 1e-3);
  for (Layer& layer : network.layers) layer.conv.padding_mode = PaddingMode::replicate;
  EXPECT_LE(expanded_edge_error(), 1e-6);
}

}  // namespace
}  // namespace fsrcnn
