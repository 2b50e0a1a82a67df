#include "porting/tdc.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "engine/reference_network.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

TEST(PhaseKernels, GiveWhatTheTransposedConvolutionsGave) {
  size_t taken_apart = 0;
  std::vector<test::NamedNetwork> networks = test::other_networks();
  networks.push_back({"FSRCNN", test::random_network(6, 3, 1, 3, 5)});
  for (const auto& [name, network] : networks) {
    SCOPED_TRACE(name);
    const auto is_transposed = [](const Layer& layer) { return layer.op == Layer::Op::transposed_convolution; };
    if (std::none_of(network.layers.begin(), network.layers.end(), is_transposed)) {
      EXPECT_EQ(test::error_of([&, &n = network] { with_phase_kernels(n); }),
                "4: the network has no deconvolution to take apart");
      continue;
    }
    ++taken_apart;
    const PhaseKernels phases = with_phase_kernels(network);
    check_network(phases.network, "phases");
    EXPECT_TRUE(std::none_of(phases.network.layers.begin(), phases.network.layers.end(), is_transposed));
    const Tensor<double> input = test::to_double(test::random_tensor({1, network.channels(), 7, 6}, 1));
    EXPECT_LE(test::max_difference(reference_network(network, input), reference_network(phases.network, input)), 1e-12);
  }
  EXPECT_GE(taken_apart, 6U);
}

TEST(PhaseKernels, CannotReplicateABorder) {
  Network network = test::random_network(4, 3, 1, 2, 5);
  network.layers.back().border = 1;
  network.layers.back().conv_transpose.padding = {6, 6};
  check_network(network, "border");
  EXPECT_EQ(test::error_of([&] { with_phase_kernels(network); }),
            "4: 'deconvolution' reads a replicated border of 1, which no padding of a convolution gives");
}

}  // namespace
}  // namespace fsrcnn
