#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "network/formats/onnx_attributes.hpp"
#include "network/formats/onnx_numbers.hpp"
#include "network/quantisation.hpp"
#include "nn/params.hpp"

namespace fsrcnn {

/// Extents of a graph's input, where it is for pictures of one size; 0: it is not.
struct OnnxSizes {
  int64_t batch = 1, height = 0, width = 0;
};

/// A value that depends on the picture: the output of a layer, and its current layout. An axis is a list of atoms,
/// outermost first: exporters write depth to space by splitting the channel axis into three, and moving and merging two
/// of them with height and width.
struct OnnxPicture {
  struct Atom {
    enum class Kind : uint8_t { batch, channel, height, width };
    Kind kind;
    int64_t extent;  ///< of height and width: how many times the network's input's
    int64_t stride;  ///< of a channel atom: how many of the layer's channels a step is; 0: it repeats
    bool operator==(const Atom&) const = default;
  };
  struct Padding {
    PaddingMode mode;
    int64_t top, left, bottom, right;
  };

  int layer;
  int64_t channels, scale;  ///< of the layer
  std::vector<std::vector<Atom>> axes;
  std::optional<Padding> padding = {};        ///< a Pad, which the convolution that follows takes
  std::optional<Quantisation> integers = {};  ///< its values are integers that represent the layer's

  /// (N, C, H, W) as layers make it.
  static OnnxPicture of(int layer, int64_t channels, int64_t scale);
  /// (N, H, W, C), as TensorFlow has it.
  static OnnxPicture channels_last(int layer, int64_t channels, int64_t scale);

  /// The axis of all channels, in the layer's order; empty: they are spread, mixed, or repeated.
  std::optional<size_t> channel_axis() const;
  bool is_plain() const { return axes == of(layer, channels, scale).axes && !padding; }
};

/// Which channels of the layer a picture of (N, C, H, W) has, in the order that depth to space by `factor` expects.
struct OnnxChannels {
  std::vector<int64_t> source;
  int64_t factor;
};
/// Empty if the axes are not (N, C, H, W).
std::optional<OnnxChannels> channels_of(const OnnxPicture& picture);

// Operators that only change the layout. They throw Error(model), which names the node, if it is not supported.

OnnxPicture reshape(const OnnxPicture& picture, const OnnxNumbers& shape, const OnnxSizes& sizes, const OnnxNode& node,
                    const std::string& source);
OnnxPicture transpose(const OnnxPicture& picture, const OnnxNode& node, const std::string& source);
OnnxPicture unsqueeze(const OnnxPicture& picture, std::vector<int64_t> axes, const OnnxNode& node,
                      const std::string& source);
OnnxPicture squeeze(const OnnxPicture& picture, std::vector<int64_t> axes, const OnnxNode& node,
                    const std::string& source);
/// `times` copies beside each other along an axis of channels.
OnnxPicture repeat(const OnnxPicture& picture, size_t axis, int64_t times, const OnnxNode& node,
                   const std::string& source);
/// A Shape's numbers.
OnnxNumbers shape_of(const OnnxPicture& picture, const OnnxNode& node, const std::string& source);

}  // namespace fsrcnn
