#pragma once

#include <cstdint>

namespace fsrcnn {

/// A value for the vertical and one for the horizontal direction, in the order of PyTorch's tuples.
struct Pair {
  int64_t h, w;
  bool operator==(const Pair&) const = default;
};

/// What lies outside the picture.
enum class PaddingMode { zeros, replicate };

/// torch.nn.Conv2d's parameters.
struct Conv2dParams {
  Pair stride{1, 1};
  Pair padding{0, 0};
  Pair dilation{1, 1};
  int64_t groups = 1;
  PaddingMode padding_mode = PaddingMode::zeros;
};

/// torch.nn.ConvTranspose2d's parameters.
struct ConvTranspose2dParams {
  Pair stride{1, 1};
  Pair padding{0, 0};
  Pair output_padding{0, 0};
  Pair dilation{1, 1};
  int64_t groups = 1;
};

}  // namespace fsrcnn
