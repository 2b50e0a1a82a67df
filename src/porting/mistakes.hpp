#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "porting/layer_port.hpp"

namespace fsrcnn {

/// Something that a port is known to get wrong, or that was fitted to what it wrote, at one layer.
struct Mistake {
  std::string id;        ///< "kernel_not_turned"
  std::string sentence;  ///< "the kernels are not turned by 180 degrees"
  std::string family;    ///< of two of one family only one is made at a time
  bool local = true;     ///< a part of the output depends on that part of the input alone, as in the right layer
  std::function<void(LayerPort&)> make;
  double numbers = 0;  ///< that were fitted, or chosen among many: of two that explain, the one with fewer is likelier
  std::vector<std::pair<std::string, int64_t>> parameters =
      {};  ///< that are others: ("bias", channel), ("prelu", channel)
};

/// What mistakes may mix a layer up with.
struct MistakeContext {
  const Network* network = nullptr;
  size_t layer = 0;
  int64_t in_channels = 1, out_channels = 1;  ///< of what it reads, and of what it gives in the end
  bool output_is_activated = true;  ///< false: the dump to be explained is from before the activation or clamp
  bool output_is_dump = true;       ///< false: another layer follows before the dump
  bool input_is_dump = true;        ///< false: another layer comes after the dump before
  double quantum = 0;               ///< of the dump's values: 1 / 255 of 8 bits; 0: none
  std::shared_ptr<const Tensor<float>> picture;  ///< the network's input, if the layer is the last and it is known
  std::map<std::string, std::shared_ptr<const Tensor<float>>> other_inputs;  ///< by the name of their layer
  std::map<std::string, std::shared_ptr<const Tensor<float>>> other_lumas;   ///< by what they are, of the first layer
  std::map<std::string, std::shared_ptr<const Tensor<float>>> maps;  ///< of layers before, done right, by their name
};

/// All mistakes on record that can be made at this layer and change something, the most usual first.
std::vector<Mistake> mistakes_at(const MistakeContext& context);

/// Those in its weights, biases and slopes: orders, other layers', few digits.
std::vector<Mistake> mistakes_in_weights(const MistakeContext& context, const LayerPort& port);
std::vector<Mistake> mistakes_in_vectors(const MistakeContext& context, const LayerPort& port);
/// Those within the layer: signs of its input, windows at the edges, rings of lines, the order of its steps.
std::vector<Mistake> mistakes_in_steps(const MistakeContext& context, const LayerPort& port);
/// Those in its sums: at the picture's edges, between channels, around the network.
std::vector<Mistake> mistakes_in_sums(const MistakeContext& context, const LayerPort& port);
/// Those in Winograd's terms, by which a convolution of 3 rows or columns may be computed.
std::vector<Mistake> mistakes_in_winograd(const LayerPort& port);
/// Those in the order of its files: biases within the kernels' stream, biases and slopes in turn, steps of channels.
std::vector<Mistake> mistakes_in_files(const MistakeContext& context, const LayerPort& port);

/// Lumas that a port may take of a picture (1, C, H, W) instead of the right one, by what they are.
std::map<std::string, std::shared_ptr<const Tensor<float>>> wrong_lumas(const Tensor<float>& picture,
                                                                        int64_t colour_planes);

}  // namespace fsrcnn
