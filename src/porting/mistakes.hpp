#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "porting/layer_port.hpp"

namespace fsrcnn {

/// Something that a port is known to get wrong, at one layer.
struct Mistake {
  std::string id;        ///< "kernel_not_turned"
  std::string sentence;  ///< "the kernels are not turned by 180 degrees"
  std::string family;    ///< of two of one family only one is made at a time
  bool local = true;     ///< a part of the output depends on that part of the input alone, as in the right layer
  std::function<void(LayerPort&)> make;
};

/// What mistakes may mix a layer up with.
struct MistakeContext {
  const Model* model = nullptr;
  size_t layer = 0;
  bool output_is_activated = true;  ///< false: the dump to be explained is from before the activation or clamp
  bool output_is_dump = true;       ///< false: another layer follows before the dump
  double quantum = 0;               ///< of the dump's values: 1 / 255 of 8 bits; 0: none
  std::map<std::string, std::shared_ptr<const Tensor<float>>> other_inputs;  ///< by the name of their layer
  std::map<std::string, std::shared_ptr<const Tensor<float>>> other_lumas;   ///< by what they are, of the first layer
};

/// All mistakes on record that can be made at this layer and change something, the most usual first.
std::vector<Mistake> mistakes_at(const MistakeContext& context);

/// Lumas that a port may take of a picture (1, C, H, W) instead of the right one, by what they are.
std::map<std::string, std::shared_ptr<const Tensor<float>>> wrong_lumas(const Tensor<float>& picture,
                                                                        int64_t colour_planes);

}  // namespace fsrcnn
