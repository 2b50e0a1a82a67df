#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "network/network.hpp"

namespace fsrcnn::test {

/// Puts layers with random weights after each other. Weights are scaled so that values keep their size.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(Colours colours, uint32_t seed) : seed_(seed) { network.colours = colours; }

  /// Each returns the index of the layer, for `from`; without it a layer reads the one before.
  static constexpr int kBefore = -2;
  int convolution(int64_t out, int64_t kernel, int from = kBefore, PaddingMode mode = PaddingMode::zeros,
                  int64_t dilation = 1, int64_t groups = 1);
  int transposed_convolution(int64_t out, int64_t kernel, int64_t stride, int64_t padding, int64_t output_padding,
                             int from = kBefore);
  int depth_to_space(int64_t factor, int from = kBefore);
  int add(int a, int b);
  int interpolate(Interpolation mode, int64_t factor, int from = kBefore);
  /// Of the last layer. PReLU: slopes below 0, up to 1 and above.
  NetworkBuilder& with(Layer::Activation activation, float low = 0, float high = 1);

  /// Checked, with its scale.
  Network finish();

  Network network;

 private:
  int put(Layer layer, int from);
  int64_t channels_of(int layer) const;

  uint32_t seed_;
  std::vector<int64_t> channels_;  // of each layer
};

struct NamedNetwork {
  std::string name;
  Network network;
};
/// Its bytes, which GoogleTest would print otherwise, hold addresses: the test's name would be another at each run.
inline void PrintTo(const NamedNetwork& network, std::ostream* out) { *out << network.name; }

/// Networks of other families than FSRCNN, small, and what none of them has.
std::vector<NamedNetwork> other_networks();

/// An FSRCNN(d, s, m) with random weights, biases and slopes (below 0, up to 1 and above), whose output fills [0, 1]
/// with little of it clamped.
Network random_network(int64_t d, int64_t s, int64_t m, int64_t scale, uint32_t seed);

/// SRVGGNetCompact's shape with random weights: a 3x3 convolution to `features`, `convolutions` more, each with a
/// PReLU, one to scale * scale times the channels, depth to space, and the input, enlarged, added.
Network residual_network(Colours colours, int64_t features, int64_t convolutions, int64_t scale, uint32_t seed);

/// The last layer alone, as a network: it reads feature maps.
Network last_layer_of(const Network& network);

}  // namespace fsrcnn::test
